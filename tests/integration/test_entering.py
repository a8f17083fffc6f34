"""Between a claim and the tool's first line: whoever is late looks again, and an order waits a moment before it is acknowledged."""

import math
import time
from uuid import uuid4

import psycopg
import pytest
from django.db import OperationalError

from agents import operations as agents
from agents.models import Compensation, Effect, Run
from agents.operations import alone, calling, compensating, driving, executing, leave, stretches
from agents.tools.registry import ToolContext
from agents.tools.runner import Ran
from approvals import operations as approvals
from approvals.operations import entering
from tests import factories
from tests.agents_for_tests.world import TOOLS
from tests.factories import asked, call, decide, lines, work
from tests.fakes import clock_moved, together
from tests.integration.test_compensating import book, done, trip
from tests.integration.test_executing import dies
from tests.integration.test_loops import Killed, died, dies_at

pytestmark = [pytest.mark.usefixtures("agents"), pytest.mark.django_db(transaction=True)]
ADA = [["send", {"to": "ada"}]]


@pytest.fixture
def late(cast, monkeypatch):
    """`late(module)`: whoever claims there next stands still until everything is halted. Gives the orders."""
    orders = []

    def in_module(module):
        def stood_still(sure_at, halted):
            monkeypatch.setattr(module, "may_enter", entering.may_enter)
            # In a thread that closes its connection: this one may be of a graph, which has none.
            orders.extend(together([lambda: approvals.halt(scope="everything", reason="now", by=cast.operator, door="web")]))
            return entering.may_enter(-math.inf, halted)

        monkeypatch.setattr(module, "may_enter", stood_still)
        return orders

    return in_module


def goes_on(cast, orders):
    assert len(orders) == 1, "it was never asked whether it may enter"
    factories.release(orders[0], cast)
    agents.recover(wake=False)
    work()


def test_a_call_that_is_late_is_never_made_and_the_agent_is_told(cast, world, late):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    orders = late(executing)
    agents.execute(action.pk)
    effect = Effect.objects.get(pk=action.pk)
    assert (effect.state, lines(world)) == ("FAILED", []) and "nothing was done" in effect.error
    goes_on(cast, orders)
    assert (Run.objects.get(pk=run.pk).state, lines(world)) == ("SUCCEEDED", [])


def test_a_reversal_that_is_late_is_owed_as_before(cast, trips, world, late):
    run = trip(cast, world, *map(book, ("hotel", "flight")), fails_at=2)
    orders = late(compensating)
    agents.compensate(run.pk)
    owed = Compensation.objects.filter(run=run)
    assert (done(world), list(owed.values_list("state", "attempts"))) == (["booked hotel"], [("OWED", 0)])
    goes_on(cast, orders)
    agents.compensate(run.pk)
    assert (done(world), list(owed.values_list("state", "attempts"))) == (["booked hotel", "gave back hotel"], [("DONE", 1)])


@pytest.mark.parametrize("module", [calling, leave])
def test_a_call_of_the_agent_itself_that_is_late_does_not_begin(others, world, late, module):
    if module is calling:
        factories.register(factories.LOOPS)
    run = factories.planned(others.reviewer, world, *[ADA], **({"agent": "governed"} if module is calling else {}))
    work()
    (action,) = asked(run)
    decide(action, others.second)
    orders = late(module)
    work()
    assert lines(world) == []
    assert not Effect.objects.filter(run=run, begun_at__isnull=False).exists()
    assert not Effect.objects.filter(run=run, told_at__isnull=False).exists()
    goes_on(others, orders)
    if module is leave:  # its node has taken the answer: it cannot be asked again where it stands, and says so
        stands = Run.objects.get(pk=run.pk)
        assert (stands.state, lines(world)) == ("FAILED", []) and "approved before a halt" in stands.error
        return
    for again in asked(run):  # what was approved before a halt does not survive it
        decide(again, factories.another_reviewer())
    work()
    assert Run.objects.get(pk=run.pk).state == "SUCCEEDED" and len(lines(world)) == 1


def test_a_repetition_that_is_late_does_not_say_that_nothing_was_done(cast, world, late, monkeypatch):
    """The first call was made, and its worker died before it could say so."""
    action = dies(cast, world, "append_again", monkeypatch)
    assert len(lines(world)) == 1
    with clock_moved(minutes=1):
        orders = late(executing)
        agents.execute(action.pk, again=True)
    effect = Effect.objects.get(pk=action.pk)
    assert effect.state in {"CLAIMED", "UNKNOWN"} and "may have been done" in effect.error
    factories.release(orders[0], cast)
    with clock_moved(minutes=3):
        agents.execute(action.pk, again=True)
    assert Effect.objects.get(pk=action.pk).state in {"DONE", "UNKNOWN"}


def test_a_repetition_by_the_agent_that_is_late_is_not_forgotten(others, world, late, monkeypatch):
    factories.register(factories.LOOPS)
    run = factories.planned(others.reviewer, world, [["send_again", {"to": "ada"}]], agent="governed")
    work()
    decide(asked(run)[0], others.second)
    dies_at(monkeypatch, "effect_done")
    with pytest.raises((psycopg.OperationalError, Killed)):
        work()
    monkeypatch.setattr(driving, "put_down", stretches.put_down)
    orders = late(calling)
    died(run)
    assert Effect.objects.get(run=run).begun_at is not None
    goes_on(others, orders)
    effect = Effect.objects.get(run=run)
    assert (effect.state, len(lines(world)), asked(run)) == ("UNKNOWN", 1, [])


def test_an_order_is_acknowledged_when_whoever_claimed_before_has_entered(cast):
    began = time.monotonic()
    approvals.halt(scope="everything", reason="now", by=cast.operator, door="web")
    assert time.monotonic() - began >= entering.ACKNOWLEDGED_AFTER_S > 2 * entering.ENTER_WITHIN_S


def test_who_is_in_time_does_not_look_and_who_is_late_looks_until_it_is_sure():
    def never():
        raise AssertionError("looked")

    assert entering.may_enter(time.monotonic(), never)
    looks = []

    def slow():
        looks.append(1)
        time.sleep(1.2 * entering.ENTER_WITHIN_S if len(looks) < 3 else 0)
        return False

    assert entering.may_enter(-math.inf, slow) and len(looks) == 3
    assert not entering.may_enter(-math.inf, lambda: True)


def test_who_cannot_be_sure_does_not_enter(monkeypatch):
    monkeypatch.setattr(entering, "PATIENCE_S", 0.5)

    def never_in_time():
        time.sleep(1.2 * entering.ENTER_WITHIN_S)
        return False

    assert not entering.may_enter(-math.inf, never_in_time)


def test_a_call_beside_us_does_not_begin_while_nobody_can_be_asked_about_halts(cast, monkeypatch):
    """Its last look failed, which was taken for "no order is in force"."""

    def refused(ids):
        raise OperationalError("connection refused")

    def runs(command, job, *, may_begin, **_):
        return Ran("done" if may_begin() else "failed", {}, "", "")

    monkeypatch.setattr("approvals.queries.halted_actions", refused)
    monkeypatch.setattr("agents.tools.alone.run", runs)
    ctx = ToolContext(str(uuid4()), "run", "agent", "key", {})
    assert alone.call(TOOLS[0], None, ctx, code=("p", "g", 1)).status == "failed"
