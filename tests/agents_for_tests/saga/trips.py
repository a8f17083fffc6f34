"""An agent that books one thing after another, and wants what it booked given back when it cannot go through with it."""

import operator
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel

from agents.graphs.gate import gate
from agents.graphs.spec import AgentSpec
from agents.tools.registry import RiskClass, ToolContext, ToolError, tool
from tests.agents_for_tests.world import write

STEPS = 5


class Booking(BaseModel):
    label: str


class Trip(BaseModel):
    """What a trip is started with."""

    world: str
    calls: list[dict[str, Any]]
    fails_at: int = 0  # the step that falls over before it asks; 0 for none
    mended: str = ""  # a file: once it is there, the unreliable is reversed


class State(TypedDict, total=False):
    input: dict[str, Any]
    told: Annotated[list[Any], operator.add]
    result: dict[str, Any]


def _give_back(args: Booking, result: dict[str, Any], ctx: ToolContext) -> dict[str, Any]:
    if args.label == "spent":
        raise ToolError("spent", "the voucher is spent")
    if args.label == "unreliable" and not Path(ctx.run_input["mended"]).exists():
        write(ctx, f"tried {args.label}")
        raise RuntimeError("the booking system is away")
    booked = result.get("booked", args.label)  # a person's word that it was done has no result
    write(ctx, f"gave back {booked}")
    return {"gave_back": booked}


@tool(name="book", risk=RiskClass.WRITE, summary="Book {label}", reversible=True, idempotent=True, compensate=_give_back)
def book(args: Booking, ctx: ToolContext) -> dict[str, Any]:
    """Can be given back."""
    write(ctx, f"booked {args.label}")
    return {"booked": args.label}


@tool(name="mail", risk=RiskClass.MESSAGE, summary="Mail {label}", contact="post room, extension 7")
def mail(args: Booking, ctx: ToolContext) -> dict[str, Any]:
    """Cannot be taken back."""
    write(ctx, f"mailed {args.label}")
    return {}


@tool(name="half", risk=RiskClass.WRITE, summary="Half book {label}", reversible=True, compensate=_give_back)
def half(args: Booking, ctx: ToolContext) -> dict[str, Any]:
    """Acts, then raises: nobody knows."""
    write(ctx, f"booked {args.label}")
    raise RuntimeError("boom")


@tool(name="look_up", risk=RiskClass.READ, summary="Look up {label}", idempotent=True)
def look_up(args: Booking, ctx: ToolContext) -> dict[str, Any]:
    """Changes nothing: there is nothing to reverse."""
    return {}


def _step(number: int) -> Any:
    def step(state: State) -> State:
        asked = state["input"]
        if asked["fails_at"] == number:
            raise RuntimeError(f"step {number} fell over")
        if number > len(asked["calls"]):
            return {}
        call = asked["calls"][number - 1]
        outcome = gate(call["tool"], call["args"])
        return {"told": [{"status": outcome.status, "result": outcome.result}]}

    return step


trip = StateGraph(State)
for n in range(1, STEPS + 1):
    trip.add_node(f"step_{n}", _step(n))
    trip.add_edge(START if n == 1 else f"step_{n - 1}", f"step_{n}")
trip.add_node("finish", lambda state: {"result": {"success": True, "told": state.get("told", [])}})
trip.add_edge(f"step_{STEPS}", "finish")
trip.add_edge("finish", END)

TOOLS = [book, mail, half, look_up]
AGENT = AgentSpec(
    slug="trip", title="Trips", tools=TOOLS, input_model=Trip, environment="demo", compensate_on=["failed", "rejected", "cancelled"]
)
