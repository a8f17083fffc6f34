"""Operators change what a run does next: nothing that was asked before is ever done, what is done stays done, and it is done once."""

import json
import threading
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from agents import history, queries
from agents import operations as agents
from agents.errors import BadInput, Moved, UnknownCheckpoint, WrongState
from agents.graphs import changing
from agents.graphs.declared import unlike
from agents.models import Effect, Override, Pause, Run
from agents.operations.overriding import Wanted
from agents.stepped import made
from agents.tools import runner
from agents.views.state_fields import fields_of, touched
from approvals import operations
from approvals import queries as approvals_queries
from approvals.errors import BadRequest, NotAllowed
from approvals.models import Action, Requirement
from approvals.operations import api_keys
from audit import queries as log
from audit.views.words import sentence_of
from tests import factories
from tests.factories import asked, call, decide, lines, work

pytestmark = pytest.mark.usefixtures("agents", "shapes")


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def order(run: Run, by, kind: str = "rewind", **more) -> Override:
    wanted = Wanted(kind, more.pop("head", history.head(run.thread)), **more)
    return agents.override(run.pk, wanted, reason="it went wrong", by=by, door="web")


def start_of(run: Run) -> str:
    """The checkpoint before the first node of the graph."""
    return history.checkpoints(run.thread).rows[-2].id


def events(run: Run, kind: str) -> list[dict]:
    return [event.data for event in log.timeline(run=str(run.pk)) if event.kind == kind]


# -- going back ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("agent", ["calls", "row", "inside"])
def test_going_back_supersedes_what_was_asked_and_asks_anew(cast, world, agent):
    run, action = factories.waiting(cast.reviewer, call(), agent=agent, world=world)
    done = order(run, cast.operator, checkpoint=start_of(run))
    action.refresh_from_db()
    assert (action.state, action.settled_at is None, fresh(run).state) == ("SUPERSEDED", False, "READY")
    work()
    (anew,) = asked(run)
    assert anew.pk != action.pk
    decide(anew, cast.second)
    work()
    done.refresh_from_db()
    assert (fresh(run).state, done.state, len(lines(world))) == ("SUCCEEDED", "DONE", 1)
    copy = history.checkpoint(run.thread, done.made)
    assert (copy.source, copy.metadata["override"], copy.metadata["copy_of"]) == ("fork", done.pk, done.checkpoint)
    assert made(str(run.pk), history.checkpoints(run.thread).rows)[copy.id].took_ms is None  # no node ran to bring it about
    (told,) = events(run, "run.override_ordered")
    assert (told["superseded"], told["reason"]) == ([str(action.pk)], "it went wrong")


def test_what_was_done_stays_done_is_named_and_is_asked_about_again(cast, world):
    run, first = factories.waiting(cast.reviewer, call(label="first"), call(label="second"), agent="row", world=world)
    decide(first, cast.second)
    work()
    assert len(lines(world)) == 1
    order(run, cast.operator, checkpoint=start_of(run))
    assert events(run, "run.override_ordered")[0]["stays_done"] == [{"action": str(first.pk), "tool": "append"}]
    work()
    (anew,) = asked(run)
    assert (len(lines(world)), anew.summary) == (1, "Append first")
    (seen,) = Requirement.objects.get(action=anew).evidence
    assert "This very run already made this call at 20" in seen["text"] and seen["text"].endswith(": done")
    assert Effect.objects.get(pk=first.pk).state == "DONE"


