"""What moves under a waiting question, and who dies when: never done twice, never done otherwise than shown, always said."""

import json
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client
from langchain_core.messages import ToolMessage

from agents import history
from agents import operations as agents
from agents.errors import WrongState
from agents.graphs import checkpoints, loader
from agents.graphs.driver import drive
from agents.models import Effect, Pause, Run
from agents.operations import driving, leave, overriding, registering
from approvals import operations as approvals
from approvals.models import Action, Requirement
from approvals.operations import switches
from approvals.queries import action_detail
from audit import queries as log
from tests import factories
from tests.factories import asked, decide, lines, work

SEND = [["send", {"to": "ada"}]]
SENT = ['send {"copies": 1, "to": "ada"}']


@pytest.fixture(autouse=True)
def _leave_is_asked_of_this_database():
    yield
    leave.drop()


@pytest.fixture
def newly_loaded(monkeypatch):
    """As after a deploy: a registration reads the files again."""
    monkeypatch.setattr(registering, "load_project", loader.load_project)


def waiting(others, world, agent="batched", turn=SEND, **more) -> tuple[Run, Action]:
    run = factories.planned(others.reviewer, world, turn, agent=agent, **more)
    work()
    return run, asked(run)[0]


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def die(monkeypatch, where: str) -> None:
    """This worker dies once, where it says."""

    def dead(*args, **kwargs):
        monkeypatch.undo()
        raise psycopg.OperationalError("the worker is gone")

    monkeypatch.setattr(driving, where, dead)


def taken_over(run: Run) -> None:
    """Somebody finds what the dead one left."""
    for _ in range(5):  # the thread of leases may just be prolonging the dead one's
        Run.objects.filter(pk=run.pk, state="RUNNING").update(lease_until=Now() - timedelta(seconds=1))
        agents.recover(wake=False)
        work()
        if fresh(run).state != "RUNNING":
            return


def test_a_predicate_that_flips_after_a_rejection_lets_nothing_run(others, world, tmp_path):
    note = tmp_path / "note"
    note.touch()
    run, action = waiting(others, world, "flipping", note=str(note))
    note.unlink()
    decide(action, others.second, "reject")
    work()
    assert (fresh(run).state, lines(world)) == ("FAILED", []) and "without leave" in fresh(run).error


@pytest.mark.parametrize("put_back", [True, False])
def test_a_question_that_comes_back_with_something_else_does_not_get_the_old_answer(others, world, tmp_path, put_back):
    note = tmp_path / "note"
    note.write_text("10")
    run, action = waiting(others, world, "moving", note=str(note))
    note.write_text("10000")
    decide(action, others.second, "respond", response="yes")
    work()
    assert (fresh(run).state, lines(world)) == ("FAILED", []) and "something else" in fresh(run).error
    if put_back:
        note.write_text("10")
        agents.retry_run(run.pk, by=others.operator, door="web")
        work()
        assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['pay {"amount": "10"}'])
        return
    call_command("runs", "ask-again", str(run.pk), "--by", "olga")
    work()
    again = asked(run)[0]
    assert again.follows == action.pk and "10000" in bytes(Requirement.objects.get(action=again).envelope).decode()
    decide(again, others.second, "respond", response="yes")
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['pay {"amount": "10000"}'])
    assert list(Pause.objects.order_by("pk").values_list("state", flat=True)) == ["SUPERSEDED", "ANSWERED"]


@pytest.mark.parametrize("agent", ["batched", "per_call", "inbox"])
@pytest.mark.parametrize("where", ["drive", "put_down"])
def test_a_worker_that_dies_over_an_answer_loses_and_doubles_nothing(others, world, monkeypatch, agent, where):
    run, action = waiting(others, world, agent)
    decide(action, others.second)
    die(monkeypatch, where)
    with pytest.raises(psycopg.OperationalError):
        agents.advance_run(run.pk)
    taken_over(run)
    args = SENT if agent != "inbox" else ['send {"to": "ada"}']
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", args)
    assert Effect.objects.get(pk=action.pk).state == "DONE"


