"""Agents that run their own tools, with our one line: each call decided, begun at most once, recorded, and given again from the record."""

import json
from datetime import timedelta
from types import SimpleNamespace

import psycopg
import pytest
from django.db import DatabaseError
from django.db.models.functions import Now
from langchain_core.tools import tool

from agents import operations as agents
from agents.dialects.record import Made
from agents.graphs import checkpoints, desk, governed, hearing
from agents.graphs.loader import load_agent
from agents.graphs.loops import NotGoverned, once, require_approval
from agents.models import Agent, Effect, Pause, Piece, Run
from agents.operations import calling, driving, stretches
from agents.queries import made_by_agent
from approvals import operations as approvals
from approvals import queries as approvals_queries
from approvals.models import Action, Requirement
from approvals.operations import halts
from approvals.queries import shown
from audit import queries
from tests import factories
from tests.factories import asked, decide, lines, work

ADA, BOB, CYD = ([["send", {"to": to}]] for to in ("ada", "bob", "cyd"))


@pytest.fixture
def loops(others):
    factories.register(factories.LOOPS)
    return others


def started(loops, world, *turns, agent="governed", **more) -> Run:
    run = factories.planned(loops.reviewer, world, *turns, agent=agent, **more)
    work()
    return run


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def told(run: Run) -> list[dict]:
    """What the model was told of its calls: the messages of tools at the end."""
    agent = Agent.objects.get(pk=run.agent_id)
    graph = load_agent(*agent.code).compile(checkpoints.saver())
    messages = graph.get_state({"configurable": {"thread_id": run.thread}}).values["messages"]
    return [{"tool": m.name, "text": m.text, "status": m.status} for m in messages if m.type == "tool"]


def edit(action: Action, by, **changed) -> None:
    args = {**shown(action.pk).args, **changed}
    wanted = approvals.request_edit(action.pk, by=by, seen_digest=action.digest, args=args, door="web", reason="so")
    agents.check_edit(wanted.pk)
    action.refresh_from_db()


@pytest.mark.parametrize("agent", ["governed", "decorated"])
@pytest.mark.parametrize("verdict", ["approve", "edit", "reject", "respond"])
def test_a_call_is_decided_and_the_model_told(loops, world, agent, verdict):
    run = started(loops, world, ADA, agent=agent)
    (action,) = asked(run)
    assert (action.tool, action.state, lines(world)) == ("send", "PENDING", [])
    if verdict == "edit":
        edit(action, loops.second, to="eve")
        assert action.version == 2
    decide(action, factories.another_reviewer() if verdict == "edit" else loops.second, "approve" if verdict == "edit" else verdict)
    work()
    assert fresh(run).state == "SUCCEEDED", fresh(run).error
    to = {"approve": "ada", "edit": "eve"}.get(verdict)
    assert lines(world) == ([f'send {{"copies": 1, "to": "{to}"}}'] if to else [])
    (message,) = told(run)
    assert message["status"] == ("error" if verdict == "reject" else "success")
    assert {"approve": "send done", "edit": "a reviewer changed", "reject": "because", "respond": "an answer"}[verdict] in message["text"]
    assert list(Effect.objects.filter(run=run).values_list("state", "by_agent")) == ([("DONE", True)] if to else [])
    assert not Action.objects.filter(run=str(run.pk), settled_at=None).exists()
    assert set(Pause.objects.filter(run=run).values_list("dialect", "state")) == {("countersign_call", "ANSWERED")}


@pytest.mark.parametrize("agent", ["awaited", "awaited_decorated"])
def test_what_can_only_be_awaited_goes_the_same_way(loops, world, agent):
    run = started(loops, world, [["post", {"to": "ada"}], ["post", {"to": "bob"}]], agent=agent)
    first, second = sorted(asked(run), key=lambda action: action.summary)
    decide(first, loops.second)
    decide(second, loops.second, "reject")
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['post {"to": "ada"}']), fresh(run).error
    assert [(e.state, e.result) for e in Effect.objects.filter(run=run)] == [("DONE", {"content": "post done"})]


