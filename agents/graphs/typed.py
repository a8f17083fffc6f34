"""Which classes of a project may come out of its checkpoints again: those that the schemas of its graphs name.

Strict msgpack gives anything else back as plain data. LangGraph derives the list as it compiles a graph, and loses it with every copy
(`with_config`, which ends `create_agent`, and our own, which puts our saver in); a graph inside is lent the saver of the one around it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from langgraph._internal._serde import apply_checkpointer_allowlist, build_serde_allowlist
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import StateGraph

from agents.graphs import standing
from agents.graphs.exported import Graph

_KEEPER = JsonPlusSerializer(allowed_msgpack_modules=None)  # knows no class of anybody's


def with_its_types(compiled: Graph) -> Graph:
    """The same graph, for whose saver LangGraph derives a serializer that knows the classes of it and of every graph inside it."""
    graphs = [compiled, *(one.graph for one in standing.graphs_inside(compiled))]
    compiled._serde_allowlist = {name for graph in graphs for name in _types_of(graph)}
    return compiled


def reading(graph: Graph, saver: Any) -> Any:
    """This saver, from which the classes of this graph come out as what they are."""
    return apply_checkpointer_allowlist(saver, graph._serde_allowlist)


def as_kept(value: Any) -> Any:
    """What a node asks as a checkpoint has it, the project's own classes as plain data; as it is when it cannot be kept."""
    if _is_plain(value):
        return value
    try:
        return _KEEPER.loads_typed(_KEEPER.dumps_typed(value))
    except Exception:  # somebody else's objects, which LangGraph is about to refuse
        return value


def _is_plain(value: Any, depth: int = 0) -> bool:
    if depth > 20:
        return False
    if isinstance(value, Mapping):
        return type(value) is dict and all(_is_plain(one, depth + 1) for one in value.values())
    return all(_is_plain(one, depth + 1) for one in value) if type(value) is list else type(value) in {str, int, float, bool, type(None)}


def _types_of(graph: Any) -> Iterator[tuple[str, ...]]:
    yield from getattr(graph, "_serde_allowlist", None) or ()  # the functional API keeps nothing else
    builder = getattr(graph, "builder", None)
    if isinstance(builder, StateGraph):
        yield from build_serde_allowlist(schemas=list(_schemas(builder)), channels=builder.channels)


def _schemas(builder: StateGraph[Any, Any, Any, Any]) -> Iterator[type[Any]]:
    """As `StateGraph.compile` has them."""
    yield from (builder.state_schema, builder.input_schema, builder.output_schema)
    if builder.context_schema is not None:
        yield builder.context_schema
    yield from (node.input_schema for node in builder.nodes.values())
    yield from (b.input_schema for branches in builder.branches.values() for b in branches.values() if b.input_schema is not None)
