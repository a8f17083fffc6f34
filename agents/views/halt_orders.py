"""Stop orders, those in force and those that were, and the rules by which Countersign gives one itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from agents import queries
from agents.errors import UnknownAgent
from agents.operations import auto_halts
from agents.views.halt_scopes import label
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.errors import ApprovalError, BadRequest
from approvals.queries import Stop, halt_rules
from approvals.queries.halt_rules import Kind, Rule
from approvals.web.http import Request
from approvals.web.shell import given_by
from audit.languages import number, told
from audit.sentences import say

KINDS = {
    Kind.FAILED_CALLS: say("Calls of an agent that failed"),
    Kind.FAILED_RUNS: say("Runs of an agent that failed"),
    Kind.TOKENS: say("Tokens an agent used"),
    Kind.REJECTED_RUN: say("Proposals of one run, rejected in a row"),
    Kind.REJECTED_AGENT: say("Proposals of one agent, rejected in a row"),
}
FIGURES = ("most", "share", "minutes")


@dataclass(frozen=True)
class OrderLine:
    """One order. `over` says how it ended; "" while it is in force."""

    id: int
    what: str
    by: str
    at: datetime
    reason: str
    automatic: bool
    release_url: str
    over: str
    over_at: datetime | None


@dataclass(frozen=True)
class RuleLine:
    """One rule in words; `by` "" where it is as the settings have it."""

    name: str
    agent: str
    words: str
    active: bool
    by: str
    at: datetime | None
    reason: str
    url: str


def orders(request: Request) -> HttpResponse:
    """GET: the page, with the rule that was chosen in the form. POST: have a rule count otherwise."""
    permissions.check_read(request.user)
    if request.method != "POST":
        return _page(request)
    said = request.POST
    try:
        auto_halts.set_rule(
            kind=said.get("kind", ""), agent=said.get("agent", ""), active=said.get("active") == "1", most=_whole(said.get("most", "")),
            share=_whole(said.get("share") or "0"), window_s=60 * _whole(said.get("minutes", "")), reason=said.get("reason", ""),
            by=request.user, door="web",
        )  # fmt: skip
    except (BadRequest, UnknownAgent) as error:
        return _page(request, error)
    messages.success(request, _("The rule counts from now on."))
    return redirect("halts")


def _whole(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise BadRequest(say("Write whole numbers"))
    return int(text)


def _page(request: Request, error: ApprovalError | UnknownAgent | None = None) -> HttpResponse:
    may, found = permissions.can_halt(request.user), halt_rules.rules()
    context: dict[str, Any] = {
        "active": [_order(stop, may) for stop in approvals_queries.active_halts()],
        "past": [_order(stop, may) for stop in approvals_queries.recent_halts() if stop.released_at],
        "rules": [_rule(rule) for rule in found],
        "may": may,
        "form": _form(request, found) if may else None,
        "error": error.message if error else "",
        "halt_url": reverse("halt") if may else "",
        "back_url": reverse("console"),
    }
    return render(request, "halt/orders.html", {"halts": context}, status=getattr(error, "status", 200))


def _form(request: Request, found: list[Rule]) -> dict[str, Any]:
    asked = request.POST or request.GET
    kind = asked.get("kind", "") if asked.get("kind", "") in halt_rules.KINDS else str(Kind.FAILED_CALLS)
    agent = asked.get("agent", "")[:200]
    rule = halt_rules.rule_for(found, kind, agent)
    shown = {"most": str(rule.most), "share": str(rule.share), "minutes": str(rule.window_s // 60)}
    slugs = [row.slug for row in queries.agents()]
    return {
        "kind": kind,
        "name": told(KINDS[Kind(kind)]),
        "agents": [(slug, slug == agent) for slug in slugs],
        "active": request.POST.get("active") == "1" if request.method == "POST" else rule.active,
        "reason": request.POST.get("reason", ""),
        **{name: request.POST.get(name, shown[name]) for name in FIGURES},
    }


def _order(stop: Stop, may: bool) -> OrderLine:
    over = _("released by %(who)s: %(why)s") % {"who": stop.released_by, "why": stop.release_reason} if stop.released_at else ""
    url = reverse("halt-release", args=[stop.id]) if may and not stop.released_at else ""
    return OrderLine(
        stop.id, label(stop.scope, stop.target), given_by(stop), stop.at, told(stop.reason), bool(stop.rule), url, over, stop.released_at
    )  # fmt: skip


def _rule(rule: Rule) -> RuleLine:
    figures = {"most": number(rule.most), "minutes": number(rule.window_s // 60), "share": rule.share}
    if not rule.active:
        words = _("off")
    elif rule.share:
        words = _("halts from %(most)s on within %(minutes)s min, if they are %(share)s percent or more of all") % figures
    else:
        words = _("halts from %(most)s on within %(minutes)s min") % figures
    url = f"{reverse('halts')}?kind={rule.kind}&agent={rule.agent}#rule"
    return RuleLine(told(KINDS[Kind(rule.kind)]), rule.agent, words, rule.active, rule.by, rule.at, rule.reason, url)
