"""What a look at an Agent Server's thread came to is written down: its pauses, effects, new questions, and the run's next state, in one transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import connection, transaction

from agents import kept
from agents.dialects.record import Made
from agents.errors import LostLease
from agents.models import Effect, Handover, Pause, Run, Thread
from agents.operations import events, waking
from agents.operations.handing import actions_of
from agents.operations.outcomes import TOOLS
from agents.operations.pausing import open_pause
from agents.operations.preparing import Prepared
from agents.operations.receiving import all_settled
from agents.operations.settling import settle
from agents.operations.stretches import ENDED, close_pauses
from agents.remote.calling import ACTIVE
from agents.remote.reading import Standing, made_of
from agents.states import EffectState, HandoverState, PauseState, RunState
from approvals.operations import close, lock, notices
from approvals.states import ActionState
from audit import canonical, log
from audit.log import Entry
from audit.sentences import say

PARKED_S = 900  # a lease long enough for the beat to come by
_LEAVE = """
UPDATE agents_run SET state = %(state)s, nodes = %(nodes)s::jsonb, error = %(error)s, lease_until = NULL, attempts = 0,
    changed_at = statement_timestamp(),
    finished_at = CASE WHEN %(ended)s THEN statement_timestamp() ELSE finished_at END,
    output = CASE WHEN %(ended)s THEN %(output)s::jsonb ELSE output END
WHERE id = %(id)s AND state = 'RUNNING' AND fence = %(fence)s
"""
_PARK = """
UPDATE agents_run SET lease_until = statement_timestamp() + make_interval(secs => %(lease)s), attempts = 0
WHERE id = %(id)s AND state = 'RUNNING' AND fence = %(fence)s
"""
# The longer it runs there, the rarer we look.
_LOOK = """
UPDATE agents_thread AS t SET look_at = statement_timestamp()
    + make_interval(secs => least(60, greatest(2, extract(epoch FROM statement_timestamp() - r.changed_at) / 4)))
FROM agents_run AS r WHERE r.id = t.run_id AND t.run_id = %s
"""
_LOST_IN = "UnknownInterruptError"  # strict resume: the question had gone before our answer came


@dataclass(frozen=True)
class Came:
    """What a look came to.

    Attributes:
        stands: where the thread stands; None when the server could not be asked.
        pauses: what was open here. sent: their answers on the way, by pause. ends: how the runs there ended that carry them.
        trouble: why it does not go on, as a sentence. gone: the thread is not there any more.
        halted: it was told to stop. held: something approved cannot be used now. new: questions not recorded yet.
        settled: everything open was settled before we looked. moved: an answer was taken in this look.
    """

    stands: Standing | None
    pauses: tuple[Pause, ...]
    sent: Mapping[int, Handover]
    ends: Mapping[int, str]
    trouble: str = ""
    gone: bool = False
    halted: bool = False
    held: bool = False
    new: Sequence[Prepared] = ()
    settled: bool = False
    moved: bool = False

    def with_new(self, new: Sequence[Prepared]) -> "Came":
        return replace(self, new=new)

    @property
    def why(self) -> str:
        """Why an answer was not taken, as the server said it."""
        return next((sent.why for sent in self.sent.values() if sent.state == HandoverState.REFUSED), "")

    def state_of(self, pause: Pause) -> str:
        return self.sent[pause.pk].state if pause.pk in self.sent else ""


@dataclass
class _Fate:
    """What becomes of one open pause: its next state, None to stay; what came of its calls; why the run cannot go on."""

    state: PauseState | None = None
    made: Made | None = None
    trouble: str = ""


@transaction.atomic
@notices.together()
@log.together()
def put_down(run: Run, came: Came) -> RunState:
    """The run's next state. Raises LostLease when another worker has taken it since."""
    under_way = any(came.state_of(p) == HandoverState.SENDING or came.ends.get(p.pk) in ACTIVE for p in came.pauses)
    if under_way or (came.stands is not None and came.stands.busy):
        return _park(run)
    if came.stands is None and not came.gone:
        return _park(run) if any(came.state_of(p) == HandoverState.TAKEN for p in came.pauses) else _away(run, came)
    entries, trouble = _reconcile(run, came)
    waits = [open_pause(run, one) for one in came.new]
    state, error = _next(came, trouble or came.trouble or _stuck(run, came))
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
    log.append(*entries, events.entry(run, f"run.{state.lower()}", fence=run.fence, **canonical.storable(data)))
    events.tell_run(run, f"run.{state.lower()}")


def _park(run: Run) -> RunState:
    """It goes on there: nobody here waits for it, and the beat looks again. Nothing has changed that the log would tell of."""
    with connection.cursor() as cursor:
        cursor.execute(_PARK, {"lease": PARKED_S, "id": run.pk, "fence": run.fence})
        if cursor.rowcount != 1:
            raise LostLease(say("Another worker took this run over"))
        cursor.execute(_LOOK, [run.pk])
    return RunState.RUNNING


