"""Entries of a run as rows of its timeline and of its tree: words, glyphs, bars, and what stands inside of what.

Belongs here: pure presenters of `run_entries` and `timeline`. A row says in words all that its bar says. No request, no database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agents.queries import EffectRow
from agents.views.lanes import Lane, Strip, strips_of
from agents.views.run_entries import Entry
from agents.views.states import EFFECTS, RUNS, SPANS, Look, took
from agents.views.timeline import Bar, Stretch, lay_out
from approvals.queries import InboxRow
from approvals.web.receipts import STATES as DECIDED
from audit.languages import number, told
from audit.sentences import say
from audit.spans import SpanLine

KINDS = {
    "node": ("git-commit-horizontal", say("step")),
    "model": ("brain", say("model call")),
    "tool": ("wrench", say("tool call")),
    "human": ("hand", say("wait for people")),
    "policy": ("scale", say("passed or refused by policy")),
    "held": ("octagon-pause", say("stopped by order")),
    "refused": ("shield-x", say("refused")),
}
QUESTION = say("question to the agent")
TONES = {"approved": "done", "rejected": "failed", "neutral": "quiet"}
LANE = 14  # height of a lane of the whole run
NODES = 2  # of a branch that its name says
WAITS = Look(say("Waits for people"), "hand", "waiting")


@dataclass(frozen=True)
class Row:
    """One entry in words. `x` and `width` are its bar's, in percent; `folded` is what of a tree stands inside of it."""

    key: str
    kind: str
    icon: str
    kind_word: str
    title: str
    at: datetime
    took: str
    url: str
    look: Look | None = None
    current: bool = False
    waits: bool = False
    x: str = ""
    width: str = ""
    inside: tuple[Row, ...] = ()
    lane: str = ""  # of a timeline whose run did several things at once
    before: bool = False  # of a tree: it began before this page, which shows it for what is inside

    @property
    def count(self) -> int:
        return sum(1 + row.count for row in self.inside)


@dataclass(frozen=True)
class Mark:
    """A mark of the axis, or a fold of it."""

    x: str
    word: str
    width: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class StripRow:
    """A lane of the whole run: its name, its bars as (x, width), and how many steps it has."""

    name: str
    steps: str
    work: tuple[tuple[str, str], ...]
    waits: tuple[tuple[str, str], ...]
    y: int
    count: int


@dataclass(frozen=True)
class Overview:
    """The whole run by lanes. `scale`: places and seconds for the script, by which a place is a time; `from_x` and `width`: the part shown."""

    strips: tuple[StripRow, ...]
    height: int
    scale: str
    x: str
    width: str
    length: str
    more: str
    cut: bool


@dataclass(frozen=True)
class Timeline:
    rows: tuple[Row, ...]
    ticks: tuple[Mark, ...]
    folds: tuple[Mark, ...]
    overview: Overview | None = None


def row_of(entry: Entry, run: str, effects: Mapping[str, EffectRow], now: datetime) -> Row:
    """One entry, without a bar."""
    icon, word = KINDS[entry.kind]
    title, asks = entry.name, entry.key.startswith("q")
    if entry.kind == "held":
        title = told(RUNS[entry.name].word)
    elif entry.kind == "refused":
        title = entry.name or _("Nothing was asked of people")
    return Row(
        key=entry.key,
        kind=entry.kind,
        icon="message-circle-question-mark" if asks else icon,
        kind_word=told(QUESTION if asks else word),
        title=title,
        at=entry.at,
        took=took(entry.at, entry.until) if entry.until else _("%(time)s so far") % {"time": took(entry.at, max(now, entry.at))},
        url=_url(entry, run),
        look=_look(entry, effects),
        current=entry.until is None,
        waits=entry.waits,
    )


def _url(entry: Entry, run: str) -> str:
    """What a row opens: all of one step, or its place in the list, which says all there is of it."""
    if entry.key[0] in "sae":
        return reverse("run-span", args=[run, entry.key])
    return f"{reverse('run', args=[run])}?view=steps#step-{entry.key}" if entry.key[0] in "qp" else ""


def _look(entry: Entry, effects: Mapping[str, EffectRow]) -> Look | None:
    look: Look | None = None
    match entry.of:
        case SpanLine() as line:
            effect = effects.get(line.action) if line.action else None
            look = EFFECTS["UNKNOWN"] if effect and effect.state == "UNKNOWN" else SPANS.get(entry.status)
        case EffectRow() as effect:
            look = EFFECTS.get(effect.state)
        case InboxRow() as row:
            said = DECIDED.get(row.state)
            look = WAITS if row.state == "PENDING" else Look(said.verb, said.icon, TONES.get(said.tone, "quiet")) if said else None
    if entry.kind == "held":
        look = RUNS[entry.name] if entry.until is None else None
    return look if look and look.word else None


