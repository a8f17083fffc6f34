"""kill -9 of a worker whose call runs in a process of its own: the call ends with it, and nobody says that it was done."""

import os

import pytest

from agents.models import Effect
from tests import factories
from tests.chaos.stack import eventually
from tests.chaos.test_kills import approve, made
from tests.factories import call, lines

pytestmark = pytest.mark.slow


def test_a_call_beside_a_worker_that_is_killed_ends_and_is_unknown(stack, people, world):
    run = factories.run(people.reviewer, call("dwell", label="x", times=600), world=world)
    approve(stack, people, run)
    assert eventually(lambda: lines(world))
    pid = int(lines(world)[0].split()[1].split("-")[1])
    stack.kill("worker")
    assert eventually(lambda: not os.path.exists(f"/proc/{pid}"))
    stack.launch("worker")
    assert eventually(lambda: Effect.objects.get(run=run).state == "UNKNOWN")
    assert set(made(world).values()) == {1}
