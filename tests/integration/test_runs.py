"""Graphs of every shape, from the start to the end, and what goes wrong on the way."""

from pathlib import Path

import pytest
from django.test import Client

from agents import history
from agents import operations as agents
from agents.errors import BadInput, LostLease, UnknownAgent, UnknownRun, WrongState
from agents.models import Agent, Effect, Pause, Run
from agents.operations import driving, proposing, stretches
from agents.operations.branching import Branch
from agents.operations.overriding import Wanted
from approvals.errors import BadRequest, NotAllowed
from approvals.models import Action
from audit import queries as log
from tests import factories
from tests.factories import asked, call, decide, lines, work

pytestmark = pytest.mark.usefixtures("agents", "shapes")

TWO = [call(label="first"), call(label="second")]


def end(run: Run) -> Run:
    run.refresh_from_db()
    assert run.state == "SUCCEEDED", (run.state, run.error)
    return run


def labels(world: str) -> list[str]:
    return [line.split(" ", 1)[1] for line in lines(world)]


# -- shapes ---------------------------------------------------------------------------------------------------
def test_parallel_proposals_are_all_asked_at_once_and_answered_in_any_order(cast, world):
    run, _ = factories.waiting(cast.reviewer, *[call(label=str(n)) for n in range(5)], world=world)
    waiting = asked(run)
    assert len(waiting) == 5
    for action in reversed(waiting[1:]):
        decide(action, cast.second)
        work()
    assert Run.objects.get(pk=run.pk).state == "WAITING"
    decide(waiting[0], cast.second, "reject")
    work()
    told = end(run).output["told"]
    assert sorted(t["status"] for t in told) == ["done"] * 4 + ["rejected"]
    assert len(lines(world)) == 4


def test_parallel_proposals_that_are_the_same_are_still_two(cast, world):
    run, _ = factories.waiting(cast.reviewer, call(), call(), world=world)
    for action in asked(run):
        decide(action, cast.second)
    work()
    end(run)
    assert len({line.split()[0] for line in lines(world)}) == 2


@pytest.mark.parametrize("agent", ["row", "inside", "called"])
def test_two_questions_after_each_other_are_each_asked_once_and_done_once(cast, world, agent):
    run, first = factories.waiting(cast.reviewer, *TWO, agent=agent, world=world)
    assert [a.summary for a in asked(run)] == ["Append first"]
    decide(first, cast.second)
    work()
    assert [a.summary for a in asked(run)] == ["Append second"]
    decide(asked(run)[0], cast.second, "reject")
    work()
    assert [t["status"] for t in end(run).output["told"]] == ["done", "rejected"]
    assert (labels(world), Action.objects.count()) == (["first"], 2)


@pytest.mark.parametrize("agent", ["row", "inside", "called"])
def test_the_same_call_twice_in_a_row_is_asked_twice(cast, world, agent):
    run, first = factories.waiting(cast.reviewer, call(), call(), agent=agent, world=world)
    decide(first, cast.second)
    work()
    second = asked(run)
    assert len(second) == 1
    assert second[0].pk != first.pk
    decide(second[0], cast.second, "reject")
    work()
    assert [t["status"] for t in end(run).output["told"]] == ["done", "rejected"]
    assert len(lines(world)) == 1


@pytest.mark.parametrize("agent", ["row", "inside", "called"])
def test_look_ups_in_a_row_need_nobody(cast, world, agent):
    run = factories.run(cast.reviewer, call("look"), call("look"), call("look"), agent=agent, world=world)
    work()
    assert [t["status"] for t in end(run).output["told"]] == ["done"] * 3
    assert len(lines(world)) == 3


@pytest.mark.parametrize(("verdict", "status"), [("respond", "answered"), ("reject", "rejected")])
def test_a_question_is_answered_with_words(cast, world, verdict, status):
    run, action = factories.waiting(cast.reviewer, agent="question", world=world)
    assert (action.kind, action.level, action.summary) == ("question", "medium", "Question: May I?")
    decide(action, cast.second, verdict, response="not today" if verdict == "respond" else "")
    work()
    told = end(run).output["told"][0]
    assert told["status"] == status
    assert told["response"] == ("not today" if verdict == "respond" else "")


