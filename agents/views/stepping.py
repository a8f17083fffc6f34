"""Pausing a run before its next step, one step, going on: forms on the run's page, and what the page says of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agents import operations, queries
from agents.queries import RunDetail, RunRow
from agents.states import UNFINISHED, Hold, RunState
from approvals import permissions
from approvals.web.http import Request, is_fragment
from audit.languages import number, told
from audit.spans import totals


def offered(request: Request, detail: RunDetail) -> dict[str, Any]:
    """The addresses of what an operator may order now."""
    row = detail.row
    may = permissions.can_override(request.user) and detail.here and row.state in {*UNFINISHED, RunState.FAILED}
    if row.hold == Hold.BUDGET:  # more to spend is what lets it go on
        return {}
    names = {"pause_url": "run-pause"} if not row.hold else {"step_url": "run-step", "go_on_url": "run-go-on"}
    return {key: reverse(name, args=[row.id]) for key, name in names.items()} if may else {}


def held_words(row: RunRow, *, steps: int) -> str:
    """Whether a pause is asked for or has come true, and after which step; "" where nobody holds it."""
    if not row.hold or row.state not in UNFINISHED:
        return ""
    said = {"who": row.held_by, "why": row.held_why, "n": number(steps), "nodes": ", ".join(row.nodes) or "-"}
    if row.hold == Hold.BUDGET:
        said["why"] = told(row.held_why)
        return _("%(why)s. It stopped after step %(n)s, before %(nodes)s; give it more, and it goes on.") % said
    if row.hold == "step":
        return _("%(who)s lets it take one step: %(why)s. Then it is paused again.") % said
    if row.state == RunState.PAUSED:
        return _("Paused by %(who)s: %(why)s. It stopped after step %(n)s, before %(nodes)s.") % said
    if row.state == RunState.RUNNING:
        return _("Pause requested by %(who)s: %(why)s. It is in step %(n)s, %(nodes)s, and pauses when that is over.") % said
    if row.state == RunState.WAITING:
        return _("Pause requested by %(who)s: %(why)s. People still decide; after their answers it goes no further.") % said
    return _("Pause requested by %(who)s: %(why)s.") % said


@require_safe
def hold(request: Request, run_id: UUID) -> HttpResponse:
    """The forms of a run's own page, in a dialog over a list of runs; a page by itself without scripts."""
    permissions.check_read(request.user)
    detail = queries.run_detail(run_id)
    back = "console" if request.GET.get("back") == "console" else ""
    context = {
        **offered(request, detail),
        "title": f"{detail.row.agent} {detail.row.id[:8]}",
        "url": reverse("run", args=[run_id]),
        "held": held_words(detail.row, steps=sum(totals(detail.row.id).visits.values())),
        "back": back,
        "back_url": reverse("console") if back else reverse("run", args=[run_id]),
    }
    return render(request, "agents/_hold.html" if is_fragment(request) else "agents/hold.html", {"run": context})


def _back(request: Request, run_id: UUID) -> HttpResponse:
    return redirect("console") if request.POST.get("back") == "console" else redirect("run", run_id)


@require_POST
def pause(request: Request, run_id: UUID) -> HttpResponse:
    run = operations.pause_run(run_id, reason=request.POST.get("reason", ""), by=request.user, door="web")
    done = _("Paused.") if run.state == RunState.PAUSED else _("The pause is requested: the page says when it has come true.")
    messages.success(request, done)
    return _back(request, run_id)


@require_POST
def step(request: Request, run_id: UUID) -> HttpResponse:
    operations.step_run(run_id, reason=request.POST.get("reason", ""), by=request.user, door="web")
    messages.success(request, _("It takes one step, and is paused again."))
    return _back(request, run_id)


@require_POST
def go_on(request: Request, run_id: UUID) -> HttpResponse:
    operations.go_on(run_id, reason=request.POST.get("reason", ""), by=request.user, door="web")
    messages.success(request, _("It goes on by itself."))
    return _back(request, run_id)