def test_three_at_once_are_decided_one_by_one_and_each_made_once(loops, world):
    run = started(loops, world, [*ADA, *BOB, *CYD])
    ada, bob, cyd = sorted(asked(run), key=lambda action: action.summary)
    decide(bob, loops.second)
    work()
    assert lines(world) == ['send {"copies": 1, "to": "bob"}'], "a call does not wait for its siblings"
    decide(cyd, loops.second, "reject")
    decide(ada, loops.second)
    work()
    assert fresh(run).state == "SUCCEEDED", fresh(run).error
    assert sorted(lines(world)) == ['send {"copies": 1, "to": "ada"}', 'send {"copies": 1, "to": "bob"}']
    assert [m["status"] for m in told(run)] == ["success", "success", "error"]
    assert made_by_agent(run.pk) == len(lines(world))


def test_three_at_once_in_a_plain_tool_node_are_each_made_once(loops, world):
    """One step for all of them runs from its first line again for each answer: the ledger keeps the others from being repeated."""
    run = started(loops, world, [*ADA, *BOB, *CYD], agent="plain_node")
    for _ in range(12):
        for action in asked(run):
            decide(action, loops.second)
        work()
    assert fresh(run).state == "SUCCEEDED", fresh(run).error
    assert sorted(lines(world)) == [f'send {{"copies": 1, "to": "{to}"}}' for to in ("ada", "bob", "cyd")]


def test_three_awaited_at_once_in_a_plain_tool_node_are_each_made_once_although_a_sibling_asks_meanwhile(loops, world):
    """`ToolNode` leaves calls it is awaiting alone when one of them asks: what was claimed is made and recorded all the same."""
    calls = [["post_slowly", {"to": to}] for to in ("ada", "bob", "nobody")]
    run = started(loops, world, [*calls, *CYD], agent="plain_awaited")
    for _ in range(12):
        for action in asked(run):
            decide(action, loops.second)
        work()
    assert fresh(run).state == "SUCCEEDED", fresh(run).error
    assert sorted(lines(world)) == ['post_slowly {"to": "ada"}', 'post_slowly {"to": "bob"}', 'send {"copies": 1, "to": "cyd"}']
    assert sorted(Effect.objects.filter(run=run).values_list("state", flat=True)) == ["DONE", "DONE", "DONE", "FAILED"]


@pytest.mark.parametrize("agent", ["leading", "leading_asked", "leading_free"])
def test_a_helper_asks_for_its_own_calls(loops, world, agent):
    task = json.dumps({"world": world, "turns": [[*ADA, *BOB]]})
    run = started(loops, world, [["helper", {"task": task}]], agent=agent)
    if agent == "leading_asked":
        (lead,) = asked(run)
        decide(lead, loops.second)
        work()
    ada, bob = sorted(asked(run), key=lambda action: action.summary)
    assert "called with helper" in Requirement.objects.get(action=ada).rationale
    decide(ada, loops.second)
    work()
    decide(bob, loops.second)
    work()
    assert fresh(run).state == "SUCCEEDED", fresh(run).error
    assert sorted(lines(world)) == ['send {"copies": 1, "to": "ada"}', 'send {"copies": 1, "to": "bob"}']
    assert set(Effect.objects.filter(run=run).values_list("state", flat=True)) == {"DONE"}


def test_policy_decides_what_is_low_and_it_is_on_record(loops, world):
    run = started(loops, world, [["look", {"query": "x"}]])
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['look {"query": "x"}']), fresh(run).error
    action = Action.objects.get(run=str(run.pk))
    assert (action.level, Effect.objects.get(pk=action.pk).state) == ("low", "DONE")
    kinds = [e.kind for e in queries.timeline(action=str(action.pk))]
    assert kinds.index("effect.claimed") < kinds.index("effect.done")
    assert {e.data["tool"] for e in queries.timeline(action=str(action.pk)) if e.kind.startswith("effect.")} == {
        "look"
    }  # the feed said "Did None"


def test_what_the_decorator_declares_is_what_is_scored(loops, world):
    run = started(loops, world, [["wipe", {"path": "x"}]], agent="decorated")
    (action,) = asked(run)
    assert action.level != "low"
    tools = {t["name"]: t for t in Agent.objects.get(pk="decorated").current.tools}
    assert (tools["wipe"]["risk"], tools["wipe"]["reversible"], tools["wipe"]["suggested"]) == ("delete", True, False)


def test_arguments_that_do_not_fit_are_not_asked_about(loops, world):
    run = started(loops, world, [["send", {"copies": "many"}]])
    assert (fresh(run).state, Action.objects.filter(run=str(run.pk)).count()) == ("SUCCEEDED", 0)
    assert told(run)[0]["status"] == "error" and "to: Field required" in told(run)[0]["text"]