@pytest.mark.parametrize(
    "value",
    ["text", 7, None, [1, 2], {"any": {"thing": True}}, {"countersign": 99}, {"countersign": 1}, "x" * 400_000, {"nul": "a\u202eb"}],
)
def test_a_raw_interrupt_is_shown_and_answered_with_words(cast, world, value):
    if isinstance(value, str) and len(value) > 200_000:
        value = {"many": ["x" * 1_000] * 200}
    run = factories.run(cast.reviewer, agent="raw", world=world, value=value)
    work()
    if waiting := asked(run):
        decide(waiting[0], cast.second, "respond", response="yes, do")
        work()
        assert end(run).output["told"] == ["yes, do"]
    else:  # it said it was a proposal of ours and was none: told so
        assert "invalid" in str(end(run).output)


def test_a_rejected_raw_interrupt_is_told_as_data_never_as_an_answer(cast, world):
    run, action = factories.waiting(cast.reviewer, agent="raw", world=world, value="?")
    decide(action, cast.second, "reject", reason="no")
    work()
    assert end(run).output["told"] == [{"approved": False, "status": "rejected", "reason": "no"}]


# -- nodes that are not what they were -----------------------------------------------------------------------
def test_a_node_that_comes_back_with_other_arguments_is_asked_again(cast, world, tmp_path):
    note = tmp_path / "note"
    note.write_text("harmless")
    run, first = factories.waiting(cast.reviewer, agent="changing", world=world, note=str(note))
    decide(first, cast.second)
    agents.execute(first.pk)
    note.write_text("harmful")
    work()
    assert (Run.objects.get(pk=run.pk).state, labels(world)) == ("WAITING", ["harmless"])
    second = asked(run)[0]
    assert second.summary == "Append harmful"
    decide(second, cast.second, "reject")
    work()
    assert end(run).output["told"][0]["status"] == "rejected"
    assert labels(world) == ["harmless"]


def test_a_node_that_never_comes_back_the_same_is_asked_every_time(cast, world, tmp_path):
    note = tmp_path / "note"
    note.write_text("version 0")
    run = factories.run(cast.reviewer, agent="changing", world=world, note=str(note))
    for n in range(4):
        note.write_text(f"version {n}")
        work()
        decide(asked(run)[0], cast.second)
        agents.execute(Action.objects.filter(run=str(run.pk)).latest("created_at").pk)
    work()
    assert [t["args"]["label"] for t in end(run).output["told"]] == ["version 3"]
    assert labels(world) == [f"version {n}" for n in range(4)]


def test_a_node_that_raises_after_its_answer_fails_the_run_and_its_act_is_not_repeated(cast, world, tmp_path):
    note = tmp_path / "mended"
    run, action = factories.waiting(cast.reviewer, agent="raising", world=world, note=str(note))
    decide(action, cast.second)
    work()
    run.refresh_from_db()
    assert run.state == "FAILED"
    assert "fell over" in run.error
    note.touch()
    agents.retry_run(run.pk, by=cast.operator, door="web")
    work()
    assert end(run).output["told"][0]["status"] == "done"
    assert len(lines(world)) == 1


def test_a_node_that_raised_before_it_asked_asks_when_it_is_tried_again(cast, world, tmp_path):
    note = tmp_path / "mended"
    run = factories.run(cast.reviewer, agent="raising_first", world=world, note=str(note))
    work()
    assert Run.objects.get(pk=run.pk).state == "FAILED"
    note.touch()
    agents.retry_run(run.pk, by=cast.operator, door="web")
    work()
    assert Run.objects.get(pk=run.pk).state == "WAITING"
    decide(factories.asked(run)[0], cast.second)
    work()
    assert end(run).output["told"][0]["status"] == "done"


