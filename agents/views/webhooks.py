"""Where programs are told: endpoints of an agent or of everything, what was posted there, a test and once more.

Lives in this room because an agent's owner says where its webhooks go.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from agents import queries
from approvals import permissions
from approvals.errors import BadRequest, Conflict, NotAllowed, NotFound
from approvals.operations import webhooks
from approvals.queries import webhooks as endpoint_queries
from approvals.web.http import Request
from audit.sentences import say

STATES = {
    "WAITING": say("waiting"), "SENDING": say("sending"), "SENT": say("sent"), "FAILED": say("failed"), "SKIPPED": say("skipped"),
}  # fmt: skip


@require_safe
@never_cache
def page(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    return _page(request)


@require_POST
@never_cache
def add(request: Request) -> HttpResponse:
    """A new endpoint; its secret is in the answer and nowhere else."""
    permissions.check_read(request.user)
    said = {name: request.POST.get(name, "").strip() for name in ("url", "agent", "about", "kinds")}
    try:
        if said["agent"] and said["agent"] not in dict(_mine(request)):
            raise NotAllowed(say("Only administrators, and the owner of an agent for it, say where webhooks go"))
        made, secret = webhooks.add(
            url=said["url"], agent=said["agent"], about=said["about"], kinds=[k for k in said["kinds"].split(",") if k], by=request.user,
            door="web", answers_for=bool(said["agent"]),
        )  # fmt: skip
    except (BadRequest, Conflict) as error:
        return _page(request, error=error.message, said=said, status=error.status)
    return _page(request, made=made.url, secret=secret)


@require_POST
def switch(request: Request, endpoint_id: int) -> HttpResponse:
    webhooks.switch(
        endpoint_id, on=request.POST.get("on") == "1", by=request.user, door="web", answers_for=_answers_for(request, endpoint_id)
    )
    return redirect("webhooks")


@require_POST
def test(request: Request, endpoint_id: int) -> HttpResponse:
    webhooks.test(endpoint_id, by=request.user, answers_for=_answers_for(request, endpoint_id))
    messages.success(request, _("A test is on its way; the list below says what became of it."))
    return redirect("webhooks")


@require_POST
def again(request: Request, post_id: int) -> HttpResponse:
    row = endpoint_queries.post(post_id)
    if row is None:
        raise NotFound(say("There is no such message; old ones are forgotten after 30 days"))
    webhooks.send_again(post_id, by=request.user, answers_for=_answers_for(request, row.endpoint))
    messages.success(request, _("It is sent once more, under the same id."))
    return redirect("webhooks")


def _page(request: Request, *, status: int = 200, **more: Any) -> HttpResponse:
    mine = _mine(request)
    admin = permissions.can_manage_people(request.user)
    agents = None if admin else [slug for slug, _title in mine]
    rows = endpoint_queries.posts(agents=agents, before=_cursor(request, "before"))
    endpoints = endpoint_queries.endpoints(agents, off_before=(off_before := _cursor(request, "off")))
    alerts = ((_kinds("halt.", "alert."), _("halts and alerts")), (_kinds("alert."), _("alerts"))) if admin else ()
    off = [one for one in endpoints if one.off_at]
    context = {
        "endpoints": endpoints,
        "off_before": off_before,
        "more_off": off[-1].id if len(off) == endpoint_queries.PAGE else 0,
        "posts": [replace(row, state=STATES.get(row.state, row.state), error=row.error if row.state != "SENT" else "") for row in rows],
        "older": rows[-1].id if len(rows) == endpoint_queries.PAGE else 0,
        "agents": mine,
        "admin": admin,
        "kinds": webhooks.KINDS,
        "sets": (("", _("everything")), (_kinds("action."), _("actions")),
                 ("action.opened", _("what is asked")), ("action.approved,action.rejected,action.answered,action.expired,action.settled", _("what was decided, and what came of it")),
                 (_kinds("run."), _("runs")), (_kinds("halt."), _("halts")), *alerts),
        **more,
    }  # fmt: skip
    return render(request, "keys/webhooks.html", context, status=status)


def _cursor(request: Request, name: str) -> int:
    given = request.GET.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0


def _kinds(*begins: str) -> str:
    return ",".join(kind for kind in webhooks.KINDS if kind.startswith(begins))


def _mine(request: Request) -> list[tuple[str, str]]:
    """The agents this person answers for."""
    admin = permissions.can_manage_people(request.user)
    return [(a.slug, a.title) for a in queries.agents() if admin or a.owner == request.user.get_username()]


def _answers_for(request: Request, endpoint_id: int) -> bool:
    permissions.check_read(request.user)
    agent = endpoint_queries.agent_of(endpoint_id) if 0 < endpoint_id < 2**63 else None
    return bool(agent) and agent in dict(_mine(request))
