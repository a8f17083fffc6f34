"""When a real Agent Server dies, hangs up, is halted or says nonsense: nothing is done twice, nothing is lost in silence."""

import math
import signal
import time
from contextlib import suppress

import httpx
import pytest
from django.core.management import call_command
from django.urls import reverse

from agents import budgeted
from agents import operations as agents
from agents.errors import BadInput, ServerTrouble, WrongState
from agents.models import Agent, Effect, Handover, Pause, Run, Server, Thread
from agents.operations import handovers, hinting
from agents.operations import there as operations_there
from agents.remote.calling import Connection
from approvals import operations as approvals
from approvals.operations import entering, switches
from audit.models import Event
from tests import factories
from tests.factories import asked, decide, lines
from tests.servers import answering

FLUSH_S = 11  # the development server writes its threads to disk every ten seconds


def events(kind: str) -> int:
    return Event.objects.filter(kind=kind).count()


def slow_answer(there, world, *, seconds: float) -> Run:
    there.dev.waits("inbox", world=world, seconds=seconds)
    return there.found("inbox")


def test_a_server_that_is_down_gets_the_answer_when_it_is_back(mortal, world):
    run = slow_answer(mortal, world, seconds=0)
    mortal.dev.end()
    decide(asked(run)[0], mortal.cast.second)
    assert mortal.after(run).state == "WAITING" and "cannot be reached" in run.error
    assert not Handover.objects.exists() and not Effect.objects.filter(state="CLAIMED").exists(), (
        "nothing is claimed for a server that is away"
    )
    mortal.look()
    mortal.look()
    server = Server.objects.get()
    assert server.tries == 2 and "cannot be reached" in server.error and events("server.missed") == 1
    mortal.dev.start()
    assert mortal.after(run, mortal.look).state == "SUCCEEDED", run.error
    assert lines(world) == ['pay {"cents": 300}']
    assert Server.objects.get().error == "" and events("server.reached") == 1


def test_a_server_killed_while_it_carries_the_answer_out_is_not_told_again(mortal, world, monkeypatch):
    monkeypatch.setattr("agents.operations.there.FOLLOW_S", 0.5)
    run = slow_answer(mortal, world, seconds=60)
    time.sleep(FLUSH_S)
    decide(asked(run)[0], mortal.cast.second)
    assert mortal.after(run).state == "RUNNING"
    assert Handover.objects.get().state == "TAKEN"
    mortal.dev.end(signal.SIGKILL)
    mortal.dev.start()  # it knows the question again, and nothing of the answer
    for _ in range(3):
        mortal.look()
        Thread.objects.filter(look_at__isnull=False).update(look_at="2000-01-01T00:00:00Z")
    assert mortal.after(run).state == "FAILED" and ("told again" in run.error or "given again" in run.error)
    assert Effect.objects.get().state == "UNKNOWN"
    assert Handover.objects.count() == 1 and lines(world) == []
    with suppress(WrongState):  # refused, or looked at once more: told again it is not
        agents.retry_run(run.pk, by=mortal.cast.operator, door="web")
    mortal.look()
    assert mortal.after(run).state == "FAILED" and Handover.objects.count() == 1 and lines(world) == []


def test_a_server_killed_after_the_agent_acted_leaves_a_call_of_unknown_outcome(mortal, world, monkeypatch):
    """Started again, the server tries the same run once more, which finds its question gone: that is no proof that it was never told."""
    monkeypatch.setattr("agents.operations.there.FOLLOW_S", 0.5)
    mortal.dev.waits("inbox", world=world, lingers=60)
    run = mortal.found("inbox")
    decide(asked(run)[0], mortal.cast.second)
    assert mortal.after(run).state == "RUNNING"
    time.sleep(FLUSH_S)
    assert lines(world) == ['pay {"cents": 300}']
    mortal.dev.end(signal.SIGKILL)
    mortal.dev.start()
    assert mortal.follow(run).state == "FAILED" and "nobody can say" in run.error, run.error
    assert Effect.objects.get().state == "UNKNOWN" and Effect.objects.get().error == run.error
    assert lines(world) == ['pay {"cents": 300}']


