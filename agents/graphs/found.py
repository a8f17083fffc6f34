"""The tools of a graph that nobody declared to us: found in its nodes, in graphs inside it, and in the helpers its tools call."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from langchain_core.tools import BaseTool
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from pydantic import BaseModel

from agents.graphs.between_tools import around_calls
from agents.graphs.inside import graphs_seen_by
from agents.tools.guessing import guessed_class
from agents.tools.registry import declared_sha256
from audit import canonical

DEEPEST = 4
DECLARED = "countersign"  # the key in a tool's metadata
OUR_LINE = ("agents.graphs.loops", "Countersigned")


@dataclass(frozen=True)
class Found:
    """A tool as its own author declared it to LangChain.

    Attributes:
        schema: JSON Schema of its arguments, as the model sees them. helper: whose tool it is, "" for the agent itself.
        only_async: it can only be awaited.
        declared: what `require_approval` says of it: risk, reversible, idempotent.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    helper: str = ""
    only_async: bool = False
    declared: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def schema_sha256(self) -> str:
        return canonical.fingerprint(canonical.storable(dict(self.schema)))

    @cached_property
    def declared_sha256(self) -> str:
        return declared_sha256(self.describe())

    def describe(self) -> dict[str, Any]:
        """As it is kept with the agent's version and shown to people. Its class is a suggestion from its name."""
        return {
            "name": self.name,
            "description": self.description,
            "risk": str(self.declared.get("risk", guessed_class(self.name))),
            "suggested": "risk" not in self.declared,
            "by_agent": True,
            "reversible": bool(self.declared.get("reversible")),
            "idempotent": bool(self.declared.get("idempotent")),
            "has_preview": False,
            "untrusted_output": True,
            "timeout_s": 0,
            "summary": "",
            "helper": self.helper,
            "schema": dict(self.schema),
            "schema_sha256": self.schema_sha256,
        }


def tools_of(graph: Any) -> dict[str, Found]:
    """Every tool by name; the agent's own before those of its helpers."""
    found: dict[str, Found] = {}
    for tool, helper, _governed in _tools(graph, "", 0):
        found.setdefault(tool.name, _found(tool, helper))
    return found


def ungoverned(graph: Any) -> frozenset[str]:
    """Tools that stand somewhere in it, and nowhere behind our own line."""
    seen = {(tool.name, governed) for tool, _, governed in _tools(graph, "", 0)}
    return frozenset(name for name, _ in seen if (name, True) not in seen)


def governed_in(one: BaseTool | ToolNode) -> list[BaseTool]:
    """Its tools whose calls our own line asks about."""
    tools, lines = ([one], []) if isinstance(one, BaseTool) else (list(one.tools_by_name.values()), _our_lines(one))
    return [tool for tool in tools if _is_asked_about(tool, lines)]


def _is_asked_about(tool: BaseTool, lines: Sequence[Any]) -> bool:
    return DECLARED in (tool.metadata or {}) or any(tool.name not in getattr(one, "_unasked", ()) for one in lines)


def _tools(graph: Any, helper: str, depth: int) -> Iterator[tuple[BaseTool, str, bool]]:
    """Each with whose it is, and whether our own line asks about its calls: the decorator, or `Countersigned` in the list of middleware."""
    if depth > DEEPEST:
        return
    inner: list[tuple[str, Any]] = []
    for name, node in _nodes(graph):
        if isinstance(node, ToolNode):
            lines = _our_lines(node)
            for tool in node.tools_by_name.values():
                yield tool, helper, _is_asked_about(tool, lines)
                inner += _helpers(tool)
        elif isinstance(node, Pregel):
            inner.append((name, node))
    for name, one in inner:
        yield from _tools(one, name, depth + 1)


def _nodes(graph: Any) -> Iterator[tuple[str, Any]]:
    """What stands in each node: itself, and the graphs it calls."""
    for name, node in graph.nodes.items():
        yield name, node.bound
        yield from ((name, inner) for inner in node.subgraphs or () if inner is not node.bound)


def _helpers(tool: BaseTool) -> list[tuple[str, Any]]:
    """Agents that a tool calls: its function reads them from its module or its closure, by their names (deepagents' `task`) or by themselves."""
    graphs = sorted(graphs_seen_by(tool), key=lambda one: not one[0])  # those of a name of their own first
    return [(name or tool.name, one) for name, one in graphs]


def _our_lines(node: ToolNode) -> list[Any]:
    """`Countersigned` among the middleware around a node's calls."""
    return [one for one in around_calls(node) if any((base.__module__, base.__name__) == OUR_LINE for base in type(one).__mro__)]


def _found(tool: BaseTool, helper: str) -> Found:
    schema: Any = tool.tool_call_schema
    try:
        shown = schema if isinstance(schema, dict) else schema.model_json_schema() if issubclass(schema, BaseModel) else {"type": "object"}
    except Exception:  # somebody else's types: pydantic may raise anything over them
        shown = {"type": "object"}
    only_async = getattr(tool, "func", True) is None and getattr(tool, "coroutine", None) is not None
    return Found(tool.name, tool.description or "", shown, helper, only_async, (tool.metadata or {}).get(DECLARED, {}))
