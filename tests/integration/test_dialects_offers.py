"""What people are offered of a question is what can be said of it: no answer is asked for that its asker would not take."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents import operations as agents
from agents.models import Pause, Run
from approvals import operations as approvals
from approvals.errors import BadRequest
from approvals.models import Action
from approvals.queries import action_detail
from tests import factories
from tests.factories import asked, decide, work

pytestmark = [pytest.mark.usefixtures("agents", "shapes"), pytest.mark.django_db(transaction=True)]


def hitl(*allowed: Any) -> dict[str, Any]:
    requests = [{"name": "send", "args": {"to": f"n{n}"}} for n in range(len(allowed))]
    configs = [{"action_name": "send", **({} if one is None else {"allowed_decisions": one})} for one in allowed]
    return {"action_requests": requests, "review_configs": configs}


def inbox(**allow: bool) -> list[dict[str, Any]]:
    none = dict.fromkeys(("allow_accept", "allow_edit", "allow_respond", "allow_ignore"), False)
    return [{"action_request": {"action": "send", "args": {"to": "ada"}}, "config": {**none, **allow}, "description": "?"}]


def given(cast, world, value: Any) -> tuple[Run, list[Action]]:
    note = Path(world).with_name("asked.json")  # the input of a run has to be canonical, what a node asks need not be
    note.write_text(json.dumps(value))
    run = factories.run(cast.reviewer, agent="from_file", world=world, note=str(note))
    work()
    run.refresh_from_db()
    return run, asked(run)


def verdicts(action: Action, cast) -> set[str]:
    return set(action_detail(action.pk, reader=cast.second).verdicts)


@pytest.mark.parametrize("value", [hitl([]), hitl(["approve"], []), inbox()])
def test_what_allows_no_answer_at_all_is_asked_of_nobody(cast, world, value):
    run, actions = given(cast, world, value)
    assert (run.state, actions) == ("FAILED", [])
    assert "allows them no answer at all" in run.error


@pytest.mark.parametrize("value", [{**hitl(None), "review_configs": []}, hitl(None)])
def test_an_asker_who_says_nothing_of_answers_wants_a_yes_or_a_no(cast, world, value):
    run, (action,) = given(cast, world, value)
    assert verdicts(action, cast) == {"approve", "reject"}
    decide(action, cast.second)
    work()
    run.refresh_from_db()
    assert (run.state, run.output["told"]) == ("SUCCEEDED", [{"decisions": [{"type": "approve"}]}])


def test_who_takes_other_arguments_and_no_plain_yes_is_given_only_those(cast, world):
    run, (action,) = given(cast, world, hitl(["edit", "reject"]))
    assert (action.kind, verdicts(action, cast)) == ("tool", {"reject"})
    with pytest.raises(BadRequest, match="no plain yes"):
        decide(action, cast.second)
    edit = approvals.request_edit(action.pk, by=cast.second, seen_digest=action.digest, args={"to": "eve"}, door="web")
    agents.check_edit(edit.pk)
    action.refresh_from_db()
    other = factories.another_reviewer()
    assert "approve" in action_detail(action.pk, reader=other).verdicts
    decide(action, other)
    work()
    run.refresh_from_db()
    edited = {"type": "edit", "edited_action": {"name": "send", "args": {"to": "eve"}}}
    assert (run.state, run.output["told"]) == ("SUCCEEDED", [{"decisions": [edited]}])


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (inbox(allow_ignore=True), {"reject"}),
        (inbox(allow_respond=True), {"respond", "reject"}),
        ("Which one?", {"respond", "reject"}),
        ({"reason": "input_required", "message": "Which?", "expires_at": "soon"}, {"respond", "reject"}),
    ],
)
def test_a_question_lists_what_can_be_said_of_it(cast, world, value, wanted):
    _, (action,) = given(cast, world, value)
    assert (action.kind, verdicts(action, cast)) == ("question", wanted)
    with pytest.raises(BadRequest, match="This is a question"):
        decide(action, cast.second)


def test_a_time_that_nobody_can_read_is_said_to_whoever_decides(cast, world):
    _, (action,) = given(cast, world, {"reason": "input_required", "message": "Which?", "expires_at": "soon"})
    assert "soon, which is no time that can be read" in action_detail(action.pk, reader=cast.second).rationale


@pytest.mark.parametrize("value", ["Which one?", {"question": "Which one?"}])
def test_a_plain_question_has_its_words_in_lists(cast, world, value):
    _, (action,) = given(cast, world, value)
    assert action.summary == "Question: Which one?"


@pytest.mark.parametrize(
    "schema", [{"type": "nonsense"}, {"$ref": "http://elsewhere.example/s"}, {"properties": {"a": {"$ref": "#/$defs/gone"}}}]
)
def test_a_question_whose_schema_cannot_be_used_can_only_be_rejected(cast, world, schema):
    """Any answer would be refused after somebody had written it."""
    _, (action,) = given(cast, world, {"reason": "input_required", "message": "How many?", "response_schema": schema})
    assert verdicts(action, cast) == {"reject"}


def test_a_form_of_mcp_is_answered_as_mcp_wants_it(cast, world):
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    asks = {"message": "How many?", "mode": "form", "requestedSchema": schema}
    run, (action,) = given(cast, world, asks)
    assert (action.kind, action.summary) == ("question", "Question: How many?")
    shown = action_detail(action.pk, reader=cast.second)
    assert shown.args == {"asked": {"message": "How many?", "questions": {"n": "a whole number · has to be answered"}}}
    assert (shown.answer_schema, run.pauses.get().raw) == (schema, asks)
    with pytest.raises(BadRequest, match="does not fit"):
        decide(action, cast.second, "respond", response="many")
    decide(action, cast.second, "respond", response='{"n": 3}')
    work()
    run.refresh_from_db()
    assert run.output["told"] == [{"action": "accept", "content": {"n": 3}}]
    run, (action,) = given(cast, world, asks)
    decide(action, cast.second, "reject")
    work()
    run.refresh_from_db()
    assert run.output["told"] == [{"action": "decline"}]


@pytest.mark.parametrize("text", ["Shall I?\x00Really?", "x" * 40_000, {"deep": [[[[[["Shall I?\x00"]]]]]]}])
def test_whatever_is_asked_is_put_before_people_and_kept(cast, world, text):
    run, (action,) = given(cast, world, text)
    assert (action.kind, run.state) == ("question", "WAITING")
    shown_of = str(action_detail(action.pk, reader=cast.second).args)
    assert "in all]" not in shown_of
    assert "in all]" not in str(Pause.objects.get(run=run).raw)


def test_of_what_is_too_long_to_freeze_the_beginning_is_shown_and_that_it_is(cast, world):
    run, (action,) = given(cast, world, "x" * 400_000)
    asked_of = action_detail(action.pk, reader=cast.second).args["asked"]
    assert len(asked_of["cut"]) > 40_000 and "bytes" in asked_of["because"]
    assert len(Pause.objects.get(run=run).raw) == 400_000, "and kept whole"