def test_a_question_whose_worker_died_before_it_was_written_down_is_found(others, world, monkeypatch):
    run = factories.planned(others.reviewer, world, SEND)
    die(monkeypatch, "put_down")
    with pytest.raises(psycopg.OperationalError):
        agents.advance_run(run.pk)
    taken_over(run)
    assert fresh(run).state == "WAITING" and len(asked(run)) == 1 and lines(world) == []


def tool_messages(run: Run) -> list[str]:
    """What its model was told of its calls, as the thread has it."""
    with checkpoints.locked(run.thread) as saver:
        kept = saver.get_tuple({"configurable": {"thread_id": run.thread}}).checkpoint["channel_values"]["messages"]
    return [message.content for message in kept if isinstance(message, ToolMessage)]


def died_over(run: Run, action: Action, others, monkeypatch) -> None:
    """The answer was given, and the worker died in the middle of what the agent did with it."""
    decide(action, others.second)
    die(monkeypatch, "drive")
    with pytest.raises(psycopg.OperationalError):
        agents.advance_run(run.pk)
    Effect.objects.filter(pk=action.pk).update(begun_at=Now())
    taken_over(run)
    assert (fresh(run).state, Effect.objects.get(pk=action.pk).state) == ("FAILED", "UNKNOWN")
    with pytest.raises(WrongState, match="say so here first"):
        agents.retry_run(run.pk, by=others.operator, door="web")


def test_a_call_that_began_under_a_dead_worker_is_not_made_again(others, world, monkeypatch):
    run, action = waiting(others, world)
    died_over(run, action, others, monkeypatch)
    assert lines(world) == []
    with pytest.raises(WrongState):
        agents.ask_again(run.pk, by=others.operator, door="web")


@pytest.mark.parametrize("agent", ["inbox", "inbox_inside"])
@pytest.mark.parametrize("done", [True, False])
def test_a_node_that_acts_itself_is_told_once_and_a_person_says_what_came_of_it(others, world, monkeypatch, agent, done):
    run, action = waiting(others, world, agent)
    died_over(run, action, others, monkeypatch)
    assert lines(world) == [] and "not told again" in fresh(run).error
    agents.resolve_unknown(action.pk, done=done, reason="I looked", by=others.operator, door="web")
    with pytest.raises(WrongState, match="once more" if done else "ask again"):
        agents.retry_run(run.pk, by=others.operator, door="web")
    if done:
        with pytest.raises(WrongState):
            agents.ask_again(run.pk, by=others.operator, door="web")
        return
    agents.ask_again(run.pk, by=others.operator, door="web")
    work()
    decide(asked(run)[0], others.second)
    work()
    assert fresh(run).state == "SUCCEEDED" and len(lines(world)) == 1


@pytest.mark.parametrize(("agent", "done"), [("batched", True), ("batched", False), ("per_call", True), ("batched_inside", True)])
def test_what_a_person_says_of_a_call_is_given_to_the_model_in_its_place(others, world, monkeypatch, agent, done):
    run, action = waiting(others, world, agent)
    died_over(run, action, others, monkeypatch)
    page = Client()
    page.force_login(others.operator, backend="django.contrib.auth.backends.ModelBackend")
    offered = [b"Try the failed step again" in page.get(f"/runs/{run.pk}/").content]
    agents.resolve_unknown(action.pk, done=done, reason="I looked", by=others.operator, door="web")
    offered.append(b"Try the failed step again" in page.get(f"/runs/{run.pk}/").content)
    assert offered == [False, True]  # nothing is offered that is refused
    agents.retry_run(run.pk, by=others.operator, door="web")
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", []), fresh(run).error
    said = "It was done: olga looked" if done else "It was not done"
    assert any(said in text for text in tool_messages(run))


def test_a_tool_that_raises_is_not_called_a_second_time(others, world):
    run, action = waiting(others, world, turn=[["burn", {"what": "bridge"}]])
    decide(action, others.second)
    work()
    assert (fresh(run).state, Effect.objects.get(pk=action.pk).state) == ("FAILED", "UNKNOWN")
    with pytest.raises(WrongState, match="twice"):
        agents.retry_run(run.pk, by=others.operator, door="web")
    agents.resolve_unknown(action.pk, done=False, reason="the bridge stands", by=others.operator, door="web")
    agents.retry_run(run.pk, by=others.operator, door="web")
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['burn {"what": "bridge"}'])
    assert any("It was not done" in text for text in tool_messages(run))


