"""A run that a person ends: a reviewer by rejecting what it asked for, inside the transaction of that decision; whoever cancels it (`starting`)."""

from uuid import UUID

from django.db.models.functions import Now

from agents import kept
from agents.models import Run
from agents.operations import events, overriding, owing, timing
from agents.states import UNFINISHED, RunState
from audit import log, rows
from audit.actors import Actor


def stop(run_id: UUID, *, reason: str, by: Actor, door: str) -> bool:
    """End the run; what else it asks for is closed by the caller after the commit. False when it had ended already.

    The caller holds the action; the run comes after it, as everywhere.
    """
    run = rows.first(Run, "SELECT * FROM agents_run WHERE id = %s FOR UPDATE", [run_id])
    if run is None or run.state not in {*UNFINISHED, RunState.FAILED}:
        return False
    said = kept.STOPPED_BY_WHY(who=by.name, why=reason) if reason else kept.STOPPED_BY(who=by.name)
    write_cancelled(run, error=said, by=by, door=door)
    log.append(events.entry(run, "run.cancelled", by=by, door=door, reason=said, stopped=True))
    if owing.declared(run) & {owing.REJECTED, owing.CANCELLED}:
        owing.order(run, owing.REJECTED, by=by, door=door, reason=reason)
    events.tell_run(run, "run.cancelled")
    return True


def write_cancelled(run: Run, *, error: str, by: Actor, door: str) -> None:
    """The row of a run that somebody ends, under its lock: no worker that still has it writes any more, and what was ordered of it is dropped."""
    Run.objects.filter(pk=run.pk).update(
        state=RunState.CANCELLED,
        fence=run.fence + 1,
        driven_ms=timing.counted(),
        lease_until=None,
        finished_at=Now(),
        changed_at=Now(),
        error=error,
    )
    run.state = RunState.CANCELLED
    overriding.drop(run, why=kept.ENDED_SINCE(), by=by, door=door)
