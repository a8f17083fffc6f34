"""A fork that goes on for real: a run of its own, asked about anew in everything, that uses no approval, answer or key of its parent."""

import json
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from agents import history
from agents import operations as agents
from agents.errors import BadInput, KeyUsed, UnknownCheckpoint, WrongState
from agents.models import Effect, Override, Pause, Run
from agents.operations.branching import Branch
from agents.operations.recovering import recover
from approvals import operations
from approvals.errors import BadRequest, NotAllowed
from approvals.models import Action, Decision, Requirement
from audit import queries as log
from tests import factories
from tests.factories import asked, call, decide, lines, work

pytestmark = pytest.mark.usefixtures("agents", "shapes")


def branch(run: Run, by, checkpoint: str = "", values=None, **more) -> Run:
    told = {"reason": "what if", "door": "web", **more}
    return agents.branch_run(run.pk, Branch(checkpoint, values or {}), by=by, **told)


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def ended(cast, *calls, **more) -> Run:
    run, _ = factories.waiting(cast.reviewer, *calls, **more)
    while waits := asked(run):
        for action in waits:
            decide(action, cast.second)
        work()
    return fresh(run)


def keys(world: str) -> list[str]:
    return [line.split(" ")[0] for line in lines(world)]


def middle(run: Run) -> str:
    """Where one call has been told and the other has not."""
    chain = history.checkpoints(run.thread, limit=1_000).rows
    return next(one.id for one in reversed(chain) if len(history.values(run.thread, one.id).get("told", [])) == 1)


def text(action: Action) -> str:
    return json.dumps(Requirement.objects.get(action=action, version=action.version).evidence)


# -- a run of its own -----------------------------------------------------------------------------------------------
def test_it_is_a_run_of_its_own_from_that_checkpoint_and_asks_anew(cast, world):
    parent = ended(cast, agent="twice", world=world)
    before = history.checkpoints(parent.thread, limit=1_000).rows
    fork = branch(parent, cast.operator, middle(parent))
    assert (fork.parent_id, fork.parent_checkpoint, fork.thread == parent.thread) == (parent.pk, middle(parent), False)
    work()
    (anew,) = asked(fork)
    assert fresh(fork).state == "WAITING" and Effect.objects.filter(run=fork).count() == 0
    decide(anew, cast.second)
    work()
    assert (fresh(fork).state, len(lines(world)), len(set(keys(world)))) == ("SUCCEEDED", 3, 3)
    assert keys(world)[-1] == str(anew.pk) and fresh(fork).output["told"][0]["status"] == "done"
    assert history.checkpoints(parent.thread, limit=1_000).rows == before and fresh(parent).state == "SUCCEEDED"


def test_other_values_are_in_its_state_and_in_the_record_with_what_they_were(cast, world):
    parent = ended(cast, call(label="first"), world=world)
    values = {"input": {**parent.input, "calls": [call(label="other")]}}
    fork = branch(parent, cast.operator, values=values)
    work()
    (anew,) = asked(fork)
    assert (
        anew.summary == "Append other" and fresh(fork).input["calls"][0]["args"] == {"label": "other"} != parent.input["calls"][0]["args"]
    )
    order = Override.objects.get(run=fork)
    assert (order.kind, order.state, order.before["input"]["calls"]) == ("fork", "DONE", [call(label="first")])
    (told,) = [e.data for e in log.timeline(run=str(fork.pk)) if e.kind == "run.created"]
    assert (told["parent"], told["values"], told["reason"], told["version"]) == (str(parent.pk), values, "what if", 1)
    assert told["version_then"] == "calls@1" and [one["tool"] for one in told["parent_did"]] == ["append"]
    assert [e.data["fork"] for e in log.timeline(run=str(parent.pk)) if e.kind == "run.forked"] == [str(fork.pk)]


