"""What a deploy under open questions would do is said before it (`agents check`), and is true."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from agents import operations as agents
from agents.models import Effect
from tests import factories
from tests.factories import asked, decide, lines, work
from tests.integration.test_dialects_healing import SEND, fresh, tool_messages, waiting

pytestmark = pytest.mark.usefixtures("leave_asked_of_this_database")

AGENT = """
from typing import Annotated
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.tools import tool
from parts_of_others import Planned

@tool
def {tool}({args}) -> str:
    "{says}"
    return "sent"

agent = create_agent(Planned(), [{tool}], middleware=[{gate}])
"""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"args": "whom: str"}, "does not take these arguments"),
        ({"args": "to: str | None"}, "takes other arguments"),
        ({"args": "to: str, copies: int"}, "does not take these arguments"),
        ({"args": "to: str, copies: int = 1"}, ""),
        ({"says": "Send it, politely."}, ""),
        ({"args": "to: Annotated[str, 'whom']"}, "takes other arguments"),
        ({"tool": "post"}, "no tool send"),
        ({"gate": ""}, "no node"),
    ],
)
def test_what_a_deploy_would_break_is_said_before_it(others, world, tmp_path, capsys, change, why):
    now = {"tool": "send", "args": "to: str", "says": "Send it.", "gate": 'HumanInTheLoopMiddleware({"send": True, "post": True})'}
    (tmp_path / "agent.py").write_text(AGENT.format(**now))
    (tmp_path / "langgraph.json").write_text(
        json.dumps({"dependencies": [".", str(factories.OTHERS.parent)], "graphs": {"mine": "./agent.py:agent"}}).replace(
            str(factories.OTHERS.parent), "./others"
        )
    )
    (tmp_path / "others").symlink_to(factories.OTHERS.parent)
    factories.register(tmp_path / "langgraph.json")
    waiting(others, world, "mine", [*SEND, *SEND])
    (tmp_path / "agent.py").write_text(AGENT.format(**{**now, **change}))
    checked = agents.check_deploy(Path(tmp_path / "langgraph.json"))
    said = [one.why for one in checked.broken if one.certain]
    assert checked.looked == 1
    assert [why in one for one in said] == ([True] if why else [])  # once, however many calls of the batch it breaks
    if why:
        with pytest.raises(SystemExit):
            call_command("agents", "check", str(tmp_path / "langgraph.json"))
        assert "would break" in capsys.readouterr().out


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"args": "to: str, copies: int = 1"}, "sent"),
        ({"says": "Send it, politely."}, "sent"),
        ({"args": "to: str | None"}, "takes other arguments"),
        ({"tool": "post"}, "no tool send any more"),
    ],
)
def test_approved_calls_of_a_batch_meet_a_tool_that_was_changed(others, world, tmp_path, change, told):
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": [".", "./others"], "graphs": {"mine": "./agent.py:agent"}}))
    (tmp_path / "others").symlink_to(factories.OTHERS.parent)
    now = {"args": "to: str", "says": "Send it.", "tool": "send", "gate": 'HumanInTheLoopMiddleware({"send": True})'}

    def deploy(**change: str) -> None:
        (tmp_path / "agent.py").write_text(AGENT.format(**{**now, **change}))
        agents.register_project(tmp_path / "langgraph.json", replace=True)

    deploy()
    run, _ = waiting(others, world, "mine", [*SEND, *SEND])
    deploy(**change)
    for action in asked(run):
        decide(action, others.second)
    work()
    assert fresh(run).state == "SUCCEEDED", fresh(run).error
    assert set(Effect.objects.values_list("state", flat=True)) == {"DONE" if told == "sent" else "FAILED"}
    assert [told in text for text in tool_messages(run)] == [True, True]


MODES = ["batched", "per_call"]


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize(("was", "now"), [*zip(MODES, reversed(MODES), strict=True), *zip(MODES, MODES, strict=True)])
def test_middleware_that_asks_in_another_mode_is_said_to_break_and_says_what_is_true(others, world, tmp_path, was, now):
    """Check said fine, and the call that was approved ended as one that people "have not approved, or it was made already"."""
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": [".", "./others"], "graphs": {"mine": "./agent.py:agent"}}))
    (tmp_path / "others").symlink_to(factories.OTHERS.parent)

    def written(mode: str) -> Path:
        gate = f'HumanInTheLoopMiddleware({{"send": True}}, interrupt_mode="{mode}")'
        (tmp_path / "agent.py").write_text(AGENT.format(tool="send", args="to: str", says="Send it.", gate=gate))
        return tmp_path / "langgraph.json"

    agents.register_project(written(was), replace=True)
    run, _ = waiting(others, world, "mine", [*SEND, ["send", {"to": "bob"}]])
    checked = agents.check_deploy(written(now))
    assert ["another mode" in one.why for one in checked.broken if one.certain] == [True] * checked.would
    assert bool(checked.would) is (was != now) and (was != now or checked.fine == checked.looked)
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    for action in asked(run):
        decide(action, others.second)
    work()
    assert fresh(run).state == ("SUCCEEDED" if was == now else "FAILED"), fresh(run).error
    if was == "per_call" != now:
        assert "was approved" in fresh(run).error and "not approved" not in fresh(run).error
        assert Effect.objects.filter(state="DONE").count() == 1


SCHEMED = """
from typing import Literal
from pydantic import BaseModel
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from parts_of_others import Letters

