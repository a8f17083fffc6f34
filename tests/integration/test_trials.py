"""Dry runs that people order: carried out by a worker in a process of its own, one at a time, kept as they came out; nothing acts."""

import json
import os
import signal
import subprocess
import threading

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.urls import reverse
from psycopg.conninfo import make_conninfo

import agents.operations as agents
from agents import history, queries
from agents.errors import BadInput, UnknownCheckpoint, UnknownTrial, WrongState
from agents.models import Effect, Pause, Run, Trial
from agents.operations import carrying, trial_child, trying, versions
from agents.operations.carrying import carry_out_trial
from agents.operations.recovering import recover
from agents.operations.trials import Wanted, wanted_trials
from agents.tools import alone
from approvals.errors import NotAllowed, NotFound
from approvals.models import Action, Decision, Requirement
from approvals.operations.verdicts import Also
from audit.queries import timeline
from tests import factories
from tests.factories import call, decide, lines, work

RUN = alone.run
ROWS = (Action, Requirement, Decision, Effect, Pause)
pytestmark = pytest.mark.usefixtures("agents", "shapes")
APART = pytest.mark.django_db(transaction=True)  # a process of its own sees what is committed


@pytest.fixture
def run(cast, world):
    started, _ = factories.waiting(cast.operator, call(label="first"), call(label="second"), world=world)
    return factories.to_the_end(started, cast.second)


@pytest.fixture
def apart(monkeypatch):
    """The child process finds the database of this test."""
    monkeypatch.setattr(alone, "run", RUN)
    monkeypatch.setenv("DATABASE_URL", make_conninfo(settings.DATABASE_URL, dbname=connection.settings_dict["NAME"]))


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    """In this process, which is the same and saves seconds each, but for those that are `apart`."""
    monkeypatch.setattr(alone, "run", lambda _command, job, **_: trial_child.tried(Trial.objects.get(pk=job["trial"])))


def order(run, kind, by, **wanted):
    return agents.order_trial(run.pk, kind, Wanted(**wanted), by=by, door="web")


def came(run, trial):
    carry_out_trial(trial.pk)
    return queries.trial(run.pk, trial.pk)


def rows() -> list[int]:
    return [model.objects.count() for model in ROWS]


def events(run) -> list[str]:
    return [event.kind for event in timeline(run=str(run.pk)) if "trial" in event.kind]


@APART
def test_an_auditor_has_a_run_replayed_by_a_worker_and_it_comes_out_equal(run, cast, world, apart):
    before = rows(), lines(world)
    trial = order(run, "replay", cast.auditor)
    assert queries.trial(run.pk, trial.pk).state == "waiting"
    done = came(run, trial)
    assert (done.state, done.error, done.result["difference"]) == ("done", "", None)
    assert done.result["steps"] > 2
    assert (rows(), lines(world)) == before
    assert events(run) == ["run.trial_ordered", "run.trial_ended"]


def test_another_result_is_named_at_its_step(run, cast):
    action = queries.asked_of(run.pk)[0]
    done = came(run, order(run, "replay", cast.operator, answers={action: {"written": "otherwise"}}))
    assert (done.state, done.result["difference"]["recorded"]) == ("done", "first")
    assert queries.trials(run.pk)[0].result["difference"] == done.result["difference"]


@pytest.mark.parametrize(("other", "status"), [("louder", "done"), ("full", "failed")])
def test_another_implementation_of_a_tool_answers_in_its_place(run, cast, world, other, status):
    before = rows(), lines(world)
    done = came(run, order(run, "fork", cast.operator, tools={"append": other}))
    assert (done.state, done.error, {one["answer"] for one in done.result["asks"]}) == ("done", "", {"played"})
    told = json.dumps(done.result["state"])
    assert ("FIRST" in told) is (other == "louder") and ("There is no room for first" in told) is (other == "full")
    again = came(run, order(run, "replay", cast.auditor, tools={"append": other})).result["difference"]
    assert again["step"] > 0 and again["recorded"] != again["replayed"]
    assert (rows(), lines(world)) == before and status in told


