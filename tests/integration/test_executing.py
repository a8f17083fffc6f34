"""T3 and T4: claimed once, run once, recorded whatever comes of it; and what a graph is told."""

import uuid

import pytest

from agents import operations as agents
from agents import queries
from agents.errors import BadInput, UnknownEffect, WrongState
from agents.graphs import loader
from agents.models import Agent, Effect, Run
from agents.operations import executing
from agents.states import MAX_ATTEMPTS, EffectState
from agents.tools.registry import Tool
from approvals import operations
from approvals.errors import BadRequest, Conflict, Expired, NotAllowed, Tampered
from approvals.models import Action
from approvals.operations import people
from audit import queries as log
from audit.actors import SYSTEM
from tests import factories
from tests.factories import call, decide, work
from tests.fakes import clock_moved

pytestmark = pytest.mark.usefixtures("agents")


def outcome(run: Run) -> dict:
    run.refresh_from_db()
    assert run.state == "SUCCEEDED", (run.state, run.error)
    return run.output["told"][0]


def through(cast, world, *calls, verdict="approve", **more):
    run, action = factories.waiting(cast.reviewer, *(calls or [call()]), world=world, **more)
    decide(action, cast.second, verdict)
    work()
    return run, Action.objects.get(pk=action.pk)


def test_an_approved_call_is_made_once_with_the_actions_id_as_its_key(cast, world):
    run, action = through(cast, world, call(label="hello"))
    assert factories.lines(world) == [f"{action.pk} hello"]
    assert outcome(run)["result"] == {"appended": "hello"}
    assert (Effect.objects.get().state, action.outcome["status"]) == ("DONE", "done")


@pytest.mark.parametrize(("verdict", "status"), [("reject", "rejected"), ("respond", "answered")])
def test_what_is_not_approved_is_told_and_never_made(cast, world, verdict, status):
    run, _action = through(cast, world, verdict=verdict)
    assert outcome(run)["status"] == status
    assert factories.lines(world) == []
    assert not Effect.objects.exists()


def test_a_look_up_passes_by_policy_and_is_recorded_like_any_other(cast, world):
    run = factories.run(cast.reviewer, call("look"), world=world)
    work()
    assert outcome(run)["status"] == "done"
    kinds = [e.kind for e in log.timeline(run=str(run.pk))]
    assert {"action.opened", "decision.recorded", "effect.claimed", "effect.done", "action.settled"} <= set(kinds)


def test_executing_four_times_is_executing_once(cast, world):
    _run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    assert [agents.execute(action.pk) for _ in range(4)] == ["DONE", None, None, None]
    assert len(factories.lines(world)) == 1


@pytest.mark.parametrize("tool", ["read_much", "read_deep"])
def test_a_result_too_large_for_the_log_is_still_a_result(cast, world, tool):
    run = factories.run(cast.reviewer, call(tool), world=world)
    work()
    run.refresh_from_db()  # its output is cut where that is long
    assert (run.state, Action.objects.get().outcome["status"]) == ("SUCCEEDED", "done")
    assert Effect.objects.get().state == "DONE"
    assert all(log.events().rows)


@pytest.mark.parametrize("value", [None, "text", 7, [], ["a"], {"a": None}, "nan", "object", "bytes", "nul", "huge", "large"])
def test_a_result_of_any_kind_is_recorded_and_told(cast, world, value):
    run = factories.run(cast.reviewer, call("answer", value=value), world=world)
    work()
    assert (outcome(run)["status"], Effect.objects.get().state) == ("done", "DONE")
    assert log.events().rows


@pytest.mark.parametrize(("tool", "status", "code"), [("refuse", "failed", "not_today"), ("append", "done", "")])
def test_what_the_graph_is_told(cast, world, tool, status, code):
    run, action = through(cast, world, call(tool))
    assert (outcome(run)["status"], action.outcome.get("code", "")) == (status, code)


