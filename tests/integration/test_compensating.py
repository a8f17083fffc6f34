"""What a run did is reversed: when, in which order, once, and what becomes of what cannot be."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse as reverse_url

import agents.operations as agents
from agents import compensated, queries
from agents.errors import UnknownEffect, WrongState
from agents.graphs import checkpoints
from agents.models import Compensation, CompensationOrder, Effect, Run
from agents.operations import owing
from agents.states import CompensationState
from agents.views import halt_scopes
from approvals import operations
from approvals.errors import BadRequest, NotAllowed
from approvals.models import Halt
from approvals.operations import Also, halts
from audit.queries import timeline
from tests import factories
from tests.factories import asked, decide, lines, work

LABELS = ("hotel", "flight", "car", "boat", "dinner")


def book(label, tool="book"):
    return {"tool": tool, "args": {"label": label}}


def trip(cast, world, *calls, agent="trip", reject=(), **more):
    """A run driven to its end, everything approved but the calls of these labels."""
    run = agents.start_run(agent=agent, input={"world": world, "calls": list(calls), **more}, by=cast.operator, door="web")
    for _ in range(12):
        work()
        waits = asked(run)
        for action in waits:
            refused = any(f" {label}" in action.summary for label in reject)
            decide(action, cast.second, "reject" if refused else "approve")
        if not waits:
            break
    work()
    run.refresh_from_db()
    return run


def reverse(run):
    return agents.compensate(run.pk)


def reverse_there(run):
    """In another thread, which has a connection of its own."""
    try:
        reverse(run)
    finally:
        connection.close()


def done(world):
    return [line.split(" ", 1)[1] for line in lines(world)]


def states(run):
    return {c.tool + " " + (c.effect.result or {}).get("booked", ""): c.state for c in Compensation.objects.filter(run=run)}


@pytest.mark.parametrize("step", range(1, 6))
def test_a_run_that_fails_at_any_step_has_what_it_did_reversed_the_last_first(cast, trips, world, step):
    run = trip(cast, world, *map(book, LABELS), fails_at=step)
    assert run.state == "FAILED"
    reverse(run)
    before = LABELS[: step - 1]
    assert done(world) == [f"booked {label}" for label in before] + [f"gave back {label}" for label in reversed(before)]
    assert {e.state for e in Effect.objects.filter(run=run)} <= {"COMPENSATED"}
    assert CompensationOrder.objects.filter(run=run, ended_at__isnull=False).exists() == bool(before)


def test_each_is_asked_with_a_key_of_its_own_and_is_on_record(cast, trips, world):
    run = trip(cast, world, book("hotel"), fails_at=2)
    reverse(run)
    effect = Effect.objects.get(run=run)
    assert [line.split()[0] for line in lines(world)] == [str(effect.pk), f"compensate-{effect.pk}"]
    kinds = [event.kind for event in timeline(action=str(effect.pk))]
    assert kinds[-2:] == ["effect.compensating", "effect.compensated"]
    assert [e.kind for e in timeline(run=str(run.pk))][-1] == "run.compensated"
    assert reverse(run) == 0


def test_what_people_refused_mid_way_has_the_rest_reversed_at_the_end(cast, trips, world):
    run = trip(cast, world, book("hotel"), book("flight"), reject=["flight"])
    assert run.state == "SUCCEEDED"
    reverse(run)
    assert done(world) == ["booked hotel", "gave back hotel"]


def test_a_run_that_succeeds_is_left_alone(cast, trips, world):
    run = trip(cast, world, book("hotel"))
    assert (run.state, reverse(run), done(world)) == ("SUCCEEDED", 0, ["booked hotel"])
    assert compensated.reversal(run.pk) is None


def test_a_cancelled_run_is_reversed_as_declared_or_as_the_canceller_says(cast, trips, world):
    for choice, expected in ((None, True), (False, False), (True, True)):
        run = agents.start_run(agent="trip", input={"world": world, "calls": [book("hotel"), book("flight")]}, by=cast.operator, door="web")
        work()
        decide(asked(run)[0], cast.second)
        work()
        agents.cancel_run(run.pk, reason="the customer stays", by=cast.operator, door="web", compensate=choice)
        assert CompensationOrder.objects.filter(run=run).exists() is expected
        assert not asked(run)


def test_where_the_agent_does_not_declare_it_cancelling_reverses_only_for_operators(cast, trips, world):
    input_ = {"world": world, "calls": [book("hotel"), book("flight")]}
    run = agents.start_run(agent="trip_by_hand", input=input_, by=cast.reviewer, door="web")
    work()
    decide(asked(run)[0], cast.second)
    work()
    with pytest.raises(NotAllowed):
        agents.cancel_run(run.pk, reason="no", by=cast.reviewer, door="web", compensate=True)
    run.refresh_from_db()
    assert run.state == "WAITING"
    agents.cancel_run(run.pk, reason="no", by=cast.reviewer, door="web")
    assert compensated.reversal(run.pk) is None
    agents.order_compensation(run.pk, reason="give it back", by=cast.operator, door="cli")
    reverse(run)
    assert done(world) == ["booked hotel", "gave back hotel"]


def test_a_rejection_that_stops_the_run_reverses_it(cast, trips, world):
    run = agents.start_run(agent="trip", input={"world": world, "calls": [book("hotel"), book("flight")]}, by=cast.operator, door="web")
    work()
    decide(asked(run)[0], cast.second)
    work()
    decide(asked(run)[0], cast.second, "reject", also=Also(stop_run=True))
    run.refresh_from_db()
    assert run.state == "CANCELLED"
    reverse(run)
    assert done(world) == ["booked hotel", "gave back hotel"]


def test_what_cannot_be_reversed_is_listed_with_whom_to_call_and_the_rest_is_reversed(cast, trips, world):
    run = trip(cast, world, book("hotel"), book("letter", "mail"), book("spent"), book("it", "look_up"), fails_at=5)
    reverse(run)
    found = compensated.reversal(run.pk)
    assert [(r.tool, r.state, r.error, r.contact) for r in found.rows] == [
        ("book", "FAILED", "the voucher is spent", ""),
        ("mail", "FAILED", "mail declares nothing that would reverse it", "post room, extension 7"),
        ("book", "DONE", "", ""),
    ]
    assert found.ended_at
    assert {r.tool for r in compensated.not_reversed()} == {"book", "mail"}


def test_what_nobody_knows_waits_for_what_a_person_says(cast, trips, world):
    run = agents.start_run(agent="trip_by_hand", input={"world": world, "calls": [book("car", "half")]}, by=cast.operator, door="web")
    work()
    decide(asked(run)[0], cast.second)
    work()
    agents.cancel_run(run.pk, reason="enough", by=cast.operator, door="web", compensate=True)
    reverse(run)
    (one,) = compensated.reversal(run.pk).rows
    assert (one.state, "nobody knows" in one.error) == ("FAILED", True)
    with pytest.raises(WrongState, match="say so first"):
        agents.try_again(one.action_id, reason="now", by=cast.operator, door="cli")
    agents.resolve_unknown(one.action_id, done=False, reason="looked: not there", by=cast.operator, door="web")
    agents.try_again(one.action_id, reason="now", by=cast.operator, door="cli")
    assert compensated.reversal(run.pk).rows[0].state == "DONE"
    assert done(world) == ["booked car"]


def half_done(cast, world, *before):
    """A run that waits because nobody knows whether its last call was done."""
    calls = [*before, book("car", "half")]
    run = agents.start_run(agent="trip_by_hand", input={"world": world, "calls": calls}, by=cast.operator, door="web")
    for _ in calls:
        work()
        decide(asked(run)[0], cast.second)
    work()
    return run, Effect.objects.get(run=run, state="UNKNOWN")


def test_what_nobody_knew_is_undone_with_the_rest_of_its_run(cast, trips, world):
    run, effect = half_done(cast, world, book("hotel"))
    for person, error in ((cast.reviewer, NotAllowed), (cast.auditor, NotAllowed)):
        with pytest.raises(error):
            agents.resolve_undone(effect.pk, reason="it is in their list", by=person, door="web")
    with pytest.raises(BadRequest):
        agents.resolve_undone(effect.pk, reason=" ", by=cast.operator, door="web")
    run.refresh_from_db()
    assert (run.state, Effect.objects.get(pk=effect.pk).state) == ("WAITING", "UNKNOWN")
    agents.resolve_undone(effect.pk, reason="it is in their list", by=cast.operator, door="web")
    run.refresh_from_db()
    assert (run.state, CompensationOrder.objects.get(run=run).why, asked(run)) == ("CANCELLED", "cancelled", [])
    work()
    reverse(run)
    assert done(world) == ["booked hotel", "booked car", "gave back car", "gave back hotel"]
    assert set(Effect.objects.filter(run=run).values_list("state", flat=True)) == {"COMPENSATED"}
    with pytest.raises(WrongState, match="Its outcome is known"):
        agents.resolve_undone(effect.pk, reason="again", by=cast.operator, door="web")


def test_what_was_left_of_a_reversal_is_taken_up_again_once_it_is_said_to_be_done(cast, trips, world):
    run, effect = half_done(cast, world)
    agents.cancel_run(run.pk, reason="enough", by=cast.operator, door="web", compensate=True)
    reverse(run)
    assert compensated.reversal(run.pk).rows[0].state == "FAILED"
    agents.resolve_undone(effect.pk, reason="it is in their list", by=cast.operator, door="cli")
    reverse(run)
    assert (compensated.reversal(run.pk).rows[0].state, done(world)) == ("DONE", ["booked car", "gave back car"])


def test_a_run_that_has_ended_is_reversed_then(cast, trips, world):
    run, effect = half_done(cast, world)
    agents.cancel_run(run.pk, reason="enough", by=cast.operator, door="web", compensate=False)
    agents.resolve_undone(effect.pk, reason="it is in their list", by=cast.operator, door="cli")
    reverse(run)
    assert (CompensationOrder.objects.get(run=run).why, done(world)) == ("ordered", ["booked car", "gave back car"])


def test_it_is_said_on_the_page_and_in_a_terminal(cast, trips, world, client, capsys):
    _run, effect = half_done(cast, world)
    client.force_login(cast.operator, backend="django.contrib.auth.backends.ModelBackend")
    assert b"is to be undone" in client.get(reverse_url("effect-resolve", args=[effect.pk])).content
    answer = client.post(reverse_url("effect-resolved", args=[effect.pk]), {"done": "undo", "reason": "it is in their list"})
    assert (answer.status_code, CompensationOrder.objects.filter(run=_run).exists()) == (302, True)
    _other, effect = half_done(cast, world)
    call_command("runs", "resolve", str(effect.pk), "undo", reason="it is there", by="olga")
    assert "done" in capsys.readouterr().out and CompensationOrder.objects.filter(run=_other).exists()


def test_what_fails_without_saying_why_is_tried_again_in_its_turn_and_then_given_to_people(cast, trips, world, tmp_path):
    run = trip(cast, world, book("hotel"), book("unreliable"), fails_at=3, mended=str(tmp_path / "mended"))
    for _ in range(6):
        reverse(run)
        Compensation.objects.filter(run=run).update(not_before=CompensationOrder.objects.get(run=run).ordered_at)
    assert done(world) == ["booked hotel", "booked unreliable", *["tried unreliable"] * 4, "gave back hotel"]
    one = compensated.reversal(run.pk).left[0]
    assert (one.attempts, "4 times" in one.error) == (4, True)
    (tmp_path / "mended").touch()
    agents.try_again(one.action_id, reason="the system is back", by=cast.operator, door="web")
    assert owing.wanted() == [run.pk]
    reverse(run)
    assert done(world)[-1] == "gave back unreliable"
    assert len({line.split()[0] for line in lines(world) if "unreliable" in line}) == 2  # the call's key, and one for all that reverse it


def test_a_person_may_say_that_they_reversed_it(cast, trips, world):
    run = trip(cast, world, book("letter", "mail"), fails_at=2)
    reverse(run)
    one = compensated.reversal(run.pk).left[0]
    for wrong, why in ((NotAllowed, {"by": cast.reviewer, "reason": "x"}), (BadRequest, {"by": cast.operator, "reason": " "})):
        with pytest.raises(wrong):
            agents.done_by_hand(one.action_id, door="web", **why)
    agents.done_by_hand(one.action_id, reason="caught it in the post room", by=cast.operator, door="web")
    row = compensated.reversal(run.pk).rows[0]
    assert (row.state, row.said_by, queries.effect(one.action_id).state) == ("DONE", "olga", "COMPENSATED")
    with pytest.raises(WrongState):
        agents.done_by_hand(one.action_id, reason="again", by=cast.operator, door="web")


@pytest.mark.parametrize("scope", ["everything", "agent", "run", "tool"])
def test_under_a_halt_nothing_is_reversed_until_the_release(cast, trips, world, scope):
    run = trip(cast, world, book("hotel"), fails_at=2)
    target = {"everything": "", "agent": "trip", "run": str(run.pk), "tool": "book"}[scope]
    order = operations.halt(scope=scope, target=target, reason="stop", by=cast.operator, door="cli")
    assert (reverse(run), done(world)) == (0, ["booked hotel"])
    assert "1 call is not reversed before its release" in halt_scopes.scope(scope, target).counts
    assert "reverse" not in halt_scopes.scope("tool", "flag").counts
    factories.release(order, cast)
    reverse(run)
    assert done(world)[-1] == "gave back hotel"


def test_a_worker_that_died_leaves_it_to_the_next_with_the_same_key(cast, trips, world, monkeypatch):
    run = trip(cast, world, book("hotel"), fails_at=2)
    from agents.operations import compensating

    def dies(point):
        if point == "compensated":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(compensating, "crash", dies)
        with pytest.raises(KeyboardInterrupt):
            reverse(run)
    assert (reverse(run), owing.wanted()) == (0, [])  # its lease runs still
    assert "1 reversal has begun, what runs in a process of its own is stopped" in halt_scopes.scope("agent", "trip").counts
    order = StringIO()
    call_command("halt", agent="trip", reason="look", by="olga", stdout=order)
    assert "1 call already runs" in order.getvalue()
    factories.release(Halt.objects.get(), cast)
    Compensation.objects.filter(run=run).update(lease_until=run.created_at)
    reverse(run)
    keys = [line.split()[0] for line in lines(world)]
    assert (len(keys), keys[1]) == (3, keys[2])
    kinds = [event.kind for event in timeline(action=keys[0])]
    assert kinds[-4:] == ["effect.compensating", "effect.compensation_recovered", "effect.compensating", "effect.compensated"]
    assert states(run) == {"book hotel": "DONE"}


def test_nothing_of_the_run_begins_any_more_and_it_is_not_taken_up_again(cast, trips, world):
    run = trip(cast, world, book("hotel"), fails_at=2)
    with pytest.raises(WrongState, match="being reversed"):
        agents.pause_run(run.pk, reason="look", by=cast.operator, door="web")
    with pytest.raises(WrongState, match="reversed"):
        agents.retry_run(run.pk, by=cast.operator, door="web")
    for again in (lambda: agents.order_compensation(run.pk, reason="twice", by=cast.operator, door="web"),):
        with pytest.raises(WrongState):
            again()


def test_orders_are_refused_by_name(cast, trips, world):
    run = agents.start_run(agent="trip_by_hand", input={"world": world, "calls": [book("hotel")]}, by=cast.operator, door="web")
    work()
    with pytest.raises(WrongState, match="cancel it"):
        agents.order_compensation(run.pk, reason="x", by=cast.operator, door="web")
    agents.cancel_run(run.pk, reason="x", by=cast.operator, door="web")
    with pytest.raises(WrongState, match="done nothing"):
        agents.order_compensation(run.pk, reason="x", by=cast.operator, door="web")
    with pytest.raises(NotAllowed):
        agents.order_compensation(run.pk, reason="x", by=cast.reviewer, door="web")
    with pytest.raises(UnknownEffect):
        agents.try_again("no id", reason="x", by=cast.operator, door="web")


def test_the_database_refuses_other_steps_and_two_at_a_time(cast, trips, world):
    run = trip(cast, world, book("hotel"), book("flight"), fails_at=3)
    with transaction.atomic():
        from agents.operations.compensating import _spread

        _spread(Run.objects.get(pk=run.pk))
    ours = Compensation.objects.filter(run=run)
    with pytest.raises(DatabaseError), transaction.atomic():
        ours.update(state=CompensationState.DONE)
    with pytest.raises(DatabaseError), transaction.atomic():
        ours.update(state=CompensationState.CLAIMED)
    with pytest.raises(DatabaseError), transaction.atomic():
        ours.delete()


@pytest.mark.django_db(transaction=True)
def test_a_claim_that_had_not_seen_the_order_is_waited_for(cast, trips, world):
    run = trip(cast, world, book("hotel"), fails_at=2)
    with psycopg.connect(checkpoints.direct_dsn()) as claiming, ThreadPoolExecutor(1) as pool:
        claiming.execute(halts.HOLD_OFF)  # as every claim does, until it commits
        reversing = pool.submit(reverse_there, run)
        with pytest.raises(TimeoutError):
            reversing.result(timeout=0.7)
        assert done(world) == ["booked hotel"]
        claiming.commit()
        reversing.result(timeout=20)
    assert done(world)[-1] == "gave back hotel"


def test_what_a_run_did_whose_time_was_up_is_reversed_like_that_of_a_failed_one(cast, trips, world):
    run = agents.start_run(agent="trip", input={"world": world, "calls": [book("hotel"), book("car")]}, by=cast.operator, door="web")
    work()
    decide(asked(run)[0], cast.second)
    work()
    decide(asked(run)[0], cast.second, "respond")
    Run.objects.filter(pk=run.pk).update(limit_s=1, driven_ms=1_000)
    work()
    assert (Run.objects.get(pk=run.pk).state, CompensationOrder.objects.get().why) == ("PARTIAL", "failed")
    reverse(run)
    assert done(world) == ["booked hotel", "gave back hotel"]
