"""What a graph's state holds when it is over, and what of it the graph gives back."""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage

from agents.graphs.exported import Graph

ALONE = "result"  # the name of a state that is one value: the functional API, a root of its own


def named(values: Any) -> dict[str, Any]:
    """The state by name. A state that is no mapping is one value, a list of messages a conversation."""
    if isinstance(values, Mapping):
        return dict(values)
    if isinstance(values, list) and values and all(isinstance(one, BaseMessage) for one in values):
        return {"messages": values}
    return {} if values is None else {ALONE: values}


def given_back(graph: Graph, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of a state what LangGraph returns from `invoke`: the fields of its output schema."""
    channels = graph.output_channels
    return dict(values) if isinstance(channels, str) else {name: values[name] for name in channels if name in values}
