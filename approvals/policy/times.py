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
    expires_at: datetime
    moments: tuple[Moment, ...] = ()


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
    calendar, whole = calendars.get(rule.calendar), rule.deadline_s
    expires_at = _after(now, whole, calendar)
    if asked_deadline_s and (asked := _after(now, asked_deadline_s, None)) < expires_at:
        calendar, whole, expires_at = None, asked_deadline_s, asked
    if at_latest and at_latest < expires_at:
        calendar, whole, expires_at = None, max(0, int((at_latest - now).total_seconds())), at_latest
    if not rule.need:
        return Times(expires_at)
    wanted = [(r, REMIND, r) for r in dict.fromkeys(rule.remind)] + [(r.after, ESCALATE, r.to) for r in rule.escalate]
    found = []
    for part, kind, what in wanted:
        at = _after(now, whole * int(part[:-1]) / 100, calendar)
        loud = quiet.after(at) if quiet and level in quiet.levels else at
        found.append(Moment(loud if loud < expires_at else at, kind, what))
    return Times(expires_at, tuple(sorted(found, key=lambda m: m.at)))


def put_off(moments: Sequence[Moment], *, began: datetime, was: datetime, until: datetime, quiet: Quiet | None = None) -> list[Moment]:
    """The moments on the way to a deadline that was put off: each comes when the same part of the whole new time is gone.

    In the same order: what was asked of others by one of them stays asked. `quiet` is as `times` has it.
    """
    if until <= was or was <= began:
        return list(moments)
    longer = (until - began) / (was - began)
    found = []
    for m in moments:
        at = began + (m.at - began) * longer
        loud = quiet.after(at) if quiet else at
        found.append(Moment(loud if loud < until else at, m.kind, m.what))
    return found


def _after(now: datetime, seconds: float, calendar: Calendar | None) -> datetime:
    return calendar.plus(now, seconds) if calendar else now + timedelta(seconds=seconds)
