"""Agents whose state, questions and answers hold classes of their own: a pydantic model, a dataclass, an Enum."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from agents_of_others import GATED, TOOLS, Letters, Planned, act, plan_of
from langchain.agents import AgentState, create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, before_model
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel


class Colour(Enum):
    RED = "red"


@dataclass
class Place:
    street: str
    colour: Colour


class Person(BaseModel):
    name: str


class Known(AgentState[Any], total=False):  # type: ignore[call-arg]  # LangChain's and the other file's types are not followed
    person: Person
    place: Place
    colour: Colour


@before_model(state_schema=Known)
def _meet(state: Any, runtime: Any) -> dict[str, Any] | None:
    if "person" not in state:
        return {"person": Person(name="ada"), "place": Place("Hill Road", Colour.RED), "colour": Colour.RED}
    seen = {"name": state["person"].name, "place": [state["place"].street, state["place"].colour.name], "colour": state["colour"].name}
    act(plan_of(state["messages"]), "met", seen)
    return None


typed_agent = create_agent(Planned(), TOOLS, state_schema=Known, middleware=[_meet, HumanInTheLoopMiddleware(GATED)])


class _KnownLetters(Letters, total=False):  # type: ignore[call-arg]
    person: Person
    place: Place
    colour: Colour


def _meets(state: _KnownLetters) -> dict[str, Any]:
    return {"person": Person(name="ada"), "place": Place("Hill Road", Colour.RED), "colour": Colour.RED}


def _greets(state: _KnownLetters) -> dict[str, Any]:
    answer = interrupt("Shall I greet?")
    seen = [state["person"].name, state["place"].street, state["place"].colour.name, state["colour"].name]
    return {"told": [act(plan_of(state["messages"]), "greeted", {"seen": seen, "told": answer})]}


def _two() -> Any:
    graph = StateGraph(_KnownLetters)
    graph.add_node("meets", _meets)
    graph.add_node("greets", _greets)
    graph.add_edge(START, "meets")
    graph.add_edge("meets", "greets")
    graph.add_edge("greets", END)
    return graph.compile().with_config({"recursion_limit": 50})


def _around(inner: Any) -> Any:
    graph = StateGraph(Letters)
    graph.add_node("inner", inner)
    graph.add_edge(START, "inner")
    graph.add_edge("inner", END)
    return graph


typed_graph = _two()
typed_inside = _around(_two()).compile()
typed_builder = _around(_two())