def test_an_approval_that_was_not_carried_out_never_is(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    order(run, cast.operator, checkpoint=start_of(run))
    assert not Effect.objects.filter(pk=action.pk).exists()
    assert agents.execute(action.pk) is None
    work()
    assert lines(world) == []


def test_a_failed_run_goes_back(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    Run.objects.filter(pk=run.pk).update(state="FAILED", error="it fell over")
    order(run, cast.operator, checkpoint=start_of(run))
    work()
    assert (fresh(run).state, fresh(run).error, asked(run)[0].pk == action.pk) == ("WAITING", "", False)


def test_it_stays_where_it_was_put_when_that_is_wanted(cast, world):
    run, _ = factories.waiting(cast.reviewer, call(), world=world)
    order(run, cast.operator, checkpoint=start_of(run), stay=True)
    work()
    assert (fresh(run).state, fresh(run).hold, fresh(run).nodes) == ("PAUSED", "pause", ["plan"])
    assert history.checkpoint(run.thread, history.head(run.thread)).next == ("plan",)


# -- other values ----------------------------------------------------------------------------------------------
def test_other_values_are_there_and_the_same_node_comes_next(cast, world):
    run, action = factories.waiting(cast.reviewer, call(label="wrong"), agent="row", world=world)
    state = history.values(run.thread, history.head(run.thread))
    values = {"input": {**state["input"], "calls": [call(label="right")]}}
    done = order(run, cast.operator, "edit", values=values)
    assert (done.before["input"]["calls"], done.values) == ([call(label="wrong")], values)
    work()
    action.refresh_from_db()
    assert (action.state, [a.summary for a in asked(run)]) == ("SUPERSEDED", ["Append right"])
    assert events(run, "run.override_ordered")[0]["before"]["input"]["calls"] == [call(label="wrong")]
    decide(asked(run)[0], cast.second)
    work()
    assert [line.split(" ", 1)[1] for line in lines(world)] == ["right"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"input": "a text"}, "was object and would be string"),
        ({"nothing": 1}, "is not in the state"),
        ({}, "nothing would change"),
        ({"input": {"x": float("nan")}}, "cannot be kept"),
    ],
)
def test_values_that_are_not_there_of_another_type_or_the_same_are_refused(cast, world, values, said):
    run, action = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    with pytest.raises(BadInput, match=said):
        order(run, cast.operator, "edit", values=values)
    action.refresh_from_db()
    assert (action.state, fresh(run).state, Override.objects.count()) == ("PENDING", "WAITING", 0)


def test_values_that_their_author_declared_otherwise_are_refused_by_the_worker_that_knows_the_graph(cast, world, monkeypatch):
    run, _ = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    state = history.values(run.thread, history.head(run.thread))
    done = order(run, cast.operator, "edit", values={"input": {**state["input"], "calls": []}})
    monkeypatch.setattr(changing, "unlike", lambda kind, value: unlike(dict[str, int], value) if kind == dict[str, Any] else "")
    work()
    done.refresh_from_db()
    assert (done.state, fresh(run).state) == ("REFUSED", "PAUSED")
    assert done.error == "input is declared otherwise: Input should be a valid integer at note"