@pytest.mark.parametrize("agent", ["governed", "decorated"])
@pytest.mark.parametrize("args", [{"to": "a", "copies": 2**60}, {"to": "a" * 261_000, "copies": 1}, {"to": "nul\x00", "copies": 1}])
def test_what_cannot_be_shown_exactly_is_asked_of_nobody_once(loops, world, agent, args):
    """The answer was never its own: a run went round twenty times a second, a dozen rows of the log each time."""
    run = started(loops, world, [["send", args]], agent=agent)
    assert fresh(run).state == "SUCCEEDED", fresh(run).error
    (message,) = told(run)
    assert (message["status"], asked(run), lines(world)) == ("error", [], [])
    kinds = [event.kind for event in queries.timeline(run=str(run.pk))]
    assert 1 <= kinds.count("run.not_asked") + kinds.count("pause.refused") <= 2
    assert len(kinds) < 20


# -- capabilities -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("agent", ["narrow", "late_tools"])
def test_a_tool_that_was_not_granted_is_refused_and_the_model_told(loops, world, agent):
    run = started(loops, world, [["wipe", {"path": "x"}], *ADA], agent=agent)
    (action,) = asked(run)
    decide(action, loops.second)
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['send {"copies": 1, "to": "ada"}']), fresh(run).error
    refused = told(run)[0]
    assert (refused["status"], "not been granted wipe" in refused["text"]) == ("error", True)
    assert "run.not_granted" in [e.kind for e in queries.timeline(run=str(run.pk))]


def test_a_grant_taken_back_between_the_approval_and_the_call_holds(loops, world, monkeypatch):
    run = started(loops, world, ADA)
    before_the_call(monkeypatch, lambda: Agent.objects.filter(pk="governed").update(enabled=False))
    decide(asked(run)[0], loops.second)
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", [])
    assert "switched off" in told(run)[0]["text"]
    assert Effect.objects.get(run=run).state == "FAILED"


@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize("changed", ["arguments", "off"])
def test_what_people_said_before_the_code_changed_is_taken_and_the_model_told(loops, world, monkeypatch, verdict, changed):
    """Refused before it was looked for, the answer reached nobody: the run failed with a node that was said to be gone."""
    run = started(loops, world, ADA)
    (action,) = asked(run)
    if changed == "arguments":
        monkeypatch.setattr(governed, "misfit", lambda tool, args: "recipient: Field required")
    else:
        Agent.objects.filter(pk="governed").update(enabled=False)
    decide(action, loops.second, verdict)
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", []), fresh(run).error
    words = {"reject": "because", "arguments": "no longer fit the tool: recipient", "off": "switched off"}
    assert words["reject" if verdict == "reject" else changed] in told(run)[0]["text"]
    assert Pause.objects.get(run=run).state == "ANSWERED"
    assert verdict == "reject" or Effect.objects.get(run=run).state == "FAILED"


def before_the_call(monkeypatch, happens) -> None:
    """Something happens after the approval was handed back, as the call is about to begin. Once."""
    begin, left = calling.Ledger.begin, [1]

    def slow(self, *args, **kwargs):
        if left:
            left.pop()
            happens()
        return begin(self, *args, **kwargs)

    monkeypatch.setattr(calling.Ledger, "begin", slow)


# -- halts -----------------------------------------------------------------------------------------------------------------
def halt_now(loops, scope, action):
    target = {"everything": "", "tool": action.tool, "version": action.agent_version}[scope]
    return approvals.halt(scope=scope, target=target, reason="stop", by=loops.operator, door="web")


@pytest.mark.parametrize("scope", ["everything", "tool", "version"])
@pytest.mark.parametrize("when", ["before it is handed back", "as it begins"])
def test_a_halt_between_approval_and_call_stops_it_and_the_approval_does_not_survive(loops, world, monkeypatch, when, scope):
    run = started(loops, world, ADA)
    (first,) = asked(run)
    if when == "as it begins":
        before_the_call(monkeypatch, lambda: halt_now(loops, scope, first))
    decide(first, loops.second)
    if when != "as it begins":
        halt_now(loops, scope, first)
    work()
    assert lines(world) == []
    for stop in approvals_queries.active_halts():
        factories.release(stop, loops)
    agents.recover(wake=False)
    work()
    assert lines(world) == [], "an approval from before the halt let it run"
    (again,) = asked(run)
    decide(again, loops.second)
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['send {"copies": 1, "to": "ada"}']), fresh(run).error


