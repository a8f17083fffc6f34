"""The Connect tab of an agent: snippets with everything filled in, a key made right there, and whether the first call has come.

Lives in this room because whoever owns the agent makes its keys.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from agents import operations, queries
from agents.views.keys import DAYS
from agents.views.snippets import snippets, subject
from approvals import permissions
from approvals.errors import BadRequest, Conflict
from approvals.operations.api_keys import OF_AGENT
from approvals.queries import api_keys as key_queries
from approvals.web.http import Request
from approvals.web.sign_ins import may_manage, to_confirm


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def connect(request: Request, slug: str) -> HttpResponse:
    """GET: the snippets. POST: the same with a new key in them, shown this once. Making one asks what the page of keys asks."""
    permissions.check_read(request.user)
    row = queries.agent(slug)
    if request.method != "POST":
        return _page(request, row)
    if not may_manage(request):
        return to_confirm(reverse("agent-connect", args=[slug]))
    name, days = request.POST.get("name", ""), request.POST.get("days", "")
    holds = int(days) if days.isascii() and days.isdigit() and len(days) < 5 else None
    try:
        key, token = operations.make_key(agent=slug, name=name, scopes=OF_AGENT, days=holds, by=request.user, door="web")
    except (BadRequest, Conflict) as error:
        return _page(request, row, error=error.message, name=name, status=error.status)
    return _page(request, row, token=token, made=key.pk)


@require_safe
@never_cache
def arrived(request: Request, slug: str) -> HttpResponse:
    """Whether a program has called with a key of this agent; asked again by the page until one has."""
    permissions.check_read(request.user)
    row = queries.agent(slug)
    key = request.GET.get("key", "")
    return render(request, "agents/_arrived.html", _arrival(row, int(key) if key.isascii() and key.isdigit() and len(key) < 19 else 0))


def _page(request: Request, row: queries.AgentRow, *, token: str = "", made: int = 0, status: int = 200, **more: Any) -> HttpResponse:
    of = subject(
        slug=row.slug, url=settings.PUBLIC_URL, key=token, by=request.user.get_username(), tools=row.tools, runs_here=not row.outside,
        samples=row.sample_inputs, input_schema=row.input_schema,
    )  # fmt: skip
    context = {
        "agent": {"name": row.title or row.slug, "about": row.description, "url": reverse("agent", args=[row.slug]), "slug": row.slug},
        "snippets": snippets(of),
        "unfit": of.unfit,
        "token": token,
        "days": DAYS,
        "may_make": permissions.can_manage_people(request.user) or row.owner == request.user.get_username(),
        "owner": row.owner,
        **_arrival(row, made),
        **more,
    }
    return render(request, "agents/connect.html", context, status=status)


def _arrival(row: queries.AgentRow, key: int) -> dict[str, Any]:
    """The latest use of this agent's keys; of one key only, when it was just made."""
    seen = [used.seen_at for used in key_queries.keys_of_agents([row.slug]) if used.seen_at and key in (0, used.id)]
    again = f"{reverse('agent-arrived', args=[row.slug])}{f'?key={key}' if key else ''}"
    return {"seen_at": max(seen, default=None), "again_url": again, "asked_url": f"{reverse('inbox')}?agent={row.slug}"}