# -- a node taken as done ----------------------------------------------------------------------------------------
def test_a_gate_is_skipped_by_two_people(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    values = {"told": [{"status": "skipped"}]}
    first = order(run, cast.operator, "skip", node="row", values=values)
    action.refresh_from_db()
    assert (first.state, action.state, fresh(run).state) == ("ASKED", "PENDING", "WAITING")
    with pytest.raises(WrongState, match="asked for this already"):
        order(run, cast.operator, "skip", node="row", values=values)
    assert order(run, cast.admin, "skip", node="row", values={}).state == "ASKED"  # something else
    second = order(run, cast.admin, "skip", node="row", values=values)
    assert (second.pk, second.state, second.confirmed_by_name) == (first.pk, "ORDERED", "ada")
    work()
    action.refresh_from_db()
    run = fresh(run)
    assert (run.state, action.state, lines(world)) == ("SUCCEEDED", "SUPERSEDED", [])
    assert run.output["told"] == [{"status": "skipped"}]


def test_whoever_confirms_a_skip_sees_what_it_writes_until_the_run_has_gone_on(cast, world, client):
    run, _ = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    order(run, cast.operator, "skip", node="row", values={"told": [{"status": "SECRETWORD"}]})
    assert events(run, "run.override_asked")[0]["values"] == {"told": [{"status": "SECRETWORD"}]}
    client.force_login(cast.admin, backend="django.contrib.auth.backends.ModelBackend")
    head = history.head(run.thread)
    page = client.get(f"/runs/{run.pk}/checkpoints/{head}/").content.decode()
    assert "SECRETWORD" in page and "Look at it and confirm" in page
    assert "SECRETWORD" in client.get(f"/runs/{run.pk}/checkpoints/").content.decode()
    wanted = {"kind": "skip", "head": head, "node": "row", "values": '{"told": [{"status": "SECRETWORD"}]}'}
    means = client.post(f"/runs/{run.pk}/override", wanted).content.decode()
    assert "olga has asked for this" in means and "Confirm and skip it" in means and "U+000A" not in page + means
    client.force_login(cast.operator, backend="django.contrib.auth.backends.ModelBackend")
    assert "has asked for this" not in client.post(f"/runs/{run.pk}/override", wanted).content.decode()
    order(run, cast.operator)  # the run goes on from elsewhere
    work()
    (row,) = [one for one in queries.overrides(run.pk) if one.kind == "skip"]
    assert queries.stands(row, head) == "ASKED" and queries.stands(row, history.head(run.thread)) == "OVERTAKEN"
    head = history.head(run.thread)
    assert "Look at it and confirm" not in client.get(f"/runs/{run.pk}/checkpoints/{head}/").content.decode()
    assert "has gone on without it" in client.get(f"/runs/{run.pk}/checkpoints/").content.decode()


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        ({"flag": "zz"}, False),
        ({"n": "7"}, False),
        ({"n": True}, False),
        ({"n": 7, "told": {"one": 1}, "new": "x"}, True),
        ({"flag": None}, True),
        ({"place": "no"}, False),
        ({"place": {"x": 2}}, True),
    ],
)
def test_what_a_skipped_node_wrote_is_of_the_type_that_stands_there(cast, world, monkeypatch, values, taken):
    """Of a list the graph knows how it is added to, an object stays one, and of what is not there yet what it is."""
    run, _ = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    monkeypatch.setattr(history, "values", lambda thread, at: {"flag": False, "n": 1, "told": [], "place": {"x": 1}})
    if taken:
        assert order(run, cast.operator, "skip", node="row", values=values).state == "ASKED"
    else:
        with pytest.raises(BadInput, match="cannot have written this") as refused:
            order(run, cast.operator, "skip", node="row", values=values)
        assert list(refused.value.details["fields"]) == list(values)


def test_only_the_node_that_comes_next_is_skipped(cast, world):
    run, _ = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    with pytest.raises(WrongState, match="next is row"):
        order(run, cast.operator, "skip", node="finish")


# -- what refuses ----------------------------------------------------------------------------------------------
def test_only_operators_with_a_reason(cast, world):
    run, _ = factories.waiting(cast.reviewer, call(), world=world)
    for who in (cast.reviewer, cast.auditor, cast.outsider):
        with pytest.raises(NotAllowed):
            order(run, who, checkpoint=start_of(run))
    with pytest.raises(BadRequest):
        agents.override(run.pk, Wanted("rewind", history.head(run.thread)), reason=" ", by=cast.operator, door="web")


def test_a_run_that_has_gone_on_is_a_named_conflict(cast, world):
    run, action = factories.waiting(cast.reviewer, call(label="1"), call(label="2"), agent="row", world=world)
    seen = history.head(run.thread)
    order(run, cast.operator, checkpoint=start_of(run))
    with pytest.raises(WrongState, match="Another order waits"):
        order(run, cast.operator, checkpoint=start_of(run))
    work()
    with pytest.raises(Moved):
        order(run, cast.operator, checkpoint=start_of(run), head=seen)
    with pytest.raises(UnknownCheckpoint):
        order(run, cast.operator, checkpoint="nothing")
    assert action.pk


@pytest.mark.parametrize("state", ["CLAIMED", "UNKNOWN"])
def test_a_call_that_has_begun_comes_first(cast, world, state, monkeypatch):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    ran = runner.run

    def meanwhile(*args):
        if state == "CLAIMED":
            with pytest.raises(WrongState, match="cannot be taken back"):
                order(run, cast.operator, checkpoint=start_of(run))
        return ran(*args) if state == "CLAIMED" else runner.Ran("unknown", {}, "who knows")

    monkeypatch.setattr(runner, "run", meanwhile)
    agents.execute(action.pk)
    if state == "UNKNOWN":
        with pytest.raises(WrongState, match="Nobody knows whether append was done"):
            order(run, cast.operator, checkpoint=start_of(run))


