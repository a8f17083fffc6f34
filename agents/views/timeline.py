"""Where bars stand on a line of time: from begin and end to percents of a width. Pure: no Django, no request, no clock.

A run waits for people for hours and works for seconds. Drawn true to scale one would see only the waiting, so stretches in which nothing
but waiting goes on, and which are longer than all the work, are drawn shorter, together as long as the work: the line *folds* there, the
axis says so, and each row still says how long it really took. What comes later never stands further left.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

TICKS = 5
LEAST = 0.5  # percent: a bar that cannot be seen says nothing


@dataclass(frozen=True)
class Stretch:
    """What is to be drawn: `end` None while it goes on; `waits` when it is waiting, not work."""

    begin: datetime
    end: datetime | None
    waits: bool = False


@dataclass(frozen=True)
class Bar:
    """Percents from the left edge. `open`: it has not ended."""

    x: float
    width: float
    open: bool = False


@dataclass(frozen=True)
class Tick:
    """A mark of the axis: where, when, and how long after the line begins."""

    x: float
    at: datetime
    after: timedelta


@dataclass(frozen=True)
class Fold:
    """A stretch of waiting that is drawn shorter than it was."""

    x: float
    width: float
    length: timedelta


@dataclass(frozen=True)
class Chart:
    """`edges`: between two of them the line is even; each is a place and its moment. By them a place is a moment, and the other way round."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    folds: tuple[Fold, ...]
    edges: tuple[tuple[float, datetime], ...] = ()


def lay_out(stretches: Sequence[Stretch], *, now: datetime, within: tuple[datetime, datetime] | None = None) -> Chart:
    """A bar for each, in the same order, on one line from the first beginning to the last end (`now` for what goes on).

    Args:
        within: only this much of the time is drawn; what reaches out of it is cut off there.
    """
    if not stretches:
        return Chart((), (), ())
    begin = min(s.begin for s in stretches)
    end = max(*(_end(s, now) for s in stretches), begin + timedelta(milliseconds=1))
    if within:
        begin = min(max(begin, within[0]), end - timedelta(milliseconds=1))
        end = max(min(end, within[1]), begin + timedelta(milliseconds=1))
        stretches = [_cut(s, begin, end, now) for s in stretches]
    line = _Line(begin, end, _folded(stretches, begin, end, now))
    bars = tuple(_bar(line, s, now) for s in stretches)
    ticks = tuple(Tick(round(100 * n / TICKS, 2), *line.back(n / TICKS)) for n in range(TICKS))
    folds = tuple(Fold(line.at(a), round(line.at(b) - line.at(a), 2), b - a) for a, b in line.folds)
    return Chart(bars, ticks, folds, line.edges())


def _end(stretch: Stretch, now: datetime) -> datetime:
    return max(stretch.begin, stretch.end or now)


def _cut(stretch: Stretch, begin: datetime, end: datetime, now: datetime) -> Stretch:
    """What of it lies in this time."""
    to = min(max(_end(stretch, now), begin), end)
    goes_on = stretch.end is None and _end(stretch, now) <= end
    return replace(stretch, begin=min(max(stretch.begin, begin), end), end=None if goes_on and to >= now else to)


def _bar(line: _Line, stretch: Stretch, now: datetime) -> Bar:
    x, to = line.at(stretch.begin), line.at(_end(stretch, now))
    width = round(max(LEAST, to - x), 2)
    return Bar(round(min(x, 100 - width), 2), width, stretch.end is None)


def _folded(stretches: Sequence[Stretch], begin: datetime, end: datetime, now: datetime) -> tuple[list[tuple[datetime, datetime]], float]:
    """The stretches to fold, and the seconds that each is drawn as."""
    idle = list(_idle([(s.begin, _end(s, now)) for s in stretches if not s.waits], begin, end))
    work = (end - begin).total_seconds() - sum((b - a).total_seconds() for a, b in idle)
    folds = [(a, b) for a, b in idle if (b - a).total_seconds() > work > 0]
    return folds, work / max(1, len(folds))


def _idle(busy: Iterable[tuple[datetime, datetime]], begin: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
    """What lies between the stretches of work."""
    reached = begin
    for a, b in sorted(busy):
        if a > reached:
            yield reached, a
        reached = max(reached, b)
    if end > reached:
        yield reached, end


class _Line:
    """Time to percent and back, piece by piece."""

    def __init__(self, begin: datetime, end: datetime, folded: tuple[list[tuple[datetime, datetime]], float]) -> None:
        self.folds, each = folded
        edges = sorted({begin, end, *(edge for fold in self.folds for edge in fold)})
        drawn = {a: each for a, _b in self.folds}
        self._edges = edges
        self._begin = begin
        self._places = [0.0]
        for a, b in pairwise(edges):
            self._places.append(self._places[-1] + drawn.get(a, (b - a).total_seconds()))
        self._full = self._places[-1]

    def at(self, moment: datetime) -> float:
        piece = min(max(0, bisect_right(self._edges, moment) - 1), len(self._edges) - 2)
        a, b = self._edges[piece], self._edges[piece + 1]
        share = (moment - a) / (b - a)
        place = self._places[piece] + share * (self._places[piece + 1] - self._places[piece])
        return round(100 * place / self._full, 2)

    def edges(self) -> tuple[tuple[float, datetime], ...]:
        return tuple((round(100 * place / self._full, 3), moment) for place, moment in zip(self._places, self._edges, strict=True))

    def back(self, share: float) -> tuple[datetime, timedelta]:
        """The moment at this part of the width, and how long it is after the beginning."""
        place = share * self._full
        piece = min(max(0, bisect_right(self._places, place) - 1), len(self._edges) - 2)
        a, b = self._edges[piece], self._edges[piece + 1]
        moment = a + (b - a) * ((place - self._places[piece]) / (self._places[piece + 1] - self._places[piece]))
        return moment, moment - self._begin
