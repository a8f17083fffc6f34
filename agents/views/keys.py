"""Keys of programs: one's own tokens, the keys of the agents one answers for, and for administrators everybody's. A new one is shown once.

Lives in this room because agents' keys need to know who owns the agent.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from agents import operations, queries
from approvals import permissions
from approvals.errors import BadRequest, Conflict
from approvals.operations import api_keys
from approvals.operations.api_keys import OF_AGENT, OF_PERSON
from approvals.queries import api_keys as key_queries
from approvals.web.http import Request
from approvals.web.sign_ins import may_manage, to_confirm
from audit.sentences import say

DAYS = ((7, say("a week")), (30, say("30 days")), (90, say("90 days")), (365, say("a year")))
SCOPES = {
    "propose": say("propose, claim, report and withdraw"),
    "read": say("read"),
    "decide": say("decide, as far as a token may"),
    "operate": say("start and cancel runs, halt"),
    "govern": say("declare agents, propose policies"),
}


@require_safe
@never_cache
def page(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    return _page(request)


@require_POST
@never_cache
def make(request: Request) -> HttpResponse:
    """A new key. Whoever makes one has shown a moment ago that it is they: a session that was left open must not outlive itself as a key."""
    permissions.check_read(request.user)
    if not may_manage(request):
        return to_confirm(reverse("keys"))
    said = {name: request.POST.get(name, "") for name in ("name", "days", "agent", "scope")}
    scopes = [s for s in said["scope"].split(",") if s]
    days = int(said["days"]) if said["days"].isascii() and said["days"].isdigit() and len(said["days"]) < 5 else None
    try:
        if said["agent"]:
            key, token = operations.make_key(
                agent=said["agent"], name=said["name"], scopes=scopes or OF_AGENT, days=days, by=request.user, door="web"
            )
        else:
            key, token = api_keys.make(of=request.user, name=said["name"], scopes=scopes, days=days, by=request.user, door="web")
    except (BadRequest, Conflict) as error:
        return _page(request, error=error.message, said=said, status=error.status)
    return _page(request, made=key_queries.key_row(key.pk), token=token)


@require_POST
def revoke(request: Request, key_id: int) -> HttpResponse:
    permissions.check_read(request.user)
    row = key_queries.key_row(key_id)
    owns = row is not None and row.agent in [a.slug for a in _mine(request)]
    api_keys.revoke(key_id, by=request.user, door="web", answers_for=owns)
    messages.success(request, _("The key is revoked: from now on it opens nothing."))
    return redirect("keys")


def _page(request: Request, *, status: int = 200, **more: Any) -> HttpResponse:
    admin, mine = permissions.can_manage_people(request.user), _mine(request)
    own = key_queries.own_keys(request.user)
    others = key_queries.keys_of_agents(None if admin else [a.slug for a in mine])
    known = {row.id for row in (*own, *others)}
    context = {
        "own": own,
        "of_agents": others,
        "of_others": [row for row in key_queries.all_keys() if row.id not in known] if admin else [],
        "agents": [(a.slug, a.title) for a in mine],
        "days": DAYS,
        "kinds": (
            ("read,decide", _("read and decide")), ("read", _("read only")), ("read,decide,operate", _("read, decide, start runs and halt")),
            (",".join(OF_PERSON), _("everything your roles allow, as far as a token may")),
        ),
        "scopes": SCOPES,
        **more,
    }  # fmt: skip
    return render(request, "keys/page.html", context, status=status)


def _mine(request: Request) -> list[queries.AgentRow]:
    """The agents this person makes keys for."""
    admin = permissions.can_manage_people(request.user)
    return [a for a in queries.agents() if admin or a.owner == request.user.get_username()]
