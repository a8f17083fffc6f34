"""Questions, breakpoints, graphs that need a loop: other dialects than tool calls, each answered in its own words or refused by name."""

import json

import pytest

from agents import operations as agents
from agents.models import Effect, Pause, Run
from approvals import operations
from approvals.errors import BadRequest
from approvals.models import Action, Edit
from approvals.operations import Also
from approvals.queries import action_detail
from tests import factories
from tests.factories import asked, decide, lines, work

SHAPES = {"one": [["x"]], "three": [["x", "x", "x"]], "inside": [["x", "x"]], "helper": [["x", "x"]], "sequential": [["x"], ["x"]]}
ANSWERS = {
    "agui": ("42 please", '{"cents": 42}', {"cents": 42}),
    "typed": ('{"cents": "many"}', '{"cents": 42}', 42),
    "raw": (None, "yes", "yes"),
}


def start(others, world, shape, kind) -> Run:
    turns = [[[kind, "Which one?"] for _ in turn] for turn in SHAPES[shape]]
    if shape == "helper":
        return factories.planned(
            others.reviewer, world, [["helper", {"task": json.dumps({"world": world, "turns": turns})}]], agent="questions_helper"
        )
    return factories.planned(others.reviewer, world, *turns, agent="questions_inside" if shape == "inside" else "questions")


@pytest.mark.parametrize("kind", list(ANSWERS))
@pytest.mark.parametrize("shape", list(SHAPES))
def test_every_question_is_answered_by_itself_and_a_misfit_is_refused_before_the_graph_sees_it(others, world, shape, kind):
    run = start(others, world, shape, kind)
    wrong, right, told = ANSWERS[kind]
    n = sum(map(len, SHAPES[shape]))
    seen = []
    for _ in range(n + 2):
        work()
        for action in asked(run)[:1]:
            seen.append(action)
            if wrong:
                with pytest.raises(BadRequest, match="does not fit"):
                    decide(action, others.second, "respond", response=wrong)
            decide(action, others.second, "respond", response=right)
    run.refresh_from_db()
    assert (run.state, run.error, len(seen)) == ("SUCCEEDED", "", n)
    assert lines(world) == [f"{kind} {json.dumps({'told': told})}"] * n


@pytest.mark.parametrize("kind", ["agui", "raw", "typed"])
def test_that_a_question_was_rejected_is_told_where_its_schema_has_room(others, world, kind):
    run = start(others, world, "one", kind)
    work()
    decide(asked(run)[0], others.second, "reject")
    work()
    run.refresh_from_db()
    if kind == "raw":
        assert (run.state, lines(world)) == ("SUCCEEDED", ['raw {"told": {"approved": false, "reason": "because", "status": "rejected"}}'])
    else:
        assert (run.state, lines(world)) == ("FAILED", []) and "cannot be told" in run.error


@pytest.mark.parametrize("shape", ["one", "inside", "sequential", "helper"])
@pytest.mark.parametrize(
    ("verdict", "response", "way"),
    [("reject", "", "cancel"), ("respond", "false", "cancel"), ("respond", "true", "proceed"), ("respond", "0", "cancel")],
)
def test_a_graph_that_goes_on_where_the_answer_is_true_is_told_no(others, world, shape, verdict, response, way):
    run = start(others, world, shape, "gate")
    for _ in SHAPES[shape] * 2:
        work()
        for action in asked(run)[:1]:
            decide(action, others.second, verdict, also=Also(as_json=verdict == "respond"), **({"response": response} if response else {}))
    work()
    run.refresh_from_db()
    assert (run.state, run.error) == ("SUCCEEDED", "")
    assert set(lines(world)) == {f"gate {json.dumps({'told': way})}"}


@pytest.mark.parametrize("kind", ["raw", "typed"])
def test_a_question_that_waits_is_looked_at_before_a_deploy(others, world, kind):
    start(others, world, "three", kind)
    work()
    checked = agents.check_deploy(factories.OTHERS)
    assert (checked.looked, [one for one in checked.broken if one.certain]) == (3, [])


