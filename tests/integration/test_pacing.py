"""Whoever approves faster than anybody reads is told, with the operators, once; and nobody else."""

import pytest

from approvals.operations import pacing
from approvals.queries import desks
from audit.queries import events
from tests import factories
from tests.factories import decide
from tests.fakes import clock_moved

pytestmark = pytest.mark.usefixtures("cast")


def kinds(person) -> list[str]:
    return [notice.kind for notice in desks.notices(person)]


def test_many_within_a_minute_are_told_once(cast, settings):
    settings.HASTE = 5
    for n in range(5):
        assert pacing.sound_alarms() == []
        decide(factories.action(args={"what": n}), cast.reviewer, looked={"ms": 1_000 + n})
    assert [(h.user, h.decided, h.median_ms) for h in pacing.sound_alarms()] == [(cast.reviewer.pk, 5, 1_002)]
    assert pacing.sound_alarms() == []
    assert (kinds(cast.reviewer), kinds(cast.operator), kinds(cast.second)) == (["person.haste_own"], ["person.haste"], [])
    (event,) = [e for e in events(stream=f"person:{cast.reviewer.pk}").rows if e.kind == "person.hasty"]
    assert event.data == {"username": "rita", "approvals": 5, "seconds": 60, "median_ms": 1_002}


def test_rejections_and_what_is_older_do_not_count_and_nought_is_off(cast, settings):
    settings.HASTE = 3
    for n in range(3):
        decide(factories.action(args={"what": n}), cast.reviewer, "reject")
        decide(factories.action(args={"when": n}), cast.second)
    with clock_moved(seconds=61):
        assert pacing.sound_alarms() == []
    settings.HASTE = settings.BUDGET = 0
    assert pacing.sound_alarms() == []


def test_whoever_decided_a_days_worth_is_told_once_in_a_day_with_every_verdict_counting(cast, settings):
    settings.BUDGET = 4
    for n in range(2):
        decide(factories.action(args={"what": n}), cast.reviewer, "reject")
        decide(factories.action(args={"when": n}), cast.reviewer)
        decide(factories.action(args={"who": n}), cast.second)
    with clock_moved(seconds=8 * 3_600 + 1):
        assert pacing.sound_alarms() == []
    with clock_moved(seconds=3_600):
        assert [(h.user, h.decided) for h in pacing.sound_alarms()] == [(cast.reviewer.pk, 4)]
        assert pacing.sound_alarms() == []
    assert (kinds(cast.reviewer), kinds(cast.operator), kinds(cast.second)) == (["person.budget_own"], ["person.budget"], [])
    assert [e.kind for e in events(stream=f"person:{cast.reviewer.pk}").rows].count("person.over_budget") == 1
