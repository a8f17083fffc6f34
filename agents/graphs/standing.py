"""Where a graph stands at a static breakpoint: its own, of a graph inside it, or of one that a node or a tool calls.

LangGraph stops there and lists nothing: of a graph inside another, the task around it neither ended, failed nor asked. One question lets
everything go on that stands. Reads checkpoints only; a graph's form is looked at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Any

from langgraph.checkpoint.base import CheckpointTuple
from langgraph.types import PregelTask, StateSnapshot

from agents import kept
from agents.dialects import breakpoints
from agents.graphs.asking import asks_at_all
from agents.graphs.inside import DEEPEST, graphs_in, nodes_of
from agents.graphs.recorder import plain
from audit import canonical


@dataclass(frozen=True)
class Inside:
    """A graph inside another. `called`: by a node or a tool, from its code; else it is a node itself."""

    path: tuple[str, ...]
    graph: Any
    called: bool


@dataclass(frozen=True)
class Standing:
    """The question that a breakpoint is. `node`: of the outermost graph."""

    interrupt_id: str
    node: str
    value: Any


@lru_cache(maxsize=64)
def broken_inside(graph: Any) -> tuple[Inside, ...]:
    """The graphs with static breakpoints that stand or are called somewhere inside this one."""
    return tuple(one for one in graphs_inside(graph) if _breaks(one.graph))


def graphs_inside(graph: Any) -> Iterator[Inside]:
    """The graphs that stand or are called somewhere inside this one."""
    return _inside(graph, (), called=False)


def has_breakpoints(graph: Any) -> bool:
    """Whether it has any, at whatever depth."""
    return _breaks(graph) or bool(broken_inside(graph))


def refusal(graph: Any) -> str:
    """Why its breakpoints could not be kept, "" when they can: what keeps no checkpoint with ours would start over with every answer."""
    for one in broken_inside(graph):
        if one.graph.checkpointer not in (None, True):
            return kept.BREAKPOINT_FORGOTTEN(where=" / ".join(one.path))
    return ""


def warnings(graph: Any) -> list[str]:
    """What whoever imports it should know of its breakpoints, and of graphs inside that ask and save nothing."""
    called = [kept.BREAKPOINT_CALLED(where=" / ".join(one.path)) for one in broken_inside(graph) if one.called]
    return [*called, *(kept.UNSAVED_ASKS(where=" / ".join(one.path)) for one in graphs_inside(graph) if _asks_in_vain(one.graph))]


def _asks_in_vain(graph: Any) -> bool:
    return graph.checkpointer is False and any(asks_at_all(node) for _, node in nodes_of(graph))


def breakpoint_of(graph: Any, config: Any, state: StateSnapshot, *, stopped: bool = False) -> Standing | None:
    """The breakpoint a graph may stand at. Asking once too often, after a crash, harms nobody.

    Args:
        stopped: it has just been driven and went no further by itself: when it asks nothing and has steps left, it is at a breakpoint.
    """
    inside = broken_inside(graph)
    if not state.next or not (inside or stopped or _breaks(graph)):
        return None
    at = list(_levels(graph, graph.get_state(config, subgraphs=True) if inside else state, ()))
    found = [(path, level) for path, one, level in at if _stands(one, level)]
    checkpoints = [str(level.config["configurable"]["checkpoint_id"]) for _, level in found]
    if not found and any(one.called for one in inside):
        found, checkpoints = _called(graph, config, at)
    if not found and stopped and not any(task.interrupts or task.error for task in state.tasks):
        found, checkpoints = [((), state)], [str(state.config["configurable"]["checkpoint_id"])]
    if not found:
        return None
    nodes = [" / ".join((*path, name)) for path, level in found for name in level.next]
    value = breakpoints.value_of(max(checkpoints), nodes, canonical.storable(plain(found[0][1].values), limit=4_000))
    return Standing(breakpoints.id_of(max(checkpoints)), (*found[0][0], *state.next)[0], value)


def _levels(graph: Any, state: StateSnapshot, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, StateSnapshot]]:
    """This graph and those that have begun inside it, each with where it stands."""
    if len(path) > DEEPEST:
        return
    yield path, graph, state
    inner = dict(graph.get_subgraphs())
    for task in state.tasks:
        if task.result is None and isinstance(task.state, StateSnapshot) and task.state.next:
            yield from _levels(inner[task.name], task.state, (*path, task.name))


def _stands(graph: Any, state: StateSnapshot) -> bool:
    """Whether nothing of this step has begun and a breakpoint is before it, or may be behind it."""
    before, after = graph.interrupt_before_nodes, graph.interrupt_after_nodes
    may = after or before == "*" or set(before) & set(state.next)
    return bool(may) and all(_idle(task) and not _begun(task) for task in state.tasks)


def _idle(task: PregelTask) -> bool:
    return task.error is None and not task.interrupts and task.result is None


def _begun(task: PregelTask) -> bool:
    return isinstance(task.state, StateSnapshot) and task.state.created_at is not None


def _called(graph: Any, config: Any, at: list[Any]) -> tuple[list[Any], list[str]]:
    """Tasks in which a graph that LangGraph does not name has begun: its checkpoints lie under the task's own name."""
    for path, _, level in at:
        for task in filter(_idle, level.tasks):
            if found := _within(graph, config, level, task):
                return [(path, level._replace(next=(task.name,)))], [str(max(one.config["configurable"]["checkpoint_id"] for one in found))]
    return [], []


def has_worked(graph: Any, config: Any, state: StateSnapshot, task: PregelTask) -> bool:
    """Whether running this task anew would lose something: it has ended, or a step of a graph inside it has."""
    return task.result is not None or any(one.metadata.get("step", 0) > 0 for one in _within(graph, config, state, task))


def _within(graph: Any, config: Any, level: StateSnapshot, task: PregelTask) -> list[CheckpointTuple]:
    """What was kept of graphs inside a task, since the step it belongs to began."""
    began, outer = level.config["configurable"]["checkpoint_id"], level.config["configurable"].get("checkpoint_ns", "")
    mine = f"{outer}|{task.name}:{task.id}".lstrip("|")
    newest = graph.checkpointer.list({"configurable": {"thread_id": config["configurable"]["thread_id"]}})
    since = takewhile(lambda one: one.config["configurable"]["checkpoint_id"] > began, newest)
    return [one for one in since if one.config["configurable"]["checkpoint_ns"].startswith(mine)]


def _breaks(graph: Any) -> bool:
    return bool(getattr(graph, "interrupt_before_nodes", ()) or getattr(graph, "interrupt_after_nodes", ()))


def _inside(graph: Any, path: tuple[str, ...], *, called: bool) -> Iterator[Inside]:
    if len(path) > DEEPEST:
        return
    for name, node in graph.nodes.items():
        for where, one, by_code in graphs_in(name, node):
            inner = Inside((*path, where), one, called or by_code)
            yield inner
            yield from _inside(one, inner.path, called=inner.called)