class Inner(BaseModel):
    n: int = {n}

class Where(BaseModel):
    {says}
    go: Literal["left", "{other}"]
    more: list[Inner] = []

def ask(state):
    # {comment}
    return {{"told": [str(interrupt("Where?", response_schema={schema}))]}}

graph = StateGraph(Letters)
graph.add_node("ask", ask)
graph.add_edge(START, "ask")
graph = graph.compile()
"""
AS_SCHEMED = {"n": "3", "says": "", "other": "right", "comment": "", "schema": "Where"}


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize(
    ("change", "fate"),
    [
        ({}, "fine"),
        ({"comment": "asks"}, "fine"),
        ({"other": "straight"}, "would"),
        ({"n": "4"}, "would"),
        ({"says": '"Which way."'}, "would"),  # it is in the schema, which is part of what was asked
        ({"schema": "None"}, "would"),
        ({"schema": "Where if state else None"}, "may"),
    ],
)
def test_an_answer_whose_schema_is_another_one_is_said_to_break(others, world, tmp_path, change, fate):
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": [".", "./others"], "graphs": {"where": "./where.py:graph"}}))
    (tmp_path / "others").symlink_to(factories.OTHERS.parent)
    (tmp_path / "where.py").write_text(SCHEMED.format(**AS_SCHEMED))
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    run, action = waiting(others, world, "where")
    (tmp_path / "where.py").write_text(SCHEMED.format(**{**AS_SCHEMED, **change}))
    checked = agents.check_deploy(tmp_path / "langgraph.json")
    assert {"fine": checked.fine, "may": checked.may, "would": checked.would} == {"fine": 0, "may": 0, "would": 0} | {fate: 1}, checked
    assert fate != "would" or "takes other answers" in checked.broken[0].why
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    decide(action, others.second, "respond", response='{"go": "left"}')
    work()
    assert fresh(run).state == ("FAILED" if fate == "would" else "SUCCEEDED"), fresh(run).error


DEEP = """
from deepagents import create_deep_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from agents.graphs.loops import require_approval
from parts_of_others import Planned, TOOLS

@require_approval
def note(text: str) -> str:
    "Note it."
    return "noted"

