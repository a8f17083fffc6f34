"""Accepting what a tool of an agent that runs elsewhere is declared to be now, although that may ask less of people."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from agents import operations
from approvals import permissions
from approvals.web.http import Request


@require_POST
def accept(request: Request, slug: str) -> HttpResponse:
    """Back to the agent's page, with what became of it."""
    permissions.check_read(request.user)
    version = request.POST.get("version", "")
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0
    tool, reason = request.POST.get("tool", ""), request.POST.get("reason", "")
    operations.accept_declaration(slug=slug, tool=tool, version=number, reason=reason, by=request.user, door="web")
    messages.success(request, _("Accepted: its calls count as declared from now on."))
    return redirect("agent", slug)
