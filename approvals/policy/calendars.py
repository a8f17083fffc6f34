"""Working hours, holidays and quiet hours: when time counts, and when nobody is disturbed. Pure; moments in, moments out."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, Field, field_validator, model_validator

from approvals.policy.basics import Level, Strict
from audit.sentences import say

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_SEARCH = 2 * 366  # days; a calendar without one working day in two years never opens


def _of_yaml(value: Any) -> Any:
    """YAML reads 22:00 as 1320, a number to the base of 60."""
    return f"{value // 60:02}:{value % 60:02}" if type(value) is int and 0 <= value < 24 * 60 else value


Clock = Annotated[time, BeforeValidator(_of_yaml)]


class Zoned(Strict):
    zone: str

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(say("there is no time zone %(zone)s; write one such as Europe/Berlin", zone=zone[:60]))
        return zone

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


class Calendar(Zoned):
    """Working hours of a place. Time to decide counts only while it is open."""

    days: tuple[Day, ...] = Field(default=DAYS[:5], min_length=1)
    opens: Clock
    closes: Clock
    holidays: tuple[date, ...] = Field(default=(), max_length=400)

    @model_validator(mode="after")
    def _some_time(self) -> "Calendar":
        if self.opens >= self.closes:
            raise ValueError(say("closes must be later than opens, on the same day"))
        return self

    def plus(self, start: datetime, seconds: float) -> datetime:
        """The moment at which so many seconds of working time have passed."""
        left = timedelta(seconds=seconds)
        for begins, ends in self._open(start):
            begins = max(begins, start)
            if ends - begins >= left:
                return begins + left
            left -= max(ends - begins, timedelta(0))
        return start + timedelta(seconds=seconds)  # it never opens long enough: time counts as it does without a calendar

    def within(self, start: datetime, end: datetime) -> float:
        """Seconds of working time between two moments."""
        total = timedelta(0)
        for begins, ends in self._open(start):
            if begins >= end:
                break
            total += min(ends, end) - max(begins, start)
        return total.total_seconds()

    def _open(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The stretches in which it is open, from the day of this moment on."""
        day = start.astimezone(self.tz).date()
        closed = frozenset(self.holidays)
        for _ in range(LONGEST_SEARCH):
            if DAYS[day.weekday()] in self.days and day not in closed:
                begins, ends = (datetime.combine(day, at, self.tz).astimezone(UTC) for at in (self.opens, self.closes))
                if ends > start:
                    yield begins, ends
            day += timedelta(days=1)


class Quiet(Zoned):
    """Hours in which nobody is reminded and nothing is escalated, at these levels; what falls into them waits for their end."""

    begins: Clock
    ends: Clock
    levels: tuple[Level, ...] = (Level.LOW, Level.MEDIUM, Level.HIGH)

    def after(self, moment: datetime) -> datetime:
        """This moment, or the end of the quiet hours it falls into."""
        here = moment.astimezone(self.tz)
        over_midnight = self.begins > self.ends
        inside = here.time() >= self.begins or here.time() < self.ends if over_midnight else self.begins <= here.time() < self.ends
        if not inside:
            return moment
        day = here.date() + timedelta(days=1) if over_midnight and here.time() >= self.begins else here.date()
        end = datetime.combine(day, self.ends, self.tz)
        return (end if end > moment else end.replace(fold=1)).astimezone(UTC)  # of an hour that comes twice, the second
