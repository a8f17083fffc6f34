"""Whether anything of a graph can only be awaited: then it is driven in an event loop. Looks at its parts, runs none.

A node, a tool, the router of a conditional edge, a step of a chain, or a middleware: LangChain builds both halves of a node around it and lets
the one raise that its author has not written, when it is reached, after people have approved. Belongs here: where such parts can hide.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from inspect import getclosurevars, isfunction, ismethod
from types import FunctionType
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain_core.runnables import Runnable
from langgraph.graph._branch import BranchSpec
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel

from agents.graphs.inside import DEEPEST, graphs_in
from agents.graphs.prints import is_theirs

HOOKS = ("before_agent", "before_model", "after_model", "after_agent", "wrap_model_call", "wrap_tool_call")
MOST = 2_000  # objects that are looked at in one node


def awaits(graph: Any, depth: int = 0) -> bool:
    """Whether a node of it, or of a graph inside it, has a part that is written as `async def` only."""
    for name, node in graph.nodes.items():
        if any(map(_only_async, _parts([node.bound, *node.writers]))):
            return True
        if depth < DEEPEST and any(awaits(one, depth + 1) for _, one, _ in graphs_in(name, node)):
            return True
    return False


def _only_async(part: Any) -> bool:
    if isinstance(part, AgentMiddleware):
        return any(_has(part, f"a{hook}") and not _has(part, hook) for hook in HOOKS)
    return isinstance(part, Runnable) and bool(getattr(part, "afunc", None)) and not getattr(part, "func", None)


def _has(middleware: AgentMiddleware[Any, Any, Any], hook: str) -> bool:
    return getattr(type(middleware), hook, None) is not getattr(AgentMiddleware, hook, None)


def _parts(roots: Iterable[Any]) -> Iterator[Any]:
    """These, and what they are made of: steps of chains, routers, and what the functions that LangChain builds close over."""
    left, seen = list(roots), set[int]()
    while left and len(seen) < MOST:
        part = left.pop()
        if id(part) not in seen:
            seen.add(id(part))
            yield part
            left += _made_of(part)


def _made_of(part: Any) -> list[Any]:
    if isinstance(part, Pregel):
        return []  # a graph inside is looked at by itself
    if isinstance(part, ToolNode):
        return [part._wrap_tool_call, part._awrap_tool_call]
    if isinstance(part, BranchSpec):
        return [part.path]
    if isinstance(part, list | tuple | set | frozenset):
        return list(part)
    if isinstance(part, Mapping):
        return list(part.values())
    if isinstance(part, partial):
        return [part.func, *part.args]
    if ismethod(part):
        return [part.__self__]
    if isfunction(part):
        return [getattr(part, "__wrapped__", None), *_closed_over(part)]
    if isinstance(part, Runnable):
        return list(getattr(part, "__dict__", {}).values())
    return []


def _closed_over(function: FunctionType) -> list[Any]:
    """What a library's function closes over. What the project's own does with what it holds, nobody can see."""
    if is_theirs(function):
        return []
    try:
        return list(getclosurevars(function).nonlocals.values())
    except (ValueError, TypeError):
        return []