def test_the_api_lists_what_one_run_asks(others, world, client):
    one, other = (start(others, world, "one", "raw") for _ in range(2))
    work()
    client.force_login(others.second)
    ids = lambda run, **more: [row["id"] for row in client.get("/api/v1/actions", {"run": str(run.pk), **more}).json()["items"]]  # noqa: E731
    assert (ids(one), ids(other)) == ([str(asked(one)[0].pk)], [str(asked(other)[0].pk)])
    action = asked(one)[0]
    decide(action, others.second, "respond", response="yes")
    assert (ids(one), ids(one, state="ANSWERED"), ids(other, state="ANSWERED")) == ([], [str(action.pk)], [])
    assert client.get("/api/v1/actions?run=that-one").status_code == 422


def test_an_answer_is_the_value_it_is_said_to_be(others, world):
    run = start(others, world, "one", "raw")
    work()
    action = asked(run)[0]
    with pytest.raises(BadRequest, match="no JSON"):
        decide(action, others.second, "respond", response="thirty", also=Also(as_json=True))
    with pytest.raises(BadRequest, match="Only the answer to a question"):
        decide(factories.action("medium"), others.second, "reject", also=Also(as_json=True))
    decide(action, others.second, "respond", response="30", also=Also(as_json=True))
    work()
    assert lines(world) == ['raw {"told": 30}']


def test_a_static_breakpoint_is_a_question_of_its_own_and_going_on_is_its_one_answer(others, world):
    run = factories.planned(others.reviewer, world, agent="broken_in_two")
    work()
    run.refresh_from_db()
    assert (run.state, lines(world)) == ("WAITING", ["first {}"])
    before = asked(run)[0]
    detail = action_detail(before.pk, reader=others.second)
    assert before.tool == "go_on" and detail.args["next"] == ["second"] and not detail.editable
    assert set(detail.verdicts) <= {"approve", "reject"}
    decide(before, others.second)
    work()
    assert lines(world) == ["first {}", "second {}"]
    after = asked(run)[0]
    assert action_detail(after.pk, reader=others.second).args["next"] == ["third"]
    decide(after, others.second)
    work()
    run.refresh_from_db()
    assert (run.state, lines(world)) == ("SUCCEEDED", ["first {}", "second {}", "third {}"])
    assert set(Effect.objects.filter(run=run).values_list("state", flat=True)) == {"DONE"}


def test_a_breakpoint_that_is_rejected_ends_there(others, world):
    run = factories.planned(others.reviewer, world, agent="broken_in_two")
    work()
    decide(asked(run)[0], others.second, "reject")
    work()
    run.refresh_from_db()
    assert (run.state, lines(world)) == ("FAILED", ["first {}"]) and "breakpoint" in run.error


def test_nodes_that_can_only_be_awaited_are_driven(others, world):
    run = factories.planned(others.reviewer, world, agent="awaiting")
    work()
    decide(asked(run)[0], others.second, "respond", response="gladly")
    work()
    run.refresh_from_db()
    assert (run.state, run.error, lines(world)) == ("SUCCEEDED", "", ['awaited {"told": "gladly"}'])


@pytest.mark.parametrize("shape", ["one", "list", "nested", "text"])
def test_agent_inbox_in_each_of_its_wrappings(others, world, shape):
    run = factories.planned(others.reviewer, world, [["send", {"to": "ada"}]], agent="inbox", shape=shape)
    work()
    decide(asked(run)[0], others.second)
    work()
    run.refresh_from_db()
    assert (run.state, lines(world)) == ("SUCCEEDED", ['send {"to": "ada"}'])
    assert Pause.objects.get(run=run).dialect == "agent_inbox"


def test_what_an_inbox_does_not_take_is_never_offered_and_refused(others, world):
    config = {"allow_accept": True, "allow_edit": False, "allow_respond": False, "allow_ignore": False}
    run = factories.planned(others.reviewer, world, [["send", {"to": "ada"}]], agent="inbox", config=config)
    work()
    action = asked(run)[0]
    detail = action_detail(action.pk, reader=others.second)
    assert "respond" not in detail.verdicts and not detail.editable
    with pytest.raises(BadRequest):
        decide(action, others.second, "respond")
    decide(action, others.second, "reject")
    work()
    run.refresh_from_db()
    assert (run.state, lines(world)) == ("FAILED", []) and "cannot be told" in run.error
    agents.ask_again(run.pk, by=others.operator, door="web")
    work()
    run.refresh_from_db()
    # It asks once more, and the same call after a rejection is answered from it: no means no, for this run.
    again = Action.objects.get(follows=action.pk)
    assert (again.state, run.state, lines(world)) == ("REJECTED", "FAILED", [])