@pytest.mark.parametrize("tool", ["explode", "sleep"])
def test_a_call_nobody_can_tell_the_end_of_is_unknown_and_waits_for_a_person(cast, world, tool):
    run, action = through(cast, world, call(tool))
    run.refresh_from_db()
    assert (run.state, Effect.objects.get().state, action.settled_at) == ("WAITING", "UNKNOWN", None)
    assert [e.action_id for e in queries.unknown_effects()] == [str(action.pk)]
    work()
    assert len(factories.lines(world)) == 1


@pytest.mark.parametrize(("done", "status"), [(True, "done"), (False, "failed")])
def test_a_person_says_what_became_of_it_and_the_run_goes_on(cast, world, done, status):
    run, action = through(cast, world, call("explode"))
    agents.resolve_unknown(action.pk, done=done, reason="I looked", by=cast.operator, door="web")
    work()
    assert (outcome(run)["status"], outcome(run)["args"]["label"]) == (status, "a line")
    with pytest.raises(WrongState):
        agents.resolve_unknown(action.pk, done=not done, reason="no, wait", by=cast.operator, door="web")


def test_only_operators_with_a_reason_say_so(cast, world):
    _, action = through(cast, world, call("explode"))
    for person in (cast.reviewer, cast.auditor, cast.outsider, cast.locked):
        with pytest.raises(NotAllowed):
            agents.resolve_unknown(action.pk, done=True, reason="I looked", by=person, door="web")
    with pytest.raises(BadRequest):
        agents.resolve_unknown(action.pk, done=True, reason=" ", by=cast.operator, door="web")
    for unknown in (uuid.uuid4(), "x", "\x00"):
        with pytest.raises(UnknownEffect):
            agents.resolve_unknown(unknown, done=True, reason="I looked", by=cast.operator, door="web")


def test_a_repeatable_call_is_repeated_with_its_key_and_then_asked_about(cast, world):
    _, action = through(cast, world, call("explode_again"))
    for minute in range(1, 6):
        with clock_moved(minutes=minute):
            for action_id in agents.recover().again:
                agents.execute(uuid.UUID(action_id), again=True)
    assert factories.lines(world) == [f"{action.pk} a line"] * MAX_ATTEMPTS
    assert Effect.objects.get().state == "UNKNOWN"


# -- a worker that dies between claim and record -------------------------------------------------------
def dies(cast, world, tool, monkeypatch):
    """A call whose worker is gone: claimed, perhaps made, never recorded."""
    _, action = factories.waiting(cast.reviewer, call(tool), world=world)
    decide(action, cast.second)
    with monkeypatch.context() as patch:
        patch.setattr(executing, "_record", lambda *_: executing.Recorded(EffectState.CLAIMED))
        agents.execute(action.pk)
    return action


# -- the run goes on in the transaction that settled its last question ---------------------------------------
def test_the_worker_that_settles_the_last_question_drives_the_run_on(cast, world, woken):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    woken.clear()
    assert agents.execute(action.pk, go_on=True) == "DONE"
    run.refresh_from_db()
    assert (run.state, run.fence, woken) == ("SUCCEEDED", 2, [])
    kinds = [e.kind for e in log.timeline(run=str(run.pk))]
    assert kinds.index("run.ready") < kinds.index("run.resumed") < kinds.index("run.succeeded")


def test_a_run_halted_while_its_tool_ran_is_not_taken(cast, world, monkeypatch):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    record = executing._record

    def halted_first(*args):
        operations.halt(scope="run", target=str(run.pk), reason="stop", by=cast.operator, door="web")
        return record(*args)

    monkeypatch.setattr(executing, "_record", halted_first)
    assert agents.execute(action.pk, go_on=True) == "DONE"
    run.refresh_from_db()
    assert (run.state, run.fence) == ("READY", 1)


def test_what_must_not_be_repeated_becomes_unknown(cast, world, monkeypatch):
    action = dies(cast, world, "append", monkeypatch)
    assert agents.recover().unknown == []
    with clock_moved(minutes=1):
        assert agents.recover().unknown == [str(action.pk)]
        assert agents.recover().unknown == []
    assert agents.execute(action.pk) is None
    assert len(factories.lines(world)) == 1


