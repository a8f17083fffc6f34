"""Agents on a real Agent Server: what they ask is found, decided here under the same policy, and answered there once."""

import json

import httpx
import pytest

from agents import operations as agents
from agents.models import Effect, Handover, Pause
from approvals import operations as approvals
from approvals.errors import ApprovalError
from approvals.models import Action
from approvals.queries import action_detail, shown
from approvals.web.receipts import receipt_of
from audit.models import Event
from tests.factories import asked, decide, lines


def letter(world: str, *to: str) -> dict:
    plan = {"world": world, "turns": [[["send", {"to": one, "copies": 1}] for one in to]]}
    return {"messages": [{"role": "user", "content": json.dumps(plan)}]}


def kinds(run) -> list[str]:
    return list(Event.objects.filter(run=str(run.pk)).order_by("pk").values_list("kind", flat=True))


def edit(action: Action, by, **args) -> Action:
    wanted = approvals.request_edit(action.pk, by=by, seen_digest=action.digest, args=args, reason="because", door="web")
    agents.check_edit(wanted.pk)
    action.refresh_from_db()
    return action


def test_its_assistants_are_agents_and_what_waits_there_is_asked_here(there, world):
    there.dev.waits("batched", **letter(world, "ada"))
    run = there.found("batched")
    assert run.state == "WAITING" and run.door == "server"
    (action,) = asked(run)
    assert action.tool == "send" and dict(shown(action.pk).args) == {"to": "ada", "copies": 1}
    assert there.agent("batched").current.drawing["nodes"]
    there.look()
    assert asked(run) == [action], "looked at again, it is the same question"
    assert kinds(run)[0] == "run.found" and kinds(run).count("run.found") == 1


@pytest.mark.parametrize("dialect", ["batched", "per_call"])
@pytest.mark.parametrize(
    ("verdict", "did"),
    [("approve", ['send {"copies": 1, "to": "ada"}']), ("edit", ['send {"copies": 7, "to": "ada"}']), ("reject", []), ("respond", [])],
)
def test_every_verdict_reaches_it_in_its_dialect_and_the_call_is_made_once(there, world, dialect, verdict, did):
    thread = there.dev.waits(dialect, **letter(world, "ada"))
    run = there.found(dialect)
    (action,) = asked(run)
    if verdict == "edit":
        edit(action, there.cast.reviewer, to="ada", copies=7)
    decide(action, there.cast.second, "approve" if verdict == "edit" else verdict)
    assert there.after(run).state == "SUCCEEDED", run.error
    assert lines(world) == did
    assert list(Effect.objects.filter(run=run).values_list("state", flat=True)) == ["DONE"] * len(did)
    assert Action.objects.get(pk=action.pk).settled_at
    assert {"answer.sending", "answer.taken", "pause.answered", "run.succeeded"} <= set(kinds(run))
    there.look()
    there.look()
    assert lines(world) == did and there.dev.status(thread) == "idle"


def test_calls_of_one_batch_are_decided_one_by_one_and_told_together(there, world):
    there.dev.waits("batched", **letter(world, "ada", "bob"))
    run = there.found("batched")
    ada, bob = asked(run)
    decide(ada, there.cast.second)
    assert there.after(run).state == "WAITING" and lines(world) == []
    decide(bob, there.cast.second, "reject")
    assert there.after(run).state == "SUCCEEDED", run.error
    assert len(lines(world)) == 1


@pytest.mark.parametrize(
    ("verdict", "did"), [("approve", ['pay {"cents": 300}']), ("edit", ['pay {"cents": 5}']), ("reject", []), ("respond", [])]
)
def test_an_agent_inbox_graph_is_answered_as_it_expects(there, world, verdict, did):
    there.dev.waits("inbox", world=world)
    run = there.found("inbox")
    (action,) = asked(run)
    if verdict == "edit":
        edit(action, there.cast.reviewer, cents=5)
    decide(action, there.cast.second, "approve" if verdict == "edit" else verdict)
    assert there.after(run).state == "SUCCEEDED", run.error
    assert lines(world) == did


def test_two_questions_side_by_side_are_answered_each_by_itself(there, world):
    there.dev.waits("pair", world=world)
    run = there.found("pair")
    left, right = sorted(asked(run), key=lambda action: action.summary != "Question: Left?" and "Left" not in str(shown(action.pk).args))
    decide(right, there.cast.second, "respond", response='{"cents": 12}')
    assert there.after(run).state == "WAITING", run.error
    assert lines(world) == ['right {"told": 12}']
    decide(left, there.cast.second, "respond", response="to the left")
    assert there.after(run).state == "SUCCEEDED", run.error
    assert lines(world) == ['right {"told": 12}', 'left {"told": "to the left"}', "both {}"]
    assert Handover.objects.filter(state="TAKEN").count() == 2


def test_the_next_question_of_the_same_node_is_a_question_of_its_own(there, world):
    there.dev.waits("twice", world=world)
    run = there.found("twice")
    decide(asked(run)[0], there.cast.second, "respond", response="one")
    assert there.after(run).state == "WAITING", run.error
    (second,) = asked(run)
    decide(second, there.cast.second, "respond", response="two")
    assert there.after(run).state == "SUCCEEDED", run.error
    assert lines(world) == ['twice {"told": ["one", "two"]}']


