"""T4 for agents that make their calls themselves: what came of what was handed back, from LangChain's callbacks or the graph's messages."""

from collections.abc import Sequence
from typing import Any

from agents import kept
from agents.dialects import breakpoints, calls, hitl
from agents.dialects.record import Made
from agents.graphs.driver import Stop, Stretch
from agents.graphs.guard import Calls, Leave, told
from agents.models import Effect, Pause, Run
from agents.operations.handing import actions_of, record_of
from agents.operations.settling import settle
from agents.states import MAX_ATTEMPTS, EffectState, PauseState
from audit.log import Entry

TOOLS = frozenset({hitl.BATCHED, hitl.PER_CALL})  # dialects whose calls LangChain tells us of as they happen


def leaves(run: Run) -> list[Leave]:
    """Every call this run was ever asked about, with what is allowed of it: a rejected one stays known for the life of the thread."""
    effects = {str(e.pk): e for e in Effect.objects.filter(run=run, by_agent=True)}
    found = []
    for pause in Pause.objects.filter(run=run, dialect__in=TOOLS).order_by("pk"):
        ids = pause.place.get("call_ids") or []
        for index, (call, action) in enumerate(zip(record_of(pause).calls, actions_of(pause), strict=True)):
            effect, call_id = effects.get(action or ""), ids[index] if index < len(ids) else ""
            allowed = effect is not None and effect.state == EffectState.CLAIMED and effect.begun_at is None
            args = _handed_args(pause, index, call.args)
            found.append(Leave(action or "", call.tool, args, call_id, allowed))
            if args != call.args:  # the arguments from before the edit were approved by nobody
                found.append(Leave("", call.tool, call.args, call_id))
    return found


def _handed_args(pause: Pause, index: int, args: Any) -> Any:
    answer = (pause.answer or {}).get("value") or {}
    decision = answer["decisions"][index] if "decisions" in answer else answer
    edited = decision.get("edited_action") if isinstance(decision, dict) else None
    return edited["args"] if edited else args


def conclude(run: Run, stretch: Stretch, seen: Calls | None, pauses: Sequence[Pause]) -> list[Entry]:
    """Settle what is known by now of everything handed back, in the caller's transaction; before the run's row is locked."""
    handed = Effect.objects.filter(run=run, by_agent=True, state=EffectState.CLAIMED).order_by("pk")
    dialect_of = {action: pause for pause in pauses for action in pause.actions}
    entries = []
    for effect in handed:
        made = _made(effect, stretch, seen, dialect_of.get(str(effect.pk)))
        if made is not None:
            entries.append(settle(run, effect, made))
    return entries


def _made(effect: Effect, stretch: Stretch, seen: Calls | None, pause: Pause | None) -> Made | None:
    """What is known of one call; None while it may still come."""
    if seen and (made := seen.made.get(str(effect.pk))):
        return made
    effect.refresh_from_db(fields=["begun_at", "call_id", "idempotent", "attempts"])
    if effect.idempotent and effect.attempts < MAX_ATTEMPTS and stretch.stop is not Stop.FINISHED:
        return None  # it may be begun again, by whoever takes the run up
    if effect.begun_at is not None:
        return told(stretch.values, effect.call_id) or Made("unknown", error=kept.NOBODY_KNOWS())
    if pause is None or pause.dialect in TOOLS | {calls.NAME} or stretch.stopped or stretch.stop is Stop.DRAINED:
        return Made("failed", error=kept.NEVER_CALLED()) if stretch.stop is Stop.FINISHED else None
    if pause.dialect == breakpoints.NAME and pause.interrupt_id in stretch.delivered:
        return Made("done", {"handed_back": kept.WENT_ON()})
    if stretch.stop is Stop.FAILED:
        return Made("unknown", error=kept.NODE_RAISED()) if pause.interrupt_id in stretch.delivered else None
    # By now the pause was compared with what the graph asks: an earlier worker may have given the answer and died.
    if Pause.objects.filter(pk=pause.pk, state=PauseState.ANSWERED).exists():
        return Made("done", {"handed_back": kept.TOLD_AND_WENT_ON()})
    return Made("failed", error=kept.NEVER_CALLED()) if stretch.stop is Stop.FINISHED else None