@pytest.mark.parametrize("told", [True, False])
def test_what_a_cancelled_run_was_told_before_its_server_died_is_unknown(mortal, world, monkeypatch, told):
    monkeypatch.setattr("agents.operations.there.FOLLOW_S", 0.5)
    mortal.dev.waits("inbox", world=world, lingers=60)
    run = mortal.found("inbox")
    if not told:
        mortal.dev.end(signal.SIGKILL)
    decide(asked(run)[0], mortal.cast.second)
    assert mortal.after(run).state == ("RUNNING" if told else "WAITING")
    mortal.dev.end(signal.SIGKILL)
    agents.cancel_run(run.pk, reason="enough", by=mortal.cast.operator, door="web")
    factories.work()
    assert [effect.state for effect in Effect.objects.all()] == (["UNKNOWN"] if told else [])


def test_after_such_a_death_people_are_asked_once_more_where_somebody_orders_it(mortal, world, monkeypatch):
    """Until it is known what became of the call nobody is; a plain question is asked anew, and the new answer is given once."""
    monkeypatch.setattr("agents.operations.there.FOLLOW_S", 0.5)
    mortal.dev.waits("ponder", world=world)
    run = mortal.found("ponder")
    mortal.dev.end()  # it writes its checkpoints to disk when it ends in peace
    mortal.dev.start()
    mortal.look()
    decide(asked(run)[0], mortal.cast.second, "respond", response="slowly")
    assert mortal.after(run).state == "RUNNING"
    mortal.dev.end(signal.SIGKILL)
    mortal.dev.start()
    Thread.objects.filter(look_at__isnull=False).update(look_at="2000-01-01T00:00:00Z")
    mortal.look()
    assert mortal.after(run).state == "FAILED" and "asked once more" in run.error
    agents.ask_again(run.pk, by=mortal.cast.operator, door="web")
    assert mortal.after(run).state == "WAITING" and run.error == ""
    monkeypatch.undo()
    (again,) = asked(run)
    decide(again, mortal.cast.second, "respond", response="quickly")
    assert mortal.follow(run).state == "SUCCEEDED", run.error
    assert lines(world) == ['ponder {"told": "quickly"}']
    assert Handover.objects.get().state == "TAKEN" and events("pause.again") == events("answer.anew") == 1


def test_an_answer_whose_receipt_was_lost_is_looked_for_and_given_once(there, world, monkeypatch):
    given = Connection.resume

    def hang_up(self, *args, **more):
        given(self, *args, **more)
        raise ServerTrouble("the line broke", sent=True)

    run = slow_answer(there, world, seconds=0)
    monkeypatch.setattr(Connection, "resume", hang_up)
    decide(asked(run)[0], there.cast.second)
    assert there.after(run).state == "RUNNING"
    assert Handover.objects.get().state == "SENDING"
    Thread.objects.update(look_at="2000-01-01T00:00:00Z")
    assert there.after(run, there.look).state == "SUCCEEDED", run.error
    assert Handover.objects.get().state == "TAKEN" and lines(world) == ['pay {"cents": 300}']


def test_an_answer_that_nobody_can_say_arrived_is_shown_and_not_repeated(there, world, monkeypatch):
    def swallow(self, *args, **more):
        raise ServerTrouble("the line broke", sent=True)

    run = slow_answer(there, world, seconds=0)
    monkeypatch.setattr(Connection, "resume", swallow)
    monkeypatch.setattr(handovers, "GRACE_S", 0)
    decide(asked(run)[0], there.cast.second)
    assert there.after(run).state == "RUNNING"
    monkeypatch.undo()
    Thread.objects.update(look_at="2000-01-01T00:00:00Z")
    monkeypatch.setattr(handovers, "GRACE_S", 0)
    assert there.after(run, there.look).state == "FAILED" and "nobody can say" in run.error
    assert Handover.objects.get().state == "LOST" and Effect.objects.get().state == "UNKNOWN"
    there.look()
    assert lines(world) == [] and events("answer.lost") == 1


