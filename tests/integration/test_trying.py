"""A run taken on from a checkpoint beside it: what would have come of something else, with nothing done, opened or written."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

import agents.operations as agents
from agents import history
from agents.errors import BadInput, UnknownCheckpoint, WrongState
from agents.models import Effect, Pause
from agents.operations.trying import Wanted
from approvals.models import Action, Decision, Requirement
from approvals.policy.rules import load
from audit.models import Event
from tests import factories
from tests.factories import asked, call, decide, lines, work

pytestmark = pytest.mark.usefixtures("agents", "shapes")
ROWS = (Action, Requirement, Decision, Effect, Pause, Event)


@pytest.fixture
def run(cast, world):
    started, _ = factories.waiting(cast.operator, call(label="first"), call(label="second"), world=world)
    return factories.to_the_end(started, cast.second)


def rows() -> list[int]:
    return [model.objects.count() for model in ROWS]


def first(run) -> dict:
    return history.values(run.thread, history.checkpoints(run.thread, limit=1_000).rows[-2].id)


def other_input(run, *calls) -> dict:
    return {"input": {**run.input, "calls": list(calls)}}


def start_of(run) -> str:
    """The checkpoint behind the input: from there, the state holds it."""
    return history.checkpoints(run.thread, limit=1_000).rows[-2].id


def test_with_nothing_different_it_comes_to_the_same_and_nothing_is_done_or_written(run, world):
    before, done = (rows(), lines(world)), agents.fork_run(run.pk, Wanted())
    assert (done.end, [one.answer for one in done.asks]) == ("finished", ["recorded"] * 2)
    assert done.state["result"] == first(run).get("result", done.state["result"])
    assert [one.level for one in done.asks] == [one.then for one in done.asks]
    assert (rows(), lines(world)) == before


def test_what_is_new_is_left_asked_or_assumed_and_no_tool_runs(run, world):
    before = rows(), lines(world)
    values = other_input(run, call(label="first"), call(label="third"))
    stopped = agents.fork_run(run.pk, Wanted(start_of(run), values))
    assert (stopped.end, [one.answer for one in stopped.asks]) == ("paused", ["recorded", "open"])
    assert (stopped.asks[-1].args["label"], stopped.asks[-1].then, stopped.asks[-1].people) == ("third", "", 1)
    for assume, said in (("approve", "done"), ("reject", "rejected")):
        done = agents.fork_run(run.pk, Wanted(start_of(run), values, assume=assume))
        assert (done.end, done.asks[-1].answer) == ("finished", "assumed")
        assert said in json.dumps(done.state)
    assert (rows(), lines(world)) == before


def test_an_answer_that_was_taken_before_the_checkpoint_is_not_given_again(cast, world):
    started, _ = factories.waiting(cast.operator, agent="twice", world=world)
    while waits := asked(started):
        for action in waits:
            decide(action, cast.second)
        work()
    chain = history.checkpoints(started.thread, limit=1_000).rows
    middle = next(one for one in reversed(chain) if len(history.values(started.thread, one.id).get("told", [])) == 1)
    done = agents.fork_run(started.pk, Wanted(middle.id))
    assert (done.end, [one.answer for one in done.asks]) == ("finished", ["recorded"])


def test_another_policy_is_asked_what_it_would_make_of_it(run, tmp_path):
    text = Path(settings.POLICY_FILE).read_text().replace("write: 26", "write: 66", 1)
    (tmp_path / "p.yaml").write_text(text)
    done = agents.fork_run(run.pk, Wanted(policy=load(tmp_path / "p.yaml")))
    assert {one.level for one in done.asks} != {one.then for one in done.asks}


@pytest.mark.parametrize(("wanted", "why"), [(Wanted("nowhere"), "no such checkpoint"), (Wanted(values={"nothing": 1}), "no plain value")])
def test_what_it_cannot_go_on_from_is_said(run, wanted, why):
    with pytest.raises((BadInput, UnknownCheckpoint), match=why):
        agents.fork_run(run.pk, wanted)


def test_a_graph_that_calls_its_tools_itself_is_not_driven(cast, world, others):
    started = factories.planned(cast.reviewer, world, [["send", {"to": "ada"}]])
    work()
    with pytest.raises(WrongState, match="calls its tools itself"):
        agents.fork_run(started.pk, Wanted())


def test_from_the_command_line(run, capsys):
    values = json.dumps(other_input(run, call(label="\x1b[2J")))
    call_command("runs", "fork", str(run.pk), "--from", start_of(run)[-12:], "--values", values, "--assume", "approve")
    said = capsys.readouterr().out
    assert "a dry run, nothing acts" in said and "(not asked in the run); answer: assumed" in said and "\x1b" not in said
    call_command("runs", "fork", str(run.pk), "--json")
    assert json.loads(capsys.readouterr().out)["end"] == "finished"
    with pytest.raises(CommandError, match="not the end of one checkpoint"):
        call_command("runs", "fork", str(run.pk), "--from", "zzz")


def test_what_the_tool_would_refuse_is_refused_in_the_fork_as_well(run):
    values = other_input(run, call(label=7))
    done = agents.fork_run(run.pk, Wanted(values=values, assume="approve"))
    (one,) = done.asks
    assert (done.end, one.answer, one.people) == ("finished", "refused", 0)
    assert "label" in one.today and "invalid" in json.dumps(done.state)