def test_what_its_parent_did_already_is_said_to_whoever_decides(cast, world):
    parent = ended(cast, call(label="once"), call(label="never asked again"), world=world)
    fork = branch(parent, cast.operator, values={"input": {**parent.input, "calls": [call(label="once"), call(label="new")]}})
    work()
    found = {action.summary: text(action) for action in asked(fork)}
    assert f"The parent run {str(parent.pk)[:8]} already made this call at 20" in found["Append once"] and ": done" in found["Append once"]
    assert "already made" not in found["Append new"]
    again = branch(fork, cast.operator)
    work()
    assert all("already made" in text(action) for action in asked(again) if action.summary == "Append once")


def test_an_approval_its_parent_has_not_used_is_not_used_by_it(cast, world):
    parent, action = factories.waiting(cast.reviewer, call(label="a line"), world=world)
    decide(action, cast.second)
    fork = branch(parent, cast.operator)
    agents.advance_run(fork.pk)
    (anew,) = asked(fork)
    assert (anew.pk == action.pk, Effect.objects.filter(run=fork).count(), lines(world)) == (False, 0, [])
    decide(anew, cast.second, "reject")
    work()
    assert keys(world) == [str(action.pk)]


def test_a_rejection_of_its_parents_people_is_asked_anew(cast, world):
    parent, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second, "reject")
    work()
    fork = branch(parent, cast.operator)
    work()
    assert [a.state for a in Action.objects.filter(run=str(fork.pk))] == ["PENDING"]


@pytest.mark.parametrize("agent", ["row", "inside", "called"])
def test_graphs_inside_ask_anew_as_well(cast, world, agent):
    parent = ended(cast, call(), agent=agent, world=world)
    fork = branch(parent, cast.operator)
    work()
    decide(asked(fork)[0], cast.second)
    work()
    assert (fresh(fork).state, len(set(keys(world)))) == ("SUCCEEDED", 2)


# -- who ---------------------------------------------------------------------------------------------------------------
def test_only_operators_with_a_reason(cast, world):
    parent = ended(cast, call(), world=world)
    for who in (cast.reviewer, cast.auditor, cast.outsider):
        with pytest.raises(NotAllowed):
            branch(parent, who)
    with pytest.raises(BadRequest):
        branch(parent, cast.operator, reason=" ")
    assert Run.objects.count() == 1 and not [e for e in log.events().rows if e.kind == "run.forked"]


def test_whoever_put_something_into_it_or_asked_its_parent_for_it_does_not_approve_it(cast, world):
    parent = ended(cast, call(label="mine"), world=world)
    fork = branch(parent, cast.admin, values={"input": {**parent.input, "calls": [call(label="yours")]}})
    agents.advance_run(fork.pk)
    again = branch(fork, cast.operator)
    work()
    for run in (fork, again):
        for who in (cast.reviewer, cast.admin):
            with pytest.raises(NotAllowed):
                decide(asked(run)[0], who)
    assert decide(asked(fork)[0], cast.second).action.state == "APPROVED"


