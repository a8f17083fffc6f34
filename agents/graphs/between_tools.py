"""What stands between an agent's model and its tools, as it was built: middleware around the calls, and the helpers a tool starts by name. Runs nothing.

LangChain's middleware for humans in the loop has a node behind the model in both its modes, whichever of the two asks.
"""

from collections.abc import Iterator
from inspect import isfunction, ismethod, unwrap
from typing import Any

from langchain.agents.middleware import HumanInTheLoopMiddleware
from langgraph.prebuilt import ToolNode

from agents.graphs.inside import graphs_seen_by, nodes_of


def asks_by_mode(graph: Any) -> dict[str, frozenset[str]]:
    """The tools whose calls LangChain's middleware asks about, and in which of its modes (`batched`, `per_call`): also in graphs inside."""
    found: dict[str, frozenset[str]] = {}
    for _, node in nodes_of(graph):
        one = getattr(getattr(node.bound, "func", None) or getattr(node.bound, "afunc", None), "__self__", None)
        if isinstance(one, HumanInTheLoopMiddleware):
            found |= {tool: found.get(tool, frozenset()) | {str(one.interrupt_mode)} for tool in one.interrupt_on}
    return found


def helpers_of(graph: Any) -> dict[str, frozenset[str]]:
    """The tools that start a helper by its name (deepagents' `task`), with the names they know: also in graphs inside."""
    found: dict[str, frozenset[str]] = {}
    for _, node in nodes_of(graph):
        for tool in node.bound.tools_by_name.values() if isinstance(node.bound, ToolNode) else ():
            if names := frozenset(helpers_in(tool)):
                found[tool.name] = found.get(tool.name, frozenset()) | names
    return found


def helpers_in(tool: Any) -> dict[str, Any]:
    """The graphs that this tool keeps by name."""
    return {name: one for name, one in graphs_seen_by(tool) if name}


def around_calls(node: ToolNode) -> list[Any]:
    """The middleware around its tools, and functions that were made into one, in the order they are found."""
    found: list[Any] = []
    for one in ("_wrap_tool_call", "_awrap_tool_call"):
        found += [each for each in _within(getattr(node, one, None), set()) if not any(each is known for known in found)]
    return found


def _within(wrapper: Any, seen: set[int]) -> Iterator[Any]:
    """What a wrapper was made of: LangChain puts one function around the other, and hides what it was given in them."""
    wrapper = unwrap(wrapper) if callable(wrapper) else wrapper
    if id(wrapper) in seen:
        return
    seen.add(id(wrapper))
    if ismethod(wrapper):
        yield wrapper.__self__
        wrapper = wrapper.__func__
    elif isfunction(wrapper):
        yield wrapper
    if isfunction(wrapper):
        for cell in wrapper.__closure__ or ():
            try:
                yield from _within(cell.cell_contents, seen)
            except ValueError:  # a function that refers to itself before it is made
                continue
