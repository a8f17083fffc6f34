"""The time workers drive a run: what counts, where it stops, what it ends with, and that nothing of it is left open."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db.models import F
from django.db.models.functions import Now

from agents import history, tasks
from agents import operations as agents
from agents.errors import BadInput, WrongState
from agents.graphs.spec import AgentSpec
from agents.models import Agent, Effect, Pause, Run
from agents.operations import leases, recovering, timing, waking
from agents.operations.branching import Branch
from approvals.errors import NotAllowed
from approvals.models import Action
from audit import queries as log
from tests import factories
from tests.factories import asked, call, decide, lines, work
from tests.fakes import clock_moved

pytestmark = pytest.mark.usefixtures("transactional_db", "agents", "shapes")
SAID = "Task timed out after %d s"


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def begun(cast, world, agent="slow", **more) -> Run:
    return agents.start_run(agent=agent, input={"world": world, **more}, by=cast.reviewer, door="web")


def limited(run: Run, seconds: int, *, driven_s: float = 0) -> Run:
    Run.objects.filter(pk=run.pk).update(limit_s=seconds, driven_ms=int(driven_s * 1000))
    return run


def told(run: Run, kind: str) -> list[dict]:
    return [event.data for event in log.timeline(run=str(run.pk)) if event.kind == kind]


def test_a_run_has_as_long_as_the_setting_says_or_its_developer_or_an_operator(cast, world, settings):
    assert (settings.RUN_LIMIT_S, begun(cast, world, steps=1).limit_s) == (300, 300)
    settings.RUN_LIMIT_S = 0
    assert begun(cast, world, steps=1).limit_s == 0
    agents.set_default("slow", seconds=90, reason="long enough", by=cast.operator, door="web")
    assert begun(cast, world, steps=1).limit_s == 90
    agents.set_default("slow", seconds="none", reason="as long as it takes", by=cast.operator, door="web")
    settings.RUN_LIMIT_S = 300
    assert begun(cast, world, steps=1).limit_s == 0
    agents.set_default("slow", declared=True, reason="as before", by=cast.operator, door="web")
    assert (begun(cast, world, steps=1).limit_s, Agent.objects.get(pk="slow").run_seconds) == (300, None)
    version = Agent.objects.get(pk="slow").current
    version.budget = {"seconds": 40}  # as `AgentSpec(time_limit_s=40)` is kept with a version
    assert timing.limit_of(Agent(slug="slow"), version) == 40
    assert timing.limit_of(Agent(slug="slow", run_budget_by="olga", run_micros=5), version) == 40  # who limited money said nothing of time


def test_any_graph_can_have_it_said_in_its_langgraph_json(others, world):
    factories.register(factories.LOOPS)
    assert factories.planned(others.reviewer, world, [], agent="narrow").limit_s == 40
    assert factories.planned(others.reviewer, world, [], agent="governed").limit_s == 300


def test_a_developer_says_it_in_whole_seconds():
    said: dict[str, Any] = {"slug": "x", "title": "x", "tools": [], "input_model": dict}
    assert AgentSpec(**said, time_limit_s=40).budget == {"seconds": 40}
    assert AgentSpec(**said, time_limit_s=0).budget == {"seconds": 0}
    wrongs: tuple[Any, ...] = (-1, 1.5, True, "40", 10**9)
    for wrong in wrongs:
        with pytest.raises(TypeError, match="time_limit_s"):
            AgentSpec(**said, time_limit_s=wrong)


def test_a_run_whose_time_is_up_stops_at_its_next_step_and_ends_with_what_it_has(cast, world):
    run = limited(begun(cast, world, steps=60), 1)
    work()
    found, steps = fresh(run), len(lines(world))
    assert (found.state, found.error) == ("PARTIAL", SAID % 1)
    assert 1_000 <= found.driven_ms < 8_000 and 3 <= steps < 25 and found.finished_at and not found.lease_until
    assert found.output["told"] == ["step"] * steps
    (ended,) = told(run, "run.partial")
    assert ended["timed_out"] is True and ended["error"] == SAID % 1
    agents.recover()
    work()
    assert len(lines(world)) == steps
    with pytest.raises(WrongState, match="fork it from one of its checkpoints"):
        agents.retry_run(run.pk, by=cast.operator, door="web")
    with pytest.raises(WrongState, match="its time was up"):
        agents.replay_run(run.pk)


def test_a_fork_of_it_has_time_of_its_own(cast, world):
    run = limited(begun(cast, world, steps=6), 1)
    work()
    assert fresh(run).state == "PARTIAL"
    Run.objects.filter(pk=run.pk).update(limit_s=300)
    fork = agents.branch_run(run.pk, Branch(history.head(run.thread)), reason="go on", by=cast.operator, door="web")
    work()
    assert (fresh(fork).state, fresh(fork).limit_s) == ("SUCCEEDED", 300)


def test_only_what_it_is_driven_counts_not_how_long_people_take(cast, world):
    run, action = factories.waiting(cast.reviewer, call(label="a"), world=world)
    limited(run, 60, driven_s=fresh(run).driven_ms / 1000)
    before = fresh(run).driven_ms
    assert 0 < before < 20_000
    with clock_moved(minutes=4):
        decide(action, cast.second)
        work()
    assert (fresh(run).state, fresh(run).error, len(lines(world))) == ("SUCCEEDED", "", 1)
    assert before <= fresh(run).driven_ms < 30_000


def test_what_a_lost_stretch_took_counts_until_its_lease_was_renewed_last_and_a_run_with_no_time_left_is_not_driven_again(cast, world):
    run = limited(begun(cast, world, steps=9), 60)
    Run.objects.filter(pk=run.pk).update(
        state="RUNNING", fence=1, changed_at=Now() - timedelta(seconds=300), lease_until=Now() - timedelta(seconds=200)
    )
    recovering.recover(wake=False)
    assert fresh(run).state == "READY" and 99_000 < fresh(run).driven_ms + 1_000 * settings.LEASE_S < 101_000
    work()
    assert (fresh(run).state, fresh(run).error, lines(world)) == ("PARTIAL", SAID % 60, [])


def test_what_it_asks_when_its_time_is_up_is_asked_of_nobody_and_what_was_asked_is_closed(cast, world):
    run = begun(cast, world, agent="late", steps=2)
    work()
    (early,) = asked(run)
    decide(early, cast.second)
    limited(run, 1)
    work()
    found = fresh(run)
    assert (found.state, found.error, lines(world)) == ("PARTIAL", SAID % 1, [lines(world)[0]])
    assert [a.state for a in Action.objects.filter(run=str(run.pk))] == ["APPROVED"] and not Pause.objects.filter(
        run=run, state="OPEN"
    ).exists()
    assert [each["status"] for each in found.output["told"]] == ["done"]


def test_open_questions_of_a_run_whose_time_is_up_are_closed_like_those_of_a_cancelled_one(cast, world):
    run, first = factories.waiting(cast.reviewer, call(label="a"), call(label="b"), world=world)
    limited(run, 1, driven_s=5)
    Run.objects.filter(pk=run.pk, state="WAITING").update(state="READY")  # as an operator's rewind, or a halt's release, has it
    work()
    assert (fresh(run).state, fresh(run).error) == ("PARTIAL", SAID % 1)
    assert set(Action.objects.filter(run=str(run.pk)).values_list("state", flat=True)) == {"CANCELLED"}
    assert set(Pause.objects.filter(run=run).values_list("state", flat=True)) == {"SUPERSEDED"}
    assert not Effect.objects.filter(run=run).exists() and first.pk


@pytest.mark.parametrize("limit", [60, 0])
def test_a_node_that_the_limit_of_a_task_strikes_ends_its_run_the_same_way_whatever_it_makes_of_it(cast, world, settings, limit):
    run = limited(begun(cast, world, agent="stubborn", value="struck"), limit)
    work()
    found = fresh(run)
    assert (found.state, found.error) == ("PARTIAL", SAID % settings.TASK_LIMIT_S)
    assert found.output["told"] == ["first"] and "Traceback" not in str(told(run, "run.partial"))


def test_a_worker_whose_turn_is_over_puts_its_run_back_at_the_next_step_and_another_ends_it(cast, world, settings, monkeypatch):
    monkeypatch.setattr(timing, "TURN", 0.001)
    settings.TASK_LIMIT_S = 600
    run = begun(cast, world, steps=6)
    assert agents.advance_run(run.pk).state == "READY"
    assert 1 < len(lines(world)) < 6
    work()
    assert (fresh(run).state, len(lines(world))) == ("SUCCEEDED", 6)


def test_a_run_that_waits_ends_at_once_when_it_is_given_less_than_it_had(cast, world):
    """What was approved then was done, and the run ended without having heard of it."""
    run, action = factories.waiting(cast.reviewer, call("pay", amount_cents=5_000, to="ada"), world=world)
    limited(run, 300, driven_s=20)
    agents.set_run_budget(run.pk, seconds=25, reason="a little less", by=cast.operator, door="web")
    work()
    assert (fresh(run).state, len(asked(run))) == ("WAITING", 1)
    agents.set_run_budget(run.pk, seconds=10, reason="enough", by=cast.operator, door="web")
    work()
    assert (fresh(run).state, fresh(run).error, asked(run)) == ("PARTIAL", SAID % 10, [])
    action.refresh_from_db()
    assert (action.state, lines(world)) == ("CANCELLED", [])


def test_nothing_is_done_for_a_paused_run_that_has_no_time_left(cast, world):
    run, action = factories.waiting(cast.reviewer, call("pay", amount_cents=5_000, to="ada"), world=world)
    agents.pause_run(run.pk, reason="a look", by=cast.operator, door="web")
    limited(run, 10, driven_s=20)
    decide(action, cast.second)
    work()
    assert (fresh(run).state, Effect.objects.get(run=run).state, lines(world)) == ("PAUSED", "FAILED", [])
    agents.go_on(run.pk, reason="done", by=cast.operator, door="web")
    work()
    assert (fresh(run).state, fresh(run).error) == ("PARTIAL", SAID % 10)


def test_an_operator_gives_a_run_that_moves_more_time_or_less(cast, world, monkeypatch):
    run = limited(begun(cast, world, steps=8), 1)
    look = leases._ask_after

    def meanwhile(held):
        if fresh(run).limit_s == 1:
            agents.set_run_budget(run.pk, seconds=30, reason="it is nearly there", by=cast.operator, door="cli")
        look(held)

    monkeypatch.setattr(leases, "_ask_after", meanwhile)
    work()
    assert (fresh(run).state, len(lines(world))) == ("SUCCEEDED", 8)
    assert told(run, "run.budget_set")[0]["seconds"] == 30
    with pytest.raises(WrongState, match="ended already"):
        agents.set_run_budget(run.pk, seconds=30, reason="late", by=cast.operator, door="cli")


def test_who_may_say_it_and_in_what_numbers(cast, world):
    run = begun(cast, world, steps=1)
    with pytest.raises(NotAllowed):
        agents.set_run_budget(run.pk, seconds=30, reason="mine", by=cast.reviewer, door="web")
    for wrong in ("-1", "1.5", "soon", 10**9, True):
        with pytest.raises(BadInput, match="no number of seconds"):
            agents.set_run_budget(run.pk, seconds=wrong, reason="so", by=cast.operator, door="web")
    call_command("budgets", "set", "--agent", "slow", "--each-run", "--seconds", "50", "--reason", "so", "--by", "olga")
    assert Agent.objects.get(pk="slow").run_seconds == 50
    with pytest.raises(CommandError, match="--each-run"):
        call_command("budgets", "set", "--agent", "slow", "--seconds", "50", "--reason", "so", "--by", "olga")
    call_command("runs", "budget", str(run.pk), "--seconds", "70", "--reason", "so", "--by", "olga")
    assert fresh(run).limit_s == 70


def test_a_failed_run_that_is_tried_again_has_all_its_time_again(cast, world):
    run = factories.run(cast.reviewer, agent="poisoned", world=world)
    work()
    assert fresh(run).state == "FAILED" and fresh(run).driven_ms > 0
    Run.objects.filter(pk=run.pk).update(driven_ms=F("limit_s") * 1000)
    agents.retry_run(run.pk, by=cast.reviewer, door="web")
    assert (fresh(run).driven_ms, fresh(run).state) == (0, "READY")


def test_a_cancelled_run_says_how_long_it_was_driven(cast, world):
    run = begun(cast, world, steps=1)
    Run.objects.filter(pk=run.pk).update(
        state="RUNNING", fence=1, changed_at=Now() - timedelta(seconds=10), lease_until=Now() + timedelta(seconds=10)
    )
    agents.cancel_run(run.pk, reason="enough", by=cast.operator, door="web")
    assert 9_000 < fresh(run).driven_ms < 15_000


def test_a_task_that_has_taken_a_part_of_its_time_leaves_the_next_piece_to_another(cast, world, monkeypatch):
    """Else a stretch would begin late in a task, and be struck by its limit before it had its own time."""
    run, action = factories.waiting(cast.reviewer, call(label="a"), world=world)
    decide(action, cast.second)
    sent: list[waking.Wake] = []
    monkeypatch.setattr(waking, "send", sent.extend)
    monkeypatch.setattr(timing, "CHAIN", 0)
    monkeypatch.setattr(agents, "execute", lambda *_, **__: waking.wake(waking.RUN, run.pk))
    tasks.run_effect(str(action.pk))
    assert [(wake.task, wake.id) for wake in sent] == [(waking.RUN, str(run.pk))] and fresh(run).state == "WAITING"
