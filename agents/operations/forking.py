"""An operator's order is carried out by the worker that has taken the run, before it drives it: its checkpoint is made, and the order closed.

Everything the order made void was closed in its own transaction (`overriding`). A worker that dies between the checkpoint and the closing
leaves a checkpoint marked with the order: the next one finds it, and makes no second.
"""

import psycopg
from django.db import transaction
from django.db.models.functions import Now

from agents import kept
from agents.crashpoints import crash
from agents.errors import LostLease, WrongState
from agents.graphs import changing
from agents.graphs.loader import Graph
from agents.models import Override, Run
from agents.operations import events, versions
from agents.states import Hold, OverrideKind, OverrideState, RunState
from audit import canonical, log
from audit.sentences import say


def carry_out(run: Run, graph: Graph) -> tuple[str, ...] | None:
    """Carry out what was ordered of this run. The nodes it stands before when it is to stay there; None when it goes on.

    Raises:
        LostLease: another worker has the run.
    """
    order = Override.objects.filter(run=run, state=OverrideState.ORDERED).first()
    if order is not None:
        _check_ours(run)
        trouble = ""
        try:
            made = _made(run, graph, order)
        except psycopg.Error:
            raise  # the checkpoints went away: the next worker carries it out
        except changing.CannotChange as error:
            trouble = str(error)
        except Exception as error:  # the project's own code: what its node would write, and where it would go
            trouble = f"{type(error).__name__}: {error}"
        if trouble and order.kind == OverrideKind.FORK:  # it has no place of its own to stand at; trying again tries this again
            raise WrongState(say("The graph cannot go on from there: %(why)s", why=trouble))
        if trouble:  # what was asked is superseded all the same, so it stands where it stood and asks anew
            head, _ = changing.head_of(graph, run.thread)
            made = changing.copied(graph, run.thread, head, {}, {**versions.marks(run), "refused": order.pk, "copy_of": head})
        crash("forked")
        _close(run, order, made, trouble)
        crash("fork_closed")
    return changing.next_of(graph, run.thread) if run.hold == Hold.PAUSE else None


def _made(run: Run, graph: Graph, order: Override) -> str:
    """The checkpoint of this order, made now or by a worker that died of it."""
    head, by = changing.head_of(graph, run.thread)
    if by == order.pk:
        return head
    if head != order.head:
        raise changing.CannotChange(kept.MOVED_SINCE())
    marks = {**versions.marks(run), "override": order.pk, "copy_of": order.checkpoint}
    of = run.parent.thread if order.kind == OverrideKind.FORK and run.parent else run.thread
    if lost := changing.lost_at(graph, of, order.checkpoint):
        raise changing.CannotChange(kept.NEXT_GONE(nodes=", ".join(lost)))
    if order.kind == OverrideKind.FORK:
        return changing.seeded(graph, run.thread, of, order.checkpoint, order.values, marks)
    if order.kind == OverrideKind.SKIP:
        return changing.skipped(graph, run.thread, order.node, order.values, marks)
    return changing.copied(graph, run.thread, order.checkpoint, order.values, marks)


def _check_ours(run: Run) -> None:
    if not Run.objects.filter(pk=run.pk, fence=run.fence, state=RunState.RUNNING).exists():
        raise LostLease(say("Another worker took this run over"))


@transaction.atomic
def _close(run: Run, order: Override, made: str, trouble: str) -> None:
    """The order is closed and the run told so. What the graph does not take leaves the run paused: nobody wanted it to go on as it was."""
    held = {"hold": Hold.PAUSE, "held_by": order.by_name, "held_why": kept.ORDER_REFUSED()} if trouble else {}
    mine = Run.objects.filter(pk=run.pk, fence=run.fence, state=RunState.RUNNING)
    if not mine.update(to_change=False, **held):
        raise LostLease(say("Another worker took this run over"))
    run.to_change, run.hold = False, Hold.PAUSE if trouble else run.hold
    state = OverrideState.REFUSED if trouble else OverrideState.DONE
    error = canonical.storable(trouble)[:2_000]
    Override.objects.filter(pk=order.pk, state=OverrideState.ORDERED).update(state=state, made=made, error=error, closed_at=Now())
    kind = "run.override_refused" if trouble else "run.overridden"
    log.append(events.entry(run, kind, order=order.pk, what=order.kind, checkpoint=made, error=error))
    events.tell_run(run, kind)
