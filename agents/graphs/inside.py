"""Graphs inside a graph: those that are nodes of it, and those that its nodes and tools call, as far as that can be seen. Runs nothing."""

from collections.abc import Iterator, Mapping, Sequence
from inspect import getclosurevars, isfunction, unwrap
from typing import Any

from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel

DEEPEST = 6
HOPS = 2
# How a node inside could be seen: every graph on the way was a node itself, or one of them was called from code.
ITSELF, CALLED = "itself", "called"


def graphs_in(name: str, node: Any, *, hops: int = HOPS) -> list[tuple[str, Any, bool]]:
    """The graphs of one node: each with the name it is known by, and whether it is called from code (else it is the node itself)."""
    if isinstance(node.bound, Pregel):
        return [(name, node.bound, False)]
    found = [(name, one, True) for one in node.subgraphs or ()]
    known = {id(one) for _, one, _ in found}
    for function in (getattr(node.bound, "func", None), getattr(node.bound, "afunc", None)):  # LangGraph names the first it finds
        found += [(name, one, True) for _, one in _seen_by(function, hops) if id(one) not in known]
    if isinstance(node.bound, ToolNode):
        found += [(tool.name, one, True) for tool in node.bound.tools_by_name.values() for _, one in graphs_seen_by(tool, hops=hops)]
    return [one for one in found if isinstance(one[1], Pregel)]


def path_of(place: Mapping[str, Any]) -> list[str]:
    """The names on the way to the node that asked, itself the last; [] when it is not known (see `places`)."""
    names = [part.partition(":")[0] for part in place.get("ns", ()) if ":" in part]
    return [*names, str(place["node"])] if place.get("node") else []


def sees(graph: Any, path: Sequence[str]) -> str:
    """How a node can be seen where this path says: `ITSELF`, `CALLED`, or "": not at all."""
    found, certain = _look(graph, path)
    return "" if found is not True else ITSELF if certain else CALLED


def lost(graph: Any, path: Sequence[str], *, seen: str) -> bool:
    """Whether the node at the end of this path is certainly not there any more.

    Args:
        seen: how it could be when it asked (`sees`). Where it could not, graphs on the way that are called decide nothing: code may call others than
            we see. And what is called may be seen by one process and not by another, as what is built when it is first used. What is seen only through
            other functions says that it is there, and never that it is gone.
    """
    found, certain = _look(graph, path)
    near, _ = _look(graph, path, hops=0)
    if found:
        return False
    return seen == ITSELF if near is None else bool(seen) or certain


def has_no_tool(graph: Any, path: Sequence[str], tool: str) -> bool:
    """Whether the node at the end of this path is a tool node that certainly has no such tool: every graph on the way is a node itself."""
    nodes, certain = _at(graph, path)
    bound = [node.bound for node in nodes or ()]
    return certain and bool(bound) and all(isinstance(one, ToolNode) and tool not in one.tools_by_name for one in bound)


def names_of(graph: Any) -> frozenset[str]:
    """Every node's name, at whatever depth."""
    return frozenset(name for name, _ in nodes_of(graph))


def _look(graph: Any, path: Sequence[str], *, hops: int = HOPS) -> tuple[bool | None, bool]:
    """Whether it is there, None when that cannot be seen; and whether every graph on the way is a node itself."""
    nodes, certain = _at(graph, path, hops=hops)
    return None if nodes is None else bool(nodes), certain


def _at(graph: Any, path: Sequence[str], *, hops: int = HOPS) -> tuple[list[Any] | None, bool]:
    """The nodes at the end of a path, None when that cannot be seen; and whether every graph on the way is a node itself."""
    level, certain = [graph], True
    for left, name in zip(reversed(range(len(path))), path, strict=True):
        nodes = [one.nodes[name] for one in level if name in one.nodes]
        if not nodes or not left:
            return nodes, certain
        found = [one for node in nodes for one in graphs_in(name, node, hops=hops)]
        certain = certain and not any(called for _, _, called in found)
        level = [one for _, one, _ in found]
        if not level:
            break
    return None, certain


def nodes_of(graph: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every node with its name, at whatever depth."""
    for name, node in graph.nodes.items():
        yield name, node
        if depth < DEEPEST:
            for _, one, _ in graphs_in(name, node):
                yield from nodes_of(one, depth + 1)


def graphs_seen_by(tool: Any, *, hops: int = HOPS) -> list[tuple[str, Any]]:
    """Graphs that a tool's function could call: those it sees under a name of the code, also in its module, and those it keeps in a mapping, with their names there."""
    return _seen_by(getattr(tool, "func", None) or getattr(tool, "coroutine", None), hops)


def _seen_by(function: Any, hops: int) -> list[tuple[str, Any]]:
    """Also through functions of its own module that it calls, so many deep, and then in objects whose classes are of that module."""
    function = unwrap(function) if callable(function) else None
    if not isfunction(function):
        return []
    seen = getclosurevars(function)
    values = [*seen.nonlocals.values(), *seen.globals.values()]
    values += [
        one for value in values if hops and type(value).__module__ == function.__module__ for one in getattr(value, "__dict__", {}).values()
    ]
    pairs = [pair for value in values for pair in (value.items() if isinstance(value, Mapping) else [("", value)])]
    found = [(str(name), one) for name, one in pairs if isinstance(one, Pregel)]
    further = [one for one in values if hops and isfunction(one) and one.__module__ == function.__module__ and one is not function]
    return list(
        {(name, id(one)): (name, one) for name, one in (*found, *(pair for one in further for pair in _seen_by(one, hops - 1)))}.values()
    )
