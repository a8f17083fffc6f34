"""Whether the answers of a run's people reached the questions they were given for (`graphs.hearing`): asked before and after it is driven.

A node that is gone at the top of a graph leaves nothing pending. One that is gone inside a graph inside leaves its question pending at the task
around it, which then ends without it and lets everything behind it go on: that is looked for first.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from agents.dialects import breakpoints, calls
from agents.graphs.driver import Stop, Stretch
from agents.graphs.hearing import Hearing, kept_answers
from agents.graphs.inside import path_of
from agents.graphs.loader import Loaded
from agents.models import AgentVersion, Pause, Run
from agents.operations import outcomes
from agents.operations.preparing import NATIVE


def tasks_of(pauses: Sequence[Pause]) -> dict[str, str]:
    """The task of the outermost graph in which each was asked, by interrupt id."""
    return {p.interrupt_id: p.place["task"] for p in pauses if p.place.get("task") and has_to_be_taken(p)}


def has_to_be_taken(pause: Pause) -> bool:
    """Whether its answer does nothing unless its node takes it. A breakpoint has no node that could; what came of a call is on record."""
    outcome = pause.dialect == NATIVE and isinstance(pause.raw, dict) and pause.raw.get("kind") == "outcome"
    return pause.dialect != breakpoints.NAME and not outcome


def lost(loaded: Loaded, pauses: Sequence[Pause]) -> list[Pause]:
    """Those whose nodes are certainly gone from the graphs inside, or whose tools from the agent: nobody could take their answers, and nothing is driven."""
    return [pause for pause in pauses if not pause.again and (_is_lost(loaded, pause) or bool(own_tool_gone(loaded, pause)))]


def gone(loaded: Loaded, pause: Pause) -> bool:
    """Whether certainly nobody would take its answer: its node is gone, here or inside."""
    missing = pause.dialect != breakpoints.NAME and pause.node not in loaded.nodes
    return (missing and not pause.again) or bool(lost(loaded, [pause]))


def seems_silent(loaded: Loaded, pause: Pause) -> bool:
    """Whether its question could be read in the code of its node, and nothing that asks can be seen there now; or our own line asked, and cannot be seen.
    Never certain: what is imported inside a function, or reached through an object, is not looked into."""
    if not pause.asked_by.get("written"):
        return False
    if pause.dialect == calls.NAME:
        return isinstance(pause.raw, dict) and pause.raw.get("tool") in loaded.ungoverned
    return loaded.speaking.get(pause.node) is False


def _is_lost(loaded: Loaded, pause: Pause) -> bool:
    if pause.dialect == breakpoints.NAME:
        ways = [where.split(" / ") for where in pause.raw["next"]]
        return any(len(way) > 1 and loaded.lost(way, seen="") for way in ways)
    seen = str(pause.place.get("seen") or "")
    return bool(seen) and (loaded.lost(path_of(pause.place), seen=seen) or bool(helper_gone(loaded, pause)))


def helper_gone(loaded: Loaded, pause: Pause) -> str:
    """The tool by which a lead called the helper that asks, when the lead had it then and certainly has it no more; else ""."""
    tool = str((pause.place.get("for") or {}).get("tool") or "")
    missing = bool(tool) and tool not in loaded.found and loaded.has_no_tool(path_of(pause.place)[:-1], tool)
    return tool if missing and _was_listed(pause, tool) else ""


def own_tool_gone(loaded: Loaded, pause: Pause) -> str:
    """The tool that our own line asked about, when the agent had it then and certainly has it no more; else "". Its node would go on without it, whatever
    people said. Where its graph is called from code, or its node is no tool node, nobody can say: it is driven, and each call is looked at as it begins."""
    tool = str(pause.raw.get("tool") or "") if pause.dialect == calls.NAME and isinstance(pause.raw, dict) else ""
    if not tool or any(one["name"] == tool for one in loaded.described):
        return ""
    return tool if loaded.has_no_tool(path_of(pause.place) or [pause.node], tool) and _was_listed(pause, tool) else ""


def _was_listed(pause: Pause, tool: str) -> bool:
    kept = AgentVersion.objects.filter(pk=pause.asked_by.get("version")).values_list("tools", flat=True)
    return any(one["name"] == tool for tools in kept for one in tools)


def may_be_taken(run: Run, loaded: Loaded, saver: Any, pause: Pause) -> bool:
    """Whether its node may have taken the answer that was kept, though no call of it has begun: then people cannot be asked again where it stands.

    A node that acts itself is told in so many words first (`leave.tell`). LangChain's own takes its answer, and a tool begins later.
    """
    if pause.dialect in {calls.NAME, breakpoints.NAME}:  # the first asks its ledger; of the other nothing tells
        return True
    if outcomes.acts_itself(pause) or outcomes.by_hand(pause):
        return False
    return pause.interrupt_id in _looked_up(run, loaded, saver, {pause.interrupt_id})


def heard(
    run: Run, loaded: Loaded, saver: Any, pauses: Sequence[Pause], stretch: Stretch, hearing: Hearing
) -> tuple[frozenset[str], frozenset[str]]:
    """Interrupt ids whose answers were taken, and those whose answers were given and certainly taken by nobody.

    What was not seen is looked up: an earlier worker may have given the answer and died. Asks the database for nothing when all was seen.
    """
    listed = {question.interrupt_id for question in stretch.questions}
    if stretch.stop is Stop.FAILED:
        return frozenset(), frozenset()
    if stretch.stop is Stop.DRAINED:
        gone = [p for p in pauses if p.interrupt_id in hearing.deaf]
    else:
        gone = [p for p in pauses if p.interrupt_id not in listed and not p.again and has_to_be_taken(p)]
    doubt = {p.interrupt_id: p for p in gone if p.interrupt_id not in hearing.taken}
    if not doubt:
        return frozenset(hearing.taken), frozenset()
    found = _looked_up(run, loaded, saver, doubt.keys())
    return frozenset(hearing.taken | found), frozenset(doubt.keys() - found)


def _looked_up(run: Run, loaded: Loaded, saver: Any, wanted: Collection[str]) -> set[str]:
    """Which of these interrupts took their answers, as the thread's checkpoints have it."""
    asked: Mapping[str, Pause] = {p.interrupt_id: p for p in Pause.objects.filter(thread=run.thread)}
    names = loaded.names | {p.node for p in asked.values()} | {str(p.place["node"]) for p in asked.values() if p.place.get("node")}
    return kept_answers(saver, run.thread, wanted, known=asked.keys(), names=names)
