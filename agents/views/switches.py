"""Switches per agent and per tool: what is in force, and the form that sets one or goes back to policy.

Lives in this room because it lists agents and their tools.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from agents import operations, queries
from agents.errors import UnknownAgent
from agents.views.halt_scopes import tools
from approvals import permissions
from approvals.errors import ApprovalError, BadRequest, Conflict, NotFound
from approvals.queries import switches as rows
from approvals.web.http import Request, is_fragment
from approvals.web.switches import switch_line
from audit.languages import told
from audit.sentences import say

TIMES = (
    ("900", say("15 minutes")), ("3600", say("1 hour")), ("14400", say("4 hours")), ("86400", say("1 day")),
    ("", say("until somebody switches it back")),
)  # fmt: skip


def switches(request: Request) -> HttpResponse:
    """GET: the page, for the agent or tool the reader comes from. POST: set one, or go back to policy."""
    permissions.check_read(request.user)
    if request.method != "POST":
        return _page(request)
    scope, _colon, target = request.POST.get("what", "").partition(":")
    try:
        made = operations.order_switch(
            scope=scope, target=target, setting=request.POST.get("setting", ""), reason=request.POST.get("reason", ""), by=request.user,
            door="web", lasts=_lasts(request),
        )  # fmt: skip
    except (BadRequest, NotFound, UnknownAgent, Conflict) as error:
        return _page(request, error)
    messages.success(request, _("Switched: it counts from now on.") if made else _("Policy alone decides there again."))
    return redirect("console" if request.POST.get("back") == "console" else "switches")


def _lasts(request: Request) -> timedelta | None:
    said = request.POST.get("lasts", "")
    if request.POST.get("setting") == "allow" or not said:
        return None
    if said not in dict(TIMES):
        raise BadRequest(say("Choose one of the times"))
    return timedelta(seconds=int(said))


def _tools(chosen: str) -> list[str]:
    """Those that agents have, and the one asked about."""
    scope, _colon, name = chosen.partition(":")
    found = tools()
    return found if scope != "tool" or name in found else [*found, name]


def _page(request: Request, error: ApprovalError | UnknownAgent | None = None) -> HttpResponse:
    asked = next((f"{name}:{request.GET[name][:200]}" for name in ("agent", "tool") if request.GET.get(name)), "")
    chosen, may = request.POST.get("what") or asked, permissions.can_halt(request.user)
    back = request.POST.get("back") or request.GET.get("back", "")
    context: dict[str, Any] = {
        "back": "console" if back == "console" else "",
        "lines": [switch_line(row) for row in rows.in_force()],
        "may": may,
        "agents": [(f"agent:{row.slug}", row.slug, chosen == f"agent:{row.slug}") for row in queries.agents()] if may else (),
        "tools": [(f"tool:{name}", name, chosen == f"tool:{name}") for name in _tools(chosen)] if may else (),
        "times": [(value, told(label), value == request.POST.get("lasts", "3600")) for value, label in TIMES],
        "setting": request.POST.get("setting", ""),
        "reason": request.POST.get("reason", ""),
        "error": error.message if error else "",
        "back_url": reverse("console"),
    }
    page = "switches/_form.html" if is_fragment(request) and may else "switches/switches.html"
    return render(request, page, {"switches": {**context, "dialog": is_fragment(request)}}, status=getattr(error, "status", 200))
