"""Agents: what is registered, and one agent with its tools, graph and latest runs."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agents import queries
from agents.satisfaction import satisfaction
from agents.views import budgets
from agents.views.cards import Figure, agent_card, plain_drawing
from agents.views.ratings import told_of
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.queries import switches
from approvals.web.http import Request
from approvals.web.switches import switch_line
from audit.languages import number


@require_safe
def agents(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    halts = approvals_queries.active_halts()
    found = queries.agents()
    may_start = permissions.can_start_runs(request.user)
    cards = [agent_card(row, halts=halts, may_start=may_start) for row in found]
    live = sum(row.running for row in found)
    return render(
        request,
        "agents/agents.html",
        {"agents": {"cards": cards, "counts": _("%(n)s registered, live runs: %(m)s") % {"n": number(len(found)), "m": number(live)}}},
    )


@require_safe
def agent(request: Request, slug: str) -> HttpResponse:
    permissions.check_read(request.user)
    row = queries.agent(slug)
    card = agent_card(row, halts=approvals_queries.active_halts(), may_start=permissions.can_start_runs(request.user))
    waiting = approvals_queries.unsettled_counts(agent=slug)
    context = {
        "agent": card,
        "back_url": reverse("agents"),
        "halt_url": f"{reverse('halt')}?agent={slug}" if permissions.can_halt(request.user) else "",
        "figures": (
            Figure(_("Version"), str(row.version)),
            Figure(_("Model"), row.model),
            Figure(_("Environment"), row.environment),
            Figure(_("Live runs"), number(row.running)),
            Figure(_("Actions waiting"), number(waiting["pending"])),
            Figure(_("Found useful, 30 days"), told_of(satisfaction(slug))),
        ),
        "graph": plain_drawing(row),
        "budget": budgets.of_agent(request, slug),
        "accept_url": reverse("agent-accept", args=[slug]) if permissions.can_edit_policy(request.user) else "",
        "switches": [switch_line(s) for s in switches.over(slug, [str(tool["name"]) for tool in row.tools])],
        "switch_url": f"{reverse('switches')}?agent={slug}" if permissions.can_halt(request.user) else "",
        "other_code": row.other_code,
        "hazards": [*row.hazards, *({"at": row.slug, "why": why} for why in row.drawing.get("warnings", ()))],
        "runs": {
            "rows": budgets.run_lines(queries.runs(agent=slug, limit=8).rows),
            "empty_title": _("No run yet"),
            "empty_text": _("Start one to see it here."),
        },
    }
    return render(request, "agents/agent.html", context)
