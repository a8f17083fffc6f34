"""The operators' console: what runs, whom it waits for, what it used; how the product itself is; what has just happened.

The page is whole without scripts. With them each part is read anew by itself: on hints, and every 15 seconds where nothing hints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from agents import budgeted, overview, queries
from agents.budgeted import Against
from agents.overview import Filters, LiveRow, Standing
from agents.states import UNFINISHED, Hold
from agents.views import budgets, states
from agents.views.alerts import open_words
from agents.views.cards import WAITS_FOR, Bar, title_of
from agents.views.console_panels import panels
from agents.views.health import age, lights
from agents.views.states import RUNS, Look
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.covering import version_name
from approvals.queries import Stop
from approvals.queries.overview import Asked, OnPeople, approved_by, asked_by, on_people
from approvals.web.http import Request, preferences_of
from approvals.web.rows import Chip, chips, menu, with_query
from approvals.web.views.preferences import kept_query
from audit import queries as log
from audit.languages import number, told
from audit.sentences import say
from audit.views.pages import hidden_from, line_of

STATES = (
    ("", say("All")), ("RUNNING", say("Running")), ("WAITING", say("Waiting")), ("HALTED", say("Halted")), ("READY", say("Ready")),
    ("CREATED", say("Queued")), ("PAUSED", say("Paused")),
)  # fmt: skip
LATEST = 20


@dataclass(frozen=True)
class Big:
    """One of the figures over the table. `note` says more, `url` leads to what it counts."""

    name: str
    value: str
    note: str
    url: str = ""
    note_url: str = ""


@dataclass(frozen=True)
class Line:
    """One live run."""

    id: str
    state: Look
    url: str
    agent: str
    short: str
    title: str
    node: str
    waiting: str
    waiting_url: str
    cost: Bar | None
    heartbeat_at: datetime
    by: str
    halt_url: str
    hold_url: str = ""
    held: bool = False  # its button lets it go on


@require_safe
def console(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    part = PARTS.get(request.GET.get("part", ""))
    if part:
        template, context = part
        return render(request, template, {"console": context(request)})
    whole = {**_figures(request), **_runs(request), **_feed(request), **panels(request)}
    return render(request, "agents/console.html", {"console": whole})


def _figures(request: Request) -> dict[str, Any]:
    states, people, stops = overview.standing(), on_people(), approvals_queries.active_halts()
    unknown, url = overview.unknown_count(), reverse("console")
    return {
        "figures": (_running(states, url), _waiting(people), _halted(states, stops, url), _spend()),
        "figures_url": f"{url}?part=figures",
        "unknown": ngettext(
            "Nobody knows whether %(n)s call was done", "Nobody knows whether %(n)s calls were done", unknown
        ) % {"n": number(unknown)} if unknown else "",
        "unknown_url": reverse("unknown"),
        "alerts": open_words(),
        "alerts_url": reverse("alerts"),
    }  # fmt: skip


def _running(states: Standing, url: str) -> Big:
    ready = states.free("READY", "CREATED")
    return Big(_("Running"), number(states.running), _("%(n)s more wait for a worker") % {"n": number(ready)}, f"{url}?state=RUNNING")


def _waiting(people: OnPeople) -> Big:
    runs = ngettext("%(n)s run", "%(n)s runs", people.runs) % {"n": number(people.runs)}
    oldest = _("the oldest for %(age)s") % {"age": age(people.oldest)} if people.oldest is not None else _("nothing waits")
    return Big(_("Waiting on people"), number(people.count), f"{oldest}, {runs}", f"{reverse('inbox')}?sort=oldest")


def _halted(states: Standing, stops: list[Stop], url: str) -> Big:
    orders = ngettext("%(n)s order in force", "%(n)s orders in force", len(stops)) % {"n": number(len(stops))}
    if ruled := sum(1 for stop in stops if stop.rule):
        orders = _("%(orders)s, %(n)s of them automatic") % {"orders": orders, "n": number(ruled)}
    return Big(_("Halted"), number(states.halted), orders, f"{url}?state=HALTED", reverse("halts"))


def _spend() -> Big:
    value, note = budgets.spent_today()
    return Big(_("Spend today"), value, note)


def _runs(request: Request) -> dict[str, Any]:
    query = {name: request.GET.get(name, "").strip()[:100] for name in ("agent", "state", "who", "q", "cursor")}
    query["state"] = states.named(query["state"], UNFINISHED)
    url, kept = reverse("console"), kept_query(query, "console")
    page = overview.live_runs(Filters(**query))
    ids = [row.id for row in page.rows]
    asked, spent, stops = asked_by(ids), budgeted.of_runs(ids), approvals_queries.active_halts()
    quiet = [row.id for row in page.rows if row.state == "WAITING" and row.id not in asked]
    approved, begun = approved_by(quiet), queries.under_way(quiet)
    may_halt = permissions.can_halt(request.user)
    return {
        "url": url,
        "place": "console",
        "rows": [
            _line(row, asked.get(row.id), spent.get(row.id), stops, may_halt=may_halt, frozen=approved.get(row.id), begun=begun.get(row.id))
            for row in page.rows
        ],
        "chips": chips(url, query, "state", STATES),
        "menus": (menu(url, query, "agent", _("Agent"), [row.slug for row in queries.agents()]),),
        "views": tuple(Chip(v.name, f"{url}?{v.query}", v.query == kept) for v in preferences_of(request).views_of("console")),
        "view_query": kept,
        "q": query["q"],
        "q_hint": _("Words, an agent, a node or a run's id"),
        "who": query["who"],
        "kept": _kept(query, "q"),
        "kept_who": _kept(query, "who"),
        "list_url": with_query(url, query, part="runs"),
        "next_url": with_query(url, query, cursor=page.next) if page.next else "",
        "first_url": with_query(url, query, cursor="") if query["cursor"] else "",
        "clear_url": url if kept else "",
    }


def _kept(query: Mapping[str, str], but: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in query.items() if name not in {but, "cursor"} and value)


def _line(
    row: LiveRow,
    asked: Asked | None,
    spent: Against | None,
    stops: list[Stop],
    *,
    may_halt: bool,
    frozen: bool | None,
    begun: tuple[str, str, bool] | None,
) -> Line:
    version = version_name(row.agent, row.version)
    stopped = any(stop.covers(agent=row.agent, run=row.id, version=version) for stop in stops)
    return Line(
        id=row.id,
        state=RUNS[row.state],
        url=reverse("run", args=[row.id]),
        agent=row.agent,
        short=row.id[:8],
        title=title_of(row.input),
        node=", ".join(row.nodes),
        waiting=_waits(row, asked, stopped=stopped, frozen=frozen, begun=begun),
        waiting_url=reverse("action", args=[of])
        if (of := asked.action if asked else begun[1] if begun else "") and row.state == "WAITING"
        else "",
        cost=budgets.bar_of(spent),
        heartbeat_at=row.heartbeat_at,
        by=row.started_by,
        halt_url=f"{reverse('halt')}?run={row.id}" if may_halt and not stopped else "",
        hold_url=f"{reverse('run-hold', args=[row.id])}?back=console" if may_halt and row.here and row.hold != Hold.BUDGET else "",
        held=bool(row.hold),
    )


def _waits(row: LiveRow, asked: Asked | None, *, stopped: bool, frozen: bool | None, begun: tuple[str, str, bool] | None) -> str:
    """Whom or what a run waits for; never more than is so.

    Args:
        stopped: an order covers the run. frozen: what it asked is approved and nobody has begun it; whether an order keeps it so. None: it is not.
        begun: of a run that asks nobody, a call that has begun: its tool, its action, and whether its outcome is unknown.
    """
    if stopped:
        return _("a release") if row.state != "RUNNING" else _("halt requested: stops after this step")
    if row.hold == Hold.PAUSE and row.state == "RUNNING":
        return _("pause requested: stops after this step")
    if begun:
        return (_("somebody to say whether %(tool)s was done") if begun[2] else _("%(tool)s, which is under way")) % {"tool": begun[0]}
    if frozen is not None:
        return _("a release") if frozen else _("an approved call that is to be made")
    if row.state == "WAITING" and asked is None:
        return _("a worker")
    if row.state != "WAITING" or asked is None:
        return told(WAITS_FOR.get(row.state, ""))
    whom = ", ".join(asked.groups) or _("people")
    if asked.count > 1:
        return _("%(whom)s: %(what)s and %(n)s more") % {"whom": whom, "what": asked.summary, "n": number(asked.count - 1)}
    return _("%(whom)s: %(what)s") % {"whom": whom, "what": asked.summary}


def _feed(request: Request) -> dict[str, Any]:
    found = log.events(limit=LATEST, without=hidden_from(request))
    return {"events": [line_of(event) for event in found.rows], "events_url": reverse("events")}


def _health(request: Request) -> dict[str, Any]:
    return {"lights": lights()}


PARTS = {
    "figures": ("agents/_console_figures.html", _figures),
    "runs": ("agents/_console_runs.html", _runs),
    "feed": ("agents/_console_feed.html", _feed),
    "panels": ("agents/_console_panels.html", panels),
    "health": ("agents/_console_health.html", _health),
}