def halted_before_driving(others, monkeypatch, *, scope: str = "everything", target: str = "") -> list:
    """The next worker finds a halt just before it drives the graph, its answer kept already. Gives the orders."""
    stop: list = []

    def halted_first(*args, **kwargs):
        monkeypatch.undo()
        stop.append(approvals.halt(scope=scope, target=target, reason="wait", by=others.operator, door="web"))
        return drive(*args, **kwargs)

    monkeypatch.setattr(driving, "drive", halted_first)
    return stop


@pytest.mark.parametrize("order", [("everything", ""), ("tool", "send")])
def test_an_answer_that_was_taken_before_a_halt_lets_no_call_begin_after_it_and_says_what_to_do(others, world, monkeypatch, order):
    run, action = waiting(others, world)
    decide(action, others.second)
    stop = halted_before_driving(others, monkeypatch, scope=order[0], target=order[1])
    agents.advance_run(run.pk)
    assert (fresh(run).state, lines(world)) == ("HALTED", [])
    agents.recover(wake=False)
    assert agents.advance_run(run.pk).state is None and fresh(run).state == "HALTED", "it waits, and is not tried over and over"
    factories.release(stop[0], others)
    agents.recover(wake=False)
    work()
    assert (fresh(run).state, lines(world)) == ("FAILED", []) and "Go back to the checkpoint before the question" in fresh(run).error
    assert Effect.objects.get(pk=action.pk).state == "FAILED"
    agents.retry_run(run.pk, by=others.operator, door="web")
    work()
    assert (fresh(run).state, lines(world)) == ("FAILED", []) and "Go back to the checkpoint before the question" in fresh(run).error
    first = history.checkpoints(run.thread).rows[-2].id
    wanted = overriding.Wanted("rewind", history.head(run.thread), checkpoint=first)
    agents.override(run.pk, wanted, reason="asked again", by=others.operator, door="web")
    work()
    (again,) = asked(run)
    decide(again, others.second)
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", SENT), fresh(run).error


@pytest.mark.parametrize("agent", ["batched", "per_call", "inbox"])
@pytest.mark.parametrize("released", ["before it is looked at", "after"])
def test_an_answer_that_nobody_was_given_before_a_halt_is_asked_of_people_again(others, world, monkeypatch, agent, released):
    """Its worker died in between: the node has certainly not heard it."""
    run, action = waiting(others, world, agent)
    decide(action, others.second)
    die(monkeypatch, "drive")
    with pytest.raises(psycopg.OperationalError):
        agents.advance_run(run.pk)
    assert Pause.objects.get(run=run).answer and Action.objects.get(pk=action.pk).claimed_at
    order = approvals.halt(scope="tool", target=action.tool, reason="wait", by=others.operator, door="web")
    if released == "after":
        taken_over(run)
        assert (fresh(run).state, lines(world), Action.objects.get(pk=action.pk).claimed_at) == ("WAITING", [], None)
        agents.recover(wake=False)
        assert fresh(run).state == "WAITING", "it waits, and is not tried over and over"
    factories.release(order, others)
    taken_over(run)
    (again,) = asked(run)
    assert (again.pk, lines(world), Effect.objects.count()) == (action.pk, [], 0)
    kinds = [e.kind for e in log.timeline(action=str(action.pk))]
    assert {"action.unclaimed", "action.reopened"} <= set(kinds)
    decide(again, factories.another_reviewer())
    work()
    assert fresh(run).state == "SUCCEEDED" and len(lines(world)) == 1, fresh(run).error


