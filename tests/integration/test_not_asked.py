"""What cannot be put before people is asked of nobody, and never comes back as a no that nobody said: told in words, as an error, or the run stops."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from agents import operations
from agents.models import Run
from agents.queries import run_detail
from approvals import operations as approvals
from approvals.errors import ApprovalError
from approvals.models import Action, Decision
from approvals.queries import action_detail
from audit import queries as log
from tests import factories
from tests.factories import asked, decide, lines, work
from tests.integration.test_dialects_offers import hitl, inbox

pytestmark = [pytest.mark.usefixtures("agents", "shapes"), pytest.mark.django_db(transaction=True)]
TOO_LARGE = {"id": 2**60}


def given(cast, world, value: Any) -> tuple[Run, list[Action]]:
    note = Path(world).with_name("asked.json")  # the input of a run has to be canonical, what a node asks need not be
    note.write_text(json.dumps(value))
    run = factories.run(cast.reviewer, agent="from_file", world=world, note=str(note))
    work()
    run.refresh_from_db()
    return run, asked(run)


def batch(args: Any, *allowed: list[str]) -> dict[str, Any]:
    """A batch of calls; the last one has these arguments."""
    value = hitl(*allowed)
    value["action_requests"][-1]["args"] = args
    return value


def per_call(*kinds: str) -> dict[str, Any]:
    branches = [{"type": "object", "properties": {"type": {"const": kind}}, "required": ["type"]} for kind in kinds]
    return {
        "type": "tool_approval",
        "tool_call_id": "c1",
        "name": "send",
        "args": TOO_LARGE,
        "description": "?",
        "response_schema": {"oneOf": branches},
    }


def request(**allow: bool) -> list[dict[str, Any]]:
    (one,) = inbox(**allow)
    return [{**one, "action_request": {"action": "send", "args": TOO_LARGE}}]


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (batch(TOO_LARGE, ["approve", "reject", "respond"]), "respond", "message"),
        (batch(TOO_LARGE, ["respond"]), "respond", "message"),
        (request(allow_accept=True, allow_ignore=True, allow_respond=True), "response", "args"),
        (per_call("approve", "reject", "respond"), "respond", "message"),
    ],
)
@pytest.mark.parametrize("number", [2**60, 1.7e18])
def test_whoever_takes_words_is_told_in_words(cast, world, value, kind, words, number):
    value = json.loads(json.dumps(value).replace(str(2**60), str(number)))
    run, actions = given(cast, world, value)
    assert (actions, run.state) == ([], "SUCCEEDED"), run.error
    (told,) = run.output["told"]
    answer = told[0] if isinstance(told, list) else told["decisions"][0] if "decisions" in told else told
    assert answer["type"] == kind
    assert "nobody was asked" in answer[words] and "2^53-1" in answer[words]
    (event,) = [e for e in log.timeline(run=str(run.pk)) if e.kind == "pause.refused"]
    assert event.data["tool"] == "send" and "2^53" in event.data["reason"]
    assert "2^53" in run_detail(str(run.pk)).pauses[0].refusal["reason"]


@pytest.mark.parametrize(
    "value",
    [
        batch(TOO_LARGE, ["approve"]),
        batch(TOO_LARGE, ["approve", "edit", "reject", "respond"], ["approve", "edit"]),
    ],
)
def test_whoever_cannot_be_told_no_stops_and_says_why(cast, world, client, value):
    run, actions = given(cast, world, value)
    assert (actions, run.state, lines(world)) == ([], "FAILED", [])
    assert "nobody was asked" in run.error and "2^53-1" in run.error and "no words" in run.error
    client.force_login(cast.second)
    page = client.get(reverse("run", args=[run.pk]) + "?view=steps").content.decode()
    assert "Nothing was asked of people" in page and "2^53-1" in page and "the agent was told why" not in page


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (batch(TOO_LARGE, ["approve", "reject"]), {"decisions": [{"type": "reject", "message": "too many"}]}),
        (batch({"id": [2**60, "\0"]}, ["approve", "reject"]), {"decisions": [{"type": "reject", "message": "too many"}]}),
        (request(allow_accept=True, allow_ignore=True), [{"type": "ignore", "args": None}]),
    ],
)
def test_whoever_takes_only_a_yes_or_a_no_is_told_a_person_s_no(cast, world, value, told):
    """A rejection without one would be a no that nobody said, and the run stopped instead: now people see every digit, and can only say no."""
    run, (action,) = given(cast, world, value)
    seen = action_detail(action.pk, reader=cast.second)
    assert set(seen.verdicts) == {"reject"} and "2^53-1" in str(seen.evidence) and "Nobody can approve it as it is" in str(seen.evidence)
    assert str(2**60) in str(seen.args)
    with pytest.raises(ApprovalError):
        decide(action, cast.second, "approve")
    decide(action, cast.second, "reject", reason="too many")
    work()
    run.refresh_from_db()
    assert (run.state, run.output["told"]) == ("SUCCEEDED", [told]), run.error


def test_where_other_arguments_are_taken_people_may_write_some_that_can_be_shown(cast, world):
    run, (action,) = given(cast, world, batch(TOO_LARGE, ["approve", "edit", "reject"]))
    assert action_detail(action.pk, reader=cast.second).args == {"id": str(2**60)}
    edit = approvals.request_edit(action.pk, by=cast.second, seen_digest=action.digest, args={"id": 7}, door="web")
    operations.check_edit(edit.pk)
    edit.refresh_from_db()
    assert edit.state == "APPLIED", vars(edit)
    action.refresh_from_db()
    decide(action, factories.another_reviewer())
    work()
    run.refresh_from_db()
    assert run.output["told"] == [{"decisions": [{"type": "edit", "edited_action": {"name": "send", "args": {"id": 7}}}]}]


def test_a_batch_with_one_such_call_is_asked_whole(cast, world):
    run, actions = given(cast, world, batch(TOO_LARGE, ["approve", "reject"], ["approve", "reject"]))
    first, second = sorted(actions, key=lambda one: "2^53" in str(action_detail(one.pk, reader=cast.second).evidence))
    decide(first, cast.second, "approve")
    decide(second, cast.second, "reject", reason="too many")
    work()
    run.refresh_from_db()
    assert run.state == "SUCCEEDED" and [one["type"] for one in run.output["told"][0]["decisions"]] == ["approve", "reject"], run.error


def test_a_call_that_lacks_something_is_decided_by_people_where_no_words_are_taken(others, world):
    """They say no, or write what is missing; as it is, it does not run."""
    run = factories.planned(others.reviewer, world, [["wipe", {}]], agent="choosy")
    work()
    (action,) = asked(run)
    seen = action_detail(action.pk, reader=others.second)
    assert set(seen.verdicts) == {"reject"} and "it needs path" in str(seen.evidence)
    decide(action, others.second, "reject", reason="which file?")
    work()
    run.refresh_from_db()
    assert (run.state, lines(world)) == ("SUCCEEDED", []), run.error


@pytest.mark.parametrize("agent", ["governed", "decorated"])
def test_a_call_of_our_own_line_is_an_error_and_the_page_of_its_run_says_it(cast, world, client, agent):
    factories.register(factories.LOOPS)
    run = factories.planned(cast.reviewer, world, [["send", {"to": "ada", "copies": 2**60}]], agent=agent)
    work()
    run.refresh_from_db()
    assert (run.state, asked(run), lines(world)) == ("SUCCEEDED", [], []), run.error
    client.force_login(cast.second)
    page = client.get(reverse("run", args=[run.pk]) + "?view=steps").content.decode()
    assert "Nothing was asked of people" in page and "2^53-1" in page and "the agent was told why" in page


# -- a reason that the dialect has no room for ------------------------------------------------------------------------------
ELICITS = {"message": "How many?", "mode": "form", "requestedSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}}


@pytest.mark.parametrize(
    ("value", "told", "deaf"),
    [
        (inbox(allow_accept=True, allow_ignore=True, allow_respond=True), {"type": "ignore", "args": None}, True),
        (inbox(allow_accept=True, allow_ignore=True), {"type": "ignore", "args": None}, True),
        (inbox(allow_accept=True, allow_respond=True), {"type": "response", "args": "not her"}, False),
        (ELICITS, {"action": "decline"}, True),
        (hitl(["approve", "reject"]), {"decisions": [{"type": "reject", "message": "not her"}]}, False),
    ],
)
def test_a_reason_that_the_agent_cannot_hear_is_kept_and_every_door_says_so(cast, world, client, capsys, value, told, deaf):
    run, (action,) = given(cast, world, value)
    client.force_login(cast.second)
    sheet = client.get(reverse("action-reject", args=[action.pk]), headers={"HX-Request": "true"}).content.decode()
    assert ("word for word" in sheet, "kept on record" in sheet) == (not deaf, deaf)
    assert client.get(f"/api/v1/actions/{action.pk}").json()["hears_reason"] is not deaf
    call_command("actions", "show", str(action.pk))
    assert ("hears only that it was rejected" in capsys.readouterr().out) == deaf
    words = "respond" in action_detail(action.pk, reader=cast.second).verdicts
    assert ("Answer it in words instead" in sheet) == (deaf and words)
    decide(action, cast.second, "reject", reason="not her")
    work()
    run.refresh_from_db()
    answer = run.output["told"][0]
    assert (answer[0] if isinstance(answer, list) else answer) == told
    assert Decision.objects.get(action=action).reason == "not her"
