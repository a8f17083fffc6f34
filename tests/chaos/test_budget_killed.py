"""kill -9 of the worker around a model call under a budget: what was reserved stays counted, and the run goes on and ends with each effect once."""

import pytest

from agents import operations as agents
from agents.models import Run
from tests import factories
from tests.chaos.stack import eventually
from tests.factories import lines

pytestmark = pytest.mark.slow


def ended(run) -> bool:
    return Run.objects.get(pk=run.pk).state in {"SUCCEEDED", "PARTIAL"}


def spent(run) -> int:
    return Run.objects.get(pk=run.pk).spent_tokens


@pytest.mark.parametrize("point", ["call_reserved", "call_made", "graph_moved"])
def test_a_call_whose_worker_died_is_counted_all_the_same(stack, people, world, point):
    factories.register(factories.SHAPES)
    agents.set_default("planned", tokens=10**9, reason="much", by=people.operator, door="cli")
    start = {"agent": "planned", "input": {"value": "for ever", "world": world}, "by": people.reviewer, "door": "web"}
    whole = agents.start_run(**start)
    assert eventually(lambda: ended(whole)), Run.objects.get(pk=whole.pk).error
    effects = len(lines(world))
    marker = stack.will_crash("worker", point)
    run = agents.start_run(**start)
    assert eventually(lambda: ended(run)), Run.objects.get(pk=run.pk).error
    assert not marker.exists(), f"nobody passed {point}"
    # Its step was made again, or had been kept: never fewer than what the calls of a whole run use; and what the lost one was reserved with beside it.
    assert spent(run) >= spent(whole) + (0 if point == "graph_moved" else 1)
    assert len(lines(world)) == 2 * effects
    assert len({line.split()[0] for line in lines(world)}) == 2 * effects


def test_real_workers_stop_a_run_over_its_budget_and_end_it_when_it_is_raised_on_its_page(stack, people, world):
    factories.register(factories.SHAPES)
    agents.set_default("planned", tokens=1, reason="little", by=people.operator, door="cli")
    run = agents.start_run(agent="planned", input={"value": "for ever", "world": world}, by=people.reviewer, door="web")
    assert eventually(lambda: Run.objects.get(pk=run.pk).hold == "budget"), Run.objects.get(pk=run.pk).state
    held = Run.objects.get(pk=run.pk)
    assert held.state == "PAUSED" and held.held_why.startswith("Over its budget: ")
    before = len(lines(world))
    agents.set_run_budget(run.pk, tokens=10**9, reason="more", by=people.operator, door="web")
    assert eventually(lambda: ended(run)), Run.objects.get(pk=run.pk).error
    done = lines(world)
    assert before < len(done) == len({line.split()[0] for line in done}) or before == len(done)