def test_an_answer_that_came_too_late_harms_nothing(there, world, monkeypatch):
    """Somebody else answers between our look and our answer: strict resume refuses ours before any node runs."""
    run = slow_answer(there, world, seconds=0)
    given, thread = Connection.resume, run.there.thread

    def too_late(self, *args, **more):
        there.dev.answer(thread, "inbox", [{"type": "ignore", "args": None}])
        there.dev.until(thread, "idle")
        return given(self, *args, **more)

    monkeypatch.setattr(Connection, "resume", too_late)
    decide(asked(run)[0], there.cast.second)
    there.after(run)
    assert lines(world) == []
    assert Effect.objects.get().state == "FAILED" and "somebody else answered" in Effect.objects.get().error
    assert run.pauses.get().state == "SUPERSEDED"


def test_a_stale_id_is_never_sent(there, world):
    thread = there.dev.waits("twice", world=world)
    run = there.found("twice")
    (first,) = asked(run)
    there.dev.answer(thread, "twice", "somebody else's")
    there.dev.until(thread, "interrupted")
    decide(first, there.cast.second, "respond", response="late")
    assert there.after(run).state == "WAITING", run.error
    assert not Handover.objects.exists(), "the late answer would have been taken for the next question's"
    decide(asked(run)[0], there.cast.second, "respond", response="two")
    assert there.after(run).state == "SUCCEEDED"
    assert lines(world) == ['twice {"told": ["somebody else\'s", "two"]}']


def test_cancelling_a_run_stops_it_there(there, world, monkeypatch):
    monkeypatch.setattr("agents.operations.there.FOLLOW_S", 0.5)
    thread = slow_answer(there, world, seconds=60).there.thread
    run = Run.objects.get()
    decide(asked(run)[0], there.cast.second)
    assert there.after(run).state == "RUNNING"
    there.dev.runs_now(thread)
    agents.cancel_run(run.pk, reason="enough", by=there.cast.operator, door="web")
    there.look()
    there.dev.until(thread, "interrupted")
    assert Thread.objects.get().stopped_at and events("run.stopped_there") == 1
    assert Effect.objects.get().state == "UNKNOWN" or Effect.objects.get().state == "FAILED"
    there.look()
    assert Run.objects.count() == 1, "what was cancelled is not asked again"
    assert lines(world) == []


def test_a_halt_stops_its_runs_there_and_no_answer_is_given_until_it_is_released(there, world, monkeypatch):
    monkeypatch.setattr("agents.operations.there.FOLLOW_S", 0.5)
    run = slow_answer(there, world, seconds=0)
    (action,) = asked(run)
    order = agents.order_halt(scope="agent", target="inbox", reason="looking", by=there.cast.operator, door="web")
    with pytest.raises(Exception, match=r"[Hh]alt"):
        decide(action, there.cast.second)
    there.look()
    assert there.after(run).state == "WAITING" and not Handover.objects.exists()
    busy = there.dev.begin("slow", world=world, seconds=60)
    there.dev.runs_now(busy)
    agents.order_halt(scope="agent", target="slow", reason="looking", by=there.cast.operator, door="web")
    there.look()
    there.dev.until(busy, "interrupted")
    assert events("agent.stopped_there") == 1
    factories.release(order, there.cast)
    decide(action, there.cast.second)
    there.after(run)
    assert there.follow(run).state == "SUCCEEDED", run.error
    assert len(lines(world)) == 1


def test_a_halt_stops_what_carries_our_answer(there, world, monkeypatch):
    monkeypatch.setattr("agents.operations.there.FOLLOW_S", 0.5)
    run = slow_answer(there, world, seconds=60)
    decide(asked(run)[0], there.cast.second)
    assert there.after(run).state == "RUNNING"
    there.dev.runs_now(run.there.thread)
    agents.order_halt(scope="agent", target="inbox", reason="stop", by=there.cast.operator, door="web")
    there.after(run, there.look)
    there.dev.until(run.there.thread, "interrupted")
    assert run.state in {"FAILED", "HALTED"} and Effect.objects.get().state == "UNKNOWN"
    assert lines(world) == []


