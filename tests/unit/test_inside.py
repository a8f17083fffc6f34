"""Where a node inside a graph can be seen, and when it is certainly gone."""

from typing import Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph

from agents.graphs.inside import CALLED, ITSELF, lost, sees


class State(TypedDict, total=False):
    n: int


def graph(**nodes: Any) -> Any:
    built = StateGraph(State)
    for name, node in nodes.items():
        built.add_node(name, node)
    built.add_edge(START, next(iter(nodes)))
    return built.compile()


def plain(state: State) -> State:
    return {}


INNER = graph(ask=plain)
RENAMED = graph(asks=plain)
HIDDEN = {"inner": INNER}


def calling(state: State) -> State:
    INNER.invoke(state)
    return {}


def calling_by_name(state: State) -> State:
    HIDDEN["inner"].invoke(state)
    return {}


def hidden() -> Any:
    return globals()["HIDDEN"]["inner"]


def run_inner(state: State) -> None:
    INNER.invoke(state)


def run_renamed(state: State) -> None:
    RENAMED.invoke(state)


class Holder:
    def __init__(self, graph: Any) -> None:
        self.graph = graph


HELD = Holder(INNER)


def calling_by_function(state: State) -> State:
    run_inner(state)
    return {}


def calling_by_function_renamed(state: State) -> State:
    run_renamed(state)
    return {}


def calling_by_attribute(state: State) -> State:
    HELD.graph.invoke(state)
    return {}


def calling_another_and_by_function(state: State) -> State:
    RENAMED.invoke(state)
    run_inner(state)
    return {}


def calling_unseen(state: State) -> State:
    hidden().invoke(state)
    return {}


def calling_two(state: State) -> State:
    RENAMED.invoke(state)
    INNER.invoke(state)
    return {}


def calling_two_renamed(state: State) -> State:
    RENAMED.invoke(state)
    return {}


@pytest.mark.parametrize(
    ("node", "how"),
    [
        (INNER, ITSELF),
        (calling, CALLED),
        (calling_by_name, CALLED),
        (calling_by_function, CALLED),
        (calling_by_attribute, CALLED),
        (calling_two, CALLED),
        (calling_unseen, ""),
        (plain, ""),
    ],
)
def test_how_a_node_inside_can_be_seen(node, how):
    assert sees(graph(mid=node), ["mid", "ask"]) == how


@pytest.mark.parametrize(
    ("now", "seen", "gone"),
    [
        (INNER, ITSELF, False),
        (calling, ITSELF, False),
        (RENAMED, ITSELF, True),
        (calling_two_renamed, CALLED, True),
        (RENAMED, "", True),  # a node itself: nothing else can be called there
        (plain, ITSELF, True),
        # What is called may be seen by one process and not by another: as what is built when it is first used.
        (calling_unseen, CALLED, False),
        (plain, CALLED, False),
        # What is seen through other functions says that it is there, and never that it is gone.
        (calling_another_and_by_function, CALLED, False),
        (calling_by_function_renamed, CALLED, False),
        (plain, "", False),
        (plain, "True", False),  # of rows from before it was told apart
    ],
)
def test_when_it_is_certainly_gone(now, seen, gone):
    assert lost(graph(mid=now), ["mid", "ask"], seen=seen) is gone
