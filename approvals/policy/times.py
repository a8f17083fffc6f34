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
    stands: datetime | None = None,
    put_off_s: int = 0,
) -> Times:
    """The deadline and the moments before it, in order.

    With a calendar the time counts only in its working hours; how long the agent itself would wait is always by the wall clock.
    Of what is asked again, `stands` is the deadline it had, and `put_off_s` by how much people had put that off: this stays, as far as it
    stood. A shorter time may come, none later than `at_latest`.
    A moment in quiet hours comes at their end, unless the deadline is earlier than that: then it comes at once.
    """
    hours = calendars.get(rule.calendar)

    def over(seconds: int, hours: Calendar | None) -> datetime:
        usual = later(now, seconds, hours)
        return max(usual, min(stands, later(now, seconds + put_off_s, hours))) if stands and put_off_s else usual

    expires_at = over(rule.deadline_s, hours)
    if asked_deadline_s and (asked := over(asked_deadline_s, None)) < expires_at:
        hours, expires_at = None, asked
    expires_at = min(expires_at, at_latest) if at_latest else expires_at
    whole = max(0.0, _between(now, expires_at, hours))
    if not rule.need:
        return Times(expires_at, hours=hours)
    wanted = [(r, REMIND, r) for r in dict.fromkeys(rule.remind)] + [(r.after, ESCALATE, r.to) for r in rule.escalate]
    found = []
    for part, kind, what in wanted:
        at = min(later(now, whole * int(part[:-1]) / 100, hours), expires_at)
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
