"""A call of unknown outcome on which a person has spoken: what they said counts wherever it is shown; and what a result by hand lacks is said first."""

import io
import json
import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from agents import operations as agents
from agents import queries
from agents.errors import BadInput
from agents.models import Effect
from approvals.models import Action
from approvals.queries.results import lacking, last_result
from tests import factories
from tests.factories import call, decide, work

pytestmark = pytest.mark.usefixtures("agents", "shapes")


@pytest.fixture
def operator(cast, settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    client = Client()
    client.force_login(cast.operator, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def unknown(cast, world):
    """A call whose tool broke in the middle."""
    run, action = factories.waiting(cast.reviewer, call("explode"), world=world)
    decide(action, cast.second)
    work()
    Effect.objects.filter(pk=action.pk).update(error="its worker died")
    return run, action


@pytest.fixture
def gave(cast, world):
    """One call of append was done, and another is asked about."""
    _run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    work()
    return factories.waiting(cast.reviewer, call(label="other"), world=world)


def words(answer):
    return " ".join(re.sub("<[^>]*>", " ", answer.content.decode()).split())


def command(*args):
    out = io.StringIO()
    call_command("runs", *args, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(("done", "words"), [(True, "it was done"), (False, "it was not done")])
def test_what_a_person_said_is_shown_and_the_old_error_only_as_history(cast, unknown, operator, done, words):
    run, action = unknown
    assert "its worker died" in command("show", str(run.pk))
    agents.resolve_unknown(action.pk, done=done, reason="the list says so", by=cast.operator, door="web")
    shown = command("show", str(run.pk))
    line = next(one for one in shown.splitlines() if str(action.pk) in one)
    assert f"olga looked: {words} (the list says so)" in line and "died" not in line
    assert "until then: its worker died" in shown
    assert queries.effect(action.pk).error == ""
    for page in (f"/actions/{action.pk}/effect", f"/runs/{run.pk}/?view=steps", f"/runs/{run.pk}/steps/a{action.pk}/"):
        text = operator.get(page).content.decode()
        assert f"olga looked: {words} (the list says so). Until then: its worker died" in text, page
    assert "It failed." not in operator.get(f"/runs/{run.pk}/steps/a{action.pk}/").content.decode()


def test_a_tools_own_failure_stays_its_error(cast, world):
    run, action = factories.waiting(cast.reviewer, call("refuse"), world=world)
    decide(action, cast.second)
    work()
    assert queries.effect(action.pk).said == "" and queries.effect(action.pk).error
    assert queries.run_detail(run.pk).effects[0].was == ""


def test_what_every_result_of_a_tool_had_is_known_and_peoples_words_are_none(cast, world, gave):
    _run, action = gave
    said = {"agent": action.agent, "tool": action.tool}
    assert lacking(**said, result={"n": 1}) == ("appended",)
    assert lacking(**said, result={"appended": "x", "more": 1}) == () == lacking(agent="calls", tool="explode", result={})
    broken, other = factories.waiting(cast.reviewer, call("explode"), world=world)
    decide(other, cast.second)
    work()
    agents.resolve_unknown(other.pk, done=True, reason="I looked", by=cast.operator, door="web", result={"x": 1})
    assert last_result(agent=broken.agent_id, tool="explode") is None


def test_the_page_warns_of_what_a_given_result_lacks_before_it_is_confirmed(cast, gave, operator):
    run, action = gave
    address, said = reverse("action-answer-for", args=[action.pk]), {"seen_digest": Action.objects.get(pk=action.pk).digest}
    page = words(operator.post(address, {**said, "result": '{"n": 1}'}))
    assert "It lacks a field that every result of this tool had until now; the agent may fail without it: appended" in page
    assert "lacks a field" not in operator.post(address, {**said, "result": '{"appended": "x"}'}).content.decode()
    assert operator.post(address, {**said, "result": '{"n": 1}', "confirmed": "yes", "reason": "so"}).status_code == 302  # not refused
    run.refresh_from_db()
    assert run.state == "READY"


def test_the_command_warns_before_the_digest_is_given(gave):
    _run, action = gave
    out = io.StringIO()
    with pytest.raises(CommandError, match="--digest"):
        call_command("runs", "answer", str(action.pk), "--result", '{"n": 1}', "--reason", "so", "--by", "olga", stdout=out)
    assert "It lacks what every result of append had until now: appended" in out.getvalue()


def test_the_api_says_what_is_lacking_and_refuses_it_where_asked_to(cast, gave, operator):
    run, action = gave
    token = operator.get(reverse("console")).wsgi_request.META.get("CSRF_COOKIE", "")
    said = {"action": str(action.pk), "digest": Action.objects.get(pk=action.pk).digest, "result": {"n": 1}, "reason": "so"}
    post = lambda body: operator.post(  # noqa: E731
        f"/api/v1/runs/{run.pk}/answer-for", json.dumps(body), content_type="application/json", headers={"X-CSRFToken": token}
    )
    refused = post({**said, "complete": True})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["appended"])
    given = post(said)
    assert (given.status_code, given.json()["lacks"], given.json()["state"]) == (200, ["appended"], "DONE")


@pytest.fixture
def unknown_of_append(cast, gave):
    """The tool of a call that gave something once, and of which nobody knows."""
    run, action = gave
    decide(action, cast.second)
    Effect.objects.filter(pk=action.pk).update(state="CLAIMED", claimed_at="2026-01-01T00:00Z")
    Action.objects.filter(pk=action.pk).update(claimed_at="2026-01-01T00:00Z")
    Effect.objects.filter(pk=action.pk).update(state="UNKNOWN", error="gone")
    return run, action


def test_who_says_that_it_was_done_is_warned_and_may_say_what_it_gave_back(unknown_of_append, operator):
    run, action = unknown_of_append
    address, said = reverse("effect-resolved", args=[action.pk]), {"done": "yes", "reason": "I looked"}
    assert "Results of this tool always had: appended" in words(operator.get(reverse("effect-resolve", args=[action.pk])))
    warned = operator.post(address, said)
    assert warned.status_code == 200 and "lacks a field" in warned.content.decode() and "I looked" in warned.content.decode()
    assert operator.post(address, {**said, "result": "[1"}).status_code == 422
    assert Effect.objects.get(pk=action.pk).state == "UNKNOWN"
    assert operator.post(address, {**said, "result": '{"appended": "other"}'}).status_code == 302
    assert Effect.objects.get(pk=action.pk).result == {"appended": "other", "confirmed_by": "olga"}
    work()
    run.refresh_from_db()
    assert "other" in json.dumps(run.output)


def test_the_command_asks_for_the_result_or_for_anyway(unknown_of_append):
    _run, action = unknown_of_append
    said = (str(action.pk), "done", "--reason", "I looked", "--by", "olga")
    with pytest.raises(CommandError, match=r"had until now: appended\. Say what it gave back with --result, or --anyway"):
        command("resolve", *said)
    assert "done" in command("resolve", *said, "--anyway")


def test_a_result_that_is_no_object_is_not_kept(cast, unknown):
    _run, action = unknown
    with pytest.raises(BadInput):
        agents.resolve_unknown(action.pk, done=True, reason="I looked", by=cast.operator, door="web", result=[1])
