"""Nodes at which a checkpoint goes on and that the graph has no more. LangGraph itself would leave them out and call it the end."""

import operator
from typing import Annotated, Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict

from agents.graphs.lost import lost_nodes

CONFIG: Any = {"configurable": {"thread_id": "t"}}


class Told(TypedDict):
    told: Annotated[list[Any], operator.add]


def said(word: str, *, ask: bool = False) -> Any:
    def node(state: Told) -> dict[str, Any]:
        return {"told": [interrupt(word) if ask else word]}

    return node


def forked(saver: Any, *names: str, joins: str = "", sends: bool = False) -> Any:
    """prep, then these side by side, each of which asks, then perhaps a join."""
    graph: Any = StateGraph(Told)
    graph.add_node("prep", said("prep"))
    graph.add_edge(START, "prep")
    for name in names:
        graph.add_node(name, said(name, ask=True))
        if not sends:
            graph.add_edge("prep", name)
    if sends:
        graph.add_conditional_edges("prep", lambda state: [Send(name, state) for name in names], list(names))
    if joins:
        graph.add_node(joins, said(joins))
        graph.add_edge(list(names), joins)
    return graph.compile(checkpointer=saver)


def around(saver: Any, inner: Any) -> Any:
    graph: Any = StateGraph(Told)
    graph.add_node("inside", inner)
    graph.add_edge(START, "inside")
    return graph.compile(checkpointer=saver)


def lost(graph: Any) -> tuple[str, ...]:
    return lost_nodes(graph, graph.get_state(CONFIG))


@pytest.mark.parametrize("sends", [False, True])
def test_a_node_that_comes_next_and_was_renamed_is_named_also_beside_one_that_was_not(sends):
    saver = InMemorySaver()
    old = forked(saver, "one", "two", sends=sends)
    old.invoke({"told": []}, CONFIG)
    assert lost(old) == ()
    new = forked(saver, "one", "second", sends=sends)
    assert new.get_state(CONFIG).next == ("one",)  # what LangGraph makes of it
    assert lost(new) == ("two",)


def test_a_join_that_was_renamed_is_named_when_somebody_has_come_to_it():
    saver = InMemorySaver()
    old = forked(saver, "one", "two", joins="both")
    old.invoke({"told": []}, CONFIG)
    assert lost(forked(saver, "one", "two", joins="all")) == ()  # nobody has come yet: the new one will do
    for name in ("one", "two"):
        old.update_state(CONFIG, {"told": [name]}, as_node=name)
    assert lost(old) == () and lost(forked(saver, "one", "two", joins="all")) == ("both",)


def test_a_node_of_a_graph_inside_is_named_with_where_it_is():
    saver = InMemorySaver()
    old = around(saver, forked(None, "one"))
    old.invoke({"told": []}, CONFIG)
    assert lost(old) == ()
    assert lost(around(saver, forked(None, "first"))) == ("inside / one",)


def test_what_has_ended_has_lost_nothing_whatever_the_graph_is_now():
    saver = InMemorySaver()
    graph = forked(saver)
    graph.invoke({"told": []}, CONFIG)
    assert lost(forked(saver, "one")) == ()
