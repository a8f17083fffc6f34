"""T4 for agents that make their calls themselves: what came of what was handed back, from LangChain's callbacks or the graph's messages."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from agents import kept
from agents.dialects import breakpoints, calls, hitl
from agents.dialects.record import Made
from agents.graphs.driver import Stop, Stretch
from agents.graphs.guard import Calls, Leave, OfOurs, told
from agents.graphs.inside import path_of
from agents.models import Effect, Pause, Run
from agents.operations import overtaken
from agents.operations.handing import actions_of, record_of
from agents.operations.settling import settle
from agents.states import MAX_ATTEMPTS, EffectState, PauseState
from audit.log import Entry

TOOLS = frozenset({hitl.BATCHED, hitl.PER_CALL})  # dialects whose calls LangChain tells us of as they happen


def acting(pauses: Sequence[Pause]) -> dict[str, list[str]]:
    """Of these open pauses, those whose nodes act themselves with the answer: the approved calls in it, by interrupt id."""
    mine = [p for p in pauses if p.answer is not None and not p.again and (acts_itself(p) or by_hand(p))]
    claimed = Effect.objects.filter(pk__in=[a for p in mine for a in p.actions], by_agent=True).exclude(state=EffectState.READY)
    known = {str(pk) for pk in claimed.values_list("pk", flat=True)}
    return {p.interrupt_id: found for p in mine if (found := [a for a in p.actions if a in known])}


def acts_itself(pause: Pause) -> bool:
    """Whether the node that asked does what was approved, in its own lines: nobody tells us when."""
    return pause.dialect not in TOOLS | {calls.NAME, breakpoints.NAME}


def by_hand(pause: Pause) -> bool:
    """Whether a node of the project's own asked in LangChain's shape: it may act in its own lines, or leave the call to a tool.

    LangChain's middleware asks behind its model, in a node of its own name, or in the node of the tools (langchain 1.4.7 to 1.5.0).
    """
    node = (path_of(pause.place) or [""])[-1]
    if not node:
        return False
    return (pause.dialect == hitl.BATCHED and not node.endswith(".after_model")) or (pause.dialect == hitl.PER_CALL and node != "tools")


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
            begun = effect is not None and effect.begun_at is not None
            gone = pause.state in {PauseState.SUPERSEDED, PauseState.ORPHANED}  # nobody refused it
            found.append(
                Leave(action or "", call.tool, args, call_id, allowed, _on_record(effect), begun, instead=gone, why=_why_not(effect))
            )
            if args != call.args:  # the arguments from before the edit were approved by nobody
                found.append(Leave("", call.tool, call.args, call_id, instead=True))
    return found + (_of_parents(run) if run.parent_id else [])


def of_our_line(run: Run) -> list[OfOurs]:
    """Every call that our own line asked about in this run, also before an operator went back."""
    asked = Pause.objects.filter(run=run, dialect=calls.NAME).only("raw", "state", "place")
    return [
        OfOurs(
            str(one.raw.get("tool")),
            str(one.raw.get("tool_call_id") or ""),
            one.raw.get("args"),
            open=one.state == PauseState.OPEN,
            task=str(one.place.get("task") or ""),
        )
        for one in asked
        if isinstance(one.raw, dict)
    ]


def _why_not(effect: Effect | None) -> str:
    """Why a call that was approved is allowed no more, or not yet; "" where it was not approved, or nothing more is to be said of it."""
    if effect is None:
        return ""
    if effect.state == EffectState.READY:
        return kept.APPROVED_AND_NOT_ASKED(tool=effect.tool)
    return effect.error if effect.error == kept.GIVEN_BEFORE_A_HALT(tool=effect.tool) else ""


def _of_parents(run: Run) -> list[Leave]:
    """What a fork's parents were asked about: known, and leave for nothing. What came of it is theirs, too: nothing is answered from it."""
    above = leaves(run.parent) if run.parent else []
    whys = [
        "" if one.why == kept.APPROVED_AND_NOT_ASKED(tool=one.tool) else one.why for one in above
    ]  # theirs was, and this is another call
    found = zip(above, whys, strict=True)
    return [replace(one, action="", allowed=False, made=None, begun=False, instead=one.spent, why=why) for one, why in found]


def _on_record(effect: Effect | None) -> Made | None:
    """What came of a call that has begun, where that is known: the tool said it, or a person who looked."""
    if effect is None or effect.begun_at is None or effect.state not in {EffectState.DONE, EffectState.FAILED}:
        return None
    if effect.state == EffectState.FAILED:
        return Made("failed", error=kept.SAID_NOT_DONE())
    result = effect.result or {}
    if who := result.get("confirmed_by"):
        result = {name: value for name, value in result.items() if name != "confirmed_by"}
        if not result:
            return Made("done", kept.SAID_DONE(who=who))
    return Made("done", result["content"] if set(result) == {"content"} else result)