def test_a_node_that_raises_before_it_takes_its_answer_gets_it_when_it_is_tried_again(cast, world, tmp_path):
    note = tmp_path / "busy"
    run, action = factories.waiting(cast.reviewer, agent="busy", world=world, note=str(note))
    note.touch()
    decide(action, cast.second)
    work()
    assert Run.objects.get(pk=run.pk).state == "FAILED"
    for _ in range(2):
        agents.retry_run(run.pk, by=cast.operator, door="web")
        work()
        assert Run.objects.get(pk=run.pk).state == "FAILED"
    note.unlink()
    agents.retry_run(run.pk, by=cast.operator, door="web")
    work()
    assert end(run).output["told"][0]["status"] == "done"
    assert len(lines(world)) == 1


def test_one_of_two_nodes_that_raises_between_its_gates_is_never_driven_for_ever(cast, world, tmp_path):
    trouble = tmp_path / "trouble"
    trouble.touch()
    run, _ = factories.waiting(cast.reviewer, {"name": "a"}, {"name": "b", "trouble": str(trouble)}, agent="fan", world=world)
    for turn in range(6):
        for action in factories.asked(run):
            decide(action, cast.second)
        work()
        run.refresh_from_db()
        if run.state == "FAILED":
            trouble.unlink() if turn > 2 else None
            agents.retry_run(run.pk, by=cast.operator, door="web")
            work()
    run.refresh_from_db()
    assert (run.state, sorted(line.split(" ", 1)[1] for line in lines(world))) == (
        "SUCCEEDED",
        ["a first", "a second", "b first", "b second"],
    )
    assert run.fence < 15


def test_a_failed_run_can_be_given_up(cast, world):
    run = factories.run(cast.reviewer, agent="poisoned", world=world)
    work()
    agents.cancel_run(run.pk, reason="never mind", by=cast.operator, door="web")
    assert Run.objects.get(pk=run.pk).state == "CANCELLED"


def test_a_node_that_exits_fails_its_run_with_what_it_said(cast, world):
    run = factories.run(cast.reviewer, agent="exiting", world=world)
    work()
    run.refresh_from_db()
    assert (run.state, run.attempts) == ("FAILED", 0)
    assert "a script's habit" in run.error


def test_a_preview_that_is_none_is_told_to_the_graph(cast, world):
    run = factories.run(cast.reviewer, call("misdrawn"), world=world)
    work()
    assert "instead of a Preview" in end(run).output["told"][0]["reason"]


def test_what_a_projects_code_raises_outside_its_graph_is_shown_on_the_run(cast, world, monkeypatch):
    run = factories.run(cast.reviewer, call(), world=world)

    def broken(*_, **__):
        raise LookupError("a validator of somebody else's")

    monkeypatch.setattr(proposing, "prepare", broken)
    work()
    run.refresh_from_db()
    assert run.state == "FAILED" and "LookupError" in run.error


def test_a_result_nobody_can_record_was_done_all_the_same(cast, world):
    run = factories.run(cast.reviewer, call("unspeakable"), world=world)
    work()
    assert (end(run).output["told"][0]["status"], len(lines(world))) == ("done", 1)


def test_a_poisoned_node_fails_the_run_and_is_not_driven_for_ever(cast, world):
    run = factories.run(cast.reviewer, agent="poisoned", world=world)
    work()
    run.refresh_from_db()
    assert (run.state, run.fence) == ("FAILED", 1)
    agents.retry_run(run.pk, by=cast.operator, door="web")
    work()
    assert Run.objects.get(pk=run.pk).state == "FAILED"


def test_nothing_is_done_for_a_question_that_the_loaded_code_does_not_ask_whatever_version_it_goes_by(cast, world):
    """A deploy without an import: workers load the new code under the version that was in force."""
    run, action = factories.waiting(cast.reviewer, *TWO, agent="renamed", world=world)
    before = Run.objects.get(pk=run.pk).version_id
    agents.register_project(factories.LATER, replace=True)
    Agent.objects.filter(pk="renamed").update(current=before)
    decide(action, cast.second)
    work()
    assert (Effect.objects.get(pk=action.pk).state, lines(world)) == ("FAILED", [])


