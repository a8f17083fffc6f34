"""What a look at an Agent Server's thread came to is written down: its pauses, effects, new questions, and the run's next state, in one transaction."""

import json
from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction

from agents import kept
from agents.dialects.record import Made
from agents.errors import LostLease
from agents.models import Effect, Pause, Run, Thread
from agents.operations import events, timing, waking
from agents.operations.fates import Came, Fate, fate_of
from agents.operations.handing import actions_of
from agents.operations.outcomes import TOOLS
from agents.operations.outputs import output_of
from agents.operations.pausing import open_pause
from agents.operations.receiving import all_settled, close_open_pauses
from agents.operations.settling import settle
from agents.operations.stretches import ENDED, close_pauses
from agents.remote.calling import ACTIVE
from agents.remote.reading import Standing, made_of
from agents.states import EffectState, HandoverState, PauseState, RunState
from approvals.operations import close, lock, notices, unheard
from approvals.states import ActionState
from audit import canonical, log
from audit.actors import SYSTEM
from audit.log import Entry
from audit.sentences import say

PARKED_S = 900  # a lease long enough for the beat to come by
_LEAVE = f"""
UPDATE agents_run SET state = %(state)s, driven_ms = {timing.DRIVEN}, nodes = %(nodes)s::jsonb, error = %(error)s, lease_until = NULL, attempts = 0,
    changed_at = statement_timestamp(),
    finished_at = CASE WHEN %(ended)s THEN statement_timestamp() ELSE finished_at END,
    output = CASE WHEN %(ended)s THEN %(output)s::jsonb ELSE output END
WHERE id = %(id)s AND state = 'RUNNING' AND fence = %(fence)s
"""  # noqa: S608  names of ours only
_PARK = """
UPDATE agents_run SET lease_until = statement_timestamp() + make_interval(secs => %(lease)s), attempts = 0,
    error = CASE WHEN %(reached)s THEN '' ELSE error END
WHERE id = %(id)s AND state = 'RUNNING' AND fence = %(fence)s
"""
# The longer it runs there, the rarer we look; and as soon as its time is up.
_LOOK = """
UPDATE agents_thread AS t SET look_at = statement_timestamp()
    + make_interval(secs => least(60, greatest(2, extract(epoch FROM statement_timestamp() - r.changed_at) / 4),
        CASE WHEN r.limit_s > 0 THEN greatest(1, r.limit_s - r.driven_ms / 1000.0 - extract(epoch FROM statement_timestamp() - r.changed_at)) END))
FROM agents_run AS r WHERE r.id = t.run_id AND t.run_id = %s
"""


@transaction.atomic
@notices.together()
@log.together()
def put_down(run: Run, came: Came) -> RunState:
    """The run's next state. Raises LostLease when another worker has taken it since."""
    under_way = any(came.state_of(p) == HandoverState.SENDING or came.ends.get(p.pk) in ACTIVE for p in came.pauses)
    if not came.gone and (under_way or (came.stands is not None and came.stands.busy)):
        return _park(run, reached=came.stands is not None)
    if came.stands is None and not came.gone:
        return _park(run, reached=False) if any(came.state_of(p) == HandoverState.TAKEN for p in came.pauses) else _away(run, came)
    entries, trouble = _reconcile(run, came)
    waits = [open_pause(run, one) for one in came.new]
    state, error = _next(came, trouble or came.trouble or _stuck(run, came))
    if state is RunState.PARTIAL:  # also what it asked last: found once more, it would be a run of its own, with time of its own
        close_open_pauses(run.pk, reason=error, by=SYSTEM, door="worker")
    _leave(run, state, error, came.stands)
    # From here on, the run's row is locked: an action that is settled now waits for us, or has been seen.
    if state is RunState.WAITING and not came.held and not any(waits) and all_settled(run.pk):
        # What was settled before we looked and did not move then would not move now either: the beat offers it again.
        moved = bool(came.moved or came.new or entries) or not came.settled
        state, error = (RunState.READY, "") if moved else (state, kept.NOT_YET(why=came.why))
        Run.objects.filter(pk=run.pk, fence=run.fence).update(state=state, error=error)
    _tell(run, state, error, entries, came)
    if state is RunState.READY:
        waking.wake(waking.RUN, run.pk)
    return state


def _stuck(run: Run, came: Came) -> str:
    """Why what the thread asks cannot be asked of people: it was closed here before, or changed after they had answered."""
    if came.stands is None or not came.stands.questions:
        return ""
    open_now = dict(Pause.objects.filter(run=run, state=PauseState.OPEN).values_list("interrupt_id", "proposal_digest"))
    if not open_now:
        return kept.ASKED_BEFORE()
    changed = next((q for q in came.stands.questions if open_now.get(q.interrupt_id, q.digest) != q.digest), None)
    return kept.ASKS_OTHERWISE(node=changed.node) if changed else ""