# -- orders that come between the claim and the request --------------------------------------------------------------------
def kept_for_later(there, world, monkeypatch) -> Run:
    """An approved run whose answer is kept and was certainly not sent: the server refused the connection."""
    run = slow_answer(there, world, seconds=0)

    def refused(self, *args, **more):
        raise ServerTrouble("no connection", sent=False)

    monkeypatch.setattr(Connection, "resume", refused)
    decide(asked(run)[0], there.cast.second)
    assert there.after(run).state == "WAITING" and Handover.objects.get().state == "REFUSED"
    assert run.pauses.get().answer and Effect.objects.get().state == "CLAIMED"
    monkeypatch.undo()
    return run


@pytest.mark.parametrize(("scope", "target"), [("tool", "pay"), ("agent", "inbox"), ("everything", "")])
@pytest.mark.parametrize("looked", [True, False])
def test_an_answer_kept_from_before_a_halt_is_asked_again(there, world, monkeypatch, scope, target, looked):
    run = kept_for_later(there, world, monkeypatch)
    order = approvals.halt(scope=scope, target=target, reason="looking", by=there.cast.operator, door="web")
    if looked:
        there.look()
        count = Event.objects.filter(run=str(run.pk)).count()
        there.look()
        agents.recover(wake=False)
        there.look()
        assert there.after(run).state in {"WAITING", "HALTED", "READY"} and lines(world) == []
        assert Event.objects.filter(run=str(run.pk)).count() == count, "it waits, and is not tried over and over"
    factories.release(order, there.cast)
    agents.recover(wake=False)
    there.look()
    (again,) = asked(run)
    assert lines(world) == [] and events("action.unclaimed") == 1 and not Effect.objects.exists()
    decide(again, factories.another_reviewer())
    assert there.after(run).state == "SUCCEEDED", run.error
    assert lines(world) == ['pay {"cents": 300}']


def test_an_answer_kept_from_before_a_switch_is_given_when_that_is_lifted(there, world, monkeypatch):
    run = kept_for_later(there, world, monkeypatch)
    said = {"scope": "tool", "target": "pay", "reason": "so", "by": there.cast.operator, "door": "web"}
    switches.switch(setting="deny", **said)
    there.look()
    assert there.after(run).state == "WAITING" and Effect.objects.get().state == "READY" and lines(world) == []
    Run.objects.update(changed_at="2026-01-01T00:00:00Z")
    Effect.objects.update(created_at="2026-01-01T00:00:00Z")
    agents.recover(wake=False)
    assert there.after(run).state == "WAITING"
    switches.switch(setting="allow", **said)
    agents.recover(wake=False)
    assert there.after(run).state == "SUCCEEDED", run.error
    assert lines(world) == ['pay {"cents": 300}']


@pytest.mark.parametrize("when", ["begin", "late", "second"])
def test_a_halt_between_the_claim_and_the_request_sends_nothing(there, world, monkeypatch, when):
    run = slow_answer(there, world, seconds=0)
    orders, sent = [], []

    def halt() -> None:
        orders.append(approvals.halt(scope="tool", target="pay", reason="now", by=there.cast.operator, door="web"))

    begin, given = handovers.begin, Connection.resume

    def halted_first(*args):
        halt()
        return begin(*args)

    def late(sure_at, stopped):
        monkeypatch.undo()
        halt()
        return entering.may_enter(-math.inf, stopped)

    def resume(self, *args, hook, **more):
        sent.append(hook)
        if when == "second" and hook:
            halt()
            time.sleep(0.3)
            raise ServerTrouble("no private webhooks", sent=False, answered=422)
        return given(self, *args, hook=hook, **more)

    if when == "second":
        Server.objects.update(tells=True)
        monkeypatch.setattr(Connection, "resume", resume)
    else:
        monkeypatch.setattr(*{"begin": (handovers, "begin", halted_first), "late": (operations_there, "may_enter", late)}[when])
    decide(asked(run)[0], there.cast.second)
    assert there.after(run).state == "WAITING", run.error
    monkeypatch.undo()
    assert len(orders) == 1 and lines(world) == [] and len(sent) == (when == "second")
    assert Effect.objects.get().state == "READY"
    there.look()
    assert lines(world) == []
    factories.release(orders[0], there.cast)
    (again,) = asked(run)
    Server.objects.update(tells=False)
    decide(again, factories.another_reviewer())
    assert there.after(run).state == "SUCCEEDED", run.error
    assert lines(world) == ['pay {"cents": 300}']