# -- once --------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_two_presses_are_one_fork_and_another_fork_with_that_key_is_a_conflict(cast, world):
    parent = ended(cast, agent="twice", world=world)
    made: list[Run] = []

    def press() -> None:
        try:
            made.append(branch(parent, cast.operator, middle(parent), idempotency_key="k"))
        finally:
            connection.close()

    both = [threading.Thread(target=press) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(made) == 2 and made[0].pk == made[1].pk and Run.objects.filter(parent=parent).count() == 1
    with pytest.raises(KeyUsed):
        branch(parent, cast.operator, idempotency_key="k")


def test_the_same_press_with_the_same_values_is_the_same_fork(cast, world):
    parent = ended(cast, call(label="first"), world=world)
    values = {"input": {**parent.input, "calls": [call(label="other")]}}
    first = branch(parent, cast.operator, values=values, idempotency_key="k")
    assert branch(parent, cast.operator, values=values, idempotency_key="k").pk == first.pk
    with pytest.raises(KeyUsed):
        branch(parent, cast.operator, values={"input": {**parent.input, "calls": []}}, idempotency_key="k")


def test_nobody_woken_is_found_by_the_sweeper_and_a_worker_that_died_is_followed_by_another(cast, world):
    parent = ended(cast, call(), world=world)
    fork = branch(parent, cast.operator)
    Run.objects.filter(pk=fork.pk).update(changed_at="2026-01-01T00:00Z")
    assert recover(wake=False).runs == [fork.pk] or str(fork.pk) in map(str, recover(wake=False).runs)
    Run.objects.filter(pk=fork.pk).update(state="RUNNING", fence=1, lease_until="2026-01-01T00:00Z")  # it died before its first step
    recover(wake=False)
    work()
    assert len(asked(fork)) == 1


# -- what it cannot go on from -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("checkpoint", "values", "error", "why"),
    [
        ("nowhere", {}, UnknownCheckpoint, "no such checkpoint"),
        ("", {"nothing": 1}, BadInput, "is not in the state"),
        ("", {"input": "text"}, BadInput, "was object and would be string"),
        ("end", {}, WrongState, "Nothing comes after"),
    ],
)
def test_what_it_cannot_begin_from_is_said_and_nothing_is_written(cast, world, checkpoint, values, error, why):
    parent = ended(cast, call(), world=world)
    before = Run.objects.count(), len(log.events().rows)
    with pytest.raises(error, match=why):
        branch(parent, cast.operator, history.head(parent.thread) if checkpoint == "end" else checkpoint, values)
    assert (Run.objects.count(), len(log.events().rows)) == before


def test_a_halted_run_is_not_gone_on_from_beside_the_halt_and_a_halted_agents_fork_waits(cast, world):
    parent, _ = factories.waiting(cast.reviewer, call(), world=world)
    order = operations.halt(scope="run", target=str(parent.pk), reason="stop", by=cast.operator, door="web")
    with pytest.raises(WrongState, match="halted"):
        branch(parent, cast.operator)
    factories.release(order, cast)
    operations.halt(scope="agent", target="calls", reason="stop", by=cast.operator, door="web")
    fork = branch(parent, cast.operator)
    work()
    assert (fresh(fork).state, asked(fork)) == ("CREATED", [])


def test_its_record_begins_in_the_middle_so_it_is_not_replayed(cast, world):
    fork = branch(ended(cast, call(), world=world), cast.operator)
    work()
    with pytest.raises(WrongState, match="forked from another"):
        agents.replay_run(fork.pk)


# -- agents that act themselves ----------------------------------------------------------------------------------------
@pytest.fixture
def loops(others):
    factories.register(factories.LOOPS)
    return others


def through(cast, run: Run) -> Run:
    work()
    while waits := asked(run):
        decide(waits[0], cast.second)
        work()
    return fresh(run)


@pytest.mark.parametrize("agent", ["batched", "per_call"])
def test_a_tool_that_langchain_asked_about_is_never_called_with_the_parents_leave(cast, world, others, agent):
    parent = through(cast, factories.planned(cast.reviewer, world, [["send", {"to": "ada"}]], agent=agent))
    assert (parent.state, len(lines(world))) == ("SUCCEEDED", 1)
    for one in history.checkpoints(parent.thread, limit=100).rows:
        if not one.next:
            continue
        fork = branch(parent, cast.operator, one.id)
        work()
        assert len(lines(world)) == 1, f"acted unasked from step {one.step}, before {one.next}"
        if waits := asked(fork):
            assert "already made this call" in text(waits[0])
            decide(waits[0], cast.second, "reject")
            work()
            assert len(lines(world)) == 1
        else:
            assert fresh(fork).state == "FAILED" or "ToolMessage" in str(history.values(fork.thread, history.head(fork.thread)))


def test_approved_anew_it_acts_once_with_its_own_effect_although_the_models_ids_are_the_same(cast, world, others):
    parent = through(cast, factories.planned(cast.reviewer, world, [["send", {"to": "ada"}]]))
    fork = branch(parent, cast.operator)
    work()
    (anew,) = asked(fork)
    decide(anew, cast.second)
    work()
    effect = Effect.objects.get(run=fork)
    assert (fresh(fork).state, len(lines(world)), str(effect.pk), effect.state) == ("SUCCEEDED", 2, str(anew.pk), "DONE")


