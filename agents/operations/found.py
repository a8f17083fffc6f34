"""Rows by the ids that doors were given."""

from typing import Any
from uuid import UUID

from agents.errors import UnknownRun
from agents.models import Run
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


def found_run(run_id: Any) -> Run:
    """Raises UnknownRun."""
    known = as_uuid(run_id)
    run = Run.objects.select_related("agent", "version").filter(pk=known).first() if known else None
    if run is None:
        raise UnknownRun(say("There is no such run"))
    return run
