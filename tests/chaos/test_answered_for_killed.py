"""kill -9 of the worker after an operator gave a call's result and before the graph went on: exactly that result arrives, once."""

import pytest

from agents import operations as agents
from agents.models import Effect, Override, Run
from audit import queries as log
from tests import factories
from tests.chaos.stack import eventually
from tests.factories import asked, call, lines

pytestmark = pytest.mark.slow
RESULT = {"written": "by hand"}


@pytest.mark.parametrize("point", ["run_claimed", "graph_moved", "t1_open"])
def test_a_worker_killed_with_the_result_in_hand_leaves_it_to_the_next(stack, people, world, point):
    factories.register(factories.SHAPES)
    run = factories.run(people.reviewer, call(label="old"), call(label="next"), agent="row", world=world)
    assert eventually(lambda: asked(run)), f"{run} asks nothing"
    (old,) = asked(run)
    marker = stack.will_crash("worker", point)
    agents.answer_for(old.pk, RESULT, seen_digest=old.digest, reason="why", by=people.operator, door="web")
    assert eventually(lambda: [a.pk for a in asked(run)] not in ([], [old.pk])), Run.objects.get(pk=run.pk).state
    assert not marker.exists(), f"nobody passed {point}"
    (anew,) = asked(run)
    assert stack.decide(anew, people.second) in {200, 302}
    assert eventually(lambda: Run.objects.get(pk=run.pk).state == "SUCCEEDED"), Run.objects.get(pk=run.pk).error
    first, _ = Run.objects.get(pk=run.pk).output["told"]
    assert (first["result"], len(lines(world)), Effect.objects.filter(pk=old.pk).count()) == (RESULT, 1, 0)
    assert Override.objects.filter(run=run).count() == 1
    assert [e.kind for e in log.timeline(run=str(run.pk))].count("run.answered_for") == 1