# -- budgets ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("when", ["before it is handed back", "as it begins"])
def test_a_call_does_not_begin_over_a_budget_and_its_approval_stands_until_there_is_more(loops, world, monkeypatch, when):
    run = started(loops, world, ADA)
    (first,) = asked(run)

    def spend() -> None:
        Run.objects.filter(pk=run.pk).update(budget_tokens=10, spent_tokens=11)

    if when == "as it begins":
        before_the_call(monkeypatch, spend)
    else:
        spend()
    decide(first, loops.second)
    work()
    agents.recover(wake=False)
    work()
    assert (fresh(run).state, fresh(run).hold, lines(world)) == ("PAUSED", "budget", []), fresh(run).error
    assert fresh(run).held_why == "Over its budget: 11 of 10 tokens" and not asked(run)
    agents.set_run_budget(run.pk, tokens=10_000, reason="more", by=loops.operator, door="web")
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['send {"copies": 1, "to": "ada"}']), fresh(run).error


# -- other arguments ----------------------------------------------------------------------------------------------------
def test_other_arguments_at_re_execution_are_refused_by_name_and_asked_anew(loops, world, tmp_path):
    note = tmp_path / "note"
    note.write_text('{"copies": 1}')
    run = started(loops, world, ADA, agent="moving_args", note=str(note))
    (first,) = asked(run)
    note.write_text('{"copies": 900}')
    decide(first, loops.second)
    work()
    assert lines(world) == []
    (second,) = asked(run)
    assert (shown(second.pk).args["copies"], Effect.objects.get(pk=first.pk).state) == (900, "FAILED")
    first.refresh_from_db()
    assert "other arguments than people were shown" in first.outcome["reason"]
    decide(second, loops.second)
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['send {"copies": 900, "to": "ada"}']), fresh(run).error


def test_a_call_that_was_made_with_other_arguments_is_told_so_and_by_nobody_else():
    """ "A reviewer changed this call", the model was told, and no reviewer had."""
    call = governed.Call("send", {"to": "ada", "copies": 2}, "c1")
    told = [governed._again(call, {"to": "ada"}, Made("done", "sent"), edited=edited).content for edited in (True, False)]
    assert "a reviewer changed" in told[0] and "was made before, with these arguments" in told[1]


def test_an_answer_that_was_changed_in_the_checkpoint_begins_nothing(loops, world, monkeypatch):
    """What the graph was told is compared with what was approved where it is kept, in the statement that begins the call."""
    run = started(loops, world, ADA)
    begin = calling.Ledger.begin

    def forged(self, action, call_id, tool, *, runs, idempotent):
        return begin(self, action, call_id, tool, runs="0" * 64, idempotent=idempotent)

    monkeypatch.setattr(calling.Ledger, "begin", forged)
    decide(asked(run)[0], loops.second)
    work()
    assert (lines(world), Effect.objects.get(run=run).state) == ([], "FAILED")
    assert asked(run), "it was not asked anew"


def test_arguments_that_were_put_into_the_answer_do_not_run(loops, world, monkeypatch):
    """The graph's own copy of an answer is not what is called: of an approval the call's own arguments, of an edit those that are on record."""
    run = started(loops, world, ADA)
    asked_of = hearing.ask

    def forged(value, mine):
        return {**asked_of(value, mine), "type": "edit", "args": {"to": "mallory"}}

    monkeypatch.setattr(hearing, "ask", forged)
    decide(asked(run)[0], loops.second)
    work()
    assert (lines(world), Effect.objects.get(run=run).state) == ([], "FAILED")
    assert len(asked(run)) == 1, "it was not asked anew"


def test_a_ledger_that_cannot_be_reached_begins_nothing_and_harms_nothing(loops, world, monkeypatch):
    run = started(loops, world, ADA)

    left = [1]

    def hold_off() -> None:
        if left:
            left.pop()
            raise DatabaseError("the server is away")
        halts.hold_off()

    monkeypatch.setattr(calling, "halts", SimpleNamespace(hold_off=hold_off))
    decide(asked(run)[0], loops.second)
    work()
    assert (fresh(run).state, lines(world)) == ("FAILED", [])
    agents.retry_run(run.pk, by=loops.operator, door="web")
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['send {"copies": 1, "to": "ada"}']), fresh(run).error


