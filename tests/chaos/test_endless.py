"""Real workers and a node that comes to no step: the limit of a task strikes, and the run ends as one whose time is up, whatever the node makes of it."""

from typing import Any

import pytest

from agents import operations as agents
from agents.models import Run
from audit import queries
from tests import factories
from tests.chaos.stack import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def short(stack):
    """Tasks that may take ten seconds: struck softly then, and ended half a minute later."""
    worker = stack.roles["worker"]
    worker.env["COUNTERSIGN_TASK_LIMIT_S"] = "10"
    stack.again("worker")
    yield stack
    worker.env.pop("COUNTERSIGN_TASK_LIMIT_S")
    stack.again("worker")


def test_a_node_without_an_end_is_ended_by_its_task_and_its_run_says_so(short, people, world):
    factories.register(factories.SHAPES)
    agents.set_default("stubborn", seconds=5, reason="short", by=people.operator, door="cli")
    begin = {"agent": "stubborn", "by": people.reviewer, "door": "web"}
    long = agents.start_run(**begin, input={"world": world, "value": 14})
    endless = agents.start_run(**begin, input={"world": world, "value": "endless"})
    for run in (long, endless):
        assert eventually(lambda run=run: ended(run), 120), Run.objects.get(pk=run.pk).state
        assert ended(run) == ("PARTIAL", "Task timed out after 5 s", ["first"])
    deaths = [[e.kind for e in queries.timeline(run=str(run.pk))].count("run.recovered") for run in (long, endless)]
    assert deaths == [0, 1]


def ended(run) -> tuple[str, str, Any] | None:
    found = Run.objects.get(pk=run.pk)
    return (found.state, found.error, (found.output or {}).get("told")) if found.finished_at else None
