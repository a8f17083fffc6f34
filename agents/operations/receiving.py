"""What approvals tells us, inside its transactions: an action resolved, or reopened. Rows only, no I/O.

Locks are taken in one order everywhere: action, effect, run.
"""

from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now
from django.dispatch import receiver

from agents import kept
from agents.models import Effect, Pause, Run
from agents.operations import budget_holds, events, settling, stopping, waking
from agents.operations.unheard import say_unheard
from agents.states import EffectState, Hold, PauseState, RunState
from approvals import operations as approvals
from approvals import queries as approvals_queries
from approvals.signals import Resolved, action_reopened, action_resolved
from approvals.states import ActionState
from audit import log, rows
from audit.actors import Actor

# An operator's hold lets people decide and goes no further.
_READY = "UPDATE agents_run SET state = %s, changed_at = statement_timestamp() WHERE id = %s AND state = 'WAITING'"


def goes_on_sql(run: str) -> str:
    """The condition that every open pause of a run has its answer, or one of those that are answered by themselves.

    Our own gates are answered together. Questions in dialects of others each by itself, as soon as all its calls are decided: what the agent
    runs itself is so with its effect, which is not held any more.
    """
    return f"""(
SELECT coalesce(bool_and(answered) OR bool_or(answered AND alone), true) FROM (
    SELECT p.record IS NOT NULL AS alone, NOT EXISTS (SELECT 1 FROM jsonb_array_elements_text(p.actions) AS asked(id)
        WHERE {approvals_queries.unsettled_sql("asked.id::uuid")}
        AND NOT EXISTS (SELECT 1 FROM agents_effect AS e WHERE e.action_id = asked.id::uuid AND e.by_agent AND e.hold_until IS NULL
            AND e.state <> 'UNKNOWN')
    ) AS answered
    FROM agents_pause AS p WHERE p.run_id = {run} AND p.state = 'OPEN') AS pauses)"""  # noqa: S608  names of ours only


_GOES_ON = f"SELECT {goes_on_sql('%s')}"


@receiver(action_resolved)
def on_resolved(resolved: Resolved, **_: Any) -> None:
    """Approved: an Effect is READY, the row is the queue. Anything else: the action is settled as it stands."""
    if not resolved.run:  # an agent from outside acts itself, and claims before it does (approvals.operations.outside)
        if not resolved.executes:
            approvals.settle(resolved.action_id, resolved.outcome, door=resolved.door)
        return
    if resolved.executes:
        held = resolved.hold_until
        effect = Effect(
            action_id=resolved.action_id, run_id=UUID(resolved.run), tool=resolved.tool, digest=resolved.digest, hold_until=held
        )
        effect.by_agent = resolved.by_agent
        rows.insert(effect)
        if held is None and resolved.by_agent:
            ready_if_settled(UUID(resolved.run))
        elif held is None:  # else the sweeper wakes a worker when the hold is over
            waking.wake(waking.EFFECT, resolved.action_id)
        return
    dropped, _by_table = Effect.objects.filter(pk=resolved.action_id, state=EffectState.READY).delete()
    approvals.settle(resolved.action_id, resolved.outcome)
    if dropped:
        budget_holds.forget(UUID(resolved.run))
    if resolved.stopped_by:
        _stop(resolved, resolved.stopped_by)
        return
    ready_if_settled(UUID(resolved.run))


def _stop(resolved: Resolved, by: Actor) -> None:
    """The run ends with this rejection. What else it asks is closed after the commit, as for any cancelled run: actions come before runs."""
    run_id, reason = UUID(resolved.run), str(resolved.outcome.get("reason", ""))
    if stopping.stop(run_id, reason=reason, by=by, door=resolved.door):
        transaction.on_commit(lambda: _close_rest(run_id, reason or kept.RUN_STOPPED(), by, resolved.door), robust=True)


@transaction.atomic
def _close_rest(run_id: UUID, reason: str, by: Actor, door: str) -> None:
    close_open_pauses(run_id, reason=reason, by=by, door=door)


@receiver(action_reopened)
def on_reopened(action_id: UUID, **_: Any) -> None:
    """The approval is void: what was prepared for it must not happen."""
    effect = Effect.objects.filter(pk=action_id, state=EffectState.READY).first()
    if effect is not None and Effect.objects.filter(pk=action_id, state=EffectState.READY).delete()[0]:
        budget_holds.forget(effect.run_id)


def ready_if_settled(run_id: UUID, *, wake: bool = True) -> bool:
    """Let a waiting run go on once everything it asked is settled. False when it does not: something is open, or an operator holds it.

    The row lock makes two last answers, settled at the same moment, see each other.

    Args:
        wake: False for a worker that takes the run itself, in this very transaction.
    """
    run = rows.first(Run, "SELECT * FROM agents_run WHERE id = %s FOR UPDATE", [run_id])
    if run is None or run.state != RunState.WAITING or not all_settled(run_id):
        return False
    return _ready(run, wake=wake)


def _ready(run: Run, *, wake: bool = True) -> bool:
    run.state = RunState.PAUSED if run.hold == Hold.PAUSE else RunState.READY
    with connection.cursor() as cursor:
        cursor.execute(_READY, [str(run.state), run.pk])
    log.append(events.entry(run, f"run.{run.state.lower()}"))
    events.tell_run(run, f"run.{run.state.lower()}")
    if run.state == RunState.PAUSED:
        return False
    if wake:
        waking.wake(waking.RUN, run.pk)
    return True


def end_waiting(run_id: UUID) -> bool:
    """Have a worker take a run that waits and cannot go on, though not everything it asked is settled: what is approved for it would be done, and it never
    hear of it. False when it does not wait, or an operator holds it."""
    run = rows.first(Run, "SELECT * FROM agents_run WHERE id = %s FOR UPDATE", [run_id])
    return run is not None and run.state == RunState.WAITING and _ready(run)


def all_settled(run_id: UUID) -> bool:
    """Whether the run can go on: every open pause has its answer, or one of those that are answered by themselves."""
    with connection.cursor() as cursor:
        cursor.execute(_GOES_ON, [run_id])
        settled: bool = cursor.fetchone()[0]
    return settled


def close_open_pauses(run_id: UUID, *, reason: str, by: Actor, door: str) -> None:
    """Cancel what a run still asks; claimed actions end with their own outcome."""
    pauses = list(Pause.objects.select_related("run").filter(run=run_id, state=PauseState.OPEN))
    approvals.lock([UUID(action_id) for pause in pauses for action_id in pause.actions])
    run = Run.objects.filter(pk=run_id).first()
    if run is not None and Effect.objects.filter(run=run, by_agent=True, state=EffectState.CLAIMED).exists():
        log.append(*settling.give_up(run))
    list(Run.objects.select_for_update().filter(pk=run_id).values_list("pk"))  # its events are written by one at a time
    if run is not None:
        say_unheard(run, pauses, reason=reason)
    for pause in pauses:
        for action_id in pause.actions:
            approvals.close(UUID(action_id), ActionState.CANCELLED, reason=reason, by=by, door=door)
        closed = Pause.objects.filter(pk=pause.pk, state=PauseState.OPEN).update(state=PauseState.SUPERSEDED, closed_at=Now())
        if closed:  # else somebody else has, and told of it
            log.append(events.entry(pause.run, "pause.superseded", by=by, door=door, node=pause.node, interrupt=pause.interrupt_id))