# -- what nobody knows ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("agent", ["governed", "tries_again"])
@pytest.mark.parametrize("done", [True, False])
def test_a_tool_that_raises_is_unknown_and_waits_for_a_person(loops, world, agent, done):
    """Also where middleware between ours and the tool tries again: it was called three times on one approval, and taken for done."""
    run = started(loops, world, [["burn", {"what": "x"}]], agent=agent)
    decide(asked(run)[0], loops.second)
    work()
    effect = Effect.objects.get(run=run)
    assert (effect.state, fresh(run).state, len(lines(world))) == ("UNKNOWN", "WAITING", 1)
    agents.recover(wake=False)
    work()
    assert (fresh(run).state, len(lines(world))) == ("WAITING", 1)
    agents.resolve_unknown(effect.pk, done=done, reason="I looked", by=loops.operator, door="web")
    work()
    assert (fresh(run).state, len(lines(world))) == ("SUCCEEDED", 1), fresh(run).error
    (message,) = told(run)
    assert (message["status"], ("confirmed_by" if done else "I looked") in message["text"]) == ("success" if done else "error", True)


@pytest.mark.parametrize("agent", ["made_twice", "made_twice_otherwise"])
def test_middleware_that_makes_a_call_again_is_given_what_it_gave(loops, world, agent):
    run = started(loops, world, ADA, agent=agent)
    decide(asked(run)[0], loops.second)
    work()
    assert (fresh(run).state, len(lines(world)), told(run)[0]["text"]) == ("SUCCEEDED", 1, "send done"), fresh(run).error


def test_a_call_that_middleware_gives_up_is_unknown_and_not_made_again(loops, world):
    """It was made three times, and taken for done."""
    run = started(loops, world, [["post_and_wait", {"to": "ada"}]], agent="impatient")
    decide(asked(run)[0], loops.second)
    work()
    effect = Effect.objects.get(run=run)
    assert (effect.state, fresh(run).state, len(lines(world))) == ("UNKNOWN", "WAITING", 1)
    assert "given up before it ended" in effect.error


def test_a_generator_is_asked_of_nobody_and_what_gives_one_is_not_taken_for_done(loops, world):
    run = started(loops, world, [["begins_later", {"to": "ada"}]], [["gives_later", {"to": "ada"}]])
    assert "a generator" in told(run)[0]["text"] and lines(world) == []
    decide(asked(run)[0], loops.second)
    work()
    effect = Effect.objects.get(run=run)
    assert (effect.state, fresh(run).state, len(lines(world))) == ("UNKNOWN", "WAITING", 1)
    assert "whose body has not run" in effect.error
    with pytest.raises(TypeError, match="is a generator"):

        @require_approval
        def later(to: str):
            """Later."""
            yield to


def test_a_tool_that_says_it_did_nothing_failed(loops, world):
    run = started(loops, world, [["refuse", {"why": "closed"}]])
    decide(asked(run)[0], loops.second)
    work()
    assert (fresh(run).state, Effect.objects.get(run=run).state) == ("SUCCEEDED", "FAILED"), fresh(run).error
    assert told(run) == [{"tool": "refuse", "text": "no: closed", "status": "error"}]


def died(run: Run) -> None:
    """Somebody finds what a dead worker left."""
    Run.objects.filter(pk=run.pk).exclude(state="WAITING").update(lease_until=Now() - timedelta(seconds=1))
    agents.recover(wake=False)
    work()


class Killed(BaseException):
    """Stands for SIGKILL in this process (the real one is in tests/chaos): nothing of ours after it runs."""


def dies_at(monkeypatch, point: str) -> None:
    def crash(name: str) -> None:
        if name == point:
            monkeypatch.setattr(calling, "crash", lambda name: None)
            monkeypatch.setattr(driving, "put_down", lambda *a: (_ for _ in ()).throw(psycopg.OperationalError("the worker is gone")))
            raise Killed

    monkeypatch.setattr(calling, "crash", crash)


