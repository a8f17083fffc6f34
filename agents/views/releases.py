"""Lifting a halt: what is frozen is looked at first; then one run, an agent, or all of it goes on, with a second person where it takes one."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from agents import operations
from agents.errors import AgentError
from agents.views import halts
from agents.views.release_steps import consequence, steps
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.errors import ApprovalError, BadRequest, Conflict, NotFound, Stale
from approvals.queries import Stop
from approvals.web.http import Request
from approvals.web.shell import came_of, given_by, scope_words
from audit.sentences import say


def release(request: Request, halt_id: int) -> HttpResponse:
    """GET: what is frozen, and what may go on first. POST: let it go on, or ask somebody to confirm that."""
    permissions.check_read(request.user)
    stop = next((s for s in approvals_queries.active_halts() if s.id == halt_id), None)
    if request.method != "POST":
        if stop is None:
            raise NotFound(say("This halt is released already"))
        permissions.check_halt(permissions.standing(request.user))
        return _dialog(request, stop)
    step, reason = request.POST.get("step", "all"), request.POST.get("reason", "")
    scope, _colon, target = step.partition(":")
    read = request.POST.get(f"seen:{step}", "")
    seen = int(read) if read.isascii() and read.isdecimal() and len(read) < 19 else None
    try:
        done = operations.order_release(halt_id, scope=scope, target=target, reason=reason, seen=seen, by=request.user, door="web")
    except (AgentError, BadRequest, Conflict, Stale) as error:
        if stop is None:
            raise
        return _dialog(request, stop, error)
    return halts.back(request, came_of(scope, waits=done.waits))


def _dialog(request: Request, stop: Stop, error: AgentError | ApprovalError | None = None) -> HttpResponse:
    context: dict[str, Any] = {
        "post_url": reverse("halt-release", args=[stop.id]),
        "scope": scope_words(stop),
        "by": given_by(stop),
        "since": stop.at,
        "reason": stop.reason,
        "consequence": consequence(stop),
        "steps": steps(stop, request.POST.get("step", "") or _first(stop)),
        "two": stop.scope == "everything",
        "said": request.POST.get("reason", ""),
        "errors": [error.message] if error else [],
        "runs_url": f"{reverse('runs')}?state=live",
        "actions_url": f"{reverse('inbox')}",
        "button": _("Release"),
    }
    return halts.shown(request, "release", context, error)


def _first(stop: Stop) -> str:
    """What is chosen to begin with: what somebody else waits for, else all of it."""
    asked = stop.waits[-1] if stop.waits else None
    return "all" if asked is None or asked.scope == "all" else f"{asked.scope}:{asked.target}"