def test_what_may_be_repeated_is_repeated_with_the_same_key(cast, world, monkeypatch):
    action = dies(cast, world, "append_again", monkeypatch)
    with clock_moved(minutes=1):
        assert agents.recover().again == [str(action.pk)]
        assert agents.execute(action.pk, again=True) == "DONE"
        assert agents.execute(action.pk, again=True) is None
    assert {line.split()[0] for line in factories.lines(world)} == {str(action.pk)}


def test_a_worker_that_comes_back_late_writes_nothing(cast, world, monkeypatch):
    _, action = factories.waiting(cast.reviewer, call("append_again"), world=world)
    decide(action, cast.second)
    record = executing._record

    def late(taken, ran, began):
        with clock_moved(minutes=1):
            monkeypatch.setattr(executing, "_record", record)
            assert agents.execute(action.pk, again=True) == "DONE"
        return record(taken, ran, began)

    monkeypatch.setattr(executing, "_record", late)
    assert agents.execute(action.pk) is None
    assert [e.kind for e in log.timeline(action=str(action.pk))].count("effect.done") == 1


@pytest.mark.parametrize("trouble", ["switched off", "tool gone", "tampered"])
def test_what_cannot_be_repeated_any_more_is_unknown_not_failed(cast, world, monkeypatch, trouble):
    action = dies(cast, world, "append_again", monkeypatch)
    if trouble == "switched off":
        Agent.objects.update(enabled=False)
    elif trouble == "tool gone":
        monkeypatch.setattr(loader.Loaded, "tools", {})
    else:
        Action.objects.filter(pk=action.pk).update(score=1)
    with clock_moved(minutes=1):
        agents.execute(action.pk, again=True)
    action.refresh_from_db()
    assert (Effect.objects.get().state, action.settled_at) == ("UNKNOWN", None)


# -- refusals before anything was called ----------------------------------------------------------------
def test_an_agent_that_was_switched_off_acts_no_more(cast, world):
    _run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    Agent.objects.update(enabled=False)
    work()
    assert (Effect.objects.get().state, factories.lines(world)) == ("FAILED", [])
    assert Action.objects.get(pk=action.pk).outcome["code"] == "wrong_state"


def test_a_refusal_never_speaks_for_a_call_that_another_worker_has_begun(cast, world):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    stale = Effect.objects.get()
    agents.execute(action.pk)
    executing._refuse(stale, "wrong_state", "seen by a worker with old code")
    action.refresh_from_db()
    assert (Effect.objects.get().state, action.outcome["status"]) == ("DONE", "done")


def test_a_tool_the_agent_does_not_have_is_refused_without_asking_anybody(cast, world):
    run = factories.run(cast.reviewer, call("rm_rf", path="/"), world=world)
    work()
    assert (outcome(run)["status"], Action.objects.count()) == ("invalid", 0)
    assert "ToolNotAllowed" in run.output["told"][0]["reason"]


@pytest.mark.parametrize(
    "args", [{}, {"label": None}, {"label": {"a": 1}}, {"label": "nul \x00"}, {"label": "x" * 300_000}, {"label": "\ud800"}]
)
def test_arguments_that_do_not_fit_are_told_to_the_graph_and_to_nobody_else(cast, world, args):
    try:
        run = factories.run(cast.reviewer, {"tool": "append", "args": args}, world=world)
    except BadInput:
        return  # the run's own input could not be kept: it never started
    work()
    assert (outcome(run)["status"], Action.objects.count()) == ("invalid", 0)


def test_changed_arguments_do_not_run(cast, world, monkeypatch):
    """The tool's model changed between approval and execution: what ran would not be what was seen."""
    _run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    validate = Tool.validate
    monkeypatch.setattr(Tool, "validate", lambda self, args: (validate(self, args)[0], {**args, "times": 2}))
    agents.execute(action.pk)
    assert factories.lines(world) == []
    assert Action.objects.get(pk=action.pk).outcome["code"] == "arguments_changed"


