"""A run for a page about its graph's state, and its name there."""

from uuid import UUID

from agents import queries
from agents.errors import WrongState
from agents.queries import RunDetail
from audit.sentences import say


def shown_run(run_id: UUID) -> RunDetail:
    """A run whose graph is driven here. Raises WrongState: what runs elsewhere keeps its checkpoints there."""
    run = queries.run_detail(run_id)
    if not run.here:
        raise WrongState(say("This agent runs elsewhere, and so do its checkpoints: look there, or at the steps on the run's page"))
    return run


def title_of(run: RunDetail) -> str:
    return f"{run.agent_title} {run.row.id[:8]}"
