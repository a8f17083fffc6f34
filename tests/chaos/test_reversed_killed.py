"""kill -9 of the worker in the middle of reversing what a run did: the order holds, each is recorded once, and sent again only with its key."""

import pytest

from agents import compensated
from agents import operations as agents
from agents.models import CompensationOrder, Effect, Run
from tests import factories
from tests.chaos.stack import eventually
from tests.factories import asked, lines

pytestmark = pytest.mark.slow
LABELS = ("hotel", "flight", "car", "boat")
POINTS = ("compensation_claimed", "compensated", "compensation_open")


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_while_it_reverses_a_run_leaves_the_rest_in_order(stack, people, world, point):
    factories.register(factories.SAGA)
    calls = [{"tool": "book", "args": {"label": label}} for label in LABELS]
    run = agents.start_run(agent="trip", input={"world": world, "calls": calls, "fails_at": 5}, by=people.operator, door="web")
    marker = stack.will_crash("worker", point)
    for number in range(len(LABELS)):
        assert eventually(lambda number=number: len(Effect.objects.filter(run=run)) == number and asked(run)), number
        assert stack.decide(asked(run)[0], people.second) in {200, 302}
    assert eventually(lambda: CompensationOrder.objects.filter(run=run, ended_at__isnull=False).exists()), compensated.reversal(run.pk)
    assert not marker.exists(), f"nobody passed {point}"
    assert Run.objects.get(pk=run.pk).state == "FAILED"
    assert {e.state for e in Effect.objects.filter(run=run)} == {"COMPENSATED"}
    given_back = [tuple(line.split(" ", 1)) for line in lines(world) if "gave back" in line]
    once = list(dict.fromkeys(given_back))
    assert [what for _, what in once] == [f"gave back {label}" for label in reversed(LABELS)]
    assert len(given_back) - len(once) == (0 if point == "compensation_claimed" else 1)  # the one it died with, with its own key