# -- what stands at its address while it is being deployed ------------------------------------------------------------------
@pytest.mark.parametrize(
    "body", [b"<h1>no such app</h1>", b"404 page not found", b'{"detail": "Not Found"}', b'{"detail": "Thread not found"}']
)
def test_a_404_of_somebody_else_spends_no_decision(there, world, body):
    run = slow_answer(there, world, seconds=0)
    url = there.dev.url
    with answering(404, body) as elsewhere:
        Server.objects.update(url=elsewhere)
        decide(asked(run)[0], there.cast.second)
        assert there.after(run).state == "WAITING" and "is given when it is back" in run.error
        there.look()
    assert run.pauses.get().state == "OPEN" and not Handover.objects.exists()
    Server.objects.update(url=url)
    assert there.after(run, there.look).state == "SUCCEEDED", run.error
    assert lines(world) == ['pay {"cents": 300}']


def test_a_404_of_somebody_else_while_the_agent_works_ends_no_run(there, world, monkeypatch):
    monkeypatch.setattr("agents.operations.there.FOLLOW_S", 0.5)
    run = slow_answer(there, world, seconds=3)
    decide(asked(run)[0], there.cast.second)
    assert there.after(run).state == "RUNNING"
    url = there.dev.url
    with answering(404, b"404 page not found") as elsewhere:
        Server.objects.update(url=elsewhere)
        Thread.objects.filter(look_at__isnull=False).update(look_at="2000-01-01T00:00:00Z")
        assert there.after(run, there.look).state == "RUNNING"
    Server.objects.update(url=url)
    time.sleep(3)
    assert there.follow(run).state == "SUCCEEDED", run.error


def test_what_was_taken_for_gone_and_waits_again_is_asked_again(there, world, monkeypatch):
    run = slow_answer(there, world, seconds=0)
    gone = ServerTrouble("gone", sent=False, answered=404)
    gone.lacks = "thread"

    def not_there(self, thread):
        raise gone

    monkeypatch.setattr(Connection, "standing", not_there)
    decide(asked(run)[0], there.cast.second)
    assert there.after(run).state == "FAILED" and run.pauses.get().state == "ORPHANED"
    monkeypatch.undo()
    with pytest.raises(WrongState, match="in a run of its own"):
        agents.retry_run(run.pk, by=there.cast.operator, door="web")
    second = there.found("inbox")
    assert second.pk != run.pk and second.state == "WAITING"
    there.look()
    assert Run.objects.count() == 2
    decide(asked(second)[0], there.cast.second)
    assert there.after(second).state == "SUCCEEDED" and lines(world) == ['pay {"cents": 300}']


def test_an_assistant_that_is_gone_fails_its_run_and_can_be_tried_again(there, world):
    made = there.dev.ask("POST", "/assistants", graph_id="inbox", name="mortal", metadata={})["assistant_id"]
    agents.add_server(url=there.dev.url, headers={}, by=there.cast.admin.actor)
    thread = there.dev.ask("POST", "/threads", metadata={})["thread_id"]
    there.dev.ask("POST", f"/threads/{thread}/runs", assistant_id=made, input={"world": world})
    there.dev.until(thread, "interrupted")
    run = there.found("mortal")
    httpx.delete(f"{there.dev.url}/assistants/{made}", timeout=30)
    assert there.dev.status(thread) == "interrupted"
    decide(asked(run)[0], there.cast.second)
    assert there.after(run).state == "FAILED" and "does not take the answer" in run.error, run.error
    assert lines(world) == [] and Handover.objects.get().state == "REFUSED"
    agents.retry_run(run.pk, by=there.cast.operator, door="web")
    assert there.after(run).state == "FAILED" and lines(world) == []


