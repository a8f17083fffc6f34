"""Agents whose state, questions and answers hold classes of their own: a pydantic model, a dataclass, an Enum."""

import json
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Any, NotRequired

from langchain.agents import AgentState, create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, before_model
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from parts_of_others import GATED, TOOLS, Letters, Planned, act, plan_of
from pydantic import BaseModel


class Colour(Enum):
    RED = "red"


class Tier(StrEnum):
    GOLD = "gold"


class Size(IntEnum):
    LARGE = 3


@dataclass
class Place:
    street: str
    colour: Colour


class Person(BaseModel):
    name: str


class Known(AgentState[Any]):  # (the type checker does not follow LangChain, and sees no TypedDict here)
    person: NotRequired[Person]  # type: ignore[valid-type]
    place: NotRequired[Place]  # type: ignore[valid-type]
    colour: NotRequired[Colour]  # type: ignore[valid-type]


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
    tier: Tier
    size: Size
    share: float
    text: str


def _meets(state: _KnownLetters) -> dict[str, Any]:
    odd = {"tier": Tier.GOLD, "size": Size.LARGE, "share": float("inf"), "text": "nothing\0hidden"}
    return {"person": Person(name="ada"), "place": Place("Hill Road", Colour.RED), "colour": Colour.RED, **odd}


def _greets(state: _KnownLetters) -> dict[str, Any]:
    answer = interrupt("Shall I greet?")
    seen = [state["person"].name, state["place"].street, state["place"].colour.name, state["colour"].name]
    seen += [state["tier"].name, state["size"].name, str(state["share"]), str(len(state["text"]))]
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


def _asks_a_model(state: Letters) -> dict[str, Any]:
    asked = {"person": Person(name="ada"), "places": [Place("Hill Road", Colour.RED)]}
    return {
        "told": [
            act(
                plan_of(state["messages"]),
                "told",
                {"told": interrupt(asked if plan_of(state["messages"]).get("in_a_dict") else asked["person"])},
            )
        ]
    }


def _asks_by_a_note(state: Letters) -> dict[str, Any]:
    """Which answers it takes is read anew each time the node runs, as if it had been deployed anew."""
    plan = plan_of(state["messages"])
    schema = json.loads(Path(plan["note"]).read_text())
    return {"told": [act(plan, "told", {"told": interrupt("Which one?", response_schema=schema)})]}


def _one(node: Any) -> Any:
    graph = StateGraph(Letters)
    graph.add_node("asks", node)
    graph.add_edge(START, "asks")
    graph.add_edge("asks", END)
    return graph


asks_a_model = _one(_asks_a_model)
asks_by_a_note = _one(_asks_by_a_note)
typed_graph = _two()
typed_inside = _around(_two()).compile()
typed_builder = _around(_two())
