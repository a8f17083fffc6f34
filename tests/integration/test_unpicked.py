"""Whether a worker comes: nobody is alarmed over what waits for people, for an order to be lifted, or for an operator."""

from datetime import timedelta

import pytest

from agents import overview
from agents.models import Effect
from agents.operations import recovering
from agents.queries import overdue
from approvals.operations import halt
from tests import factories
from tests.factories import asked, call, decide, work
from tests.fakes import clock_moved

LATE = {"runs": 0, "effects": 0}


def late() -> dict[str, int]:
    with clock_moved(minutes=5):
        found = overdue()
    return {name: found[name] for name in LATE}


def waits() -> tuple[timedelta | None, timedelta | None]:
    found = overview.unpicked()
    return found.run_for, found.effect_for


def test_a_call_waits_for_the_others_of_its_turn(others, world):
    """A batch that stayed half decided for a minute alarmed the operators, and doctor asked whether a worker runs."""
    run = factories.planned(others.reviewer, world, [["send", {"to": "ada"}], ["send", {"to": "bob"}]])
    work()
    first, second = asked(run)
    decide(first, others.second)
    assert Effect.objects.get(pk=first.pk).state == "READY"
    assert (late(), waits()) == (LATE, (None, None))
    decide(second, others.second)
    assert late() == {"runs": 1, "effects": 0} and waits()[0] is not None
    work()
    assert (late(), waits()) == (LATE, (None, None))


@pytest.mark.usefixtures("agents")
def test_what_an_order_stops_waits_for_that(cast, world):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    assert late() == {"runs": 0, "effects": 1} and waits()[1] is not None
    halt(scope="everything", reason="r", by=cast.operator, door="web")
    assert (late(), waits()) == (LATE, (None, None))
    with clock_moved(minutes=5):
        assert not recovering.recover(wake=False).effects
