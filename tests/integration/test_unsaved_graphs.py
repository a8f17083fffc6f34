"""Graphs inside an agent that are compiled with `checkpointer=False`: they keep nothing themselves, and the agent works as it does anywhere."""

import json
from pathlib import Path

import pytest

from agents.graphs.loader import load_project
from agents.models import Run
from agents.operations import starting
from tests import factories
from tests.factories import asked, decide, work

pytestmark = pytest.mark.usefixtures("newly_loaded")

AGENT = """
from typing import TypedDict
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

class State(TypedDict, total=False):
    x: str
    steps: str
    told: str

def chained(*nodes, **how):
    builder = StateGraph(State)
    for before, node in zip((START, *(one.__name__ for one in nodes)), nodes):
        builder.add_node(node.__name__, node)
        builder.add_edge(before, node.__name__)
    return builder.compile(**how)

def one(state): return {"steps": "one"}
def two(state): return {"steps": state["steps"] + " two"}
async def later(state): return {"steps": state.get("steps", "") + " two"}
def ask(state): return {"told": str(interrupt("Go on?"))}
INNER = chained(one, two, checkpointer=False)
AWAITED = chained(one, later, checkpointer=False)
ASKING = chained(one, ask, two, checkpointer=False)
HELPER = create_agent(GenericFakeChatModel(messages=iter([AIMessage("one two")])), [], checkpointer=False)
def called(state): return {"steps": INNER.invoke({})["steps"]}
async def awaited(state): return {"steps": (await AWAITED.ainvoke({}))["steps"]}
def helped(state): return {"steps": HELPER.invoke({"messages": [("user", "do")]})["messages"][-1].content}
graphs = {
    "node": StateGraph(State).add_node("inside", INNER).add_node("ask", ask).add_edge(START, "inside").add_edge("inside", "ask").compile(),
    "called": chained(called, ask),
    "awaited": chained(awaited, ask),
    "helped": chained(helped, ask),
    "asking": StateGraph(State).add_node("inside", ASKING).add_edge(START, "inside").compile(),
}
graph = graphs[SHAPE]
"""


def registered(folder: Path, shape: str) -> list[str]:
    """The warnings of the import."""
    (folder / "agent.py").write_text(AGENT.replace("SHAPE", repr(shape)))
    (folder / "langgraph.json").write_text(json.dumps({"dependencies": ["."], "graphs": {"inside": "./agent.py:graph"}}))
    factories.register(folder / "langgraph.json")
    [loaded] = load_project(folder / "langgraph.json")
    return loaded.warnings


@pytest.mark.parametrize("shape", ["node", "called", "awaited", "helped"])
def test_an_agent_with_a_graph_inside_that_saves_nothing_goes_to_its_question_and_on(others, tmp_path, shape):
    assert registered(tmp_path, shape) == []
    run = starting.start_run(agent="inside", input={"x": "k"}, by=others.reviewer, door="web")
    work()
    [question] = asked(run)
    decide(question, others.second, "respond", response="yes")
    work()
    run = Run.objects.get(pk=run.pk)
    assert (run.state, run.error) == ("SUCCEEDED", "")
    assert run.output.get("steps") == "one two" and run.output["told"] == "yes"


def test_what_such_a_graph_asks_cannot_be_answered_which_is_said_at_the_import(others, tmp_path):
    [warning] = registered(tmp_path, "asking")
    assert "inside is compiled with checkpointer=False" in warning
    run = starting.start_run(agent="inside", input={"x": "k"}, by=others.reviewer, door="web")
    work()
    decide(asked(run)[0], others.second, "respond", response="yes")
    work()
    run = Run.objects.get(pk=run.pk)
    assert run.state == "FAILED" and "reaches nobody" in run.error