@pytest.mark.parametrize("verdict", ["approve", "reject", None])
def test_a_question_whose_node_was_renamed_is_orphaned_and_shown(cast, world, verdict):
    run, action = factories.waiting(cast.reviewer, *TWO, agent="renamed", world=world)
    agents.register_project(factories.LATER, replace=True)  # the same project, at another place by now
    if verdict:
        decide(action, cast.second, verdict)
    else:
        agents.cancel_run(run.pk, reason="tidying", by=cast.operator, door="web")
        return
    work()
    run.refresh_from_db()
    assert (run.state, Pause.objects.get(run=run).state) == ("FAILED", "ORPHANED")
    assert "old_name" in run.error and lines(world) == []  # nothing runs for an answer that reaches nobody
    if verdict == "approve":
        refused = Effect.objects.get(pk=action.pk)
        assert (refused.state, "no node old_name any more" in refused.error) == ("FAILED", True)
    assert "pause.orphaned" in [e.kind for e in log.timeline(run=str(run.pk))]
    for again in (agents.retry_run, agents.ask_again):
        with pytest.raises(WrongState, match="lost its node: go back to a checkpoint before it"):
            again(run.pk, by=cast.operator, door="web")
    page = Client()
    page.force_login(cast.operator, backend="django.contrib.auth.backends.ModelBackend")
    shown = page.get(f"/runs/{run.pk}/").content.decode()
    assert "Try the failed step again" not in shown and 'href="/runs/new/renamed/"' in shown  # nothing is offered that is refused
    first = history.checkpoints(run.thread).rows[-1].id
    wanted = Wanted("rewind", history.head(run.thread), first)
    agents.override(run.pk, wanted, reason="the node has a new name", by=cast.operator, door="web")
    work()
    run.refresh_from_db()
    assert run.state == "WAITING" and [one.state for one in asked(run)] == ["PENDING"]


def test_going_back_to_where_a_renamed_node_comes_next_is_refused_and_not_offered(cast, world):
    """It ended the run as a success that had run nothing: a failed run became a green one."""
    run, _action = factories.waiting(cast.reviewer, *TWO, agent="renamed", world=world)
    agents.register_project(factories.LATER, replace=True)
    head = history.head(run.thread)
    for wanted in (Wanted("rewind", head, head), Wanted("skip", head, node="old_name"), Wanted("edit", head, values={"told": "x"})):
        with pytest.raises((WrongState, BadInput)) as refused:
            agents.override(run.pk, wanted, reason="once more", by=cast.operator, door="web")
        assert wanted.kind == "edit" or "does not have old_name any more" in str(refused.value)
    with pytest.raises(WrongState, match="does not have old_name any more"):
        agents.branch_run(run.pk, Branch(head), reason="once more", by=cast.operator, door="web")
    assert [one.state for one in asked(run)] == ["PENDING"]
    page = Client()
    page.force_login(cast.operator, backend="django.contrib.auth.backends.ModelBackend")
    shown = page.get(f"/runs/{run.pk}/checkpoints/{head}/").content.decode()
    assert "does not have <bdi>old_name</bdi> any more" in shown or "does not have old_name any more" in shown
    assert "Go back to here" not in shown


def test_a_run_that_goes_on_at_a_node_that_was_renamed_meanwhile_fails_and_goes_on_when_it_is_back(cast, world):
    """Paused, halted or gone back: nothing was asked there, so no question was missed."""
    run, _action = factories.waiting(cast.reviewer, *TWO, agent="renamed", world=world)
    head = history.head(run.thread)
    agents.override(run.pk, Wanted("rewind", head, head, stay=True), reason="look first", by=cast.operator, door="web")
    work()
    run.refresh_from_db()
    assert run.state == "PAUSED"
    agents.register_project(factories.LATER, replace=True)
    agents.go_on(run.pk, reason="looked", by=cast.operator, door="web")
    work()
    run.refresh_from_db()
    assert run.state == "FAILED" and run.output is None and "does not have old_name any more" in run.error
    agents.register_project(factories.SHAPES, replace=True)
    agents.retry_run(run.pk, by=cast.operator, door="web")
    work()
    run.refresh_from_db()
    assert run.state == "WAITING", run.error


def test_a_project_that_is_gone_fails_the_run_with_a_sentence(cast, world):
    run = factories.run(cast.reviewer, call(), world=world)
    Agent.objects.filter(slug="calls").update(project="/nowhere/langgraph.json")
    work()
    run.refresh_from_db()
    assert (run.state, "cannot be read" in run.error) == ("FAILED", True)


