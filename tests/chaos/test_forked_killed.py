"""kill -9 of the worker between a fork's row and its first step, and while it makes its first checkpoint: one fork, that asks once."""

import pytest

from agents import history
from agents import operations as agents
from agents.models import Effect, Override, Run
from agents.operations.branching import Branch
from tests import factories
from tests.chaos.stack import eventually
from tests.factories import asked, call, lines

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("point", ["run_claimed", "forked", "fork_closed", "graph_moved", "t1_open"])
def test_a_worker_killed_before_a_forks_first_step_leaves_it_to_the_next(stack, people, world, point):
    factories.register(factories.SHAPES)
    parent = agents.start_run(agent="row", input={"world": world, "calls": [call(label="old")]}, by=people.reviewer, door="web")
    assert eventually(lambda: asked(parent)), f"{parent} asks nothing"
    marker = stack.will_crash("worker", point)
    fork = agents.branch_run(parent.pk, Branch(), reason="why", by=people.operator, door="web")
    assert eventually(lambda: asked(fork)), Run.objects.get(pk=fork.pk).state
    assert not marker.exists(), f"nobody passed {point}"
    order = Override.objects.get(run=fork)
    made = [one for one in history.checkpoints(fork.thread).rows if one.source == "fork"]
    assert (order.state, [one.id for one in made]) == ("DONE", [order.made])
    (anew,) = asked(fork)
    assert stack.decide(anew, people.second) in {200, 302}
    assert eventually(lambda: Run.objects.get(pk=fork.pk).state == "SUCCEEDED"), Run.objects.get(pk=fork.pk).error
    assert (len(lines(world)), Effect.objects.filter(run=parent).count()) == (1, 0)
    assert Run.objects.get(pk=parent.pk).state == "WAITING"