@pytest.mark.parametrize("agent", ["batched", "inbox"])
def test_an_answer_that_a_switch_held_up_is_given_when_it_is_lifted_and_costs_once(others, world, monkeypatch, agent):
    run, action = waiting(others, world, agent)
    decide(action, others.second)
    die(monkeypatch, "drive")
    with pytest.raises(psycopg.OperationalError):
        agents.advance_run(run.pk)
    Effect.objects.update(micros=300)
    Run.objects.update(spent_micros=F("spent_micros") + 300)
    before = fresh(run).spent_micros
    said = {"scope": "tool", "target": action.tool, "reason": "so", "by": others.operator, "door": "web"}
    switches.switch(setting="deny", **said)
    taken_over(run)
    assert (fresh(run).state, fresh(run).spent_micros, lines(world)) == ("WAITING", before - 300, [])
    assert (Effect.objects.get().state, Effect.objects.get().micros) == ("READY", 0)
    Run.objects.update(changed_at=Now() - timedelta(minutes=1))
    Effect.objects.update(created_at=Now() - timedelta(minutes=1))
    agents.recover(wake=False)
    assert fresh(run).state == "WAITING", "it waits, and is not tried over and over"
    switches.switch(setting="allow", **said)
    agents.recover(wake=False)
    work()
    assert fresh(run).state == "SUCCEEDED" and len(lines(world)) == 1, fresh(run).error


def test_what_was_handed_back_and_not_called_ends_with_its_run(others, world, monkeypatch):
    run, action = waiting(others, world)
    decide(action, others.second)
    die(monkeypatch, "drive")
    with pytest.raises(psycopg.OperationalError):
        agents.advance_run(run.pk)
    agents.cancel_run(run.pk, reason="enough", by=others.operator, door="web")
    work()
    assert (Effect.objects.get(pk=action.pk).state, lines(world)) == ("FAILED", [])
    assert "never made" in Action.objects.get(pk=action.pk).outcome["reason"]


def test_an_approval_that_the_policy_no_longer_gives_goes_back_and_the_batch_with_it(others, world):
    run = factories.planned(others.reviewer, world, [["send", {"to": "ada"}], ["wipe", {"path": "/x"}]])
    work()
    first, second = asked(run)
    decide(first, others.second)
    approvals.halt(scope="everything", reason="wait", by=others.operator, door="web")
    from approvals.models import Halt

    factories.release(Halt.objects.get(), others)
    decide(second, others.second)
    work()
    assert (fresh(run).state, lines(world), [a.pk for a in asked(run)]) == ("WAITING", [], [first.pk])
    decide(first, factories.another_reviewer())
    work()
    assert fresh(run).state == "SUCCEEDED" and len(lines(world)) == 2


AGENT = """
from typing import Annotated
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.tools import tool
from agents_of_others import Planned

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


ASKS = """
from typing import TypedDict
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from agents_of_others import Letters, act, plan_of

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


INNER = """
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from agents_of_others import Letters, act, plan_of

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
from agents_of_others import Letters

graph = StateGraph(Letters)
graph.add_node("a", lambda state: {a} and None)
graph.add_node("b", lambda state: {b} and None)
graph.add_edge(START, "a")
graph.add_edge(START, "b")
graph = graph.compile()
"""


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
from agents_of_others import Planned, send

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


def test_an_edit_adds_no_argument_that_the_tool_would_leave_out(others, world):
    """It would be shown, approved and recorded as run."""
    _, action = waiting(others, world)
    edit = approvals.request_edit(
        action.pk, by=others.second, seen_digest=action.digest, args={"to": "ada", "rm": "everything"}, door="web"
    )
    agents.check_edit(edit.pk)
    edit.refresh_from_db()
    assert (str(edit.state), list(edit.errors)) == ("REFUSED", ["rm"])


def test_a_call_with_arguments_its_tool_does_not_take_says_so_and_one_without_what_it_needs_is_asked_of_nobody(others, world):
    _, action = waiting(others, world, turn=[["send", {"to": "ada", "mod": "fast"}]])
    assert {"title": "send takes no such arguments, and is likely to leave them out", "text": "mod"} in action_detail(
        action.pk, reader=others.second
    ).evidence
    run = factories.planned(others.reviewer, world, [["send", {"copies": 1}]])
    work()
    run.refresh_from_db()
    assert (run.state, asked(run)) == ("SUCCEEDED", [])