def test_a_governed_call_without_an_id_is_not_answered_from_the_parents_ledger(cast, world, loops):
    parent = through(cast, factories.planned(cast.reviewer, world, [["send", {"to": "ada"}]], agent="governed"))
    assert len(lines(world)) == 1
    for one in history.checkpoints(parent.thread, limit=100).rows:
        if not one.next:
            continue
        fork, before = branch(parent, cast.operator, one.id), len(lines(world))
        work()
        assert len(lines(world)) == before
        for action in asked(fork):
            decide(action, cast.second)
        work()
        assert len(lines(world)) == before + Effect.objects.filter(run=fork).count()
        assert Effect.objects.filter(run=parent).count() == 1


def test_a_node_that_acts_itself_is_forked_from_before_it_asked(cast, world, others):
    parent = through(cast, factories.planned(cast.reviewer, world, [["send", {"to": "ada"}]], [["send", {"to": "bob"}]], agent="inbox"))
    chain = history.checkpoints(parent.thread, limit=100).rows
    first = next(one for one in reversed(chain) if one.asked)
    later = next(one for one in chain if one.id > first.id and one.next)
    with pytest.raises(WrongState, match="before it first asked"):
        branch(parent, cast.operator, later.id)
    before = len(lines(world))
    fork = branch(parent, cast.operator, first.id)
    work()
    assert (len(asked(fork)), len(lines(world)), Pause.objects.filter(run=fork, answer__isnull=False).count()) == (1, before, 0)


def test_a_breakpoint_is_stood_at_again(cast, world, others):
    parent = factories.planned(cast.reviewer, world, agent="broken_in_two")
    work()
    at = history.checkpoint(parent.thread, history.head(parent.thread))
    assert through(cast, parent).state == "SUCCEEDED"
    acted = len(lines(world))
    fork = branch(parent, cast.operator, at.id)
    work()
    assert (fresh(fork).state, len(asked(fork)), len(lines(world))) == ("WAITING", 1, acted)
    assert Decision.objects.filter(action__run=str(fork.pk)).count() == 0


# -- doors -------------------------------------------------------------------------------------------------------------
def test_from_the_command_line(cast, world, capsys):
    parent = ended(cast, call(label="first"), world=world)
    values = json.dumps({"input": {**parent.input, "calls": [call(label="other")]}})
    call_command("runs", "fork", str(parent.pk), "--for-real", "--values", values, "--reason", "why not", "--by", "olga")
    fork = Run.objects.get(parent=parent)
    assert f"{fork.pk} goes on from" in (said := capsys.readouterr().out) and "Append first" not in said and "append" in said
    work()
    assert [a.summary for a in asked(fork)] == ["Append other"]
    with pytest.raises(CommandError, match="--reason"):
        call_command("runs", "fork", str(parent.pk), "--for-real", "--by", "olga")
    with pytest.raises(CommandError, match="dry run"):
        call_command("runs", "fork", str(parent.pk), "--for-real", "--reason", "r", "--by", "olga", "--assume", "approve")


def test_a_fork_may_spend_the_smaller_of_what_its_parent_and_a_new_run_may(cast, world):
    parent = ended(cast, agent="twice", world=world)
    agents.set_default("twice", money="2", reason="r", by=cast.operator, door="web")
    Run.objects.filter(pk=parent.pk).update(budget_micros=500_000, budget_tokens=900)
    fork = branch(parent, cast.operator, middle(parent))
    assert (fork.budget_micros, fork.budget_tokens) == (500_000, 900)
    agents.cancel_run(fork.pk, reason="r", by=cast.operator, door="web")
    Run.objects.filter(pk=parent.pk).update(budget_micros=5_000_000, budget_tokens=None)
    other = branch(parent, cast.operator, history.checkpoints(parent.thread, limit=1_000).rows[-2].id)
    assert (other.budget_micros, other.budget_tokens) == (2_000_000, None)
