"""Rows by the ids that doors were given."""

from typing import Any
from uuid import UUID

from agents.errors import LostLease, UnknownRun
from agents.models import Run
from agents.states import RunState
from audit.sentences import say


def as_uuid(value: Any) -> UUID | None:
    """The id a door was given, or None when it cannot be one."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


def locked_run(run_id: Any) -> Run:
    """The run, its row locked until the transaction ends. Raises UnknownRun."""
    known = as_uuid(run_id)
    run = Run.objects.select_for_update().filter(pk=known).first() if known else None
    if run is None:
        raise UnknownRun(say("There is no such run"))
    return run


def hold(run_id: Any) -> None:
    """Lock the run's row for an event of its story, after any action and effect. Who only refers to the run does not wait for it."""
    list(Run.objects.select_for_update(no_key=True).filter(pk=run_id).values_list("pk"))


def hold_mine(run: Run) -> None:
    """The same for a worker, which has to have the run still. Raises LostLease."""
    mine = Run.objects.select_for_update(no_key=True).filter(pk=run.pk, fence=run.fence, state=RunState.RUNNING)
    if not list(mine.values_list("pk")):
        raise LostLease(say("Another worker took this run over"))


def found_run(run_id: Any) -> Run:
    """Raises UnknownRun."""
    known = as_uuid(run_id)
    run = Run.objects.select_related("agent", "version").filter(pk=known).first() if known else None
    if run is None:
        raise UnknownRun(say("There is no such run"))
    return run