def test_a_thread_that_asks_again_later_is_a_new_run(there, world):
    thread = there.dev.waits("inbox", world=world)
    first = there.found("inbox")
    decide(asked(first)[0], there.cast.second)
    assert there.after(first).state == "SUCCEEDED"
    there.dev.ask("POST", f"/threads/{thread}/runs", assistant_id="inbox", input={"world": world})
    there.dev.until(thread, "interrupted")
    second = there.found("inbox")
    assert second.pk != first.pk and second.state == "WAITING"
    decide(asked(second)[0], there.cast.second)
    assert there.after(second).state == "SUCCEEDED" and len(lines(world)) == 2


def test_somebody_else_answered_there_first(there, world):
    thread = there.dev.waits("inbox", world=world)
    run = there.found("inbox")
    (action,) = asked(run)
    there.dev.answer(thread, "inbox", [{"type": "ignore", "args": None}])
    there.dev.until(thread, "idle")
    decide(action, there.cast.second)
    assert there.after(run).state == "SUCCEEDED"
    action.refresh_from_db()
    assert action.state == "SUPERSEDED" and "Somebody else answered" in json.dumps(action.outcome)
    assert lines(world) == [] and not Handover.objects.exists()
    assert not Effect.objects.filter(state="CLAIMED").exists()


@pytest.mark.parametrize("how", ["respond", "reject"])
def test_an_answer_that_came_after_somebody_elses_is_said_to_have_reached_nobody(there, world, how):
    """The action's page said "Answered", and "Settled: answered", while the thread had got another answer."""
    thread = there.dev.waits("inbox", world=world)
    run = there.found("inbox")
    (action,) = asked(run)
    there.dev.answer(thread, "inbox", [{"type": "ignore", "args": None}])
    there.dev.until(thread, "idle")
    decide(action, there.cast.second, how, **({"response": "ours"} if how == "respond" else {"reason": "no"}))
    assert there.after(run).state == "SUCCEEDED"
    action.refresh_from_db()
    assert action.state == {"respond": "ANSWERED", "reject": "REJECTED"}[how] and "Somebody else answered" in action.unheard
    assert "Somebody else answered" in receipt_of(action_detail(action.pk, reader=None).row).note
    assert Event.objects.filter(action=str(action.pk)).order_by("-pk")[0].kind == "action.unheard"


def test_the_thread_moved_on_before_anybody_decided(there, world):
    thread = there.dev.waits("inbox", world=world)
    run = there.found("inbox")
    there.dev.ask("POST", f"/threads/{thread}/runs", assistant_id="inbox", input={"world": world})
    there.dev.until(thread, "interrupted")
    old = Pause.objects.get(run=run).interrupt_id
    assert there.dev.ids(thread) != [old]
    there.look()
    run.refresh_from_db()
    assert run.state == "WAITING"
    assert list(Pause.objects.filter(run=run).order_by("pk").values_list("state", flat=True)) == ["SUPERSEDED", "OPEN"]
    (fresh,) = asked(run)
    decide(fresh, there.cast.second)
    assert there.after(run).state == "SUCCEEDED", run.error
    assert lines(world) == ['pay {"cents": 300}']


@pytest.mark.parametrize("dialect", ["batched", "per_call"])
def test_what_the_server_rewrites_is_told_as_it_was_shown(there, world, dialect):
    """It tells NUL as U+FFFD; a bare yes would have run the NUL that nobody saw."""
    there.dev.waits(dialect, **letter(world, "a\0b"))
    run = there.found(dialect)
    (action,) = asked(run)
    assert dict(shown(action.pk).args)["to"] == "a\ufffdb"
    decide(action, there.cast.second)
    assert there.after(run).state == "SUCCEEDED", run.error
    assert lines(world) == [f"send {json.dumps({'copies': 1, 'to': 'a' + chr(0xFFFD) + 'b'})}"]


def test_what_the_server_rewrites_is_not_approvable_where_only_a_yes_can_be_told(there, world):
    there.dev.waits("yes_no", **letter(world, "a\0b"))
    run = there.found("yes_no")
    (action,) = asked(run)
    with pytest.raises(ApprovalError):
        decide(action, there.cast.second)
    decide(action, there.cast.second, "reject")
    assert there.after(run).state == "SUCCEEDED", run.error
    assert lines(world) == []


def test_a_number_that_is_none_is_not_approvable_as_null(there, world):
    plan = {"world": world, "turns": [[["send", {"to": "ada", "copies": float("nan")}]]]}
    there.dev.waits("per_call", messages=[{"role": "user", "content": json.dumps(plan)}])
    run = there.found("per_call")
    (action,) = asked(run)
    assert dict(shown(action.pk).args)["copies"] is None
    with pytest.raises(ApprovalError):
        decide(action, there.cast.second)
    edit(action, there.cast.reviewer, to="ada", copies=2)
    decide(action, there.cast.second)
    assert there.after(run).state == "SUCCEEDED", run.error
    assert lines(world) == ['send {"copies": 2, "to": "ada"}']


def test_a_thread_deleted_there_leaves_nothing_waiting_here(there, world):
    thread = there.dev.waits("inbox", world=world)
    run = there.found("inbox")
    (action,) = asked(run)
    httpx.delete(f"{there.dev.url}/threads/{thread}")
    assert there.after(run, there.look).state == "FAILED" and "not on the Agent Server" in run.error
    action.refresh_from_db()
    assert action.state == "SUPERSEDED"
    assert Pause.objects.get(run=run).state == "ORPHANED"
