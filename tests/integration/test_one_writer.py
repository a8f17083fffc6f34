"""The events of an action, and of a run, are a line: whoever writes one holds the row it tells of, so the next waits instead of failing."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from agents import operations as agents
from agents.dialects.record import Made
from agents.graphs.desk import GO
from agents.models import Effect, OutcomeCheck, Run
from agents.operations import calling, executing, owing, settling
from agents.operations.unknown import give_up
from agents.tools.runner import Ran
from approvals import operations
from approvals.models import Snooze
from approvals.operations import commenting, snoozing
from audit import log, queries
from tests import factories
from tests.factories import call, decide
from tests.fakes import clock_moved
from tests.integration.test_asking_again import failed
from tests.integration.test_compensating import book, trip
from tests.integration.test_turns import kinds

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("agents")]


def one_behind_the_other(
    first: Callable[[], Any], second: Callable[[], Any], *, meanwhile: Callable[[], Any] = lambda: None
) -> tuple[Any, bool]:
    """The second begins when the first has written and not committed. What the second came to, and whether it waited.

    Args:
        meanwhile: what the first still does while the second waits.
    """
    came: list[Any] = []

    def there() -> None:
        try:
            came.append(second())
        except Exception as error:
            came.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=there)
    with transaction.atomic():
        first()
        thread.start()
        thread.join(0.4)
        waited = thread.is_alive()
        meanwhile()
    thread.join(20)
    assert all(isinstance(n, int) for n in queries.verify())
    return came[0], waited


def snoozed(cast, level="medium"):
    action = factories.action(level)
    operations.snooze(action.pk, by=cast.reviewer, seconds=600, door="web")
    return action


def back(action, cast) -> None:
    operations.unsnooze(action.pk, by=cast.reviewer, door="web")


def test_back_at_once_waits_for_a_decision_and_a_decision_for_it(cast):
    action = snoozed(cast)
    assert one_behind_the_other(lambda: decide(action, cast.second), lambda: back(action, cast)) == (None, True)
    action = snoozed(cast)
    came, waited = one_behind_the_other(lambda: back(action, cast), lambda: decide(action, cast.second))
    assert (came.resolved, waited) == (True, True)
    assert kinds(action)[-3:] == ["action.unsnoozed", "decision.recorded", "action.approved"]


def test_whose_time_is_up_is_woken_when_nobody_is_at_the_action(cast):
    action = snoozed(cast)
    with clock_moved(minutes=11):
        assert one_behind_the_other(lambda: decide(action, cast.second), snoozing.wake_due) == (0, False)
        assert Snooze.objects.exists() and snoozing.wake_due() == 1
        action = snoozed(cast)
    with clock_moved(minutes=22):
        came, waited = one_behind_the_other(snoozing.wake_due, lambda: decide(action, cast.second))
    assert (came.resolved, waited) == (True, True) and kinds(action).count("action.unsnoozed") == 1


@pytest.mark.parametrize("first", ["undo", "wake"])
def test_asked_anew_and_woken_at_one_moment_is_told_once(cast, first):
    """Each used to hold what the other waited for."""
    action = snoozed(cast, "critical")
    decide(action, cast.second)

    def undo() -> None:
        operations.undo(action.pk, by=cast.second, reason="wrong table", door="web")

    with clock_moved(minutes=11):
        order = (undo, snoozing.wake_due) if first == "undo" else (snoozing.wake_due, undo)
        came, _ = one_behind_the_other(*order)
    assert not isinstance(came, Exception), came
    assert kinds(action).count("action.unsnoozed") == 1 and not Snooze.objects.exists()


def test_who_put_it_aside_for_longer_meanwhile_is_not_woken(cast):
    action = snoozed(cast)
    row = Snooze.objects.get()
    Snooze.objects.update(until=Now())
    operations.snooze(action.pk, by=cast.reviewer, seconds=900, door="web")
    assert not snoozing._wake(row.pk, action.pk) and Snooze.objects.exists()


@pytest.fixture
def begun(cast, world):
    """A call of append that a worker is at, in one of its states."""

    def made(state: str = "CLAIMED") -> Effect:
        _run, action = factories.waiting(cast.reviewer, call(label="x"), world=world)
        decide(action, cast.second)
        Path(world).write_text("")
        Effect.objects.filter(pk=action.pk).update(state="CLAIMED", claimed_at=Now(), lease_until=Now(), fence=1, attempts=1)
        if state != "CLAIMED":
            Effect.objects.filter(pk=action.pk).update(state=state, error="gone")
        return Effect.objects.select_related("run").get(pk=action.pk)

    return made


def said(effect: Any, cast) -> Callable[[], Any]:
    """Somebody says something of the action: any event under its row's lock."""
    return lambda: commenting.comment(effect.pk, by=cast.operator, text="I am looking", door="web")


