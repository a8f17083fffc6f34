"""Deadlines by calendar, quiet hours, and the moments on the way: pure arithmetic. And what is refused, with its line."""

from datetime import UTC, datetime, timedelta

import pytest

from approvals.policy.basics import Level, RequirementRule
from approvals.policy.calendars import Calendar, Quiet
from approvals.policy.checking import Known, KnownAgent, check
from approvals.policy.comparing import loosenings
from approvals.policy.rules import BadPolicy, parse
from approvals.policy.times import put_off, times
from approvals.policy.words import asked
from tests.fakes import policy_text

OFFICE = Calendar.model_validate({"zone": "Europe/Berlin", "opens": "09:00", "closes": "17:30", "holidays": ["2026-11-30"]})
FRIDAY = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)  # 17:00 in Berlin, half an hour before it closes


def rule(**more):
    return RequirementRule.model_validate({"need": [{"group": "reviewers", "count": 1}], "deadline_s": 3600, **more})


def planned(asks, now=FRIDAY, level=Level.MEDIUM, **more):
    return times(asks, level=level, now=now, calendars={"office": OFFICE}, **more)


@pytest.mark.parametrize(
    ("start", "seconds", "end"),
    [
        (FRIDAY, 1_800, datetime(2026, 11, 27, 16, 30, tzinfo=UTC)),
        (FRIDAY, 3_600, datetime(2026, 12, 1, 8, 30, tzinfo=UTC)),  # over the weekend and a holiday
        (datetime(2026, 11, 28, 3, tzinfo=UTC), 60, datetime(2026, 12, 1, 8, 1, tzinfo=UTC)),
        (datetime(2026, 3, 27, 16, 0, tzinfo=UTC), 5_400, datetime(2026, 3, 30, 8, 0, tzinfo=UTC)),  # the clocks go forward
    ],
)
def test_time_counts_while_the_place_is_open(start, seconds, end):
    assert OFFICE.plus(start, seconds) == end


def test_what_counts_between_two_moments_is_what_it_counts_forward():
    for start in (FRIDAY, FRIDAY + timedelta(hours=9), FRIDAY - timedelta(days=3)):
        for seconds in (1, 1_800, 86_400):
            assert OFFICE.within(start, OFFICE.plus(start, seconds)) == seconds
    assert OFFICE.within(FRIDAY, FRIDAY) == OFFICE.within(FRIDAY + timedelta(hours=1), FRIDAY + timedelta(hours=9)) == 0


def test_put_off_the_moments_keep_to_the_hours():
    found = planned(rule(calendar="office", remind=["50%"]))  # half past nine on Tuesday
    until = OFFICE.plus(found.expires_at, 7_200)
    (moment,) = put_off(found.moments, began=FRIDAY, was=found.expires_at, until=until, hours=found.hours)
    assert (until.hour, moment.at) == (10, datetime(2026, 12, 1, 9, 0, tzinfo=UTC))  # half an hour on Friday, one on Tuesday


def test_moments_come_in_order_and_by_the_calendar():
    found = planned(rule(calendar="office", escalate=[{"after": "60%", "to": "admins"}]))
    assert found.expires_at == datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
    assert [(m.kind, m.what) for m in found.moments] == [("remind", "50%"), ("escalate", "admins"), ("remind", "80%")]
    assert found.moments[1].at == datetime(2026, 12, 1, 8, 6, tzinfo=UTC)


def test_a_deadline_that_is_kept_keeps_to_the_hours_and_to_what_was_put_off():
    asks = rule(calendar="office", remind=["25%"], deadline_s=3_600)
    first = planned(asks)
    again = planned(asks, now=FRIDAY + timedelta(seconds=1), at_latest=first.expires_at)
    assert again.expires_at == first.expires_at
    assert abs(again.moments[0].at - first.moments[0].at) <= timedelta(seconds=1)
    until = OFFICE.plus(first.expires_at, 7_200)
    kept = planned(asks, now=FRIDAY + timedelta(minutes=1), at_latest=until, stands=until, put_off_s=7_200)
    assert kept.expires_at == until  # and not an hour from now
    shorter = planned(rule(deadline_s=600), now=FRIDAY + timedelta(minutes=1), at_latest=until, stands=until, put_off_s=7_200)
    assert shorter.expires_at == FRIDAY + timedelta(minutes=131)  # a shorter time of a higher level, and what was put off
    asked = planned(
        asks, asked_deadline_s=60, at_latest=FRIDAY + timedelta(seconds=960), stands=FRIDAY + timedelta(seconds=960), put_off_s=900
    )
    assert asked.expires_at == FRIDAY + timedelta(seconds=960)


