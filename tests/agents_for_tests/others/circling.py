"""A graph that goes round as often as it is told, with a limit of its own to how far in one go, and with none."""

from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph


class Rounds(TypedDict, total=False):
    wanted: int
    made: int


def _round(state: Rounds) -> dict[str, Any]:
    return {"made": state.get("made", 0) + 1}


def _built() -> Any:
    graph = StateGraph(Rounds)
    graph.add_node("round", _round)
    graph.add_edge(START, "round")
    graph.add_conditional_edges("round", lambda state: END if state["made"] >= state["wanted"] else "round", ["round", END])
    return graph


circling = _built().compile().with_config({"recursion_limit": 12})
circling_far = _built()
