"""plan -> gate -> act: the smallest governed graph. Each step after the gate stamps when it starts, by this machine's clock."""

import time
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel

from agents.graphs.gate import gate
from agents.graphs.spec import AgentSpec
from agents.tools.registry import RiskClass, ToolContext, tool


class Wanted(BaseModel):
    number: int
    text: str = ""


class State(TypedDict, total=False):
    input: dict[str, Any]
    call: dict[str, Any]
    gate_passed_at: float
    result: dict[str, Any]


@tool(name="note", risk=RiskClass.WRITE, summary="Note number {number}", reversible=True, idempotent=True)
def note(args: Wanted, ctx: ToolContext) -> dict[str, Any]:
    """Does nothing: what is measured is everything around it."""
    return {"noted": args.number}


def plan(state: State) -> State:
    return {"call": {"number": state["input"]["number"], "text": "a plain sentence, as an agent would propose"}}


def ask(state: State) -> State:
    outcome = gate("note", state["call"], rationale="The bench wants to know how long this takes.")
    return {"gate_passed_at": time.time(), "result": {"status": outcome.status}}


def act(state: State) -> State:
    began = time.time()
    return {"result": {"success": state["result"]["status"] == "done", "gate_passed_at": state["gate_passed_at"], "step_started_at": began}}


graph = StateGraph(State)
graph.add_node("plan", plan)
graph.add_node("gate", ask)
graph.add_node("act", act)
graph.add_edge(START, "plan")
graph.add_edge("plan", "gate")
graph.add_edge("gate", "act")
graph.add_edge("act", END)

AGENT = AgentSpec(slug="bench", title="Bench", tools=[note], input_model=Wanted, environment="demo")
