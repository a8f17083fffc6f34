"""The supervised shape: plan -> propose -> (people, executor) -> append to history, at most `max_steps` times.

The planner is a chat model that only reasons. Every call it asks for goes through the gate, several of one
turn in parallel; a rejected one is told to it and the loop goes on (rows R87-R91).
"""

import json
import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import RetryPolicy, Send

from agents import kept
from agents.graphs.gate import Outcome, gate
from agents.tools.registry import Tool

EVIDENCE_CHARS, EVIDENCE_MOST = 4_000, 5  # what people are shown; arguments are compared with all of it, see `agents.operations.untrusted`
OUT_OF_STEPS = str(kept.OUT_OF_STEPS())  # it goes into the graph's own state, as plain text


class SupervisedState(TypedDict, total=False):
    input: dict[str, Any]
    messages: Annotated[list[AnyMessage], add_messages]
    steps: Annotated[list[dict[str, Any]], operator.add]
    turns: int
    result: dict[str, Any]


class Call(TypedDict):
    """One tool call of a turn, sent to the gate by itself."""

    call: dict[str, Any]
    rationale: str
    evidence: list[dict[str, str]]


def supervised(
    *,
    name: str,
    planner: BaseChatModel,
    tools: list[Tool],
    system_prompt: str,
    task: Callable[[dict[str, Any]], str],
    max_steps: int = 10,
) -> StateGraph[SupervisedState]:
    """A graph whose planner may only propose. Compile it without a checkpointer: Countersign brings its own.

    Args:
        planner: a chat model; it sees the tools' schemas and never calls one.
        task: the first message of a run, made from its input.
        max_steps: turns of the planner before the run ends with "Max steps reached" and success false. It is false, too, when it
            made calls and all of them failed.

    The run's output is {"success": bool, "steps": [...], "result": str, "error": str}.
    """
    known = {tool.name: tool for tool in tools}
    model = planner.bind_tools([_schema(tool) for tool in tools])

    def plan(state: SupervisedState) -> dict[str, Any]:
        history = state.get("messages", []) or [HumanMessage(task(state["input"]))]
        answer = model.invoke([SystemMessage(system_prompt), *history])
        fresh = [] if state.get("messages") else history
        return {"messages": [*fresh, answer], "turns": state.get("turns", 0) + 1}

    def route(state: SupervisedState) -> list[Send] | str:
        last = state["messages"][-1]
        if not isinstance(last, AIMessage) or not last.tool_calls:
            return "finish"
        if state.get("turns", 0) > max_steps:
            return "finish"
        evidence = _evidence(state["messages"], known)
        words = str(last.text)
        return [Send("propose", Call(call=dict(c), rationale=words, evidence=evidence)) for c in last.tool_calls]

    def propose(state: Call) -> dict[str, Any]:
        call = state["call"]
        outcome = gate(call["name"], call["args"], rationale=state["rationale"], evidence=state["evidence"])
        return {"messages": [_message(call, outcome)], "steps": [_step(call, outcome)]}

    def finish(state: SupervisedState) -> dict[str, Any]:
        last = state["messages"][-1]
        steps = state.get("steps", [])
        stopped = isinstance(last, AIMessage) and bool(last.tool_calls)
        error = OUT_OF_STEPS if stopped else _nothing_worked(steps)
        return {"result": {"success": not error, "steps": steps, "result": "" if stopped else str(last.text), "error": error}}

    graph = StateGraph(SupervisedState)
    graph.add_node("plan", plan, retry_policy=RetryPolicy(max_attempts=3))
    graph.add_node("propose", propose, input_schema=Call)
    graph.add_node("finish", finish)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", route, ["propose", "finish"])
    graph.add_edge("propose", "plan")
    graph.add_edge("finish", END)
    return graph


def _schema(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description or tool.summary, "parameters": tool.schema},
    }


def _message(call: dict[str, Any], outcome: Outcome) -> ToolMessage:
    told = {"status": outcome.status, "result": outcome.result, "reason": outcome.reason, "response": outcome.response}
    if outcome.args is not None and outcome.args != call["args"]:
        told["args_that_ran"] = outcome.args
    told |= {name: True for name in ("do_not_retry", "taken_over", "answered_for") if outcome.raw.get(name)}
    return ToolMessage(
        json.dumps(told, ensure_ascii=False),
        tool_call_id=call["id"] or call["name"],
        name=call["name"],
        status="success" if outcome.status in {"done", "answered"} else "error",
    )


def _nothing_worked(steps: list[dict[str, Any]]) -> str:
    """Why a run that ended by itself is no success: it called something, and every call failed. What people refused is no failure."""
    if steps and all(step["status"] == "failed" for step in steps):
        return str(steps[-1]["reason"])
    return ""


def _step(call: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    return {"tool": call["name"], "args": call["args"], "status": outcome.status, "reason": outcome.reason, "action": outcome.action}


def _evidence(messages: list[AnyMessage], known: dict[str, Tool]) -> list[dict[str, str]]:
    """The last of what tools with untrusted output gave back, as people are shown it: cut, and that is said."""
    read = [m for m in messages if isinstance(m, ToolMessage) and (tool := known.get(m.name or "")) and tool.untrusted_output]
    shown = [_shown(message) for message in read[-EVIDENCE_MOST:]]
    left = len(read) - len(shown)
    return [{"title": str(kept.NOT_SHOWN(n=left)), "text": ""}, *shown] if left else shown


def _shown(message: ToolMessage) -> dict[str, str]:
    text = str(message.text)
    if len(text) <= EVIDENCE_CHARS:
        return {"title": str(kept.RESULT_OF(tool=message.name)), "text": text}
    title = kept.CUT(tool=message.name, shown=EVIDENCE_CHARS, all=len(text))
    return {"title": str(title), "text": text[:EVIDENCE_CHARS]}
