"""kill -9 of the worker while it carries out an operator's order: carried out once, and nothing of what it made void is ever done."""

import pytest

from agents import history
from agents import operations as agents
from agents.models import Effect, Override, Run
from agents.operations.overriding import Wanted
from tests import factories
from tests.chaos.stack import eventually
from tests.factories import asked, call, lines

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("point", ["run_claimed", "forked", "fork_closed", "graph_moved", "t1_open"])
def test_a_worker_killed_while_it_goes_back_leaves_it_to_the_next(stack, people, world, point):
    factories.register(factories.SHAPES)
    run = agents.start_run(agent="row", input={"world": world, "calls": [call(label="old")]}, by=people.reviewer, door="web")
    assert eventually(lambda: asked(run)), f"{run} asks nothing"
    (old,) = asked(run)
    marker = stack.will_crash("worker", point)
    earlier = history.checkpoints(run.thread).rows[-2].id
    order = agents.override(
        run.pk, Wanted("rewind", history.head(run.thread), checkpoint=earlier), reason="why", by=people.operator, door="web"
    )
    assert eventually(lambda: [a.pk for a in asked(run)] not in ([], [old.pk])), Run.objects.get(pk=run.pk).state
    assert not marker.exists(), f"nobody passed {point}"
    order.refresh_from_db()
    made = [one for one in history.checkpoints(run.thread).rows if one.metadata.get("override") == order.pk]
    assert (order.state, [one.id for one in made if one.source == "fork"]) == ("DONE", [order.made])
    (anew,) = asked(run)
    assert stack.decide(anew, people.second) in {200, 302}
    assert eventually(lambda: Run.objects.get(pk=run.pk).state == "SUCCEEDED"), Run.objects.get(pk=run.pk).error
    assert (len(lines(world)), Effect.objects.filter(pk=old.pk).count(), Override.objects.filter(run=run).count()) == (1, 0, 1)
