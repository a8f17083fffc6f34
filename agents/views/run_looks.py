"""The ways to look at what a run did: timeline, tree, steps. Which one, what it is narrowed to, and which of its pages, is in the address.

Each is a page of at most `PAGE` entries, found among all of the run's spans read without their texts; the texts of the steps shown are read
then, cut short: a step's own page has all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.queries import EffectRow, RunDetail, not_asked
from agents.states import UNFINISHED
from agents.views.lanes import lanes_of
from agents.views.ranges import Range, inside, range_of
from agents.views.run_entries import PAGE, Entry, Window, entries_of, matching, window
from agents.views.run_rows import overview_of, timeline_of, tree_of
from agents.views.run_story import CUT, steps_of
from approvals.queries import AskRow, InboxRow
from approvals.web.http import Request
from approvals.web.rows import with_query
from audit import spans
from audit.languages import number, told
from audit.sentences import say

LOOKS = {
    "timeline": ("chart-gantt", say("Timeline")),
    "tree": ("list-tree", say("Tree")),
    "steps": ("list", say("Steps")),
}


@dataclass(frozen=True)
class Asked:
    """What the address asks for: `start` None for where a run opens by itself."""

    view: str
    q: str
    start: int | None
    part: Range = field(default_factory=Range)

    @property
    def query(self) -> dict[str, str]:
        start = "" if self.start is None else str(self.start)
        return {"view": "" if self.view == "timeline" else self.view, "q": self.q, "from": start, **self.part.query}


@dataclass(frozen=True)
class Tab:
    name: str
    label: str
    icon: str
    url: str
    here: bool


def asked_for(request: Request) -> Asked:
    """Anything that is no such thing is as if it were not there."""
    view, start = request.GET.get("view", ""), request.GET.get("from", "")
    q = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:200]
    number_ = int(start) if start.isascii() and start.isdigit() and len(start) < 8 else None
    return Asked(view if view in LOOKS else "timeline", q, number_, range_of(request.GET))


def look_at(
    request: Request,
    detail: RunDetail,
    actions: Sequence[InboxRow],
    effects: Mapping[str, EffectRow],
    asks: Sequence[AskRow],
    *,
    may_resolve: bool,
) -> dict[str, Any]:
    """What the chosen way shows, and the addresses around it."""
    run, live, asked = detail.row.id, detail.row.state in UNFINISHED, asked_for(request)
    lines = spans.lines(run)
    every = entries_of(lines, actions, effects, [*detail.pauses, *not_asked(run)], asks, spans.moments(run))
    now = timezone.now()
    origin = min([detail.row.created_at, *(e.at for e in every[:1])])
    within = asked.part.of(origin, now)
    found = inside(matching(every, asked.q, spans.holding(run, asked.q)) if asked.q else every, within, now)
    shown = window([e for e in found if not (e.merged if asked.view == "steps" else e.aside)], asked.start, live=live)
    content: dict[str, Any] = {"timeline": None, "tree": (), "steps": ()}
    if asked.view == "timeline":
        lanes = lanes_of(every, now)
        drawn = timeline_of(shown.entries, run, effects, now, origin=origin, within=within, lanes=lanes)
        content["timeline"] = replace(drawn, overview=overview_of(every, lanes, now, origin=origin, within=within))
    elif asked.view == "tree":
        content["tree"] = tree_of(shown.entries, {e.key: e for e in every if not e.aside}, run, effects, now)
    else:
        content["steps"] = _steps(shown, every, detail, effects, may_resolve=may_resolve)
    return {**content, **_around(run, asked, shown, cut=len(lines) == spans.MOST), "live": live}


def _steps(shown: Window, every: Sequence[Entry], detail: RunDetail, effects: Mapping[str, EffectRow], *, may_resolve: bool) -> Any:
    keys = {e.key: e for e in shown.entries}
    texts = spans.shown(detail.row.id, [e.of.id for e in shown.entries if e.key[0] == "s"], most=CUT)
    return steps_of(
        list(texts.values()),
        [e.of for e in shown.entries if e.key[0] == "a"],
        effects,
        [e.of for e in shown.entries if e.key[0] == "p"],
        nodes={action: pause.node for pause in detail.pauses for action in pause.actions},
        calls={e.of.action: e.of for e in every if isinstance(e.of, spans.SpanLine) and f"a{e.of.action}" in keys},
        may_resolve=may_resolve,
        asks=[e.of for e in shown.entries if e.key[0] == "q"],
        held=[e for e in shown.entries if e.kind == "held"],
    )


def _around(run: str, asked: Asked, shown: Window, *, cut: bool) -> dict[str, Any]:
    """Tabs, filter, and the pages before and after."""
    page, live, query = reverse("run", args=[run]), reverse("run-live", args=[run]), asked.query
    anew = {**query, "from": ""}
    tabs = tuple(
        Tab(name, told(label), icon, with_query(page, anew, view="" if name == "timeline" else name), name == asked.view)
        for name, (icon, label) in LOOKS.items()
    )
    pages = {"first": 0, "before": shown.start - PAGE, "after": shown.end, "last": shown.total - PAGE}
    there = {
        "first": shown.start > PAGE,
        "before": shown.start > 0,
        "after": shown.end < shown.total,
        "last": shown.end + PAGE < shown.total,
    }
    return {
        "view": asked.view,
        "tabs": tabs,
        "q": asked.q,
        "page_url": page,
        "clear_url": with_query(page, anew, q="") if asked.q else "",
        "part": asked.part.query,
        "all_url": with_query(page, anew, t0="", t1="") if asked.part.asked else "",
        "live_url": with_query(live, query),
        "count": _count(asked, shown),
        "cut": cut,
        "pages": {name: with_query(page, anew, **{"from": str(max(0, start))}) if there[name] else "" for name, start in pages.items()},
    }


def _count(asked: Asked, shown: Window) -> str:
    said = {"n": number(shown.total), "first": number(shown.start + 1), "last": number(shown.end), "q": asked.q}
    if not shown.total:
        nothing = _("nothing in this time") if asked.part.asked else _("nothing yet")
        return _("nothing holds this text") if asked.q else nothing
    if asked.part.asked:
        said |= {"part": _part(asked.part)}
        if len(shown.entries) < shown.total:
            return _("%(first)s to %(last)s of %(n)s %(part)s, oldest first") % said
        return _("%(n)s %(part)s, oldest first") % said
    if len(shown.entries) < shown.total:
        return _("%(first)s to %(last)s of %(n)s, oldest first") % said
    return _("%(n)s, oldest first") % said


def _part(part: Range) -> str:
    said = part.query
    if part.begin is None:
        return _("up to second %(t1)s") % said
    return _("from second %(t0)s on") % said if part.end is None else _("from second %(t0)s to %(t1)s") % said
