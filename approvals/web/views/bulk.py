"""Deciding several near-identical actions together: the frozen set on a page, one POST, and what came of each."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import is_naive
from django.views.decorators.http import require_POST, require_safe

from approvals import permissions, queries
from approvals.errors import BadRequest
from approvals.operations.bulk import decide_together, undo_together
from approvals.operations.clock import database_now
from approvals.queries import bulk
from approvals.queries.quorums import approvals
from approvals.queries.stops import stop_of, undecidable
from approvals.web.bulk import outcomes_of, sheet_of
from approvals.web.http import Request
from approvals.web.ladder import PRESETS
from audit.sentences import say

PREFIX = "m-"


@require_safe
def page(request: Request) -> HttpResponse:
    """`?id=` once for each, or `?like=` for everything that waits and is like that one. Nothing joins the set afterwards."""
    permissions.check_read(request.user)
    ids = list(dict.fromkeys(request.GET.getlist("id")))
    if example := request.GET.get("like", ""):
        found = bulk.members([example])
        ids = bulk.like(found[example]) if found else []
    return _page(request, ids)


@require_POST
def decide(request: Request) -> HttpResponse:
    """Each member is decided by itself; the answer names every one, and what arrived meanwhile."""
    permissions.check_read(request.user)
    seen = [(name.removeprefix(PREFIX), str(digest)) for name, digest in request.POST.items() if name.startswith(PREFIX)]
    verdict, reason = request.POST.get("verdict", ""), request.POST.get("reason", "")
    try:
        if verdict == "reject" and not reason.strip():
            raise BadRequest(say("Say why: the agent receives it word for word, where its form has room for it"))
        results = decide_together(seen, by=request.user, verdict=verdict, reason=reason, key=request.POST.get("key", ""), door="web")
    except BadRequest as error:
        return _page(request, [action for action, _ in seen], error=error.message, reason=reason, frozen=_moment(request))
    members = bulk.members([r.action_id for r in results])
    first = next(iter(members.values()), None)
    shown = outcomes_of(results, verdict=verdict)
    context = {
        "outcomes": shown,
        "decided": sum(r.said == "decided" for r in results),
        "waits": sum(r.said == "waits" for r in results),
        "left_out": sum(r.said == "left out" for r in results),
        "arrived": bulk.arrived(first, since=_moment(request), but=list(members)) if first else [],
        "like": first.id if first else "",
        "reason": reason,
        "held": [outcome.id for outcome in shown if outcome.held_until],
    }
    return render(request, "bulk/results.html", context)


@require_POST
def undo(request: Request) -> HttpResponse:
    """Take back what is held of a set, each by itself; the answer names every one."""
    permissions.check_read(request.user)
    ids = [name.removeprefix(PREFIX) for name in request.POST if name.startswith(PREFIX)]
    results = undo_together(ids, by=request.user, door="web")
    shown = outcomes_of(results, verdict="")
    return render(request, "bulk/results.html", {"outcomes": shown, "back": sum(r.said == "taken back" for r in results), "undone": True})


def _page(request: Request, ids: list[str], *, error: str = "", reason: str = "", frozen: datetime | None = None) -> HttpResponse:
    found = bulk.members(ids[: bulk.MOST])
    members = [found[i] for i in ids if i in found]
    stops = queries.active_halts()
    halted = {m.id: undecidable(s.scope, s.target, who=s.by, why=s.reason) for m in members if (s := stop_of(m.row, stops))}
    all_of_them = len(halted) == len(members)  # then they are shown, and the buttons are not
    sheet = sheet_of(
        members, reader=request.user, approvals=approvals(member.row.pk for member in members), halted={} if all_of_them else halted
    )
    context: dict[str, Any] = {
        "sheet": sheet,
        "more": max(0, len(ids) - bulk.MOST),
        "missing": sum(i not in found for i in ids[: bulk.MOST]),
        "presets": PRESETS,
        "key": secrets.token_hex(16),
        "frozen": (frozen or database_now()).isoformat(),
        "error": error,
        "reason": reason,
        "halted": all_of_them and next(iter(halted.values()), ""),
    }
    return render(request, "bulk/bulk.html", context, status=422 if error else 200)


def _moment(request: Request) -> datetime:
    """When the set was frozen, as the form says; it only decides what is named as new."""
    try:
        moment = datetime.fromisoformat(request.POST.get("frozen", ""))
        return database_now() if is_naive(moment) else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return database_now()
