"""What a graph wants from whoever runs it, beside its input: a context and a store. Runs are started here with neither.

What is certainly wanted and cannot be given is refused at the import, instead of failing in every run. Looks at its parts, runs none.
"""

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter
from types import FunctionType
from typing import Any

from langgraph.prebuilt import ToolNode
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel

from agents import kept
from agents.graphs.inside import DEEPEST, graphs_in
from agents.graphs.prints import functions_of


def refusal(graph: Any) -> str:
    """Why no run of it could be started here, "" when one can."""
    wanted = _required(graph.context_schema)
    if wanted and any(_reads(one, "context") for one in _functions(graph)):
        return kept.CONTEXT_WANTED(fields=", ".join(wanted))
    without = [name for name, node in graph.nodes.items() if _is_given_a_store(node.bound)]
    return kept.STORE_WANTED(where=", ".join(without)) if without and graph.store is None else ""


def warnings(graph: Any) -> list[str]:
    """What whoever imports it should know of them."""
    if graph.store is not None:
        return [kept.STORE_OF_ITS_OWN()] if isinstance(graph.store, InMemoryStore) else []
    uses = sorted({one.__qualname__ for one in _functions(graph) if _reads(one, "store") or "get_store" in one.__code__.co_names})
    return [kept.STORE_MAYBE_WANTED(where=", ".join(uses[:3]))] if uses else []


def context_of(graph: Any) -> dict[str, Any] | None:
    """The context its runs get: its own defaults, where it wants one and every field of it has one."""
    return None if graph.context_schema is None or _required(graph.context_schema) else {}


def _required(schema: Any) -> list[str]:
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return [name for name, one in schema.model_fields.items() if one.is_required()]
    if is_dataclass(schema):
        return [one.name for one in fields(schema) if one.init and one.default is MISSING and one.default_factory is MISSING]
    return sorted(getattr(schema, "__required_keys__", ()))


def _is_given_a_store(bound: Any) -> bool:
    """Whether LangGraph itself would have to hand it a store: an argument of a node, or of a tool."""
    if isinstance(bound, ToolNode):
        return any(getattr(one, "store", None) for one in bound._injected_args.values())
    accepts = getattr(bound, "func_accepts", {})
    return "store" in accepts and accepts["store"][1] is Parameter.empty


def _reads(function: FunctionType, what: str) -> bool:
    """Whether it reads this of LangGraph's runtime, as far as its names tell."""
    names = {*function.__code__.co_names, *function.__code__.co_varnames}
    return what in function.__code__.co_names and bool({"runtime", "get_runtime"} & names)


def _functions(graph: Any, depth: int = 0) -> Iterator[FunctionType]:
    for name, node in graph.nodes.items():
        yield from functions_of(node)
        for _, one, _ in graphs_in(name, node) if depth < DEEPEST else ():
            yield from _functions(one, depth + 1)