def test_one_answer_of_three_calls_goes_on_and_the_others_wait(others, world):
    run = factories.planned(others.reviewer, world, [["send", {"to": n}] for n in ("ada", "bob", "cyd")], agent="per_call")
    work()
    by_name = {a.summary.split("to: ")[1].split(",")[0]: a for a in asked(run)}
    decide(by_name["bob"], others.second)
    work()
    assert lines(world) == ['send {"copies": 1, "to": "bob"}']
    assert {a.pk for a in asked(run)} == {by_name["ada"].pk, by_name["cyd"].pk}
    decide(by_name["ada"], others.second, "reject")
    work()
    decide(by_name["cyd"], others.second)
    work()
    run.refresh_from_db()
    assert run.state == "SUCCEEDED"
    assert sorted(lines(world)) == ['send {"copies": 1, "to": "bob"}', 'send {"copies": 1, "to": "cyd"}']


def test_a_batch_waits_for_its_last_call_and_mixes_decisions(others, world):
    calls = [["send", {"to": "ada"}], ["look", {"query": "x"}], ["wipe", {"path": "/tmp/x"}], ["send", {"to": "cyd"}]]
    run = factories.planned(others.reviewer, world, calls, agent="batched")
    work()
    first, second, third = asked(run)
    decide(first, others.second)
    work()
    assert lines(world) == [] and Effect.objects.get(pk=first.pk).state == "READY"
    decide(second, others.second, "reject", reason="keep it")
    decide(third, others.second, "respond", response="cyd has it already")
    work()
    run.refresh_from_db()
    assert run.state == "SUCCEEDED"
    assert sorted(lines(world)) == ['look {"query": "x"}', 'send {"copies": 1, "to": "ada"}']
    assert Action.objects.get(pk=first.pk).outcome["result"] == {"content": "send done"}


def test_only_what_each_tool_allows_is_offered(others, world):
    calls = [["send", {"to": "ada"}], ["wipe", {"path": "/tmp/x"}], ["look", {"query": "who?"}]]
    run = factories.planned(others.reviewer, world, calls, agent="choosy")
    work()
    send, wipe, look = asked(run)
    offered = {a.tool: action_detail(a.pk, reader=others.second) for a in (send, wipe, look)}
    assert offered["send"].editable and not offered["wipe"].editable
    assert "respond" not in offered["send"].verdicts
    assert look.kind == "question"
    decide(look, others.second, "respond", response="it was ada")
    decide(wipe, others.second, "reject")
    decide(send, others.second)
    work()
    run.refresh_from_db()
    assert (run.state, lines(world)) == ("SUCCEEDED", ['send {"copies": 1, "to": "ada"}'])


@pytest.mark.parametrize(
    ("args", "wrong"), [({"to": ["not", "text"]}, "to"), ({"to": "ada", "bogus": 1}, ""), ({}, ""), ({"to": "bob", "copies": 2}, "")]
)
def test_an_edit_of_what_nobody_declared_has_the_shape_that_was_proposed(others, world, args, wrong):
    run = factories.planned(others.operator, world, [["jot", {"to": "ada"}]], agent="inbox")
    work()
    action = asked(run)[0]
    operations.request_edit(action.pk, by=others.reviewer, seen_digest=action.digest, args=args, reason="a test", door="web")
    work()
    edit = Edit.objects.get(action=action)
    assert (edit.state, list(edit.errors)) == ("REFUSED", [wrong])
    operations.request_edit(action.pk, by=others.reviewer, seen_digest=action.digest, args={"to": "bob"}, reason="a test", door="web")
    work()
    decide(asked(run)[0], others.second)
    work()
    assert lines(world) == ['jot {"to": "bob"}']
