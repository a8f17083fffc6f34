"""Before a deploy: which questions that wait now would the code on disk break? Runs the project's code, in a command of its own.

New code applies to old threads at once (there is no pinning in LangGraph), so what waits for people is compared with it first: each pause keeps
the form of the graph that asked and the fingerprints of its node's code, and the page of the action keeps the arguments. No node is run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agents import kept
from agents.dialects import breakpoints, hitl
from agents.dialects.calls import NAME as OUR_LINE
from agents.graphs import standing
from agents.graphs.asking import Ask
from agents.graphs.inside import ITSELF, path_of
from agents.graphs.loader import Loaded, load_project
from agents.models import Agent, Pause
from agents.operations import outcomes
from agents.operations.fingerprints import still_takes, takes_the_same
from agents.operations.handing import actions_of, record_of
from agents.operations.hearing import helper_gone, own_tool_gone, seems_silent
from agents.operations.preparing import NATIVE
from agents.operations.state_classes import lost_classes
from agents.states import PauseState
from agents.tools.registry import BadArgs
from approvals import queries as approvals_queries
from audit import schemas

_MODES = {hitl.BATCHED: "batched", hitl.PER_CALL: "per_call"}  # as LangChain's middleware calls them


@dataclass(frozen=True)
class Broken:
    """One pending question and what the code on disk would do to it; `certain` False when it may well work."""

    run: str
    agent: str
    node: str
    actions: tuple[str, ...]
    why: str
    certain: bool = True


@dataclass(frozen=True)
class Checked:
    """How many questions were looked at, and those that would break or may; how many of them would and may."""

    looked: int
    broken: tuple[Broken, ...]
    would: int = 0
    may: int = 0

    @property
    def fine(self) -> int:
        return self.looked - self.would - self.may


def check_deploy(path: Path | None = None) -> Checked:
    """Compare every open question with the code on disk: of one project, or of all that are registered.

    Raises:
        BadProject: the code on disk cannot be loaded at all.
    """
    wanted = {str(path.resolve())} if path else set(Agent.objects.exclude(project="").values_list("project", flat=True))
    loaded = {(project, one.slug): one for project in sorted(wanted) for one in load_project(Path(project))}
    pauses = Pause.objects.filter(state=PauseState.OPEN, run__agent__project__in=wanted).select_related("run__agent").order_by("pk")
    broken: list[Broken] = []
    would = may = 0
    for pause in pauses:
        agent = pause.run.agent
        found = _breaks(pause, loaded.get((agent.project, agent.graph)))
        said = dict.fromkeys(found)  # the calls of a batch may all break in the same way
        broken += [Broken(str(pause.run_id), agent.slug, pause.node, tuple(pause.actions), why, certain) for why, certain in said]
        sure = any(certain for _, certain in found)
        would, may = would + sure, may + bool(found and not sure)
    there = [] if path else _graphs_missing_there()
    return Checked(len(pauses) + len(there), (*broken, *there), would + len(there), may)


def _graphs_missing_there() -> list[Broken]:
    """Of agents on Agent Servers only this is known here: at the last look, their server had no graph of that name."""
    pauses = Pause.objects.filter(state=PauseState.OPEN, run__agent__server__isnull=False).exclude(run__error="").select_related("run")
    return [
        Broken(str(p.run_id), p.run.agent_id, p.node, tuple(p.actions), p.run.error)
        for p in pauses.order_by("pk")
        if kept.GRAPH_NOT_THERE.found_in(p.run.error) is not None
    ]


def _breaks(pause: Pause, loaded: Loaded | None) -> list[tuple[str, bool]]:
    if loaded is None:
        return [(kept.GRAPH_GONE(), True)]
    if pause.node not in loaded.nodes:
        return [(kept.NODE_WOULD_BE_GONE(node=pause.node), True)]
    if (inner := _inner_gone(pause, loaded)) is not None:
        return [(kept.NODE_WOULD_BE_GONE(node=inner), True)]
    if tool := helper_gone(loaded, pause) or own_tool_gone(loaded, pause):
        return [(kept.TOOL_WOULD_BE_GONE(tool=tool), True)]
    if pause.dialect == OUR_LINE and seems_silent(loaded, pause):
        return [(kept.OUR_LINE_GONE(tool=pause.raw.get("tool")), False)]
    if helper := _named_helper_gone(pause, loaded):
        return [(helper, True)]
    found = [(why, True) for why in _native(pause, loaded)] if pause.dialect == NATIVE else _foreign(pause, loaded)
    if not found:
        found = _code(pause, loaded)
    if lost := lost_classes(pause.run, loaded):
        found.append((kept.CLASSES_LOST(names=", ".join(lost[:5])), False))
    if not found and pause.asked_by.get("graph") not in {"", None, loaded.fingerprint}:
        found.append((kept.GRAPH_CHANGED(), False))
    return found


def _inner_gone(pause: Pause, loaded: Loaded) -> str | None:
    """The node of a graph inside the graph that asked, when it is not there any more; None also when that cannot be seen."""
    path = path_of(pause.place)
    gone = len(path) > 1 and loaded.lost(path, seen=str(pause.place.get("seen") or ""))
    return " / ".join(path) if gone else None


def _named_helper_gone(pause: Pause, loaded: Loaded) -> str:
    """That a lead has no helper of the name by which it started the one that asks (deepagents' `task`); "" when it has, or that cannot be seen."""
    by = pause.place.get("for") or {}
    tool, args = str(by.get("tool") or ""), by.get("args")
    helper = args.get("subagent_type") if isinstance(args, dict) else None
    known = loaded.helpers.get(tool)
    return kept.HELPER_WOULD_BE_GONE(tool=tool, helper=helper) if known and isinstance(helper, str) and helper not in known else ""


def _in_another_mode(pause: Pause, loaded: Loaded) -> str:
    """That LangChain's middleware asks about one of these calls in another shape now, which takes no answer to this one."""
    was = _MODES.get(pause.dialect)
    for call in record_of(pause).calls if was and not outcomes.by_hand(pause) else ():
        if (now := loaded.modes.get(call.tool)) and was not in now:
            return kept.ASKED_IN_ANOTHER_MODE(tool=call.tool, was=was, now=", ".join(sorted(now)))
    return ""


def _code(pause: Pause, loaded: Loaded) -> list[tuple[str, bool]]:
    """What became of the code that asked. Nothing of it is run: what only running it would tell may break."""
    before, now = pause.asked_by.get("code") or {}, loaded.prints.get(pause.node, {})
    asks, written = loaded.asks.get(pause.node, []), bool(pause.asked_by.get("written")) and pause.dialect != OUR_LINE
    alike = [n for n, ask in enumerate(asks) if ask.could_be(pause.raw)]
    same = next((n for n in alike if _takes_its_answer(asks[n], pause)), None)
    # Of a graph inside this node we may not see every question; of the node itself we do.
    whole = bool(before) and (written or not pause.place.get("ns"))
    if alike and same is None and pause.dialect != NATIVE:
        return [(kept.TAKES_OTHER_ANSWERS(node=pause.node), whole)]
    if before == now:
        return []
    if other := _in_another_mode(pause, loaded):
        return [(other, True)]
    if pause.dialect == NATIVE and seems_silent(loaded, pause):
        return [(kept.SEEMS_SILENT(node=pause.node), False)]
    changed: list[tuple[str, bool]] = [(kept.NODE_CHANGED(node=pause.node, what=_changed(before, now)), False)] if before else []
    if pause.dialect == NATIVE or pause.dialect == breakpoints.NAME:
        return changed
    if not asks and written:
        return [(kept.ASKS_NO_MORE(node=pause.node), True)]
    if asks and same is None:
        return [(kept.ASKS_OTHERWISE_NOW(node=pause.node, ask=asks[0].text), whole)]
    answered = list(Pause.objects.filter(run=pause.run, node=pause.node, state=PauseState.ANSWERED).values_list("raw", flat=True))
    new = next((ask for ask in asks[: same or 0] if not any(ask.could_be(raw) for raw in answered)), None)
    return [(kept.ASKS_BEFORE(node=pause.node, ask=new.text), False)] if new is not None else changed


def _takes_its_answer(ask: Ask, pause: Pause) -> bool:
    """Whether it wants an answer of the schema that this question had; what was asked before that was kept may have had any."""
    answers = pause.asked_by.get("answers")
    unknown = answers is None and (pause.record or {}).get("answer_schema") is not None
    return unknown or ask.takes(str(answers or ""))


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _native(pause: Pause, loaded: Loaded) -> list[str]:
    if not isinstance(pause.raw, dict) or pause.raw.get("kind") != "tool":
        return []
    tool = loaded.tools.get(str(pause.raw.get("tool")))
    if tool is None:
        return [kept.TOOL_WOULD_BE_GONE(tool=pause.raw.get("tool"))]
    found: list[str] = []
    for action in pause.actions:
        shown = approvals_queries.shown(action)
        try:
            tool.validate(shown.args if shown else None)
        except BadArgs as error:
            found.append(kept.ARGS_WOULD_NOT_FIT(tool=tool.name, why=error))
        else:
            if shown and shown.tool_schema_sha256 and not takes_the_same(pause.run.agent_id, tool, shown.tool_schema_sha256):
                found.append(kept.SCHEMA_CHANGED(tool=tool.name))
    return found


def _foreign(pause: Pause, loaded: Loaded) -> list[tuple[str, bool]]:
    if pause.dialect == breakpoints.NAME:
        return [] if standing.has_breakpoints(loaded.compile(None)) else [(kept.BREAKPOINT_GONE(), True)]
    calls = record_of(pause).calls
    if not calls:  # a plain question: whoever takes its answer is the node, which is there
        return []
    found: list[tuple[str, bool]] = []
    for call, action in zip(calls, actions_of(pause), strict=True):
        tool, shown = loaded.found.get(call.tool), approvals_queries.shown(action) if action else None
        if tool is None:
            found += _out_of_sight(pause, loaded, call.tool, shown.tool_schema_sha256 if shown else "")
        elif shown is not None and not still_takes(pause.run.agent_id, tool, shown.tool_schema_sha256):
            why = schemas.why_not(tool.schema, shown.args)
            found.append((kept.ARGS_WOULD_NOT_FIT(tool=call.tool, why=why) if why else kept.SCHEMA_CHANGED(tool=call.tool), True))
    return found


def _out_of_sight(pause: Pause, loaded: Loaded, tool: str, schema: str) -> list[tuple[str, bool]]:
    """That the tool was seen when this was asked and cannot be any more: it is gone for certain only where every graph around it can be seen.

    Args:
        schema: the fingerprint of what it took then, "" where it was not seen.
    """
    called = bool(pause.place.get("ns")) and loaded.sees(pause.place) != ITSELF
    if schema and (called or pause.dialect == OUR_LINE):  # what our own line asked about and is gone for certain has been said
        return [(kept.TOOL_OUT_OF_SIGHT(tool=tool), False)]
    return [(kept.TOOL_WOULD_BE_GONE(tool=tool), True)] if schema and loaded.found else []