# -- starting, cancelling, trying again ---------------------------------------------------------------------
@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "text",
        7,
        {"surprise": {}, "calls": "none"},
        {"calls": [1]},
        {"world": 1},
        {"steps": 2**60},
        {"value": float("nan")},
        {"world": "\x00"},
        {"world": "\ud800"},
        {"value": "x" * 300_000},
    ],
)
def test_an_input_that_does_not_fit_starts_nothing(cast, value):
    with pytest.raises(BadInput) as refused:
        agents.start_run(agent="calls", input=value, by=cast.reviewer, door="web")
    assert refused.value.details["fields"]
    assert not Run.objects.exists()


def test_a_large_input_that_fits_starts(cast, world):
    run = factories.run(cast.reviewer, world=world, value=["y" * 5_000] * 50)
    assert log.timeline(run=str(run.pk))[0].kind == "run.created"


@pytest.mark.parametrize("name", ["nobody", "", "\x00", "\ud800", "x" * 1_000, "calls\n", "../calls"])
def test_an_unknown_agent_starts_nothing(cast, name):
    with pytest.raises(UnknownAgent):
        agents.start_run(agent=name, input={}, by=cast.reviewer, door="web")


def test_an_agent_switched_off_starts_nothing(cast):
    Agent.objects.update(enabled=False)
    with pytest.raises(UnknownAgent, match="switched off"):
        factories.run(cast.reviewer)


@pytest.mark.parametrize("key", ["\x00", "\ud800", "x" * 201])
def test_a_key_that_cannot_be_kept_is_refused(cast, key):
    with pytest.raises(BadInput):
        agents.start_run(agent="calls", input={}, by=cast.reviewer, door="web", idempotency_key=key)


def test_the_same_key_is_the_same_run_per_agent(cast):
    runs = [agents.start_run(agent=a, input={}, by=cast.reviewer, door="web", idempotency_key="k") for a in ("calls", "calls", "row")]
    assert runs[0].pk == runs[1].pk != runs[2].pk


def test_who_may_start_and_stop_runs(cast):
    for person in (cast.auditor, cast.outsider, cast.locked):
        with pytest.raises(NotAllowed):
            factories.run(person)
    run = factories.run(cast.operator)
    for person in (cast.auditor, cast.outsider, cast.locked):
        for order in (agents.retry_run, lambda pk, **by: agents.cancel_run(pk, reason="no", **by)):
            with pytest.raises(NotAllowed):
                order(run.pk, by=person, door="web")


