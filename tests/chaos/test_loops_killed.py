"""kill -9 of the worker around a call that a governed agent makes itself: made once, given from the record, or a question for a person."""

import pytest

from agents import operations as agents
from agents.models import Effect, Run
from audit import queries
from tests import factories
from tests.chaos.stack import eventually
from tests.factories import asked, lines

pytestmark = pytest.mark.slow
SEND = [["send", {"to": "ada"}]]
SENT = ['send {"copies": 1, "to": "ada"}']


@pytest.fixture
def loops(people):
    factories.register(factories.OTHERS)
    factories.register(factories.LOOPS)
    return people


def approved(stack, loops, world, *turns, agent="governed") -> Run:
    run = factories.planned(loops.reviewer, world, *turns, agent=agent)
    assert eventually(lambda: asked(run)), f"{run} asks nothing"
    for action in asked(run):
        assert stack.decide(action, loops.second) in {200, 302}
    return run


def became(run: Run, state: str) -> bool:
    return eventually(lambda: Run.objects.get(pk=run.pk).state == state)


@pytest.mark.parametrize("agent", ["governed", "decorated"])
def test_killed_between_the_call_and_the_checkpoint_it_is_given_the_recorded_result(stack, loops, world, agent):
    marker = stack.will_crash("worker", "t4_done")
    run = approved(stack, loops, world, SEND, agent=agent)
    assert became(run, "SUCCEEDED"), Run.objects.get(pk=run.pk).error
    assert not marker.exists(), "nobody passed t4_done"
    assert lines(world) == SENT
    assert "run.recovered" in [e.kind for e in queries.timeline(run=str(run.pk))]


@pytest.mark.parametrize("point", ["t3_done", "effect_done"])
def test_killed_during_the_call_it_is_unknown_and_never_made_twice(stack, loops, world, point):
    marker = stack.will_crash("worker", point)
    run = approved(stack, loops, world, SEND)
    assert eventually(lambda: Effect.objects.get(run=run).state == "UNKNOWN"), Effect.objects.get(run=run).state
    assert became(run, "WAITING") and not marker.exists()
    made = [] if point == "t3_done" else SENT
    assert lines(world) == made
    agents.resolve_unknown(Effect.objects.get(run=run).pk, done=bool(made), reason="I looked", by=loops.operator, door="web")
    assert became(run, "SUCCEEDED"), Run.objects.get(pk=run.pk).error
    assert lines(world) == made


def test_killed_during_a_call_that_may_be_repeated_it_is_repeated(stack, loops, world):
    marker = stack.will_crash("worker", "effect_done")
    run = approved(stack, loops, world, [["send_again", {"to": "ada"}]])
    assert became(run, "SUCCEEDED"), Run.objects.get(pk=run.pk).error
    assert not marker.exists()
    assert (Effect.objects.get(run=run).attempts, len(lines(world))) == (2, 2)


def test_killed_as_a_node_that_acts_itself_is_given_its_answer_it_is_not_given_it_again(stack, loops, world):
    marker = stack.will_crash("worker", "told")
    run = approved(stack, loops, world, SEND, agent="inbox")
    assert eventually(lambda: Effect.objects.get(run=run).state == "UNKNOWN"), Effect.objects.get(run=run).state
    assert became(run, "FAILED") and not marker.exists() and lines(world) == []
    agents.resolve_unknown(Effect.objects.get(run=run).pk, done=False, reason="I looked", by=loops.operator, door="web")
    agents.ask_again(run.pk, by=loops.operator, door="web")
    assert eventually(lambda: asked(run))
    assert stack.decide(asked(run)[0], loops.second) in {200, 302}
    assert became(run, "SUCCEEDED"), Run.objects.get(pk=run.pk).error
    assert lines(world) == ['send {"to": "ada"}']
