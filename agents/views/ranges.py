"""A part of a run's time: as its address has it, in seconds since the run began, and what of the run lies in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.views.run_entries import Entry

LONGEST = 10**9


@dataclass(frozen=True)
class Range:
    """From and to, in seconds since the run began; None where it is open at that end."""

    begin: float | None = None
    end: float | None = None

    @property
    def asked(self) -> bool:
        return self.begin is not None or self.end is not None

    @property
    def query(self) -> dict[str, str]:
        return {"t0": _text(self.begin), "t1": _text(self.end)}

    def of(self, origin: datetime, last: datetime) -> tuple[datetime, datetime] | None:
        """As moments, for a run that began and came so far; None where it is not narrowed."""
        if not self.asked:
            return None
        begin = origin + timedelta(seconds=self.begin or 0)
        end = last if self.end is None else origin + timedelta(seconds=self.end)
        return begin, max(begin, end)


def range_of(said: Mapping[str, str]) -> Range:
    """What an address asks for. Anything that is no time is as if it were not there; the later one first is the other way round."""
    begin, end = _seconds(said.get("t0", "")), _seconds(said.get("t1", ""))
    if begin is not None and end is not None:
        begin, end = min(begin, end), max(begin, end)
        return Range(begin, end) if end > begin else Range()
    return Range(begin or None, end)


def inside(entries: Sequence[Entry], within: tuple[datetime, datetime] | None, now: datetime) -> list[Entry]:
    """Those of which a part lies in this time, in the same order."""
    if within is None:
        return list(entries)
    begin, end = within
    return [e for e in entries if e.at <= end and (e.until or max(now, e.at)) >= begin]


def _seconds(text: str) -> float | None:
    text = text.strip().replace(",", ".")
    plain = text.replace(".", "", 1)
    if not (plain.isascii() and plain.isdigit() and len(text) <= 15):
        return None
    return round(min(float(text), LONGEST), 3)


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")
