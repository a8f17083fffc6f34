"""What becomes of a run whose question a deploy took away: it ends in words, nothing that people were asked about is done for it, and nothing of it is left open."""

import json

import psycopg
import pytest

from agents import operations as agents
from agents.errors import WrongState
from agents.models import Effect, Pause, Run
from approvals.models import Action
from tests import factories
from tests.factories import asked, decide, lines, work
from tests.integration.test_dialects_healing import SEND, SENT, die, fresh, taken_over, waiting

pytestmark = pytest.mark.usefixtures("leave_asked_of_this_database")

INNER = """
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from parts_of_others import Letters, act, plan_of

def built(*nodes):
    graph = StateGraph(Letters)
    for before, (name, node) in zip([START, *(name for name, _ in nodes)], nodes):
        graph.add_node(name, node)
        graph.add_edge(before, name)
    graph.add_edge(nodes[-1][0], END)
    return graph.compile()

def ask(state):
    answer = {ask}
    act(plan_of(state["messages"]), "asked", {{"answer": str(answer)}})

def go_on(state):
    act(plan_of(state["messages"]), "went on", {{}})

inner = built(("{name}", ask))
hidden = {{"inner": inner}}
graph = built(("outer", {outer}), ("after", go_on))
"""
NOW = {"ask": 'interrupt("Shall I?")', "name": "inner", "outer": "inner"}
OUTERS = {
    "node": "inner",
    "called": "lambda state: inner.invoke(state) and None",
    "unseen": 'lambda state: hidden["inner"].invoke(state) and None',
}


def deployed(tmp_path, **now) -> None:
    """The project as it is now, imported."""
    (tmp_path / "inner_agent.py").write_text(INNER.format(**{**NOW, **now}))
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": [".", "./others"], "graphs": {"inner": "./inner_agent.py:graph"}}))
    if not (tmp_path / "others").exists():
        (tmp_path / "others").symlink_to(factories.OTHERS.parent)
    agents.register_project(tmp_path / "langgraph.json", replace=True)


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize("outer", OUTERS)
@pytest.mark.parametrize(
    ("change", "ran"),
    [({"name": "renamed"}, []), ({"ask": "1"}, ['asked {"answer": "1"}']), ({}, ['asked {"answer": "yes"}', "went on {}"])],
)
def test_an_answer_that_nobody_takes_inside_a_graph_ends_the_run_and_says_so(others, world, tmp_path, outer, change, ran):
    deployed(tmp_path, outer=OUTERS[outer])
    run, action = waiting(others, world, "inner")
    deployed(tmp_path, outer=OUTERS[outer], **change)
    decide(action, others.second, "respond", response="yes")
    work()
    pause = Pause.objects.get(run=run)
    assert lines(world) == ran
    if not change:
        assert (fresh(run).state, pause.state) == ("SUCCEEDED", "ANSWERED")
        return
    assert (fresh(run).state, pause.state) == ("FAILED", "ORPHANED") and "outer / inner: the node was renamed" in fresh(run).error
    with pytest.raises(WrongState, match="lost its node"):
        agents.retry_run(run.pk, by=others.operator, door="web")


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize("gone", [True, False])
def test_what_nobody_has_decided_yet_is_superseded_with_its_node(others, world, tmp_path, gone):
    deployed(tmp_path)
    run, action = waiting(others, world, "inner")
    deployed(tmp_path, **({"name": "renamed"} if gone else {}))
    Run.objects.filter(pk=run.pk).update(state="READY")  # something else of it was decided
    work()
    action.refresh_from_db()
    assert (fresh(run).state, action.state) == (("FAILED", "SUPERSEDED") if gone else ("WAITING", "PENDING"))


PAIR = """
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from parts_of_others import Letters

graph = StateGraph(Letters)
graph.add_node("a", lambda state: {a} and None)
graph.add_node("b", lambda state: {b} and None)
graph.add_edge(START, "a")
graph.add_edge(START, "b")
graph = graph.compile()
"""


LINED = """
from parts_of_others import Planned, send
from langchain.agents import create_agent
from langgraph.prebuilt import ToolNode
from agents.graphs.loops import Countersigned, require_approval

graph = create_agent(Planned(), [{tool}], middleware=[{line}])
"""


