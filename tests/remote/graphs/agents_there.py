"""Agents as anybody might have written them, served by the real development server. What they do is planned in their input, as JSON.

{"world": file, "turns": [[[tool, args], ...], ...]}: every call that acts writes a line.
"""

import json
import operator
import os
import time
from typing import Annotated, Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.prebuilt import InjectedState
from langgraph.types import interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict


def act(world: str, name: str, args: dict[str, Any]) -> str:
    """The outside world: a line per call."""
    out = os.open(world, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(out, f"{name} {json.dumps(args, sort_keys=True)}\n".encode())
    os.close(out)
    return f"{name} done"


def plan_of(messages: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(str(next(m.content for m in messages if isinstance(m, HumanMessage))))
    return found


class Planned(BaseChatModel):
    """Says what the plan says."""

    @property
    def _llm_type(self) -> str:
        return "planned"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[Any], stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        turns, said = plan_of(messages)["turns"], sum(isinstance(m, AIMessage) for m in messages)
        calls = turns[said] if said < len(turns) else []
        made = [{"name": name, "args": args, "id": f"call-{said}-{n}"} for n, (name, args) in enumerate(calls)]
        return ChatResult(generations=[ChatGeneration(message=AIMessage("I would do this" if made else "All done", tool_calls=made))])


@tool
def send(to: str, state: Annotated[dict[str, Any], InjectedState], copies: int = 1) -> str:
    """Send a letter."""
    return act(plan_of(state["messages"])["world"], "send", {"to": to, "copies": copies})


batched = create_agent(Planned(), [send], middleware=[HumanInTheLoopMiddleware({"send": True})])
per_call = create_agent(Planned(), [send], middleware=[HumanInTheLoopMiddleware({"send": True}, interrupt_mode="per_call")])
yes_no = create_agent(Planned(), [send], middleware=[HumanInTheLoopMiddleware({"send": {"allowed_decisions": ["approve", "reject"]}})])


class Work(TypedDict, total=False):
    world: str
    seconds: float
    lingers: float
    told: Annotated[list[Any], operator.add]


ALL = {"allow_ignore": True, "allow_respond": True, "allow_edit": True, "allow_accept": True}


def _inbox(state: Work) -> dict[str, Any]:
    request = {"action_request": {"action": "pay", "args": {"cents": 300}}, "config": ALL, "description": "May I?"}
    response = interrupt([request])[0]
    if response["type"] in ("accept", "edit"):
        time.sleep(state.get("seconds", 0))
        done = act(state["world"], response["args"]["action"], response["args"]["args"])
        time.sleep(state.get("lingers", 0))
        return {"told": [done]}
    return {"told": [f"{response['type']}: {response['args']}"]}


class Amount(BaseModel):
    cents: int


def _left(state: Work) -> dict[str, Any]:
    answer = interrupt("Left?")
    return {"told": [act(state["world"], "left", {"told": answer})]}


def _right(state: Work) -> dict[str, Any]:
    answer = interrupt("How much?", response_schema=Amount)
    return {"told": [act(state["world"], "right", {"told": answer.cents})]}


def _both(state: Work) -> dict[str, Any]:
    return {"told": [act(state["world"], "both", {})]}


def _twice(state: Work) -> dict[str, Any]:
    first = interrupt("Once?")
    return {"told": [act(state["world"], "twice", {"told": [first, interrupt("Twice?")]})]}


def _slow(state: Work) -> dict[str, Any]:
    for _ in range(int(state.get("seconds", 0) * 10)):
        time.sleep(0.1)
    return {"told": [act(state["world"], "slow", {})]}


def _ponder(state: Work) -> dict[str, Any]:
    told = interrupt("How?")
    time.sleep(60 if told == "slowly" else 0)
    return {"told": [act(state["world"], "ponder", {"told": told})]}


def _graph(**nodes: Any) -> Any:
    graph = StateGraph(Work)
    for name, node in nodes.items():
        graph.add_node(name, node)
        graph.add_edge(START, name)
        graph.add_edge(name, END)
    return graph.compile()


inbox = _graph(ask=_inbox)
twice = _graph(ask=_twice)
slow = _graph(work=_slow)
ponder = _graph(ask=_ponder)
_pair = StateGraph(Work)
for _name, _node in (("left", _left), ("right", _right), ("both", _both)):
    _pair.add_node(_name, _node)
_pair.add_edge(START, "left")
_pair.add_edge(START, "right")
_pair.add_edge(["left", "right"], "both")
_pair.add_edge("both", END)
pair = _pair.compile()
