"""kill -9 at every named point, of every process: it goes on within 30 seconds, nothing lost, nothing doubled."""

import threading
import time
from collections import Counter

import pytest

from agents.crashpoints import POINTS
from agents.models import Effect, Run
from approvals import operations
from approvals.models import Action
from audit import queries
from tests import factories
from tests.chaos.stack import SOON, eventually
from tests.chaos.test_reversed_killed import POINTS as REVERSED
from tests.factories import asked, call, lines

pytestmark = pytest.mark.slow
ENDED = {"SUCCEEDED", "FAILED", "PARTIAL", "CANCELLED"}
BEFORE_THE_CLAIM = ("run_claimed", "graph_moved", "t1_open", "t1_done", "t3_open", "t4_done")
GONE_BACK = ("forked", "fork_closed")  # test_overridden_killed
SPENT = ("call_reserved", "call_made")  # test_budget_killed
BETWEEN_CLAIM_AND_RECORD = ("t3_done", "effect_done", "t4_open")


def states(*runs: Run) -> Counter[str]:
    return Counter(Run.objects.filter(pk__in=[r.pk for r in runs]).values_list("state", flat=True))


def approve(stack, people, *runs: Run) -> None:
    """Approve whatever these runs ask, as it comes, by the button."""
    for run in runs:
        assert eventually(lambda run=run: asked(run)), f"{run} asks nothing"
        for action in asked(run):
            assert stack.decide(action, people.second) in {200, 302}


def ended(*runs: Run) -> bool:
    return eventually(lambda: set(states(*runs)) <= ENDED)


def made(world: str) -> Counter[str]:
    """How often each key was called."""
    return Counter(line.split()[0] for line in lines(world))


def test_every_point_is_tried():
    assert {*BEFORE_THE_CLAIM, *BETWEEN_CLAIM_AND_RECORD, "decided", "told", *REVERSED, *GONE_BACK, *SPENT} == set(
        POINTS
    )  # "told": test_loops_killed


@pytest.mark.parametrize("point", BEFORE_THE_CLAIM)
def test_a_worker_killed_where_nothing_was_called_loses_and_doubles_nothing(stack, people, world, point):
    marker = stack.will_crash("worker", point)
    run = factories.run(people.reviewer, call(), world=world)
    approve(stack, people, run)
    assert ended(run), states(run)
    assert not marker.exists(), f"nobody passed {point}"
    assert (states(run)["SUCCEEDED"], list(made(world).values())) == (1, [1])
    assert Action.objects.filter(run=str(run.pk)).count() == 1


@pytest.mark.parametrize("point", BETWEEN_CLAIM_AND_RECORD)
def test_a_worker_killed_around_the_call_repeats_only_what_may_be_repeated(stack, people, world, point):
    marker = stack.will_crash("worker", point)
    once = factories.run(people.reviewer, call("append"), world=world)
    approve(stack, people, once)
    assert eventually(lambda: Effect.objects.get(run=once).state == "UNKNOWN"), Effect.objects.get(run=once).state
    assert not marker.exists()
    marker.touch()
    again = factories.run(people.reviewer, call("append_again"), world=world)
    approve(stack, people, again)
    assert ended(again), states(again)
    assert not marker.exists()
    keys = made(world)
    unknown, repeated = Effect.objects.get(run=once), Effect.objects.get(run=again)
    assert (repeated.state, repeated.attempts) == ("DONE", 2)
    acted = point != "t3_done"
    assert (keys[str(unknown.pk)], keys[str(repeated.pk)]) == (1, 2) if acted else (0, 1)
    assert states(once) == {"WAITING": 1}
    assert "effect.unknown" in [e.kind for e in queries.timeline(action=str(unknown.pk))]


def test_a_web_process_killed_after_its_commit_has_decided(stack, people, world):
    run = factories.run(people.reviewer, call(), world=world)
    assert eventually(lambda: asked(run))
    marker = stack.will_crash("web", "decided")
    assert stack.decide(asked(run)[0], people.second) == 0, "it answered although it was killed"
    assert not marker.exists()
    assert ended(run)
    assert (states(run)["SUCCEEDED"], list(made(world).values())) == (1, [1])


def test_the_whole_worker_killed_in_the_middle_of_a_call(stack, people, world):
    run = factories.run(people.reviewer, call("linger", label="x", times=60), world=world)
    others = [factories.run(people.reviewer, call(label=str(n)), world=world) for n in range(4)]
    approve(stack, people, run)
    assert eventually(lambda: lines(world))
    stack.kill("worker")
    approved = [a for other in others for a in asked(other)]
    for action in approved:
        assert stack.decide(action, people.second) in {200, 302}
    stack.launch("worker")
    approve(stack, people, *[o for o in others if states(o)["SUCCEEDED"] == 0 and not Effect.objects.filter(run=o).exists()])
    assert ended(*others), states(*others)
    assert eventually(lambda: Effect.objects.get(run=run).state == "UNKNOWN")
    assert set(made(world).values()) == {1}


def test_beat_killed_and_started_again(stack, people, world):
    stack.kill("beat")
    run = factories.run(people.reviewer, call(), world=world)  # nobody is woken by this process: only the sweeper finds it
    time.sleep(3)
    assert states(run) == {"CREATED": 1}
    stack.launch("beat")
    approve(stack, people, run)
    assert ended(run)