def timeline_of(
    entries: Sequence[Entry], run: str, effects: Mapping[str, EffectRow], now: datetime, *, origin: datetime | None = None,
    within: tuple[datetime, datetime] | None = None, lanes: Mapping[str, Lane] | None = None,
) -> Timeline:  # fmt: skip
    """Rows with bars, and the axis, which counts from `origin`: the run's beginning, as the range asked for does."""
    chart = lay_out([Stretch(e.at, e.until, e.waits) for e in entries], now=now, within=within)
    several = len(set((lanes or {}).values())) > 1
    rows = [
        replace(_barred(row_of(e, run, effects, now), bar), lane=lane_name(lanes[e.key]) if lanes and several and e.key in lanes else "")
        for e, bar in zip(entries, chart.bars, strict=True)
    ]
    begin = origin or (entries[0].at if entries else now)
    ticks = [Mark(_percent(t.x), took(begin, t.at) if t.at > begin else "0", at=t.at) for t in chart.ticks]
    folds = [Mark(_percent(f.x), took(begin, begin + f.length), _percent(f.width)) for f in chart.folds]
    return Timeline(tuple(rows), tuple(ticks), tuple(folds))


def lane_name(lane: Lane) -> str:
    """A lane in words."""
    if lane.inside:
        said = {"node": lane.inside, "n": number(lane.number)}
        return _("inside %(node)s") % said if lane.number == 1 else _("inside %(node)s, branch %(n)s") % said
    return _("main line") if lane.number == 1 else _("branch %(n)s") % {"n": number(lane.number)}


def _strip_name(strip: Strip) -> str:
    """A branch is known by what ran in it; the main line by its name alone."""
    name = lane_name(strip.lane)
    if strip.lane == Lane("", 1) or not strip.nodes:
        return name
    said = {"lane": name, "nodes": ", ".join(strip.nodes[:NODES])}
    return _("%(lane)s: %(nodes)s and more") % said if len(strip.nodes) > NODES else _("%(lane)s: %(nodes)s") % said


def overview_of(
    entries: Sequence[Entry], lanes: Mapping[str, Lane], now: datetime, *, origin: datetime, within: tuple[datetime, datetime] | None
) -> Overview | None:
    """All of the run at a glance, whatever part of it the rows show."""
    found = strips_of(entries, lanes, now)
    if not found.strips:
        return None
    edges = [(place, max(0.0, (moment - origin).total_seconds())) for place, moment in found.chart.edges]
    shown = [_place(edges, (moment - origin).total_seconds()) for moment in within] if within else []
    strips = [
        StripRow(
            _strip_name(one), number(one.steps), tuple((_percent(b.x), _percent(b.width)) for b in one.work),
            tuple((_percent(b.x), _percent(b.width)) for b in one.waits), LANE * place, one.steps,
        )
        for place, one in enumerate(found.strips)
    ]  # fmt: skip
    return Overview(
        tuple(strips), LANE * len(strips), " ".join(f"{place:g}:{seconds:.3f}" for place, seconds in edges),
        _percent(shown[0]) if shown else "", _percent(max(0.3, round(shown[1] - shown[0], 2))) if shown else "",
        took(origin, origin + timedelta(seconds=edges[-1][1])),
        ngettext("%(n)s more lane is not drawn", "%(n)s more lanes are not drawn", found.more) % {"n": number(found.more)} if found.more else "",
        found.cut,
    )  # fmt: skip


def _place(edges: Sequence[tuple[float, float]], seconds: float) -> float:
    """Where on the line this many seconds after the run's beginning are."""
    for (a, begin), (b, end) in pairwise(edges):
        if seconds <= end:
            return round(a + (b - a) * max(0.0, seconds - begin) / ((end - begin) or 1), 2)
    return 100.0


def _barred(row: Row, bar: Bar) -> Row:
    return replace(row, x=_percent(bar.x), width=_percent(bar.width))


def _percent(value: float) -> str:
    """As SVG reads it, in every language."""
    return f"{value:g}%"


def tree_of(
    shown: Sequence[Entry], everything: Mapping[str, Entry], run: str, effects: Mapping[str, EffectRow], now: datetime
) -> tuple[Row, ...]:
    """What stands inside of what. Whatever something shown stands in is shown too."""
    here = {entry.key for entry in shown}
    needed = dict.fromkeys(here)
    for entry in shown:
        parent = entry.parent
        while parent in everything and parent not in needed and len(needed) < len(everything):
            needed[parent] = None
            parent = everything[parent].parent
    ordered = sorted((everything[key] for key in needed if key in everything), key=lambda entry: (entry.at, entry.key))
    inside: dict[str, list[Entry]] = {}
    for entry in ordered:
        inside.setdefault(entry.parent if entry.parent in needed and entry.parent != entry.key else "", []).append(entry)

    def branch(entry: Entry, deep: int) -> Row:
        children = inside.get(entry.key, ()) if deep < 40 else ()
        row = row_of(entry, run, effects, now)
        return replace(row, inside=tuple(branch(child, deep + 1) for child in children), before=entry.key not in here)

    return tuple(branch(entry, 0) for entry in inside.get("", ()))