# -- the claim itself --------------------------------------------------------------------------------------
def test_a_claim_takes_an_action_once(cast):
    action = factories.approved(cast.reviewer)
    assert operations.claim(action.pk, digest=action.digest).args == {"what": "this"}
    with pytest.raises(Conflict, match="Another worker"):
        operations.claim(action.pk, digest=action.digest)


@pytest.mark.parametrize("verdict", ["reject", "respond", None])
def test_only_what_is_approved_is_claimed(cast, verdict):
    action = factories.action()
    if verdict:
        decide(action, cast.reviewer, verdict)
    with pytest.raises(Conflict, match="not approved"):
        operations.claim(action.pk, digest=action.digest)


def test_another_digest_claims_nothing(cast):
    action = factories.approved(cast.reviewer)
    with pytest.raises(Tampered):
        operations.claim(action.pk, digest="0" * 64)


def test_an_approval_runs_out(cast):
    action = factories.approved(cast.reviewer)
    with clock_moved(minutes=16), pytest.raises(Expired):
        operations.claim(action.pk, digest=action.digest)


def test_a_policy_that_has_become_stricter_sends_it_back(cast, world, policy):
    run, action = factories.waiting(cast.reviewer, call("pay", amount_cents=20_000), world=world)
    decide(action, cast.second)
    policy.write_text(policy.read_text().replace("need: [{group: reviewers, count: 1}]", "need: [{group: reviewers, count: 2}]"))
    assert agents.execute(action.pk) is None
    action.refresh_from_db()
    assert (action.state, action.version, Effect.objects.exists(), factories.lines(world)) == ("PENDING", 2, False, [])
    for person in (cast.second, factories.another_reviewer()):
        decide(action, person)
    work()
    assert outcome(run)["status"] == "done"


def test_a_policy_under_which_the_level_is_higher_sends_it_back(cast, policy):
    action = factories.approved(cast.reviewer)
    policy.write_text(policy.read_text().replace("write: 26", "write: 60"))
    with pytest.raises(Conflict, match="the level is high"):
        operations.claim(action.pk, digest=action.digest)
    assert Action.objects.get(pk=action.pk).level == "high"


def test_a_policy_that_now_excludes_who_approved_sends_it_back(cast, policy):
    policy.write_text(policy.read_text().replace("    exclude: [requester, owner, editor]\n", "    exclude: [editor]\n", 1))
    action = factories.approved(cast.reviewer, requested_by=cast.reviewer)
    policy.write_text(policy.read_text().replace("    exclude: [editor]\n", "    exclude: [requester, editor]\n", 1))
    with pytest.raises(Conflict, match="went back"):
        operations.claim(action.pk, digest=action.digest)
    with pytest.raises(NotAllowed):
        decide(action, cast.reviewer)


def test_a_policy_that_has_become_milder_changes_nothing(cast, policy):
    action = factories.approved(cast.reviewer)
    policy.write_text(policy.read_text().replace("write: 26", "write: 25") + "\n# milder\n")
    assert operations.claim(action.pk, digest=action.digest)


def test_a_policy_change_never_lets_a_rejected_action_run(cast, world, policy):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second, "reject")
    policy.write_text(policy.read_text().replace("write: 26", "write: 0"))
    work()
    assert (outcome(run)["status"], factories.lines(world)) == ("rejected", [])


def test_an_approver_who_was_locked_since_sends_it_back(cast):
    action = factories.approved(cast.reviewer)
    people.deactivate(username="rita", by=SYSTEM)
    with pytest.raises(Conflict, match="no longer counts"):
        operations.claim(action.pk, digest=action.digest)
    assert Action.objects.get(pk=action.pk).state == "PENDING"


def test_an_approver_who_lost_the_role_since_sends_it_back_and_that_is_said(cast):
    action = factories.approved(cast.reviewer)
    people.ensure_person(username="rita", roles=["auditors"])
    with pytest.raises(Conflict, match="lost the role since"):
        operations.claim(action.pk, digest=action.digest)