def test_the_broker_away_and_back_with_its_data_gone(stack, people, world):
    runs = [factories.run(people.reviewer, call(label=str(n)), world=world) for n in range(4)]
    assert eventually(lambda: all(asked(r) for r in runs))
    stack.kill_broker()
    began = time.monotonic()
    assert [stack.decide(asked(r)[0], people.second) for r in runs[:2]] == [302, 302]
    order = operations.halt(scope="everything", reason="the broker is away", by=people.operator, door="cli")
    assert stack.decide(asked(runs[2])[0], people.second) == 409
    assert time.monotonic() - began < 5, "deciding and halting must not wait for the broker"
    factories.release(order, people)
    stack.broker.ensure()
    approve(stack, people, *runs)
    assert ended(*runs), states(*runs)
    assert stack.roles["worker"].running(), "losing the broker must not end the worker"
    assert sorted(made(world).values()) == [1] * 4


def test_a_broker_that_hangs_keeps_nobody_waiting(stack, people, world):
    runs = [factories.run(people.reviewer, call(label=str(n)), world=world) for n in range(3)]
    assert eventually(lambda: all(asked(r) for r in runs))
    with stack.frozen_broker():
        for run in runs:
            began = time.monotonic()
            assert stack.decide(asked(run)[0], people.second) == 302
            assert time.monotonic() - began < 1.5, "each send to it takes its socket's two seconds"
        assert eventually(lambda: len(lines(world)) == 3), "found in the database meanwhile, by the stand-in"
    assert ended(*runs), states(*runs)


def test_the_broker_away_for_good(stack, people, world):
    """Nobody starts it again: what was started before and after goes on, found in PostgreSQL."""
    before = factories.run(people.reviewer, call(label="before"), world=world)
    assert eventually(lambda: asked(before))
    stack.kill_broker()
    after = factories.run(people.reviewer, call(label="after"), world=world)
    assert stack.decide(asked(before)[0], people.second) == 302
    assert eventually(lambda: asked(after)), states(after)
    approve(stack, people, after)
    assert ended(before, after), states(before, after)
    assert stack.roles["worker"].running(), "losing the broker must not end the worker"
    stack.again("worker")  # as after a crash of the machine: it never sees the broker
    alone = factories.run(people.reviewer, call(label="alone"), world=world)
    assert eventually(lambda: asked(alone), 60)  # a worker and then its stand-in start Python first
    approve(stack, people, alone)
    assert ended(alone), states(alone)
    stack.broker.ensure()
    last = factories.run(people.reviewer, call(label="last"), world=world)
    approve(stack, people, last)
    assert ended(last)
    assert sorted(made(world).values()) == [1] * 4


def test_postgresql_restarted_under_load(stack, people, world):
    runs = [factories.run(people.reviewer, call("append_again", label=str(n)), world=world) for n in range(6)]
    assert eventually(lambda: any(asked(r) for r in runs))
    over = threading.Event()
    answers: list[int] = []

    def load() -> None:
        while not over.wait(0.02):
            answers.append(stack.get("/health/ready")[0])

    askers = [threading.Thread(target=load) for _ in range(8)]
    for asker in askers:
        asker.start()
    try:
        for _ in range(2):
            stack.crash_postgres()
            stack.postgres.ensure()
            assert eventually(lambda: stack.get("/health/ready")[0] == 200, 10), "no answer within 10 s"
            time.sleep(1)
    finally:
        over.set()
        for asker in askers:
            asker.join()
    assert [stack.get("/health/ready")[0] for _ in range(20)] == [200] * 20, "a stuck pool"
    assert 0 not in Counter(answers) or answers.count(0) < len(answers) / 10
    approve(stack, people, *runs)
    assert ended(*runs), states(*runs)
    assert len(made(world)) == 6


def test_a_call_that_ends_while_postgresql_is_away_is_known_all_the_same(stack, people, world):
    """And the first decision afterwards is taken, although every connection of the web process was cut."""
    other = factories.run(people.reviewer, call(label="other"), world=world)
    run = factories.run(people.reviewer, call("linger", label="x", times=1), world=world)
    approve(stack, people, run)
    assert eventually(lambda: lines(world) and asked(other))
    stack.crash_postgres()
    time.sleep(1.2)  # it has ended by then; the lease is three seconds
    stack.postgres.ensure()
    assert ended(run), (states(run), Effect.objects.get(run=run).state)
    assert (Effect.objects.get(run=run).state, list(made(world).values())) == ("DONE", [1])
    assert stack.decide(asked(other)[0], people.second) == 302
    assert ended(other)


def test_the_log_holds_after_all_of_it(stack, people):
    assert all(isinstance(found, int) for found in queries.verify())
    unknown = Effect.objects.filter(state="UNKNOWN")
    assert not unknown.filter(idempotent=True).exists()
    assert not Run.objects.filter(state__in=["READY", "RUNNING", "CREATED"]).exists() or eventually(
        lambda: not Run.objects.filter(state__in=["READY", "RUNNING", "CREATED"]).exists(), SOON
    )
