"""What a project exports under the name of a graph, made into something that can be compiled with our saver.

A `StateGraph`, a compiled graph (`create_agent`, `create_deep_agent`), LangGraph's functional API, or a factory of any of these. A graph that
was compiled with a checkpointer of its own gets ours: threads, locks and recovery are in one place.
"""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel

from agents.errors import BadProject

Graph = CompiledStateGraph[Any, Any, Any, Any]


def graph_of(slug: str, found: Any) -> Any:
    """The graph, whatever makes it.

    Raises:
        BadProject: a sentence that says what it is and what to export instead.
    """
    if callable(found) and not isinstance(found, StateGraph | Pregel):
        found = _made(slug, found)
    if isinstance(found, StateGraph | Pregel):
        return found
    if type(found).__name__ == "RemoteGraph":
        raise BadProject(f"graph {slug} runs on another server (RemoteGraph); connect that server instead of importing it")
    raise BadProject(f"graph {slug} is a {type(found).__name__}; export a StateGraph, a compiled graph, or a function that makes one")


def compiler_of(slug: str, graph: Any) -> Callable[[Any], Graph]:
    """How to compile it with a saver. Breakpoints, stores, caches and limits of a compiled graph stay as they are."""
    if isinstance(graph, StateGraph):
        return lambda saver: graph.compile(checkpointer=saver, name=slug)
    return lambda saver: graph.copy({"checkpointer": saver, "name": slug})


def own_checkpointer(graph: Any) -> str:
    """The kind of checkpointer it was compiled with, "" when it brings none."""
    saver = getattr(graph, "checkpointer", None)
    return type(saver).__name__ if saver not in (None, False, True) else ""


def _made(slug: str, factory: Callable[..., Any]) -> Any:
    """What a factory gives, called with an empty config when it wants one."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # nothing says what it is called with: a TypedDict, a builtin
        name = getattr(factory, "__name__", type(factory).__name__)
        raise BadProject(
            f"graph {slug} is {name}, which makes no graph; export a StateGraph, a compiled graph, or a function that makes one"
        ) from None
    wanted = [p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(wanted) > 1:
        names = ", ".join(p.name for p in wanted)
        raise BadProject(f"graph {slug} is made by a function that wants {names}; at most a config can be given")
    made = factory(*([{"configurable": {}}] if wanted else []))
    if inspect.iscoroutine(made):
        made = asyncio.run(made)
    if hasattr(made, "__enter__") or hasattr(made, "__aenter__"):
        raise BadProject(
            f"graph {slug} is made by a context manager, which nobody would close here; export a function that returns the graph"
        )
    return made
