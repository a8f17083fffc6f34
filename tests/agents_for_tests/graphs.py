"""Small graphs, each with one shape that has to work or to fail well. `langgraph.json` names them."""

import itertools
import json
import operator
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypedDict

import psycopg
from celery.exceptions import SoftTimeLimitExceeded
from langchain_core.tools import tool
from langgraph.errors import NodeInterrupt
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt
from pydantic import BaseModel

from agents.graphs.gate import Outcome, ask, gate
from agents.graphs.spec import AgentSpec
from tests.agents_for_tests.world import TOOLS


class Wanted(BaseModel):
    """What a test run is started with."""

    world: str = ""  # the file that stands for the outside world
    calls: list[dict[str, Any]] = []
    note: str = ""  # a file some nodes read anew each time they are executed
    value: Any = None
    steps: int = 0


class State(TypedDict, total=False):
    input: dict[str, Any]
    told: Annotated[list[Any], operator.add]
    result: dict[str, Any]


class Call(TypedDict):
    call: dict[str, Any]


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "status": outcome.status,
        "result": outcome.result,
        "reason": outcome.reason,
        "response": outcome.response,
        "args": outcome.args,
    }


def _graph(*nodes: tuple[str, Any], state: Any = State) -> StateGraph[Any]:
    """Nodes in a row, then what everybody was told as the result."""
    graph: StateGraph[Any] = StateGraph(state)
    for name, node in nodes:
        graph.add_node(name, node)
    graph.add_node("finish", lambda state: {"result": {"success": True, "told": state.get("told", [])}})
    names = [START, *(name for name, _ in nodes), "finish", END]
    for before, after in itertools.pairwise(names):
        graph.add_edge(before, after)
    return graph


# -- every call of the input is proposed in parallel ----------------------------------------------
def _propose(state: Call) -> State:
    call = state["call"]
    return {"told": [_told(gate(call["tool"], call.get("args", {}), **call.get("extra", {})))]}


calls = StateGraph(State)
calls.add_node("plan", lambda state: {})
calls.add_node("propose", _propose, input_schema=Call)
calls.add_node("finish", lambda state: {"result": {"success": True, "told": state.get("told", [])}})
calls.add_edge(START, "plan")
calls.add_conditional_edges("plan", lambda state: [Send("propose", {"call": c}) for c in state["input"]["calls"]], ["propose"])
calls.add_edge("propose", "finish")
calls.add_edge("finish", END)


# -- the calls one after another in one node --------------------------------------------------------
def _in_a_row(state: State) -> State:
    return {"told": [_told(gate(call["tool"], call.get("args", {}))) for call in state["input"]["calls"]]}


row = _graph(("row", _in_a_row))
twice = _graph(
    ("once", lambda state: {"told": [_told(gate("append", {"label": "same"}))]}),
    ("again", lambda state: {"told": [_told(gate("append", {"label": "same"}))]}),
)

# -- a graph inside a graph: as a node, and called by one ---------------------------------------------
_inner = _graph(("inner_row", _in_a_row)).compile()
inside = _graph(("inside", _inner))
called = _graph(("caller", lambda state: {"told": _inner.invoke({"input": state["input"]})["told"]}))


# -- nodes that are not what they were ------------------------------------------------------------------
def _from_note(state: State) -> State:
    label = Path(state["input"]["note"]).read_text()
    return {"told": [_told(gate("append", {"label": label}))]}


def _raise_after(state: State) -> State:
    outcome = gate("append", {"label": "before the trouble"})
    if not Path(state["input"]["note"]).exists():
        raise RuntimeError("the node fell over after its answer")
    return {"told": [_told(outcome)]}


def _poison(state: State) -> State:
    raise RuntimeError("this node always falls over")


def _raise_first(state: State) -> State:
    if not Path(state["input"]["note"]).exists():
        raise RuntimeError("the model was busy")
    return {"told": [_told(gate("append", {"label": "at the second try"}))]}


def _exit(state: State) -> State:
    sys.exit("a script's habit")


def _busy(state: State) -> State:
    if Path(state["input"]["note"]).exists():
        raise RuntimeError("the model is busy")
    return {"told": [_told(gate("append", {"label": "when it is not busy"}))]}


def _two_gates(state: Call) -> State:
    call = state["call"]
    first = gate("append", {"label": f"{call['name']} first"})
    if Path(call.get("trouble", "/nowhere/at/all")).exists():
        raise RuntimeError("between its gates")
    return {"told": [_told(first), _told(gate("append", {"label": f"{call['name']} second"}))]}