ANOTHER_WAY = """
from parts_of_others import Planned, act, plan_of, State
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import ToolMessage
from langchain_core.tools import tool

@tool
def {name}(to: str, state: State) -> str:
    "Send a letter."
    return act(plan_of(state["messages"]), "{name}", {{"to": to}})

class Still(AgentMiddleware):
    "Knows what the tool was called before."
    def wrap_tool_call(self, request, handler):
        if "{new_id}":
            return handler(request.override(tool_call={{**request.tool_call, "id": "{new_id}" + request.tool_call["id"]}}))
        if {by_hand}:
            {name}.invoke({{**request.tool_call["args"], "state": request.state}})
            return ToolMessage("sent", tool_call_id=request.tool_call["id"])
        return handler(request.override(tool={name}, tool_call={{**request.tool_call, "name": "{name}"}}))

graph = create_agent(Planned(), [{name}], middleware=[Still()])
"""


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize(
    "after",
    [
        {"name": "pay_out", "by_hand": False, "new_id": ""},
        {"name": "send", "by_hand": True, "new_id": ""},
        {"name": "send", "by_hand": False, "new_id": "new-"},
    ],
)
def test_nor_under_another_name_or_id_or_by_hand(others, world, tmp_path, after, verdict):
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": [".", "./others"], "graphs": {"lined": "./lined.py:graph"}}))
    (tmp_path / "others").symlink_to(factories.OTHERS.parent)
    (tmp_path / "lined.py").write_text(LINED.format(tool="require_approval(send)", line=""))
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    run, _ = waiting(others, world, "lined", [["send", {"to": "ada"}], ["send", {"to": "bob"}]])
    (tmp_path / "lined.py").write_text(ANOTHER_WAY.format(**after))
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    decide(asked(run)[0], others.second, verdict)
    work()
    assert (fresh(run).state, lines(world)) == ("FAILED", []), fresh(run).error


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize("before", [{"tool": "require_approval(send)", "line": ""}, {"tool": "send", "line": "Countersigned()"}])
def test_where_our_own_line_is_taken_out_nothing_it_asked_about_is_called(others, world, tmp_path, before, verdict):
    """What people had rejected was called, and what nobody had decided."""
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": [".", "./others"], "graphs": {"lined": "./lined.py:graph"}}))
    (tmp_path / "others").symlink_to(factories.OTHERS.parent)
    (tmp_path / "lined.py").write_text(LINED.format(**before))
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    run, _ = waiting(others, world, "lined", [["send", {"to": "ada"}], ["send", {"to": "bob"}]])
    one, _ = asked(run)
    assert agents.check_deploy(tmp_path / "langgraph.json").broken == ()
    (tmp_path / "lined.py").write_text(LINED.format(tool="send", line=""))
    checked = agents.check_deploy(tmp_path / "langgraph.json")
    assert (checked.may, checked.would) == (2, 0)
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    decide(one, others.second, verdict)
    work()
    assert (fresh(run).state, lines(world)) == ("FAILED", []), fresh(run).error
    assert Effect.objects.filter(run=run, begun_at__isnull=False).count() == 0
    assert "which asks about it no more: the call was not made" in fresh(run).error


GATED = """
from typing import TypedDict
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel
from agents.graphs.gate import gate as propose
from agents.graphs.spec import AgentSpec
from agents.tools.registry import RiskClass, tool

class Line(BaseModel):
    world: str
    label: str

@tool(name="put_down", risk=RiskClass.WRITE, summary="Put down {{label}}")
def put_down(args: Line, ctx):
    with open(args.world, "a") as file:
        file.write(args.label + "\\n")
    return {{"put": args.label}}

class State(TypedDict, total=False):
    input: dict
    result: dict

def line(state, label):
    return {{"world": state["input"]["world"], "label": label}}

def first(state):
    {first}

def ask_in(state):
    propose("put_down", line(state, "second"))

def built(name):
    inner = StateGraph(State)
    inner.add_node(name, ask_in)
    inner.add_edge(START, name)
    return inner.compile()

other, inside = built("other"), built("{inside}")

def second(state):
    other and None
    inside.invoke(state)

graph = StateGraph(State)
graph.add_node("a", first)
graph.add_node("{b}", second)
graph.add_edge(START, "a")
graph.add_edge(START, "{b}")
AGENT = AgentSpec(slug="gated", title="Gated", tools=[put_down], input_model=Line, environment="demo")
"""
AS_GATED = {"first": 'propose("put_down", line(state, "first"))', "inside": "ask_in", "b": "b"}


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"inside": "ask_xx"}, "b / ask_in"),  # of the second graph that a node calls, which no drawing shows
        ({"b": "bb"}, "no node b"),
        ({}, ""),
    ],
)
def test_nothing_is_done_for_a_run_that_lost_a_question(others, world, tmp_path, capsys, change, says):
    """What was approved beside it was carried out, and no result reached its graph; the other question stayed in the inbox."""
    (tmp_path / "gated.py").write_text(GATED.format(**AS_GATED))
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": ["."], "graphs": {"gated": "./gated.py:graph"}}))
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    run = agents.start_run(agent="gated", input={"world": world, "label": "x"}, by=others.reviewer, door="web")
    work()
    one, other = sorted(asked(run), key=lambda action: action.summary)
    (tmp_path / "gated.py").write_text(GATED.format(**{**AS_GATED, **change}))
    checked = agents.check_deploy(tmp_path / "langgraph.json")
    assert any(says in broken.why for broken in checked.broken) if says else not checked.broken, checked.broken
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    decide(one, others.second)
    work()
    if says:
        assert (fresh(run).state, lines(world), asked(run)) == ("FAILED", [], [])
    else:
        decide(other, others.second)
        work()
        assert (fresh(run).state, sorted(lines(world))) == ("SUCCEEDED", ["first", "second"]), fresh(run).error


