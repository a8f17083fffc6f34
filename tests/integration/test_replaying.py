"""A run driven again from its record comes out the same, or the first difference is named; nothing acts and no model is asked."""

import json
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

import agents.operations as agents
from agents.errors import UnknownRun, WrongState
from agents.graphs import loader
from agents.models import Effect
from agents.operations import events
from agents.planner import ScriptedChatModel
from audit import log
from audit.queries import spans
from tests import factories
from tests.factories import asked, call, decide, lines, work
from tests.integration.test_compensating import book, reverse, trip


def run_to_the_end(cast, world, *calls, verdicts=("approve",), **more):
    run, _ = factories.waiting(cast.operator, *calls, world=world, **more)
    while waits := asked(run):
        for number, action in enumerate(waits):
            decide(action, cast.second, verdicts[number % len(verdicts)])
        work()
    return run


@pytest.mark.parametrize("verdicts", [("approve",), ("reject",), ("approve", "reject")])
def test_a_run_comes_out_the_same_and_nothing_acts_again(cast, agents_, world, verdicts):
    run = run_to_the_end(cast, world, *[call(label=f"line {n}") for n in range(4)], verdicts=verdicts)
    before = lines(world)
    done = agents.replay_run(run.pk)
    assert (done.difference, lines(world)) == (None, before)
    assert done.steps > 2


@pytest.fixture
def agents_(cast):
    factories.register()
    factories.register(factories.SHAPES)


@pytest.mark.parametrize("agent", ["row", "inside", "called"])
def test_of_every_shape(cast, agents_, world, agent):
    run = factories.run(cast.operator, call(label="first"), call(label="second"), agent=agent, world=world)
    for _ in range(3):
        work()
        for action in asked(run):
            decide(action, cast.second)
    assert agents.replay_run(run.pk).difference is None


def test_one_that_waits_or_failed_is_equal_as_far_as_it_went(cast, trips, agents_, world):
    waiting, _ = factories.waiting(cast.operator, call(), world=world)
    failed = trip(cast, world, book("hotel"), fails_at=3)
    assert [agents.replay_run(run.pk).difference for run in (waiting, failed)] == [None, None]


@pytest.mark.parametrize("then", ["reversed", "left", "cancelled"])
def test_one_that_failed_right_behind_an_approved_call_is_equal(cast, trips, world, then):
    """The stretch that took the answer failed: its question was closed with the run, and the replay stopped there."""
    run = trip(cast, world, book("hotel"), book("car"), fails_at=3)
    if then == "reversed":
        reverse(run)
    elif then == "cancelled":
        agents.cancel_run(run.pk, reason="enough", by=cast.operator, door="web", compensate=False)
    assert agents.replay_run(run.pk).difference is None


def test_another_answer_of_a_tool_is_named_where_it_is_first_seen(cast, trips, world):
    run = trip(cast, world, book("hotel"), book("car"))
    second = Effect.objects.filter(run=run).order_by("finished_at").last()
    found = agents.replay_run(run.pk, instead={str(second.pk): {"booked": "another car"}}).difference
    assert (found.nodes, found.path) == (("step_2",), "told[1].result.booked")
    assert (found.recorded, found.replayed) == ("car", "another car")


def test_a_planner_is_not_asked_again_and_what_it_was_not_asked_ends_the_replay(cast, trips, world, monkeypatch):
    run = trip(cast, world, agent="clerk")
    assert run.state == "SUCCEEDED"
    monkeypatch.setattr(ScriptedChatModel, "_generate", lambda *a, **k: pytest.fail("the model was asked"))
    assert agents.replay_run(run.pk).difference is None
    first = Effect.objects.filter(run=run).order_by("finished_at").first()
    found = agents.replay_run(run.pk, instead={str(first.pk): {"booked": "a tent"}}).difference
    assert (found.nodes, found.path) == (("propose",), "messages[2].content")
    assert "a tent" in found.replayed


def test_where_a_killed_worker_took_an_answer_with_it_nothing_is_claimed(cast, trips, world, monkeypatch):
    run = trip(cast, world, agent="clerk")
    monkeypatch.setattr("agents.operations.replaying.spans", lambda *a, **k: [s for s in spans(*a, **k) if s.kind != "model"])
    assert "did not ask" in agents.replay_run(run.pk).difference.why
    log.append(events.entry(run, "run.recovered", door="beat"))
    with pytest.raises(WrongState, match="A worker died"):
        agents.replay_run(run.pk)


