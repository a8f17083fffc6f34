"""When an action runs out, and what happens on the way there: moments, worked out once when it is asked. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from approvals.policy.basics import Level, RequirementRule
from approvals.policy.calendars import Calendar, Quiet

REMIND, ESCALATE = "remind", "escalate"


@dataclass(frozen=True)
class Moment:
    """Something the clock does before the deadline: people are reminded (`what` is the part of the time gone), or a group is added."""

    at: datetime
    kind: str
    what: str


@dataclass(frozen=True)
class Times:
    """`hours`: the working hours its time counts in, None where it counts by the wall clock."""

    expires_at: datetime
    moments: tuple[Moment, ...] = ()
    hours: Calendar | None = None


def times(
    rule: RequirementRule,
    *,
    level: Level,
    now: datetime,
    asked_deadline_s: int | None = None,
    calendars: Mapping[str, Calendar],
    quiet: Quiet | None = None,
    at_latest: datetime | None = None,
) -> Times:
    """The deadline and the moments before it, in order.

    With a calendar the time counts only in its working hours; how long the agent itself would wait is always by the wall clock.
    `at_latest` is a deadline that stands already: a shorter one may come, no later one.
    A moment in quiet hours comes at their end, unless the deadline is earlier than that: then it comes at once.
    """
    hours = calendars.get(rule.calendar)
    calendar, whole = hours, rule.deadline_s
    expires_at = later(now, whole, calendar)
    if asked_deadline_s and (asked := later(now, asked_deadline_s, None)) < expires_at:
        hours = calendar = None
        whole, expires_at = asked_deadline_s, asked
    if at_latest and at_latest < expires_at:
        calendar, whole, expires_at = None, max(0, int((at_latest - now).total_seconds())), at_latest
    if not rule.need:
        return Times(expires_at, hours=hours)
    wanted = [(r, REMIND, r) for r in dict.fromkeys(rule.remind)] + [(r.after, ESCALATE, r.to) for r in rule.escalate]
    found = []
    for part, kind, what in wanted:
        at = later(now, whole * int(part[:-1]) / 100, calendar)
        loud = quiet.after(at) if quiet and level in quiet.levels else at
        found.append(Moment(loud if loud < expires_at else at, kind, what))
    return Times(expires_at, tuple(sorted(found, key=lambda m: m.at)), hours)


def put_off(
    moments: Sequence[Moment], *, began: datetime, was: datetime, until: datetime, quiet: Quiet | None = None, hours: Calendar | None = None
) -> list[Moment]:
    """The moments on the way to a deadline that was put off: each comes when the same part of the whole new time is gone.

    In the same order: what was asked of others by one of them stays asked. `quiet` and `hours` are as `times` has them.
    """
    before = _between(began, was, hours)
    if until <= was or before <= 0:
        return list(moments)
    longer = _between(began, until, hours) / before
    found = []
    for m in moments:
        at = later(began, _between(began, m.at, hours) * longer, hours)
        loud = quiet.after(at) if quiet else at
        found.append(Moment(loud if loud < until else at, m.kind, m.what))
    return found


def later(now: datetime, seconds: float, hours: Calendar | None) -> datetime:
    """So many seconds later, of working time where there are working hours."""
    return hours.plus(now, seconds) if hours else now + timedelta(seconds=seconds)


def _between(start: datetime, end: datetime, hours: Calendar | None) -> float:
    return hours.within(start, end) if hours else (end - start).total_seconds()