def test_a_graph_that_is_gone_for_a_while_is_named_and_decisions_wait(mortal, world, capsys):
    run = slow_answer(mortal, world, seconds=0)
    config = mortal.dev.folder / "langgraph.json"
    whole = config.read_text()
    mortal.dev.end()
    config.write_text(whole.replace('"inbox":', '"outbox":'))
    mortal.dev.start()
    mortal.look()
    assert mortal.after(run).state == "WAITING" and "no graph inbox now" in run.error
    call_command("agents", "servers")
    assert "no graph inbox now" in capsys.readouterr().out and "no graph inbox now" in mortal.page("agents")
    with pytest.raises(SystemExit):
        call_command("agents", "check")
    assert "no graph inbox now" in capsys.readouterr().out
    decide(asked(run)[0], mortal.cast.second)
    assert mortal.after(run).state == "WAITING" and "no graph inbox now" in run.error
    before = Event.objects.count()
    mortal.look()
    mortal.look()
    assert Event.objects.count() == before, "it waits, and is not tried over and over"
    assert not Handover.objects.exists() and not Effect.objects.filter(state="CLAIMED").exists()
    mortal.dev.end()
    config.write_text(whole)
    mortal.dev.start()
    assert mortal.after(run, mortal.look).state == "SUCCEEDED", run.error
    assert lines(world) == ['pay {"cents": 300}'] and Server.objects.get().note == ""


def test_a_server_may_call_two_assistants_alike_and_is_registered_again_for_new_ones(there, world):
    made = [there.dev.ask("POST", "/assistants", graph_id="inbox", metadata={}) for _ in range(2)]
    try:
        thread = there.dev.ask("POST", "/threads", metadata={})["thread_id"]
        there.dev.ask("POST", f"/threads/{thread}/runs", assistant_id=made[0]["assistant_id"], input={"world": world})
        there.dev.until(thread, "interrupted")
        there.look()
        assert "1 thread waits of an assistant" in Server.objects.get().note
        _, found = agents.add_server(url=there.dev.url, headers={}, prefix="more-", by=there.cast.admin.actor)
        names = {a.assistant: a.slug for a in found}
        first, second = (names[one["assistant_id"]] for one in made)
        assert {first, second} > {"more-untitled"} and first != second and sorted([first, second])[1].startswith("more-untitled-")
        there.look()
        assert Server.objects.get().note == "" and Run.objects.get(agent=first).state == "WAITING"
        _, again = agents.add_server(url=there.dev.url, headers={}, by=there.cast.admin.actor)
        assert {a.slug for a in again} == set(names.values())
    finally:
        for one in made:
            httpx.delete(f"{there.dev.url}/assistants/{one['assistant_id']}", timeout=30)


# -- the address, the keys and the hint ---------------------------------------------------------------------------------
def test_the_key_lies_sealed_and_is_nowhere_in_the_log(there):
    assert "a secret" not in Server.objects.get().headers
    assert not any(b"a secret" in bytes(body) for body in Event.objects.values_list("body", flat=True))


def test_a_hint_only_brings_the_look_forward(there, client):
    server = Server.objects.get()
    Server.objects.update(look_at="2100-01-01T00:00:00Z")
    path = hinting.hook_of(server).removeprefix("http://localhost:8000")
    path = path[path.index("/hooks/") :]
    assert client.post(reverse("server-hint", args=[server.pk, "x"])).status_code == 404
    assert client.post(reverse("server-hint", args=[server.pk + 1, "x"])).status_code == 404
    assert client.get(path).status_code == 405
    for odd in ("é" * 9, "a" * 1_900, "%E2%80%AE", "%ff", "%00"):
        assert client.post(f"/hooks/agent-servers/{server.pk}/{odd}").status_code in {400, 404}, odd
    assert client.post(f"/hooks/agent-servers/{10**30}/x").status_code == 404
    assert Server.objects.get().look_at.year == 2100
    assert client.post(path, data=b"\x00nonsense", content_type="application/json").status_code == 202
    assert Server.objects.get().look_at.year < 2100