@transaction.atomic
def ended(effect: Effect) -> None:
    """Its run ends, and what the agent had begun told nobody what came of it."""
    log.append(settling.settle(effect.run, effect, Made("unknown", error="gone")))


def written(effect: Effect, cast, what: str) -> Callable[[], Any]:
    if what == "asked":
        return lambda: agents.ask_outcome(effect.pk, by=cast.operator, door="web")
    if what == "answered":
        check = OutcomeCheck.objects.create(effect=effect, by=cast.operator, by_name="o", door="web")
        return lambda: agents.check_outcome(check.pk)
    if what == "given up":
        return lambda: give_up(effect.pk)
    if what == "ended":
        return lambda: ended(effect)
    claim: Any = SimpleNamespace(action_id=effect.pk, agent="calls", run=str(effect.run_id), digest=effect.digest, tool="append", args={})
    tool: Any = SimpleNamespace(name="append", idempotent=what == "tried again")
    taken = executing.Taken(claim, effect.run, tool, 1, 1, 0.0)
    return lambda: executing._record(taken, Ran("unknown", {}, "gone", "timeout"), effect.created_at)


@pytest.mark.parametrize("what", ["asked", "answered", "given up", "tried again", "unknown", "ended"])
def test_what_is_written_of_a_call_waits_for_what_is_said_of_its_action(cast, begun, what):
    effect = begun("UNKNOWN" if what in {"asked", "answered"} else "CLAIMED")
    came, waited = one_behind_the_other(said(effect, cast), written(effect, cast, what))
    if what == "given up":  # by the sweeper, which comes again instead of holding everything else up
        assert (came, waited, written(effect, cast, what)()) == (False, False, True)
    else:
        assert waited and not isinstance(came, Exception), came


@pytest.mark.parametrize("what", ["asked", "given up", "tried again", "unknown"])
def test_what_is_said_of_an_action_waits_for_what_is_written_of_its_call(cast, begun, what):
    effect = begun("UNKNOWN" if what == "asked" else "CLAIMED")
    came, waited = one_behind_the_other(written(effect, cast, what), said(effect, cast))
    assert waited and came.text == "I am looking", came


def test_what_an_agent_says_of_its_run_waits_for_an_operator(cast, world):
    run, _ = factories.waiting(cast.reviewer, call(label="x"), world=world)
    Run.objects.filter(pk=run.pk).update(state="READY")
    Run.objects.filter(pk=run.pk).update(state="RUNNING", lease_until=Now() + timedelta(minutes=1))
    run.refresh_from_db()
    ledger = calling.Ledger(run.pk, run.fence)

    def paused() -> None:
        agents.pause_run(run.pk, reason="a look", by=cast.operator, door="web")

    came, waited = one_behind_the_other(paused, lambda: ledger.piece("k"))
    assert (came, waited) == ((GO, None), True)


def test_what_could_not_be_reversed_is_said_under_the_actions_row(cast, begun):
    """Locks in one order: the action, then its effect."""
    effect = begun("UNKNOWN")
    came, waited = one_behind_the_other(
        said(effect, cast), lambda: owing.done_by_hand(effect.pk, reason="by hand", by=cast.operator, door="web")
    )
    assert waited and came.message == "Nothing of that kind is to be reversed"


def test_reversing_a_call_waits_for_what_is_said_of_its_action_and_goes_on(cast, trips, world):
    run = trip(cast, world, book("hotel"))
    agents.order_compensation(run.pk, reason="not wanted", by=cast.operator, door="web")
    effect = Effect.objects.get(run=run)
    came, waited = one_behind_the_other(said(effect, cast), lambda: agents.compensate(run.pk))
    assert (came, waited) == (1, True)
    assert kinds(SimpleNamespace(pk=effect.pk))[-3:] == ["action.commented", "effect.compensating", "effect.compensated"]


def test_asking_again_waits_for_the_action_before_it_has_the_run(cast, shapes, world):
    """Whoever decides has the action and then wants the run: each held what the other waited for."""
    run, question = failed(cast, world, "number")
    effect = SimpleNamespace(pk=question.pk)

    def take_the_run() -> None:
        assert Run.objects.select_for_update(nowait=True).get(pk=run.pk).state == "FAILED"

    came, waited = one_behind_the_other(
        said(effect, cast), lambda: agents.ask_again(run.pk, by=cast.operator, door="web"), meanwhile=take_the_run
    )
    assert waited and came.state == "READY", came