def test_it_answers_what_is_assumed_to_be_approved_and_nothing_that_was_refused(cast, world, run):
    at = history.checkpoints(run.thread, limit=1_000).rows[-2].id
    values = {"input": {**run.input, "calls": [call(label="third")]}}
    done = came(run, order(run, "fork", cast.operator, checkpoint=at, values=values, assume="approve", tools={"append": "louder"}))
    assert [one["answer"] for one in done.result["asks"]] == ["played"] and "THIRD" in json.dumps(done.result["state"])
    refused, action = factories.waiting(cast.operator, call(label="no"), world=world)
    decide(action, cast.second, "reject")
    work()
    done = came(refused, order(refused, "fork", cast.operator, tools={"append": "louder"}))
    assert [one["answer"] for one in done.result["asks"]] == ["recorded"] and "NO" not in json.dumps(done.result["state"])


@pytest.mark.parametrize("by", ["operator", "reviewer"])
def test_nothing_is_played_for_a_call_whose_result_a_person_gave(cast, world, by):
    """Its tool was never called: a replay with another implementation differed there already."""
    given, action = factories.waiting(cast.reviewer, call(label="first"), world=world)
    if by == "operator":
        agents.answer_for(action.pk, {"written": "by hand"}, seen_digest=action.digest, reason="did it", by=cast.operator, door="web")
    else:
        decide(action, cast.second, "take_over", response="did it", also=Also(done=True, result={"written": "by hand"}))
    work()
    assert Run.objects.get(pk=given.pk).state == "SUCCEEDED" and lines(world) == []
    assert agents.replay_run(given.pk, tools={"append": "louder"}).difference is None


@pytest.mark.parametrize(
    ("tools", "why"), [({"append": "quieter"}, "declares no implementation 'quieter'.*full, louder"), ({"gone": "x"}, "no tool 'gone'")]
)
def test_only_what_its_author_declares_may_be_tried(run, cast, tools, why):
    with pytest.raises(BadInput, match=why):
        order(run, "fork", cast.operator, tools=tools)
    with pytest.raises(BadInput, match=why):
        agents.fork_run(run.pk, trying.Wanted(tools=tools))


def test_the_form_and_the_command_offer_it(run, cast, client, capsys):
    client.force_login(cast.operator)
    at = history.checkpoints(run.thread, limit=1_000).rows[-2].id
    page = client.get(reverse("run-fork", args=[run.pk]), {"checkpoint": at}).content.decode()
    assert 'name="tool:append"' in page and '<option value="louder">' in page
    client.post(reverse("run-trials", args=[run.pk]), {"kind": "fork", "checkpoint": at, "models": "recorded", "tool:append": "louder"})
    assert Trial.objects.get().wanted["tools"] == {"append": "louder"}
    carry_out_trial(Trial.objects.get().pk)
    shown = client.get(reverse("run-trial", args=[run.pk, Trial.objects.get().pk])).content.decode()
    assert "append: louder" in shown and "answered by the implementation that is tried" in shown
    call_command("runs", "fork", str(run.pk), tool=["append=louder"])
    assert "answer: played" in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("runs", "replay", str(run.pk), tool=["append=louder"])
    assert "otherwise at step" in capsys.readouterr().out
    with pytest.raises(CommandError, match="one implementation for each tool"):
        call_command("runs", "fork", str(run.pk), tool=["append=louder", "append=full"])
    for wrong in ("append", "append=", "=louder"):
        with pytest.raises(CommandError, match="NAME=IMPLEMENTATION"):
            call_command("runs", "fork", str(run.pk), tool=[wrong])


def test_a_fork_says_what_it_asked_and_how_its_state_differs(run, cast, world):
    before, at = (rows(), lines(world)), history.checkpoints(run.thread, limit=1_000).rows[-2].id
    values = {"input": {**run.input, "calls": [call(label="first"), call(label="third")]}}
    trial = order(run, "fork", cast.operator, checkpoint=at, values=values, assume="approve")
    done = came(run, trial)
    assert (done.state, done.result["end"]) == ("done", "finished")
    first, third = done.result["asks"]
    assert (first["answer"], first["action"], third["answer"], third["action"]) == ("recorded", queries.asked_of(run.pk)[0], "assumed", "")
    labels = [[one["args"]["label"] for one in done.result[side]["input"]["calls"]] for side in ("then", "state")]
    assert labels == [["first", "second"], ["first", "third"]]
    assert (rows(), lines(world)) == before