def test_a_server_that_refuses_our_webhook_gets_its_answer_without(there, world):
    Server.objects.update(tells=True)  # the development server calls no address of this machine
    run = slow_answer(there, world, seconds=0)
    decide(asked(run)[0], there.cast.second)
    assert there.after(run).state == "SUCCEEDED", run.error
    assert lines(world) == ['pay {"cents": 300}']


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://host",
        "http://",
        "http://a b",
        "http://user:pass@host",
        "http://host/?x=1",
        "http://host:99999",
        "http://h\x00st",
        "//host",
    ],
)
def test_addresses_that_are_none_are_refused(db, url):
    with pytest.raises(BadInput):
        agents.add_server(url=url, headers={})


def test_keys_do_not_go_in_the_clear_through_the_internet(db):
    with pytest.raises(BadInput, match="in the clear"):
        agents.add_server(url="http://8.8.8.8", headers={"x-api-key": "k"})
    with pytest.raises(BadInput, match="header"):
        agents.add_server(url="http://127.0.0.1:1", headers={"x\r\ny": "k"})


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (302, b"", "redirect"),
        (200, b"<html>", "no Agent Server"),
        (200, b"[1, 2]", "no Agent Server"),
        (200, b'{"a": 1}', "no Agent Server"),
        (401, b'{"detail": "no"}', "does not let us in"),
        (500, b"broken", "answers 500"),
    ],
)
def test_servers_that_are_none_are_named_so(cast, status, body, said):
    with answering(status, body) as url, pytest.raises(ServerTrouble, match=said):
        agents.add_server(url=url, headers={})
    assert not Server.objects.exists() and not Agent.objects.exists()


def test_a_server_that_turns_to_nonsense_is_shown_and_nothing_breaks(there):
    with answering(200, b'[{"thread_id": 1}]') as url:
        Server.objects.update(url=url)
        there.look()
    assert "no Agent Server" in Server.objects.get().error
    page = there.page("agents")
    assert "no Agent Server" in page and "Last reached" in page


def test_only_the_door_for_agents_servers_registers_them(there):
    with pytest.raises(Exception, match="runs on an Agent Server"):
        agents.start_run(agent="inbox", input={}, by=there.cast.operator, door="web")
    with pytest.raises(Exception, match=r"manage\.py agents remote"):
        agents.declare(slug="inbox", title="", description="", environment="demo", tools=[], by=there.cast.admin, door="api")


def test_a_run_whose_time_is_up_is_cancelled_there_and_ends_here_with_what_it_has(there, world, monkeypatch):
    monkeypatch.setattr("agents.operations.there.FOLLOW_S", 0.5)
    with pytest.raises(WrongState, match="is not counted here"):
        agents.set_default("inbox", money="1", reason="short", by=there.cast.operator, door="cli")
    agents.set_default("inbox", seconds=3, reason="short", by=there.cast.operator, door="cli")
    run = slow_answer(there, world, seconds=60)
    assert run.limit_s == 3 and [one.words for one in budgeted.defaults()] == ["3 s of work"]
    Run.objects.filter(pk=run.pk).update(driven_ms=0)
    time.sleep(3)
    decide(asked(run)[0], there.cast.second)
    assert there.after(run).state == "RUNNING", "how long people took does not count"
    there.dev.runs_now(run.there.thread)
    assert there.follow(run).state == "PARTIAL" and run.error == "Task timed out after 3 s"
    there.dev.until(run.there.thread, "interrupted")
    assert 3_000 <= run.driven_ms < 60_000 and run.finished_at and isinstance(run.output, dict)
    assert Effect.objects.get().state == "UNKNOWN" and not Pause.objects.filter(state="OPEN").exists()
    there.look()
    assert (Run.objects.count(), lines(world)) == (1, []), "what it asked is not asked again"