def _retired(state: State) -> State:
    with Path(state["input"]["world"]).open("a") as world:
        world.write("entered\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raise NodeInterrupt("too long")


@tool
def label(cents: int) -> str:
    """Print a label."""
    return f"labelled {cents}"


def _asks_as_langchain(state: State) -> State:
    """A node of its own that asks as LangChain's middleware does, and does what was approved in its own lines, or leaves it to a tool."""
    wanted = state["input"]
    asked = {"name": "label", "args": {"cents": 10}}
    request: dict[str, Any] = {
        "action_requests": [asked],
        "review_configs": [{"action_name": "label", "allowed_decisions": ["approve", "reject"]}],
    }
    answer = interrupt(request if wanted["value"] != "per_call" else {"type": "tool_approval", "tool_call_id": "t1", **asked})
    decision = answer["decisions"][0] if "decisions" in answer else answer
    if decision["type"] == "approve" and not wanted["steps"]:
        with Path(wanted["world"]).open("a") as world:
            world.write("sent\n")
    if (note := Path(wanted["note"])).is_file():
        trouble = note.read_text()
        note.unlink()
        raise psycopg.OperationalError("the worker is gone") if trouble == "dies" else RuntimeError("after it acted")
    return {"told": [decision["type"]]}


def _calls_a_tool(state: State) -> State:
    """As LangGraph's older examples do: without the model's id of the call. `steps` is what it calls it with; less than nothing, whatever it was told."""
    cents = state["input"]["steps"]
    if cents > 0 and state["told"] != ["approve"]:
        return {}
    calls = [-cents] if cents < 0 else [cents, 3] if cents == 10_007 else [cents] if cents else []
    return {"told": [label.invoke({"cents": 10 if one == 10_007 else one}) for one in calls]}


by_hand = _graph(("review", _asks_as_langchain), ("act", _calls_a_tool))
retired = _graph(("retired", _retired))
busy = _graph(("busy", _busy))
fan = StateGraph(State)
fan.add_node("plan", lambda state: {})
fan.add_node("two", _two_gates, input_schema=Call)
fan.add_node("finish", lambda state: {"result": {"success": True, "told": state.get("told", [])}})
fan.add_edge(START, "plan")
fan.add_conditional_edges("plan", lambda state: [Send("two", {"call": c}) for c in state["input"]["calls"]], ["two"])
fan.add_edge("two", "finish")
fan.add_edge("finish", END)
raising_first = _graph(("raising_first", _raise_first))
exiting = _graph(("exiting", _exit))
changing = _graph(("changing", _from_note))
raising = _graph(("raising", _raise_after))
poisoned = _graph(("poisoned", _poison))
before = _graph(("old_name", _in_a_row))
after = _graph(("new_name", _in_a_row))

# -- questions ----------------------------------------------------------------------------------------------
question = _graph(("question", lambda state: {"told": [_told(ask("May I?", context="It is late"))]}))
number = _graph(("number", lambda state: {"told": [int(interrupt("How many?"))]}))
pays_then_asks = _graph(
    ("pays", lambda state: {"told": [_told(gate("append", {"label": "first"})), int(interrupt("How many?"))]}),
)
beside = StateGraph(State)
beside.add_node("plan", lambda state: {})
beside.add_node("number", lambda state: {"told": [int(interrupt("How many?"))]})
beside.add_node("other", lambda state: {"told": ["other"]})
beside.add_edge(START, "plan")
for _name in ("number", "other"):
    beside.add_edge("plan", _name)
    beside.add_edge(_name, END)
from_file = _graph(("raw", lambda state: {"told": [interrupt(json.loads(Path(state["input"]["note"]).read_text()))]}))
raw = _graph(("raw", lambda state: {"told": [interrupt(state["input"]["value"])]}))


# -- slow: so many steps, each a third of a second ------------------------------------------------------------
def _step(state: State) -> State:
    with Path(state["input"]["world"]).open("a") as world:
        world.write("step\n")
    time.sleep(0.3)
    return {"told": ["step"]}


slow = StateGraph(State)
slow.add_node("step", _step)
slow.add_node("finish", lambda state: {"result": {"success": True, "told": state.get("told", [])}})
slow.add_edge(START, "step")
slow.add_conditional_edges("step", lambda state: "step" if len(state["told"]) < state["input"]["steps"] else "finish", ["step", "finish"])
slow.add_edge("finish", END)


# -- stubborn: a first step, a call that is asked beside it, and a node that comes to no end, whatever strikes it -----------------
def _stubborn(state: State) -> State:
    how = state["input"]["value"]
    while how == "endless":
        with suppress(Exception):
            time.sleep(60)
    if how != "struck":
        time.sleep(how)
        return {}
    try:
        raise SoftTimeLimitExceeded()  # as Celery's signal has it
    except Exception as error:
        raise RuntimeError("made another error of it") from error


def _asks_late(state: State) -> State:
    time.sleep(state["input"]["steps"])
    return {"told": [_told(gate("append", {"label": "late"}))]}


stubborn = _graph(("first", lambda state: {"told": ["first"]}), ("stubborn", _stubborn))
late = _graph(("asks", lambda state: {"told": [_told(gate("append", {"label": "early"}))]}), ("asks_late", _asks_late))

not_a_graph = "something else"

AGENT = AgentSpec(slug="calls", title="Test agent", tools=TOOLS, input_model=Wanted, environment="demo")