@pytest.mark.parametrize("unknown", ["", "x", "\x00", "\ud800", None, "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_run_is_not_found(cast, unknown):
    with pytest.raises(UnknownRun):
        agents.cancel_run(unknown, reason="", by=cast.operator, door="web")
    with pytest.raises(UnknownRun):
        agents.retry_run(unknown, by=cast.operator, door="web")


def test_a_cancelled_run_asks_and_does_nothing_more(cast, world):
    run, first = factories.waiting(cast.reviewer, *TWO, world=world)
    decide(first, cast.second)
    agents.cancel_run(run.pk, reason="changed my mind", by=cast.reviewer, door="web")
    work()
    assert (Run.objects.get(pk=run.pk).state, lines(world), Effect.objects.count()) == ("CANCELLED", [], 0)
    assert set(Action.objects.values_list("state", flat=True)) == {"CANCELLED"}
    with pytest.raises(WrongState):
        agents.cancel_run(run.pk, reason="again", by=cast.reviewer, door="web")


def test_somebody_elses_run_is_an_operators_to_cancel(cast, world):
    run, _ = factories.waiting(cast.reviewer, call(), world=world)
    with pytest.raises(NotAllowed, match="somebody else started"):
        agents.cancel_run(run.pk, reason="not mine", by=cast.second, door="web")
    assert Run.objects.get(pk=run.pk).state == "WAITING"
    agents.cancel_run(run.pk, reason="enough", by=cast.operator, door="web")
    assert Run.objects.get(pk=run.pk).state == "CANCELLED"


@pytest.mark.parametrize("reason", ["\x00", "\ud800", "x" * 2_001])
def test_a_reason_that_cannot_be_kept_cancels_nothing(cast, world, reason):
    run, _ = factories.waiting(cast.reviewer, call(), world=world)
    with pytest.raises(BadRequest):
        agents.cancel_run(run.pk, reason=reason, by=cast.reviewer, door="web")
    assert Run.objects.get(pk=run.pk).state == "WAITING"


def test_only_a_failed_run_is_tried_again(cast, world):
    run, _ = factories.waiting(cast.reviewer, call(), world=world)
    with pytest.raises(WrongState, match="waiting"):
        agents.retry_run(run.pk, by=cast.operator, door="web")


# -- delivered twice, taken over, lost ----------------------------------------------------------------------
def test_the_same_wake_four_times_drives_once(cast, world):
    run = factories.run(cast.reviewer, call(), world=world)
    assert [agents.advance_run(run.pk).state for _ in range(4)] == ["WAITING", None, None, None]
    assert Action.objects.count() == 1


def test_a_worker_that_lost_its_lease_writes_nothing(cast, world, monkeypatch):
    run = factories.run(cast.reviewer, call(), world=world)
    put_down = stretches.put_down

    def too_late(*args):
        Run.objects.filter(pk=run.pk).update(fence=99)
        return put_down(*args)

    monkeypatch.setattr(driving, "put_down", too_late)
    assert agents.advance_run(run.pk).state is None
    assert (Action.objects.count(), Pause.objects.count()) == (0, 0)


def test_a_run_whose_workers_keep_dying_is_failed_in_the_end(cast, world, monkeypatch):
    run = factories.run(cast.reviewer, call(), world=world)
    from datetime import timedelta

    from django.db.models.functions import Now

    deaths = 0
    while Run.objects.get(pk=run.pk).state != "FAILED":
        driving._claim(run.pk)
        Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))
        agents.recover()
        deaths += 1
        assert deaths < 10
    assert "workers died" in Run.objects.get(pk=run.pk).error
    agents.retry_run(run.pk, by=cast.operator, door="web")
    work()
    assert Run.objects.get(pk=run.pk).state == "WAITING"


def _dies(*_: object) -> None:
    raise LostLease("the worker is gone")


def test_a_run_left_by_its_worker_is_taken_over_where_it_stands(cast, world, monkeypatch):
    """The graph had moved, T1 had not: the question is found again, and asked once."""
    run = factories.run(cast.reviewer, call(), world=world)
    claimed = driving._claim(run.pk)
    assert claimed is not None
    with monkeypatch.context() as dead:
        dead.setattr(driving, "put_down", _dies)
        driving.advance(claimed)
    from tests.fakes import clock_moved

    with clock_moved(minutes=1):
        agents.recover()
    work()
    run.refresh_from_db()
    assert (run.state, Action.objects.count(), run.fence) == ("WAITING", 1, 3)


def test_what_nobody_woke_is_found(cast, world, woken):
    from tests.fakes import clock_moved

    run = factories.run(cast.reviewer, call(), world=world)
    assert agents.recover().runs == []
    with clock_moved(minutes=1):
        assert agents.recover().runs == [str(run.pk)]
    assert [w.id for w in woken] == [str(run.pk)]


def test_the_path_of_a_run_is_told_in_order(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    work()
    assert [e.kind for e in log.timeline(run=str(run.pk))] == [
        "run.created",
        "run.started",
        "action.opened",
        "run.waiting",
        "decision.recorded",
        "action.approved",
        "effect.claimed",
        "action.settled",
        "effect.done",
        "run.ready",
        "run.resumed",
        "pause.answered",
        "run.succeeded",
    ]
    assert Path(world).exists()


def test_a_node_that_pauses_by_what_langgraph_retired_fails_with_a_sentence_and_is_not_entered_for_ever(cast, shapes, world):
    run = factories.run(cast.operator, agent="retired", world=world)
    work()
    run.refresh_from_db()
    assert (run.state, "NodeInterrupt" in run.error) == ("FAILED", True)
    assert lines(world) == ["entered"]
    assert factories.asked(run) == []