def test_who_may_order_what_and_what_cannot_be(run, cast):
    with pytest.raises(NotAllowed):
        order(run, "replay", cast.reviewer)
    with pytest.raises(NotAllowed):
        order(run, "fork", cast.auditor)
    for wrong, refused in (
        ({"checkpoint": "no-such"}, UnknownCheckpoint), ({"values": {"nothing": 1}}, BadInput), ({"answers": {str(run.pk): 1}}, BadInput),
        ({"policy": 999_999}, NotFound), ({"models": "anew"}, BadInput), ({"model": "x"}, BadInput), ({"assume": "maybe"}, BadInput),
        ({"models": "anew", "model": "a\nb"}, BadInput),
    ):  # fmt: skip
        with pytest.raises(refused):
            order(run, "fork", cast.operator, **wrong)
    assert not Trial.objects.exists()


def test_one_at_a_time_of_a_run_and_ended_ones_are_final(run, cast):
    trial = order(run, "replay", cast.operator)
    with pytest.raises(WrongState):
        order(run, "replay", cast.auditor)
    came(run, trial)
    ended = Trial.objects.get(pk=trial.pk)
    carry_out_trial(trial.pk)
    assert Trial.objects.get(pk=trial.pk).tries == ended.tries == 1
    with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
        Trial.objects.filter(pk=trial.pk).update(error="x")
    assert order(run, "replay", cast.auditor).pk != trial.pk
    with pytest.raises(UnknownTrial):
        queries.trial(trial.pk, trial.pk)


def test_a_halt_keeps_models_from_being_asked_and_a_replay_is_allowed(run, cast):
    agents.order_halt(scope="agent", reason="stop", target=run.agent_id, by=cast.operator, door="web")
    with pytest.raises(WrongState):
        order(run, "fork", cast.operator, models="new")
    assert came(run, order(run, "replay", cast.auditor)).state == "done"


def test_a_worker_that_dies_over_it_is_followed_by_another_and_not_for_ever(run, cast, monkeypatch):
    trial = order(run, "replay", cast.operator)
    monkeypatch.setattr(alone, "run", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    for _ in range(carrying.MAX_TRIES):
        with pytest.raises(KeyboardInterrupt):
            carry_out_trial(trial.pk)
        assert not wanted_trials()  # its lease
        Trial.objects.filter(pk=trial.pk).update(lease_until=None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1.1)")
    assert recover(wake=False).trials == [str(trial.pk)]
    done = came(run, trial)
    assert (done.state, "died" in done.error) == ("failed", True)


@APART
def test_a_halt_ends_one_that_may_ask_a_model_in_words_for_a_dry_run(run, cast, monkeypatch, apart):
    trial = order(run, "fork", cast.operator, models="new")
    halted = iter([False, True])
    monkeypatch.setattr(versions, "halted", lambda run: next(halted, True))
    done = came(run, trial)
    assert (done.state, done.error) == ("failed", "A halt ended it: it may have asked a model. Nothing was done")


def test_a_result_is_given_to_a_call_nobody_has_decided(cast, world):
    waits, action = factories.waiting(cast.operator, call(label="first"), world=world)
    done = came(waits, order(waits, "fork", cast.operator, answers={str(action.pk): {"written": "as if"}}))
    assert (done.result["end"], done.result["asks"][0]["answer"]) == ("finished", "recorded")
    assert "as if" in str(done.result["state"]) and lines(world) == []


@APART
def test_the_process_killed_midway_is_an_error_and_never_a_result(run, cast, monkeypatch, apart):
    trial, held = order(run, "replay", cast.operator), []
    begun = subprocess.Popen

    def popen(*args, **kwargs):
        held.append(begun(*args, **kwargs))
        threading.Timer(0.5, lambda: os.kill(held[0].pid, signal.SIGKILL)).start()
        return held[0]

    monkeypatch.setattr(subprocess, "Popen", popen)
    done = came(run, trial)
    assert (done.state, done.result) == ("failed", None)
    assert "nothing was done" in done.error
    connections.close_all()


def test_what_is_too_much_is_cut(run):
    kept = trial_child._kept({"state": {"text": "x" * 900_000}, "then": {}, "asks": [], "steps": []})
    assert "900,000 characters" in kept["state"]["text"]
    many = trial_child._kept({"state": {str(n): "y" * 100 for n in range(9_000)}, "then": {}, "asks": [], "steps": []})
    assert (many["state"], many["cut"]) == ({}, True)