def _tell(run: Run, state: RunState, error: str, entries: Sequence[Entry], came: Came) -> None:
    run.state = state
    nodes = list(came.stands.nodes) if came.stands else []
    data = {"nodes": nodes, "questions": len(came.stands.questions) if came.stands else 0, **({"error": error[-2_000:]} if error else {})}
    data |= {"timed_out": True} if state is RunState.PARTIAL else {}
    log.append(*entries, events.entry(run, f"run.{state.lower()}", fence=run.fence, **canonical.storable(data)))
    events.tell_run(run, f"run.{state.lower()}")


def _park(run: Run, *, reached: bool) -> RunState:
    """It goes on there: nobody here waits for it, and the beat looks again. Nothing has changed that the log would tell of."""
    with connection.cursor() as cursor:
        cursor.execute(_PARK, {"lease": PARKED_S, "reached": reached, "id": run.pk, "fence": run.fence})
        if cursor.rowcount != 1:
            raise LostLease(say("Another worker took this run over"))
        cursor.execute(_LOOK, [run.pk])
    return RunState.RUNNING


def _away(run: Run, came: Came) -> RunState:
    """The server cannot be asked, or has no such graph now. Nothing was claimed or sent for it; the next look that reaches it readies the run."""
    error = came.trouble
    state = RunState.HALTED if came.halted else RunState.WAITING
    _leave(run, state, error, None)
    _tell(run, state, error, (), came)
    return state


def _leave(run: Run, state: RunState, error: str, stands: Standing | None) -> None:
    nodes = list(stands.nodes) if stands else []
    output = None if stands is None else output_of(stands.values, ours=False)
    left = {
        "state": str(state),
        "nodes": json.dumps(canonical.storable(nodes)),
        "error": canonical.storable(error),
        "ended": state in ENDED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, {**left, "output": json.dumps(output), "id": run.pk, "fence": run.fence})
        if cursor.rowcount != 1:
            raise LostLease(say("Another worker took this run over"))
    Thread.objects.filter(run=run.pk).update(look_at=None)


def _next(came: Came, trouble: str) -> tuple[RunState, str]:
    stands = came.stands
    if came.late and stands is not None and (stands.questions or stands.nodes or stands.error):
        return RunState.PARTIAL, came.late
    if trouble:
        return RunState.FAILED, trouble
    if came.halted and (stands is None or stands.questions or stands.nodes):
        return RunState.HALTED, ""
    if stands is None:
        return RunState.FAILED, kept.THREAD_GONE()
    if stands.questions:
        return RunState.WAITING, ""
    if stands.error:
        return RunState.FAILED, kept.FAILED_THERE(why=stands.error[:1_000])
    if stands.nodes:
        return RunState.FAILED, kept.STANDS_STILL(nodes=", ".join(stands.nodes))
    if _empty(stands):
        return RunState.FAILED, kept.THREAD_EMPTY()
    return RunState.SUCCEEDED, ""


def _reconcile(run: Run, came: Came) -> tuple[list[Entry], str]:
    """Compare our open pauses with what the thread asks: taken, superseded, or trouble. Actions first, then effects, then the run's row."""
    lock([UUID(action) for pause in came.pauses for action in pause.actions])
    asked = {q.interrupt_id: q.digest for q in came.stands.questions} if came.stands else {}
    entries: list[Entry] = []
    troubles = []
    for pause in came.pauses:
        fate = fate_of(pause, came, asked.get(pause.interrupt_id))
        entries += _carry_out(run, pause, fate, came)
        troubles.append(fate.trouble)
    return entries, next(filter(None, troubles), "")


def _carry_out(run: Run, pause: Pause, fate: Fate, came: Came) -> list[Entry]:
    entries = []
    if fate.made is not None:
        for effect in Effect.objects.filter(pk__in=pause.actions, by_agent=True, state=EffectState.CLAIMED).order_by("pk"):
            entries.append(settle(run, effect, _told(pause, effect, came, fate.made)))
    if fate.state is None:
        return entries
    if fate.state is not PauseState.ANSWERED:
        for action in pause.actions:
            why = _why_closed(fate, came.stands)
            if not close(UUID(action), ActionState.SUPERSEDED, reason=why) and fate.certain:
                unheard(UUID(action), reason=why)
    close_pauses([pause], fate.state)
    data = {"node": pause.node, "interrupt": pause.interrupt_id, "actions": pause.actions}
    return [*entries, events.entry(run, f"pause.{fate.state.lower()}", **data)]


def _why_closed(fate: Fate, stands: Standing | None) -> str:
    if fate.state is PauseState.ORPHANED:
        return kept.THREAD_GONE()
    return kept.THREAD_EMPTY() if stands is not None and _empty(stands) else kept.MOVED_ON()


def _empty(stands: Standing) -> bool:
    """It names nothing that could be next, and is not over."""
    return not (stands.questions or stands.nodes or stands.error or stands.idle)


def _told(pause: Pause, effect: Effect, came: Came, made: Made) -> Made:
    """What the thread's own messages say of a call, where they say anything: better than what the run's end lets us think."""
    if pause.dialect not in TOOLS or came.stands is None or made.status == "failed":
        return made
    ids = pause.place.get("call_ids") or []
    index = actions_of(pause).index(str(effect.pk))
    return (made_of(came.stands.values, ids[index]) if index < len(ids) else None) or made