@pytest.mark.parametrize(("point", "ends"), [("t3_done", "UNKNOWN"), ("effect_done", "UNKNOWN"), ("t4_done", "DONE")])
def test_a_worker_that_dies_around_the_call_never_makes_it_twice(loops, world, monkeypatch, point, ends):
    run = started(loops, world, ADA)
    decide(asked(run)[0], loops.second)
    dies_at(monkeypatch, point)
    with pytest.raises((psycopg.OperationalError, Killed)):
        work()
    monkeypatch.setattr(driving, "put_down", stretches.put_down)
    died(run)
    effect = Effect.objects.get(run=run)
    assert (effect.state, len(lines(world))) == (ends, 0 if point == "t3_done" else 1)
    if ends == "UNKNOWN":
        assert fresh(run).state == "WAITING"
        agents.resolve_unknown(effect.pk, done=point != "t3_done", reason="I looked", by=loops.operator, door="web")
        work()
    assert (fresh(run).state, len(lines(world))) == ("SUCCEEDED", 0 if point == "t3_done" else 1), fresh(run).error
    if ends == "DONE":
        assert told(run) == [{"tool": "send", "text": "send done", "status": "success"}], "it was not given the recorded result"


def test_a_tool_declared_idempotent_is_called_again_with_the_same_arguments(loops, world, monkeypatch):
    run = started(loops, world, [["send_again", {"to": "ada"}]])
    decide(asked(run)[0], loops.second)
    dies_at(monkeypatch, "effect_done")
    with pytest.raises((psycopg.OperationalError, Killed)):
        work()
    monkeypatch.setattr(driving, "put_down", stretches.put_down)
    died(run)
    effect = Effect.objects.get(run=run)
    assert (fresh(run).state, effect.state, effect.attempts) == ("SUCCEEDED", "DONE", 2), fresh(run).error
    assert lines(world) == ['send_again {"to": "ada"}'] * 2


def test_once_runs_a_piece_once_per_key_and_run(loops, world, tmp_path):
    """The step is taken away between two pieces of a tool that may be called again: the first piece is not repeated."""
    note = tmp_path / "note"
    note.write_text("")
    run = started(loops, world, [["send_in_pieces", {"to": "ada"}]], note=str(note))
    decide(asked(run)[0], loops.second)
    work()
    assert (fresh(run).state, lines(world)) == ("FAILED", ['print {"to": "ada"}'])
    agents.retry_run(run.pk, by=loops.operator, door="web")
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['print {"to": "ada"}', 'post {"to": "ada"}']), fresh(run).error
    assert list(Piece.objects.filter(run=run).order_by("pk").values_list("key", flat=True)) == ["print:ada", "post:ada"]
    with pytest.raises(DatabaseError, match="Cannot update"):
        Piece.objects.filter(run=run).update(result=None)


def test_a_piece_that_began_and_told_nobody_is_not_run_again(loops, world):
    run = started(loops, world, [["send_in_pieces", {"to": "ada"}]])
    Piece.objects.create(run=run, key="print:ada")
    decide(asked(run)[0], loops.second)
    work()
    assert (lines(world), Effect.objects.get(run=run).state, fresh(run).state) == ([], "UNKNOWN", "WAITING")
    assert "print:ada began before" in Effect.objects.get(run=run).error


def test_a_command_is_passed_on_and_its_message_recorded(loops, world):
    run = started(loops, world, [["remember", {"what": "x"}]])
    decide(asked(run)[0], loops.second)
    work()
    assert (fresh(run).state, Effect.objects.get(run=run).result) == ("SUCCEEDED", {"content": "remember done"}), fresh(run).error


def test_a_worker_that_lost_its_run_begins_nothing(loops, world, monkeypatch):
    run = started(loops, world, ADA)
    before_the_call(monkeypatch, lambda: Run.objects.filter(pk=run.pk).update(fence=99))
    decide(asked(run)[0], loops.second)
    work()
    assert (lines(world), Effect.objects.get(run=run).begun_at) == ([], None)


def test_outside_of_a_worker_nothing_is_called():
    @require_approval
    @tool
    def shout(what: str) -> str:
        """Shout."""
        raise AssertionError("it was called")

    with pytest.raises(NotGoverned, match="not by hand"):
        shout.invoke({"what": "x"})
    with pytest.raises(NotGoverned, match="in a node's own code, ask with `interrupt`"):
        shout("x")  # type: ignore[operator]
    with pytest.raises(NotGoverned, match="import the agent"):
        shout.invoke({"type": "tool_call", "name": "shout", "args": {"what": "x"}, "id": "1"})
    with pytest.raises(NotGoverned):
        once("x", lambda: 1)
    assert not desk._desks
