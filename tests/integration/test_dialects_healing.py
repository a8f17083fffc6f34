"""What moves under a waiting question, and who dies when: never done twice, never done otherwise than shown, always said."""

from datetime import timedelta

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
from agents.graphs import checkpoints
from agents.graphs.driver import drive
from agents.models import Effect, Pause, Run
from agents.operations import driving, overriding
from approvals import operations as approvals
from approvals.models import Action, Requirement
from approvals.operations import switches
from approvals.queries import action_detail
from audit import queries as log
from tests import factories
from tests.factories import asked, decide, lines, work

SEND = [["send", {"to": "ada"}]]
SENT = ['send {"copies": 1, "to": "ada"}']


pytestmark = pytest.mark.usefixtures("leave_asked_of_this_database")


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