def _handed_args(pause: Pause, index: int, args: Any) -> Any:
    answer = (pause.answer or {}).get("value") or {}
    decision = answer["decisions"][index] if "decisions" in answer else answer
    edited = decision.get("edited_action") if isinstance(decision, dict) else None
    return edited["args"] if edited else args


def conclude(run: Run, stretch: Stretch, seen: Calls | None, pauses: Sequence[Pause], deaf: Collection[str] = ()) -> list[Entry]:
    """Settle what is known by now of everything handed back, in the caller's transaction; before the run's row is locked.

    Args:
        deaf: interrupt ids whose answers nobody took, or can take.
    """
    handed = Effect.objects.filter(run=run, by_agent=True, state=EffectState.CLAIMED).order_by("pk")
    dialect_of = {action: pause for pause in pauses for action in pause.actions}
    entries = []
    for effect in handed:
        pause = dialect_of.get(str(effect.pk))
        made = _made(effect, stretch, seen, pause, deaf=pause is not None and pause.interrupt_id in deaf)
        if made is not None:
            entries.append(settle(run, effect, made))
    return entries


def _made(effect: Effect, stretch: Stretch, seen: Calls | None, pause: Pause | None, *, deaf: bool) -> Made | None:
    """What is known of one call; None while it may still come."""
    if seen and (made := seen.made.get(str(effect.pk))):
        return made
    effect.refresh_from_db(fields=["begun_at", "told_at", "call_id", "idempotent", "attempts"])
    if seen and effect.begun_at is None and seen.stopped == (why := kept.GIVEN_BEFORE_A_HALT(tool=effect.tool)):
        return Made("failed", error=why) if overtaken.stopped([str(effect.pk)]) else None
    if deaf and effect.begun_at is None:
        return Made("failed", error=kept.NEVER_CALLED())
    if effect.idempotent and effect.attempts < MAX_ATTEMPTS and stretch.stop is not Stop.FINISHED:
        return None  # it may be begun again, by whoever takes the run up
    if pause is not None and acts_itself(pause):
        return _acted(effect, stretch, pause)
    if effect.begun_at is not None:
        said = None if _a_parents(effect) else told(stretch.values, effect.call_id)
        return said or Made("unknown", error=kept.NOBODY_KNOWS())
    if effect.told_at is not None:
        return _told_by_hand(effect, stretch)
    if (
        pause is not None
        and pause.dialect == breakpoints.NAME
        and pause.interrupt_id in stretch.delivered
        and stretch.stop is not Stop.DRAINED
    ):
        return Made("done", {"handed_back": kept.WENT_ON()})
    return Made("failed", error=kept.NEVER_CALLED()) if stretch.stop is Stop.FINISHED else None


def _a_parents(effect: Effect) -> bool:
    """Whether a run that this call's run was forked from made a call under the same id: the state says what came of that one."""
    run: Run | None = Run.objects.get(pk=effect.run_id)
    while run and run.parent_id:
        if Effect.objects.filter(run=run.parent_id, call_id=effect.call_id).exists():
            return True
        run = run.parent
    return False


def _told_by_hand(effect: Effect, stretch: Stretch) -> Made | None:
    """What is known of a node of the project's own that was told, while no tool began the call. As long as the graph goes on, one may."""
    open_still = Pause.objects.filter(run=effect.run_id, actions__contains=[str(effect.pk)], state=PauseState.OPEN).exists()
    if stretch.stop is Stop.FAILED and open_still:
        return Made("unknown", error=kept.NOBODY_KNOWS() if stretch.stopped else kept.NODE_RAISED())
    return Made("done", {"handed_back": kept.TOLD_AND_WENT_ON()}) if stretch.stop is Stop.FINISHED else None


def _acted(effect: Effect, stretch: Stretch, pause: Pause) -> Made | None:
    """What is known of a node that acts itself: it was told or not, and went on or not."""
    # By now the pause was compared with what the graph asks: an earlier worker may have given the answer and died.
    if Pause.objects.filter(pk=pause.pk, state=PauseState.ANSWERED).exists():
        return Made("done", {"handed_back": kept.TOLD_AND_WENT_ON()})
    if stretch.stop is Stop.FAILED and effect.begun_at is not None:
        return Made("unknown", error=kept.NOBODY_KNOWS() if stretch.stopped else kept.NODE_RAISED())
    return Made("failed", error=kept.NEVER_CALLED()) if stretch.stop is Stop.FINISHED and effect.begun_at is None else None
