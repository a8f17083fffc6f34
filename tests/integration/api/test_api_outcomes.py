"""What came of a call whose outcome nobody knows, said over the API: the same operations, permissions and sentences as the page and `manage.py`."""

import uuid

import pytest

from agents import operations as agents
from agents.models import CompensationOrder, Effect, Run
from approvals.models import Action
from audit import queries as log
from tests import factories
from tests.factories import call, decide, work

pytestmark = pytest.mark.usefixtures("transactional_db", "cast", "agents")


@pytest.fixture
def lost(cast, world) -> Action:
    """A call that was made, and nobody knows what came of it."""
    _, action = factories.waiting(cast.reviewer, call("explode"), world=world)
    decide(action, cast.second)
    work()
    assert Effect.objects.get().state == "UNKNOWN"
    return action


def address(action: Action) -> str:
    return f"/runs/{action.run}/effects/{action.pk}/outcome"


@pytest.mark.parametrize(("outcome", "state", "status"), [("done", "DONE", "done"), ("not_done", "FAILED", "failed")])
def test_an_operator_says_it_and_the_run_goes_on(token, cast, lost, outcome, state, status):
    given = {"result": {"reference": "R-1"}} if outcome == "done" else {}
    code, said = token(cast.operator).post(address(lost), {"outcome": outcome, "reason": "I looked", **given})
    assert (code, said["state"], said["run"], said["action"], said["lacks"]) == (200, state, lost.run, str(lost.pk), [])
    assert said["result"] == ({"reference": "R-1", "confirmed_by": "olga"} if given else None) and said["run_state"] == "READY"
    work()
    run = Run.objects.get()
    assert (run.state, run.output["told"][0]["status"]) == ("SUCCEEDED", status)
    (event,) = [e for e in log.timeline(run=lost.run) if e.kind == f"effect.{state.lower()}"]
    assert (event.door, event.actor, event.data["reason"]) == ("api", "olga", "I looked")
    code, refusal = token(cast.operator).post(address(lost), {"outcome": outcome, "reason": "again"})
    assert (code, refusal["code"]) == (409, "wrong_state")


def test_it_may_be_undone_at_once(token, cast, lost):
    code, said = token(cast.operator).post(address(lost), {"outcome": "undo", "reason": "it must not stand"})
    assert (code, said["state"], said["run_state"]) == (200, "DONE", "CANCELLED") and CompensationOrder.objects.exists()


def test_only_operators_with_a_reason_and_the_scope_say_so(token, cast, lost):
    body = {"outcome": "done", "reason": "I looked"}
    for person in (cast.reviewer, cast.auditor):
        assert token(person).post(address(lost), body)[0] == 403
    assert token(cast.operator, "read").post(address(lost), body)[0] == 403
    olga = token(cast.operator)
    for wrong in ({"reason": " "}, {"outcome": "perhaps"}, {"outcome": "not_done", "result": {"a": 1}}, {"result": [1]}, {"more": 1}):
        assert olga.post(address(lost), {**body, **wrong})[0] in {400, 422}, wrong
    for path in (f"/runs/{uuid.uuid4()}/effects/{lost.pk}/outcome", f"/runs/{lost.run}/effects/{uuid.uuid4()}/outcome"):
        assert olga.post(path, body)[0] == 404
    assert Effect.objects.get().state == "UNKNOWN"


def test_a_result_that_lacks_what_all_had_is_told_or_refused(token, cast, lost, monkeypatch):
    monkeypatch.setattr("agents.api.outcomes.lacking", lambda **_: ("reference",))
    olga = token(cast.operator)
    status, refusal = olga.post(address(lost), {"outcome": "done", "reason": "I looked", "complete": True})
    assert (status, refusal["fields"]) == (422, {"reference": "missing"})
    assert olga.post(address(lost), {"outcome": "done", "reason": "I looked"})[1]["lacks"] == ["reference"]
    assert agents.recover() and Effect.objects.get().state == "DONE"
