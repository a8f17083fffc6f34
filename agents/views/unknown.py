"""The desk of calls whose outcome nobody knows, the oldest first: what was called, when, and a person's word on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from agents import operations, overview
from agents.overview import CheckRow
from agents.queries import EffectRow
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.queries.untold import Untold, untold
from approvals.render.arguments import Line, lines_of
from approvals.render.reveal import Revealed, reveal
from approvals.web.http import Request
from approvals.web.rows import with_query
from audit.languages import number, told

PAGE = 20


@dataclass(frozen=True)
class Said:
    """What the remote side said, as evidence."""

    words: str
    by: str
    at: datetime
    error: Revealed | None


@dataclass(frozen=True)
class Question:
    """One call of unknown outcome."""

    id: str
    tool: str
    summary: str
    agent: str
    url: str
    run_url: str
    begun_at: datetime | None
    attempts: int
    error: Revealed | None
    args: tuple[Line, ...]
    said: tuple[Said, ...]
    asks: bool
    check_url: str
    resolve_url: str


@require_safe
def desk(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    url, cursor = reverse("unknown"), request.GET.get("cursor", "")[:100]
    rows, following = overview.unknown_page(cursor=cursor, limit=PAGE)
    checks = overview.checks_of([row.action_id for row in rows])
    count, may = overview.unknown_count(), permissions.can_halt(request.user)
    context: dict[str, Any] = {
        "rows": [_question(row, checks.get(row.action_id, []), may_resolve=may) for row in rows],
        "counts": ngettext("%(n)s call, the oldest first", "%(n)s calls, the oldest first", count) % {"n": number(count)},
        "list_url": with_query(url, {"cursor": cursor}, part="list"),
        "next_url": with_query(url, {}, cursor=following) if following else "",
        "first_url": url if cursor else "",
        "outside": [_told_outside(one) for one in untold()],
        "back_url": reverse("console"),
        "may": may,
    }
    fragment = request.GET.get("part") == "list"
    return render(request, "agents/_unknown.html" if fragment else "agents/unknown.html", {"desk": context})


def _question(row: EffectRow, checks: list[CheckRow], *, may_resolve: bool) -> Question:
    known, approved = approvals_queries.inbox_row(row.action_id), approvals_queries.shown(row.action_id)
    args = approved.args if approved else None
    return Question(
        id=row.action_id,
        tool=row.tool,
        summary=known.summary if known else "",
        agent=known.agent if known else _("unknown"),
        url=reverse("action", args=[row.action_id]),
        run_url=reverse("run", args=[row.run]),
        begun_at=row.claimed_at,
        attempts=row.attempts,
        error=reveal(told(row.error)) if row.error else None,
        args=lines_of(args) if isinstance(args, dict) else (),
        said=tuple(said(check) for check in checks[:3]),
        asks=any(check.answered_at is None for check in checks),
        check_url=reverse("effect-check", args=[row.action_id]) if may_resolve else "",
        resolve_url=reverse("effect-resolve", args=[row.action_id]) if may_resolve else "",
    )


def _told_outside(one: Untold) -> dict[str, Any]:
    return {"tool": one.tool, "summary": one.summary, "agent": one.agent, "at": one.claimed_at, "ended": one.ended,
            "url": reverse("action", args=[one.action_id])}  # fmt: skip


def said(check: CheckRow) -> Said:
    """One answer in words."""
    words = {
        "done": _("The remote side says: it was done"),
        "not_done": _("The remote side says: it was not done"),
        "unknown": _("The remote side cannot say"),
        "": _("A worker is asking the remote side") if check.answered_at is None else _("The remote side could not be asked"),
    }[check.answer]
    return Said(words, check.by, check.answered_at or check.asked_at, reveal(told(check.error)) if check.error else None)


@require_POST
def check(request: Request, action_id: UUID) -> HttpResponse:
    """Have a worker ask the remote side."""
    operations.ask_outcome(action_id, by=request.user, door="web")
    messages.success(request, _("A worker asks the remote side; the answer appears here by itself."))
    return redirect("unknown")