def test_the_command_says_which_are_equal_and_where_the_others_differ(cast, trips, world, capsys):
    run = trip(cast, world, agent="clerk")
    first = Effect.objects.filter(run=run).order_by("finished_at").first()
    call_command("runs", "replay", "--last", "5", "--agent", "clerk")
    assert "equal, " in (said := capsys.readouterr().out) and "1 equal, 0 otherwise" in said
    with pytest.raises(CommandError, match="Not every run"):
        call_command("runs", "replay", str(run.pk), "--answer", f'{first.pk}={{"booked": "a tent"}}')
    assert "otherwise at step 2, propose: messages[2].content" in capsys.readouterr().out
    for wrong in ("x=1", f"{first.pk}={{"):
        with pytest.raises(CommandError, match="ACTION=JSON"):
            call_command("runs", "replay", str(run.pk), "--answer", wrong)
    with pytest.raises(CommandError, match="Name the runs"):
        call_command("runs", "replay")


def test_a_slip_among_those_named_is_said_and_the_others_are_replayed(cast, trips, world, capsys):
    run, other = trip(cast, world, agent="clerk"), trip(cast, world, agent="clerk")
    nobody = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(CommandError, match="Not every run that was named"):
        call_command("runs", "replay", str(run.pk), "1234", nobody, str(run.pk), str(other.pk))
    said = capsys.readouterr().out
    assert "1234  not replayed: '1234' is not an id" in said and f"{nobody}  not replayed: There is no such run" in said
    assert "2 equal, 0 otherwise, 2 not replayed" in said  # one that is named twice is one


def test_the_last_runs_are_held_against_the_answers_as_well(cast, trips, world):
    """A slip in the id of an action was said to change nothing."""
    nobody = "00000000-0000-0000-0000-000000000001"
    with pytest.raises(CommandError, match="no action of"):
        call_command("runs", "replay", "--last", "3", "--answer", f"{nobody}=1")
    with pytest.raises(CommandError, match="no such agent"):
        call_command("runs", "replay", "--last", "3", "--agent", "nobody")
    for number in ("-1", "0", "many"):
        with pytest.raises(CommandError, match="not a number of runs"):
            call_command("runs", "replay", "--last", number)


@pytest.mark.parametrize("command", ["replay", "fork"])
def test_an_answer_to_no_action_of_the_run_is_no_proof_of_anything(cast, trips, world, command):
    run = trip(cast, world, agent="clerk")
    with pytest.raises(CommandError, match="no action of this run"):
        call_command("runs", command, str(run.pk), "--answer", f"{run.pk}={{}}")


def test_comparing_says_what_each_run_came_to_and_what_is_no_comparison(cast, trips, world, capsys):
    run, other = trip(cast, world, agent="clerk"), trip(cast, world, book("hotel"))
    call_command("runs", "compare", str(run.pk), str(other.pk))
    said = capsys.readouterr().out
    assert f"first   {run.pk}  SUCCEEDED" in said and "of different agents" in said
    with pytest.raises(CommandError, match="the same run twice"):
        call_command("runs", "compare", str(run.pk), str(run.pk))


def test_code_that_changed_is_named_at_its_step(cast, trips, world, monkeypatch):
    run = trip(cast, world, book("hotel"))
    changed = _changed(loader.load_agent(*run.agent.code), monkeypatch)
    monkeypatch.setattr("agents.operations.replaying.load_agent", lambda *_: changed)
    found = agents.replay_run(run.pk).difference
    assert (found.nodes, found.path, found.recorded, found.replayed) == (("finish",), "result.success", True, False)


def test_code_that_nobody_imported_is_said(cast, trips, world, capsys):
    run = trip(cast, world, book("hotel"))
    call_command("runs", "replay", str(run.pk))
    assert "with code" not in capsys.readouterr().out
    run.agent.code_imported = "0" * 64
    run.agent.save(update_fields=["code_imported"])
    assert agents.replay_run(run.pk).version.endswith("@1, with code that was not imported")
    call_command("runs", "replay", str(run.pk))
    assert "recorded under trip@1, replayed by trip@1, with code that was not imported" in capsys.readouterr().out


def _changed(loaded, monkeypatch):
    """The same graph, whose last node says something else until the test is over: every compiled one shares its nodes."""

    def compile_(saver):
        graph = loaded.compile(saver)
        other = lambda state: {"result": {"success": False, "told": state.get("told", [])}}  # noqa: E731
        monkeypatch.setattr(graph.nodes["finish"].bound, "func", other)
        return graph

    return replace(loaded, compile=compile_)


def test_what_cannot_be_replayed_is_refused_by_name(cast, others, world):
    run = factories.planned(cast.operator, world, [["send", {"to": "ada"}]])
    work()
    with pytest.raises(WrongState, match="calls its tools itself"):
        agents.replay_run(run.pk)
    with pytest.raises(UnknownRun):
        agents.replay_run("nothing")
    assert json.dumps(lines(world)) == "[]"
