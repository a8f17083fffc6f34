"""Which steps of a run went on side by side: a lane for each branch that ran beside another, and for each graph inside. Pure.

Steps that follow each other share a lane; one that begins while all lanes of its graph are busy opens the next. What happens in a step
(model, tools, waits for people) is in its lane. Lanes are numbered in the order in which they begin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.views.run_entries import Entry
from agents.views.timeline import Bar, Chart, Stretch, lay_out
from audit.spans import SpanLine

MOST, STEPS = 12, 2_000
LEAST_GAP = 0.15  # percent: bars closer together than this are one, so that thousands are some hundreds


@dataclass(frozen=True)
class Lane:
    """`inside`: the node whose graph it is, "" of the outermost; `number`: from 1, of that graph's."""

    inside: str
    number: int


@dataclass(frozen=True)
class Strip:
    """A lane as it is drawn: how many steps it has, its bars of work and those of waiting. `nodes`: what ran in it, in order."""

    lane: Lane
    steps: int
    work: tuple[Bar, ...]
    waits: tuple[Bar, ...]
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Strips:
    """All of a run at a glance. `more`: lanes that are not drawn. `cut`: it has more steps than are looked at here."""

    strips: tuple[Strip, ...]
    chart: Chart
    more: int
    cut: bool


def lanes_of(entries: Sequence[Entry], now: datetime) -> dict[str, Lane]:
    """The lane of each entry, by its key; of those that stand in no step there is none."""
    nodes = [e for e in entries if e.kind == "node"]
    names = {str(e.of.key).removeprefix("node:").rpartition(":")[0]: e.name for e in nodes if isinstance(e.of, SpanLine)}
    busy: dict[str, list[datetime]] = {}
    found: dict[str, Lane] = {}
    for node in nodes:  # oldest first
        inside, ends = _graph_of(node, names), node.until or max(now, node.at)
        lanes = busy.setdefault(inside, [])
        free = next((n for n, until in enumerate(lanes) if until <= node.at), len(lanes))
        lanes[free : free + 1] = [ends]
        found[node.key] = Lane(inside, free + 1)
    parents = {e.key: e.parent for e in entries}
    for entry in entries:
        if lane := next((found[key] for key in _up(entry.parent, parents) if key in found), None):
            found.setdefault(entry.key, lane)
    return found


def strips_of(entries: Sequence[Entry], lanes: Mapping[str, Lane], now: datetime) -> Strips:
    """The whole run, lane by lane, on one line of time."""
    nodes = [e for e in entries if e.kind == "node"]
    drawn = [*nodes[:STEPS], *[e for e in entries if e.waits][:STEPS]]
    chart = lay_out([Stretch(e.at, e.until, e.waits) for e in drawn], now=now)
    placed = list(zip(drawn, chart.bars, strict=True))
    first = Lane("", 1)
    order = list(dict.fromkeys([first, *(lanes[e.key] for e in nodes[:STEPS])]))
    by_lane: dict[Lane, list[tuple[Entry, Bar]]] = {lane: [] for lane in order}
    for entry, bar in placed:
        by_lane.setdefault(lanes.get(entry.key, first), []).append((entry, bar))
    strips = [_strip(lane, found) for lane, found in by_lane.items() if found]
    return Strips(tuple(strips[:MOST]), chart, max(0, len(strips) - MOST), len(nodes) > STEPS)


def _strip(lane: Lane, found: Sequence[tuple[Entry, Bar]]) -> Strip:
    work = [bar for entry, bar in found if not entry.waits]
    nodes = tuple(dict.fromkeys(entry.name for entry, _bar in found if not entry.waits))
    return Strip(lane, len(work), tuple(_joined(work)), tuple(_joined([bar for entry, bar in found if entry.waits])), nodes)


def _joined(bars: Sequence[Bar]) -> Iterator[Bar]:
    """Bars that touch, or nearly, as one."""
    last: Bar | None = None
    for bar in sorted(bars, key=lambda b: b.x):
        if last and bar.x <= last.x + last.width + LEAST_GAP:
            last = Bar(last.x, round(max(last.x + last.width, bar.x + bar.width) - last.x, 2), last.open or bar.open)
            continue
        if last:
            yield last
        last = bar
    if last:
        yield last


def _graph_of(node: Entry, names: Mapping[str, str]) -> str:
    """The node that the graph of this one stands in, "" for the outermost."""
    around = node.of.parent.rpartition("/")[2] if isinstance(node.of, SpanLine) else ""
    return (names.get(around.rpartition(":")[2]) or around.rpartition(":")[0]) if around else ""


def _up(key: str, parents: Mapping[str, str]) -> Iterator[str]:
    """This entry, what it is in, and so on."""
    seen = set[str]()
    while key and key not in seen:
        seen.add(key)
        yield key
        key = parents.get(key, "")