def _away(run: Run, came: Came) -> RunState:
    """The server cannot be asked. Nothing was claimed or sent for it; the next look that reaches it readies the run."""
    error = kept.SERVER_AWAY(why=came.trouble)
    state = RunState.HALTED if came.halted else RunState.WAITING
    _leave(run, state, error, None)
    _tell(run, state, error, (), came)
    return state


def _leave(run: Run, state: RunState, error: str, stands: Standing | None) -> None:
    nodes = list(stands.nodes) if stands else []
    output = None if stands is None else canonical.storable({k: v for k, v in stands.values.items() if k != "messages"})
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
    if trouble:
        return RunState.FAILED, trouble
    stands = came.stands
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
    if not stands.idle:
        return RunState.FAILED, kept.THREAD_EMPTY()
    return RunState.SUCCEEDED, ""


def _reconcile(run: Run, came: Came) -> tuple[list[Entry], str]:
    """Compare our open pauses with what the thread asks: taken, superseded, or trouble. Actions first, then effects, then the run's row."""
    lock([UUID(action) for pause in came.pauses for action in pause.actions])
    asked = {q.interrupt_id: q.digest for q in came.stands.questions} if came.stands else {}
    entries: list[Entry] = []
    troubles = []
    for pause in came.pauses:
        fate = _orphaned() if came.gone else _fate(pause, came, asked.get(pause.interrupt_id))
        entries += _carry_out(run, pause, fate, came)
        troubles.append(fate.trouble)
    return entries, next(filter(None, troubles), "")


def _orphaned() -> _Fate:
    return _Fate(PauseState.ORPHANED, Made("unknown", error=kept.THREAD_GONE()))


def _fate(pause: Pause, came: Came, asked: str | None) -> _Fate:
    sent, end = came.state_of(pause), came.ends.get(pause.pk, "")
    if sent == HandoverState.TAKEN and end == "gone":
        return _Fate(None if asked else PauseState.SUPERSEDED, Made("unknown", error=kept.FORGOTTEN()), kept.FORGOTTEN())
    if asked is not None:
        if sent == HandoverState.LOST:
            return _Fate(None, Made("unknown", error=kept.ANSWER_LOST()), kept.ANSWER_LOST())
        if sent == HandoverState.TAKEN:
            why = kept.STOPPED_THERE() if end == "interrupted" else kept.STILL_ASKS(node=pause.node)
            return _Fate(None, Made("unknown", error=why), why)
        if asked != pause.proposal_digest and pause.answer is not None:
            why = kept.ASKS_OTHERWISE(node=pause.node)
            return _Fate(None, Made("failed", error=why), why)
        return _Fate()
    if sent == HandoverState.TAKEN:
        if end == "success":
            return _Fate(PauseState.ANSWERED, Made("done", {"handed_back": kept.TOLD_AND_WENT_ON()}))
        if end == "error" and came.stands and came.stands.error.startswith(_LOST_IN):
            return _Fate(PauseState.SUPERSEDED, Made("failed", error=kept.NEVER_DELIVERED()))
        return _Fate(PauseState.ANSWERED, Made("unknown", error=kept.STOPPED_THERE() if end == "interrupted" else kept.NODE_RAISED()))
    if sent == HandoverState.LOST:
        return _Fate(PauseState.SUPERSEDED, Made("unknown", error=kept.ANSWER_LOST()))
    return _Fate(PauseState.SUPERSEDED, Made("failed", error=kept.NEVER_DELIVERED()))


def _carry_out(run: Run, pause: Pause, fate: _Fate, came: Came) -> list[Entry]:
    entries = []
    if fate.made is not None:
        for effect in Effect.objects.filter(pk__in=pause.actions, by_agent=True, state=EffectState.CLAIMED).order_by("pk"):
            entries.append(settle(run, effect, _told(pause, effect, came, fate.made)))
    if fate.state is None:
        return entries
    if fate.state is not PauseState.ANSWERED:
        reason = kept.THREAD_GONE() if fate.state is PauseState.ORPHANED else kept.MOVED_ON()
        for action in pause.actions:
            close(UUID(action), ActionState.SUPERSEDED, reason=reason)
    close_pauses([pause], fate.state)
    data = {"node": pause.node, "interrupt": pause.interrupt_id, "actions": pause.actions}
    return [*entries, events.entry(run, f"pause.{fate.state.lower()}", **data)]


def _told(pause: Pause, effect: Effect, came: Came, made: Made) -> Made:
    """What the thread's own messages say of a call, where they say anything: better than what the run's end lets us think."""
    if pause.dialect not in TOOLS or came.stands is None or made.status == "failed":
        return made
    ids = pause.place.get("call_ids") or []
    index = actions_of(pause).index(str(effect.pk))
    return (made_of(came.stands.values, ids[index]) if index < len(ids) else None) or made