def test_an_agent_that_waits_less_is_not_kept_waiting():
    found = planned(rule(calendar="office"), asked_deadline_s=60)
    assert (found.expires_at, found.moments[0].at) == (FRIDAY + timedelta(seconds=60), FRIDAY + timedelta(seconds=30))


def test_quiet_hours_wait_for_their_end_unless_it_would_be_too_late():
    night = datetime(2026, 11, 27, 22, 30, tzinfo=UTC)
    quiet = Quiet.model_validate({"zone": "UTC", "begins": 22 * 60, "ends": "07:00"})  # as YAML reads 22:00
    long, short = (planned(rule(deadline_s=s, remind=["50%"]), night, quiet=quiet) for s in (12 * 3600, 3600))
    assert long.moments[0].at == datetime(2026, 11, 28, 7, tzinfo=UTC)
    assert short.moments[0].at == night + timedelta(minutes=30)
    assert planned(rule(deadline_s=12 * 3600, remind=["50%"]), night, Level.CRITICAL, quiet=quiet).moments[0].at.hour == 4


def changed(**medium):
    return policy_text(lambda data: data["requirements"]["medium"].update(medium))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"calendar": "nowhere"}, "no calendar is called nowhere"),
        ({"need": [{"group": "reviewers", "count": 1, "stage": 2}]}, "stages count from 1"),
        ({"escalate": [{"after": "120%", "to": "admins"}]}, "escalate"),
        ({"extend": {"by": [], "at_most_s": 600}}, "extend.by"),
        ({"rejections": 0}, "rejections"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(change, where):
    with pytest.raises(BadPolicy, match=where) as found:
        parse(changed(**change))
    assert all(problem.line > 1 for problem in found.value.problems)


def test_a_zone_that_is_none_is_refused():
    text = policy_text(lambda d: d.update(calendars={"office": {"zone": "Mars/Base", "opens": "09:00", "closes": "17:00"}}))
    with pytest.raises(BadPolicy, match="there is no time zone Mars/Base"):
        parse(text)


@pytest.mark.parametrize(
    "change",
    [
        {"escalate": [{"after": "50%", "to": "admins"}]}, {"delegates": ["operators"]}, {"rejections": 2},
        {"extend": {"by": ["reviewers", "operators"], "at_most_s": 86_400}},
    ],
)  # fmt: skip
def test_whatever_lets_more_people_in_or_waits_longer_loosens(change):
    assert loosenings(parse(policy_text()).data, parse(changed(**change)).data)


def test_groups_nobody_is_in_are_refused_when_saved():
    known = Known(
        (KnownAgent("a", "demo", {"t": "write"}),), {"reviewers": frozenset("rs"), "operators": frozenset("o"), "admins": frozenset("a")}
    )
    text = changed(escalate=[{"after": "50%", "to": "admin"}], need=[{"group": "reviewers", "count": 2}, {"group": "reviewers", "count": 1, "stage": 2}])  # fmt: skip
    said = [f.why for f in check(parse(text), known) if f.refused]
    assert "medium asks 3 of reviewers, and there are 2: nobody could approve" in said
    assert "medium: nobody is in the group admin; did you mean admins?" in said


def test_a_level_in_words():
    said = asked(rule(need=[{"group": "reviewers", "count": 1}, {"group": "operators", "count": 2, "stage": 2}], rejections=2, calendar="office"))  # fmt: skip
    assert said.startswith("1 of reviewers, then 2 of operators; never anybody involved")
    assert "2 rejections end it" in said
    assert "hours of office" in said