GATED = {{"send": {gated}}}
clerk = {{"name": "{name}", "description": "writes", "system_prompt": "Write.", "tools": [*TOOLS, note], "interrupt_on": GATED}}
other = {{**clerk, "name": "other"}}
agent = create_deep_agent(model=Planned(), tools=[], subagents=[clerk, other])
"""
AS_DEEP = {"gated": "True", "name": "clerk"}


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize("turn", [SEND[0], ["note", {"text": "x"}]])
@pytest.mark.parametrize(
    ("change", "fate"), [({}, "fine"), ({"name": "poster"}, "would"), ({"gated": '{"allowed_decisions": ["approve", "reject"]}'}, "may")]
)
def test_a_helper_that_was_renamed_is_said_to_break(others, world, tmp_path, change, fate, turn):
    """Another helper has a node of the same name: the one that asked seemed to be there."""
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": [".", "./others"], "graphs": {"lead": "./lead.py:agent"}}))
    (tmp_path / "others").symlink_to(factories.OTHERS.parent)
    (tmp_path / "lead.py").write_text(DEEP.format(**AS_DEEP))
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    task = {"description": json.dumps({"world": str(world), "turns": [[turn]]}), "subagent_type": "clerk"}
    run = factories.planned(others.reviewer, world, [["task", task]], agent="lead")
    work()
    assert [action.tool for action in asked(run)] == [turn[0]], fresh(run).error
    (tmp_path / "lead.py").write_text(DEEP.format(**{**AS_DEEP, **change}))
    checked = agents.check_deploy(tmp_path / "langgraph.json")
    assert {"fine": checked.fine, "may": checked.may, "would": checked.would} == {"fine": 0, "may": 0, "would": 0} | {fate: 1}, checked
    assert fate != "would" or "no helper clerk" in checked.broken[0].why


ASKS = """
from typing import TypedDict
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from parts_of_others import Letters, act, plan_of

LIMIT = {limit}

def worded(amount):
    "How it is put."
    return f"Pay {{amount}}{mark}"

def pay(state: Letters):
    {comment}
    {before}
    request = {request}
    if interrupt(request) == "yes":
        act(plan_of(state["messages"]), "paid", {{}})
    return {{"told": [{told}]}}

graph = StateGraph(Letters)
graph.add_node("{node}", {pay})
graph.add_edge(START, "{node}")
graph.add_edge("{node}", END)
"""
AS_ASKED = {
    "limit": "5", "mark": "?", "comment": "", "before": "", "request": '{"ask": worded(LIMIT), "most": LIMIT, "kind": "pay"}', "told": '"x"', "node": "pay",
    "pay": "pay",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "fate", "why"),
    [
        ({}, "fine", ""),
        ({"comment": "# a comment, and an empty line\n\n"}, "fine", ""),
        ({"before": 'interrupt({"ask": "Who are you?"})'}, "may", 'interrupt({\'ask\': \'Who are you?\'}) before'),
        ({"told": '"y"'}, "may", "the code of pay is not the one that asked (pay)"),
        ({"mark": "!"}, "may", "(worded)"),
        ({"limit": "10000"}, "would", "asks this no more"),
        ({"request": '{"action": {"name": "pay", "args": [1, 2]}}'}, "would", "asks this no more"),
        ({"request": 'dict(state)'}, "may", "the code of pay is not the one"),
        ({"node": "paying"}, "would", "no node pay"),
        ({"pay": "lambda state: pay(state)"}, "may", "the code of pay is not"),
        ({"pay": "lambda state: {'told': ['x']}"}, "would", "asks nothing any more"),
    ],
)  # fmt: skip
def test_what_new_code_does_to_a_plain_question_is_said_before_it(others, world, tmp_path, capsys, change, fate, why):
    (tmp_path / "agent.py").write_text(ASKS.format(**AS_ASKED))
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": [".", "./others"], "graphs": {"payer": "./agent.py:graph"}}))
    (tmp_path / "others").symlink_to(factories.OTHERS.parent)
    factories.register(tmp_path / "langgraph.json")
    waiting(others, world, "payer")
    (tmp_path / "agent.py").write_text(ASKS.format(**{**AS_ASKED, **change}))
    checked = agents.check_deploy(tmp_path / "langgraph.json")
    assert {"fine": checked.fine, "may": checked.may, "would": checked.would} == {"fine": 0, "may": 0, "would": 0} | {fate: 1}
    assert (why in checked.broken[0].why) if why else checked.broken == ()
    assert lines(world) == []  # nothing of it was run
