"""Agents of which only some part can be awaited, and graphs that want more than an input: driven as they are, or refused in a sentence."""

import json
from pathlib import Path

import pytest

from agents import operations as agents
from agents.errors import BadProject
from agents.graphs.loader import load_project
from agents.models import Run
from tests import factories
from tests.factories import asked, decide, lines, work

HEAD = """
from dataclasses import dataclass
from typing import TypedDict
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware, after_model, dynamic_prompt, wrap_model_call, wrap_tool_call
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.types import interrupt
from parts_of_others import Letters, Planned, act, plan_of, send

@wrap_model_call
async def model(request, handler):
    return await handler(request)

@wrap_tool_call
async def tool(request, handler):
    return await handler(request)

@dynamic_prompt
async def prompt(request):
    return "Be brief"

@after_model
async def after(state, runtime):
    return None

class Both(AgentMiddleware):
    def wrap_model_call(self, request, handler):
        return handler(request)
    async def awrap_model_call(self, request, handler):
        return await handler(request)

def agent(*middleware):
    return create_agent(Planned(), [send], middleware=[*middleware, HumanInTheLoopMiddleware({"send": True})])

async def sent(state):
    if interrupt("Shall I send?") == "yes":
        act(plan_of(state["messages"]), "send", {"copies": 1, "to": "ada"})

def sent_at_once(state):
    if interrupt("Shall I send?") == "yes":
        act(plan_of(state["messages"]), "send", {"copies": 1, "to": "ada"})

async def router(state):
    return "send"

def built(node, way=None, schema=None):
    graph = StateGraph(Letters, context_schema=schema)
    graph.add_node("first", lambda state: None)
    graph.add_node("send", node)
    graph.add_edge(START, "first")
    graph.add_conditional_edges("first", way, ["send"]) if way else graph.add_edge("first", "send")
    graph.add_edge("send", END)
    return graph.compile()

class Wanted(TypedDict):
    who: str

@dataclass
class Optional:
    who: str = "yes"

def reading(state, runtime: Runtime):
    if interrupt("Shall I send?") == (runtime.context["who"] if isinstance(runtime.context, dict) else runtime.context.who):
        act(plan_of(state["messages"]), "send", {"copies": 1, "to": "ada"})

def keeping(state, *, store: BaseStore):
    store.put(("a",), "b", {})

def maybe_keeping(state, runtime: Runtime):
    runtime.store.put(("a",), "b", {})
"""
AWAITED = {
    "model": "agent(model)",
    "tool": "agent(tool)",
    "prompt": "agent(prompt)",
    "after": "agent(after)",
    "route": "built(sent_at_once, router)",
    "lambda": "built(RunnableLambda(sent))",
    "chain": "built(RunnableLambda(lambda state: state) | RunnableLambda(sent))",
    "inside": "built(built(sent_at_once, router))",
}
SENT = ['send {"copies": 1, "to": "ada"}']


def project(folder: Path, graph: str) -> Path:
    (folder / "awaited_agent.py").write_text(f"{HEAD}\ngraph = {graph}\n")
    (folder / "others").symlink_to(factories.OTHERS.parent)
    path = folder / "langgraph.json"
    path.write_text(json.dumps({"dependencies": [".", "./others"], "graphs": {"awaited": "./awaited_agent.py:graph"}}))
    return path


def became(others, world) -> tuple[str, list[str]]:
    """Of a run of it whose one question was answered, or call approved: its state, and what it did."""
    run = factories.planned(others.reviewer, world, [["send", {"to": "ada"}]], agent="awaited")
    work()
    (action,) = asked(run)
    plain = action.kind == "question"
    decide(action, others.second, *(["respond"] if plain else []), **({"response": "yes"} if plain else {}))
    work()
    return str(Run.objects.get(pk=run.pk).state), lines(world)


@pytest.mark.parametrize("graph", AWAITED)
def test_an_agent_with_a_part_that_can_only_be_awaited_runs_to_its_end(others, world, tmp_path, graph):
    agents.register_project(project(tmp_path, AWAITED[graph]))
    assert became(others, world) == ("SUCCEEDED", SENT)


def test_what_has_both_halves_needs_no_loop(tmp_path):
    (found,) = load_project(project(tmp_path, "agent(Both())"))
    assert not found.needs_a_loop


def test_a_context_whose_fields_all_have_defaults_is_given(others, world, tmp_path):
    agents.register_project(project(tmp_path, "built(reading, schema=Optional)"))
    assert became(others, world) == ("SUCCEEDED", SENT)


@pytest.mark.parametrize(
    ("graph", "why"),
    [
        ("built(reading, schema=Wanted)", "a context that has to be given with every run (who)"),
        ("built(keeping)", "send is given a store"),
    ],
)
def test_a_graph_that_wants_what_no_run_is_given_is_refused_at_the_import(tmp_path, graph, why):
    with pytest.raises(BadProject) as refused:
        load_project(project(tmp_path, graph))
    assert why in refused.value.message


def test_a_store_that_may_be_wanted_is_said_at_the_import(tmp_path):
    (found,) = load_project(project(tmp_path, "built(maybe_keeping)"))
    assert "maybe_keeping seems to read a store" in str(found.warnings)