@pytest.mark.usefixtures("newly_loaded")
def test_nothing_goes_on_where_a_graph_inside_became_a_plain_node(others, world, tmp_path):
    """The plain node ran, asked something of its own, and that was carried out for a run that had failed."""
    deployed(tmp_path)
    run, action = waiting(others, world, "inner")
    deployed(tmp_path, outer='lambda state: ask(state) or interrupt("Shall we?") and None', ask="1")
    decide(action, others.second, "respond", response="yes")
    work()
    assert (fresh(run).state, lines(world), asked(run)) == ("FAILED", [], [])


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize("answered", ["a", "b"])
def test_what_a_run_asks_beside_a_question_it_lost_is_asked_of_nobody(others, world, tmp_path, answered):
    """It waited in the inbox, people answered, and the run had ended: nobody was told."""
    asking = [{"a": 'interrupt("A?")', "b": 'interrupt("B?")'}, {"a": "1", "b": '(interrupt("B?"), interrupt("C?"))'}]
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": [".", "./others"], "graphs": {"pair": "./pair_agent.py:graph"}}))
    (tmp_path / "others").symlink_to(factories.OTHERS.parent)
    for_now, later = (PAIR.format(**asks) for asks in asking)
    (tmp_path / "pair_agent.py").write_text(for_now)
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    run, _ = waiting(others, world, "pair")
    first, second = sorted(asked(run), key=lambda action: action.summary)
    (tmp_path / "pair_agent.py").write_text(later)
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    decide(second if answered == "b" else first, others.second, "respond", response="yes")
    work()
    assert fresh(run).state == "FAILED" and asked(run) == []
    assert "ORPHANED" in Pause.objects.filter(run=run).values_list("state", flat=True)


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize("outer", OUTERS)
def test_an_answer_that_was_taken_before_the_worker_died_is_found(others, world, tmp_path, monkeypatch, outer):
    deployed(tmp_path, outer=OUTERS[outer])
    run, action = waiting(others, world, "inner")
    decide(action, others.second, "respond", response="yes")
    die(monkeypatch, "put_down")
    with pytest.raises(psycopg.OperationalError):
        agents.advance_run(run.pk)
    taken_over(run)
    assert (fresh(run).state, Pause.objects.get(run=run).state) == ("SUCCEEDED", "ANSWERED")
    assert lines(world) == ['asked {"answer": "yes"}', "went on {}"]


LEAD = """
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from parts_of_others import Planned, send

class Gate(HumanInTheLoopMiddleware):
    name = "{gate}"

helped = create_agent(Planned(), [send], middleware=[Gate({{"send": True}})])

@tool
def {helper}(task: str) -> str:
    "Let the helper do a task."
    return helped.invoke({{"messages": [HumanMessage(task)]}})["messages"][-1].content

graph = create_agent(Planned(), [{helper}])
"""


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize("change", [{"helper": "aide"}, {"gate": "Other"}, {}])
def test_a_helper_that_was_renamed_while_it_asks_lets_nothing_go_on(others, world, tmp_path, change):
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": [".", "./others"], "graphs": {"lead": "./lead_agent.py:graph"}}))
    (tmp_path / "others").symlink_to(factories.OTHERS.parent)
    now = {"helper": "helper", "gate": "Gate"}
    (tmp_path / "lead_agent.py").write_text(LEAD.format(**now))
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    task = json.dumps({"world": world, "turns": [SEND]})
    run, action = waiting(others, world, "lead", [["helper", {"task": task}]])
    (tmp_path / "lead_agent.py").write_text(LEAD.format(**{**now, **change}))
    checked = agents.check_deploy(tmp_path / "langgraph.json")
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    decide(action, others.second)
    work()
    gone = bool(change)
    assert (checked.would, fresh(run).state, Pause.objects.get(run=run).state) == (
        (1, "FAILED", "ORPHANED") if gone else (0, "SUCCEEDED", "ANSWERED")
    )
    assert (lines(world), Action.objects.get(pk=action.pk).state) == (([], "SUPERSEDED") if gone else (SENT, "APPROVED"))