def test_a_run_that_moves_or_has_ended_is_left_alone(cast, world):
    run = factories.run(cast.reviewer, call("look"), world=world)
    with pytest.raises(WrongState, match="no checkpoint yet"):
        order(run, cast.operator)
    work()
    with pytest.raises(WrongState, match="has ended"):
        order(run, cast.operator)
    Run.objects.filter(pk=run.pk)


def test_what_the_graph_does_not_take_leaves_the_run_paused_and_says_why(cast, world, monkeypatch):
    run, _ = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    done = order(run, cast.operator, checkpoint=start_of(run))

    copied = changing.copied

    def refuse(graph, thread, checkpoint, values, marks):
        if "override" in marks:
            raise changing.CannotChange("no such thing")
        return copied(graph, thread, checkpoint, values, marks)

    monkeypatch.setattr(changing, "copied", refuse)
    work()
    done.refresh_from_db()
    assert (done.state, done.error, fresh(run).state, fresh(run).to_change) == ("REFUSED", "no such thing", "PAUSED", False)
    monkeypatch.undo()
    agents.go_on(run.pk, reason="as it was", by=cast.operator, door="web")
    work()
    assert (fresh(run).state, len(asked(run))) == ("WAITING", 1)


# -- races, with real connections --------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(12))
def test_no_effect_of_a_superseded_action_ever_runs_whoever_decides_meanwhile(cast, world, turn):
    run, action = factories.waiting(cast.reviewer, call(label="old"), world=world)
    gate, failures = threading.Barrier(3), []

    def racing(what):
        def go():
            try:
                gate.wait()
                what()
            except (WrongState, Moved):
                failures.append("refused")
            except Exception as error:  # a decision that lost is told so by name
                if not hasattr(error, "code"):
                    failures.append(repr(error))
            finally:
                connection.close()

        return threading.Thread(target=go)

    def approve_and_execute():
        decide(action, cast.second)
        agents.execute(action.pk)

    going_back = start_of(run)
    threads = [
        racing(lambda: order(run, cast.operator, checkpoint=going_back)),
        racing(approve_and_execute),
        racing(lambda: agents.execute(action.pk)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one for one in failures if one != "refused"] == []
    work()
    action.refresh_from_db()
    if action.state == "SUPERSEDED":
        assert (lines(world), Effect.objects.filter(pk=action.pk).count()) == ([], 0)
        assert len(asked(run)) == 1
    else:  # the call was first: the order was refused, or it stays done and is asked about anew
        assert len(lines(world)) == 1
        assert Effect.objects.get(pk=action.pk).state == "DONE"
    assert Pause.objects.filter(run=run, state="OPEN").count() == len(asked(run))
    assert json.dumps(failures)
    assert Action.objects.filter(run=str(run.pk), state="APPROVED", settled_at=None).count() == 0


# -- agents that make their calls themselves -----------------------------------------------------------------------
def test_a_governed_agent_goes_back_and_people_are_asked_again_also_for_what_was_done(others, world):
    factories.register(factories.LOOPS)
    run = factories.planned(others.reviewer, world, [["send", {"to": "ada"}]], [["send", {"to": "bob"}]], agent="governed")
    work()
    (first,) = asked(run)
    decide(first, others.second)
    work()
    (waits,) = asked(run)
    assert len(lines(world)) == 1
    earlier = [one.id for one in history.checkpoints(run.thread).rows if "tools" in one.next][-1]
    order(run, others.operator, checkpoint=earlier)
    work()
    waits.refresh_from_db()
    (anew,) = asked(run)
    assert (waits.state, anew.pk in {first.pk, waits.pk}, len(lines(world))) == ("SUPERSEDED", False, 1)
    decide(anew, others.second, "reject")
    work()
    assert [line for line in lines(world) if "bob" in line] == []
    assert len(lines(world)) == 1


# -- doors -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def desk(client, settings, tmp_path, cast):
    settings.STATIC_ROOT = tmp_path
    client.force_login(cast.operator, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_page_says_what_it_means_before_it_is_ordered(desk, cast, world):
    run, first = factories.waiting(cast.reviewer, call(label="first"), call(label="second"), agent="row", world=world)
    decide(first, cast.second)
    work()
    (second,) = asked(run)
    head = history.head(run.thread)
    shown = desk.get(f"/runs/{run.pk}/checkpoints/{start_of(run)}/").content.decode()
    assert "Go back to here" in shown
    asks = {"kind": "rewind", "head": head, "checkpoint": start_of(run)}
    means = desk.post(f"/runs/{run.pk}/override", asks).content.decode()
    assert str(second.pk) in means
    assert str(first.pk) in means
    assert "will not be undone" in means
    assert (fresh(run).state, Override.objects.count()) == ("WAITING", 0)
    assert desk.post(f"/runs/{run.pk}/override", {**asks, "confirmed": "yes", "reason": "wrong way"}).status_code == 302
    second.refresh_from_db()
    assert (second.state, fresh(run).to_change) == ("SUPERSEDED", True)
    work()
    assert desk.post(f"/runs/{run.pk}/override", {**asks, "confirmed": "yes", "reason": "again"}).status_code == 409
    assert "gone back to" in desk.get(f"/runs/{run.pk}/checkpoints/").content.decode()


def test_values_are_written_as_json_compared_and_changed(desk, cast, world):
    run, _ = factories.waiting(cast.reviewer, call(label="wrong"), agent="row", world=world)
    head = history.head(run.thread)
    state = history.values(run.thread, head)
    shown = desk.get(f"/runs/{run.pk}/checkpoints/{head}/").content.decode()
    assert 'name="state.input"' in shown
    text = json.dumps({**state["input"], "calls": [call(label="right\u202e")]})
    asks = {"kind": "edit", "head": head, "state.input": text}
    means = desk.post(f"/runs/{run.pk}/override", asks).content.decode()
    assert "input.calls" in means
    assert "\u202e" not in means.split("change-after")[1].split("</div>")[0]
    assert desk.post(f"/runs/{run.pk}/override", {**asks, "state.input": "{"}).status_code == 422
    values = json.dumps({"input": json.loads(text)})
    assert desk.post(
        f"/runs/{run.pk}/override", {"kind": "edit", "head": head, "values": values, "confirmed": "yes", "reason": "mended"}
    ).status_code == 302  # fmt: skip
    work()
    assert "right" in asked(run)[0].summary


def test_a_field_that_nobody_touched_stays_whatever_it_holds_and_a_wrong_form_is_refused(desk, cast, world):
    """An id of 64 bits or a NaN beside what is changed: the page itself wrote it into its form."""
    run, _ = factories.waiting(cast.reviewer, call(label="wrong"), agent="row", world=world)
    head = history.head(run.thread)
    state = {**history.values(run.thread, head), "odd": {"id": 2**60, "share": float("nan")}, "long": "x" * 300_000}
    posted = {field: text.replace("\n", "\r\n") for field, _, text in fields_of(state)}
    assert touched(state, posted) == {}
    assert touched(state, {**posted, "state.input": '{"calls": []}'}) == {"input": {"calls": []}}
    for field, text, said in (("state.odd", '{"id": 1152921504606846977}', "whole number"), ("state.long", '"y' + "x" * 300_000, "longer")):
        with pytest.raises(BadInput, match=said):
            touched(state, {**posted, field: text})
    ways = ({"kind": "zap"}, {"kind": "edit", "values": "[1]", "state.input": "5"}, {"kind": "skip", "node": "row", "values": '"x"'})
    for way in ways:
        assert desk.post(f"/runs/{run.pk}/override", {"head": head, **way}).status_code == 422


def test_a_skip_that_writes_something_else_confirms_nothing(cast, world):
    run, _ = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    assert order(run, cast.operator, "skip", node="row", values={"told": [{"n": 1}]}).state == "ASKED"
    for other in (True, 1.5):
        assert order(run, cast.admin, "skip", node="row", values={"told": [{"n": other}]}).state == "ASKED"
    assert order(run, cast.admin, "skip", node="row", values={"told": [{"n": 1}]}).state == "ORDERED"


def test_who_only_reads_is_offered_nothing_and_refused(desk, cast, world):
    run, _ = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    head = history.head(run.thread)
    desk.force_login(cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    assert "/override" not in desk.get(f"/runs/{run.pk}/checkpoints/{head}/").content.decode()
    asks = {"kind": "rewind", "head": head, "checkpoint": head, "confirmed": "yes", "reason": "so"}
    assert desk.post(f"/runs/{run.pk}/override", asks).status_code == 403


def test_the_command_restarts_edits_and_skips(cast, world, capsys):
    run, first = factories.waiting(cast.reviewer, call(label="first"), agent="row", world=world)
    state = history.values(run.thread, history.head(run.thread))
    call_command("runs", "restart", str(run.pk), "row", reason="again", by="olga")
    work()
    values = json.dumps({"input": {**state["input"], "calls": [call(label="second")]}})
    call_command("runs", "edit", str(run.pk), values, reason="mended", by="olga", stay=True)
    work()
    assert fresh(run).state == "PAUSED"
    call_command("runs", "go-on", str(run.pk), reason="well", by="olga")
    work()
    assert [a.summary for a in asked(run)] == ["Append second"]
    call_command("runs", "skip", str(run.pk), "row", reason="not needed", by="olga")
    said = capsys.readouterr().out
    assert "another operator" in said and f"runs from there: row\n  superseded: {first.pk}  append" in said
    call_command("runs", "skip", str(run.pk), "row", reason="not needed", by="ada")
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", [])
    first.refresh_from_db()
    assert first.state == "SUPERSEDED"


def test_a_run_that_is_cancelled_has_its_order_dropped(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    done = order(run, cast.operator, checkpoint=start_of(run))
    agents.cancel_run(run.pk, reason="no", by=cast.operator, door="web")
    work()
    done.refresh_from_db()
    action.refresh_from_db()
    assert (done.state, fresh(run).state, action.state, lines(world)) == ("DROPPED", "CANCELLED", "SUPERSEDED", [])
    (told,) = events(run, "run.override_dropped")
    assert (told["order"], told["was"], told["of"], told["why"]) == (done.pk, "ORDERED", "olga", "the run has ended since this was ordered")


def test_a_skip_asked_for_before_the_run_went_on_is_dropped_on_record(cast, world):
    run, _ = factories.waiting(cast.reviewer, call(label="a"), call(label="b"), agent="row", world=world)
    asked_first = order(run, cast.operator, "skip", node="row", values={"told": []})
    order(run, cast.operator, checkpoint=start_of(run))
    work()
    order(run, cast.operator, "skip", node="row", values={"told": []})
    asked_first.refresh_from_db()
    (told,) = events(run, "run.override_dropped")
    assert asked_first.state == "DROPPED" and (told["order"], told["was"]) == (asked_first.pk, "ASKED")
    sentence = "What olga ordered is carried out no more: the run has gone on since this was ordered"
    assert sentence in [sentence_of(e) for e in log.events(stream=f"run:{run.pk}").rows]


# -- whose it is then --------------------------------------------------------------------------------------------
def as_reviewers(*people):
    from django.contrib.auth.models import Group

    for who in people:
        who.groups.add(Group.objects.get(name="reviewers"))


def edited(run, by, **values):
    """Go back to the start, and change the run's input there."""
    order(run, by, checkpoint=start_of(run), stay=True)
    work()
    head = history.head(run.thread)
    state = history.values(run.thread, head)
    order(run, by, "edit", values={"input": {**state["input"], **values}})
    agents.go_on(run.pk, reason="as it should be", by=by, door="web")
    work()
    return asked(run)[0]


def test_whoever_changed_the_state_does_not_approve_what_comes_of_it_and_may_reject_it(cast, world):
    as_reviewers(cast.operator)
    run, _ = factories.waiting(cast.reviewer, call(label="old"), agent="row", world=world)
    action = edited(run, cast.operator, calls=[call(label="mine")])
    assert action.summary == "Append mine"
    with pytest.raises(NotAllowed, match="You edited this"):
        decide(action, cast.operator)
    assert ("olga", "editor") in approvals_queries.action_detail(action.pk, reader=cast.second).excluded
    decide(action, cast.second)
    work()
    assert [line.split(" ", 1)[1] for line in lines(world)] == ["mine"]


def test_going_back_alone_makes_nobody_an_author(cast, world):
    as_reviewers(cast.operator)
    run, _ = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    order(run, cast.operator, checkpoint=start_of(run))
    work()
    assert decide(asked(run)[0], cast.operator).resolved


def test_an_edit_back_to_the_agents_own_arguments_does_not_take_the_authorship_of_the_state_away(cast, world):
    as_reviewers(cast.operator)
    run, _ = factories.waiting(cast.reviewer, call(label="old"), agent="row", world=world)
    action = edited(run, cast.operator, calls=[call(label="mine")])
    for label in ("theirs", "mine"):
        action.refresh_from_db()
        args = {"label": label, "times": 1}
        operations.request_edit(action.pk, by=cast.second, seen_digest=action.digest, args=args, reason="so", door="web")
        work()
    action.refresh_from_db()
    assert action.version == 3
    with pytest.raises(NotAllowed, match="You edited this"):
        decide(action, cast.operator)


# -- over the API -------------------------------------------------------------------------------------------------
def test_the_api_lists_checkpoints_and_takes_orders(client, cast, world):
    run, action = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    _, token = api_keys.make(of=cast.operator, name="t", scopes=["operate", "read"], days=1, by=cast.operator, door="web")
    auth = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    url = f"/api/v1/runs/{run.pk}"
    first = client.get(f"{url}/checkpoints?limit=1", **auth).json()
    rest = client.get(f"{url}/checkpoints?cursor={first['next']}", **auth).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == [one.id for one in history.checkpoints(run.thread).rows]
    asks = {"kind": "rewind", "head": first["items"][0]["id"], "checkpoint": start_of(run), "reason": "over the API"}
    given = client.post(f"{url}/override", json.dumps(asks), content_type="application/json", **auth)
    assert (given.status_code, given.json()["state"]) == (200, "ORDERED")
    work()
    stale = client.post(f"{url}/override", json.dumps(asks), content_type="application/json", **auth)
    assert (stale.status_code, stale.json()["code"]) == (409, "moved")
    action.refresh_from_db()
    assert action.state == "SUPERSEDED"


def test_what_a_run_begins_with_stays_of_that_form_whoever_edits_it(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    with pytest.raises(BadInput, match="is not what a run begins with any more") as wrong:
        order(run, cast.operator, kind="edit", values={"input": {"calls": 7}})
    assert wrong.value.details["fields"].keys() == {"input"} and Action.objects.get(pk=action.pk).state == "PENDING"
    order(run, cast.operator, kind="edit", values={"input": {**run.input, "calls": [call(label="other")]}})
    work()
    assert [one.summary for one in asked(run)] == ["Append other"]


def test_the_api_restarts_a_node_from_the_newest_checkpoint_before_it(client, cast, world):
    run, action = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    _, token = api_keys.make(of=cast.operator, name="t", scopes=["operate", "read"], days=1, by=cast.operator, door="web")
    auth = {"HTTP_AUTHORIZATION": f"Bearer {token}", "content_type": "application/json"}
    (node,) = history.checkpoint(run.thread, history.head(run.thread)).next
    asks = {"kind": "restart", "head": history.head(run.thread), "node": node, "reason": "once more"}
    url = f"/api/v1/runs/{run.pk}/override"
    assert client.post(url, json.dumps({**asks, "node": "nowhere"}), **auth).status_code == 404
    given = client.post(url, json.dumps(asks), **auth)
    assert (given.status_code, given.json()["kind"], given.json()["checkpoint"]) == (200, "rewind", history.before_node(run.thread, node))
    work()
    action.refresh_from_db()
    assert action.state == "SUPERSEDED" and len(asked(run)) == 1
