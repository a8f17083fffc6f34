"""Reversing what a run did: the page that orders it, the card on the run's page, and an operator's word on what could not be reversed."""

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
from django.views.decorators.http import require_POST

from agents import compensated, operations, queries
from agents.compensated import CompensationRow, Reversal
from agents.errors import AgentError
from agents.states import UNFINISHED
from agents.views.states import Look
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.errors import ApprovalError, BadRequest
from approvals.render.reveal import Revealed, reveal
from approvals.web.http import Request
from audit.languages import told
from audit.sentences import say

LOOKS = {
    "OWED": Look(say("To be reversed"), "hourglass", "running"),
    "CLAIMED": Look(say("Being reversed"), "loader", "running"),
    "DONE": Look(say("Reversed"), "undo-2", "done"),
    "FAILED": Look(say("Could not be reversed"), "circle-x", "failed"),
}


@dataclass(frozen=True)
class Line:
    """One call of the card: what, how it stands, and, where a person is needed, whom to call and what they may say."""

    what: str
    url: str
    look: Look
    note: Revealed | None
    contact: str
    by: str
    at: datetime | None
    post_url: str = ""


@dataclass(frozen=True)
class Card:
    """The reversal of a run."""

    why: str
    reason: str
    at: datetime
    ended: datetime | None
    lines: tuple[Line, ...]
    left: int


def card_of(run_id: str, *, may_say: bool) -> Card | None:
    """What the run's page shows of its reversal; None where nothing is ordered."""
    found = compensated.reversal(run_id)
    if found is None:
        return None
    summaries = {action.id: action.summary for action in approvals_queries.run_actions(run_id)}
    lines = tuple(_line(row, summaries.get(row.action_id, row.tool), may_say=may_say) for row in found.rows)
    return Card(_why(found), found.reason, found.ordered_at, found.ended_at, lines, len(found.left))


def _why(found: Reversal) -> str:
    said = {"who": found.by}
    return {
        "ordered": _("Ordered by %(who)s") % said,
        "cancelled": _("With the cancelling by %(who)s") % said,
        "failed": _("Because the run failed, as its agent declares"),
        "rejected": _("Because people refused a part of it, as its agent declares"),
    }[found.why]


def _line(row: CompensationRow, summary: str, *, may_say: bool) -> Line:
    asks = row.state == "FAILED" and may_say
    return Line(
        what=summary,
        url=reverse("action", args=[row.action_id]),
        look=LOOKS[row.state],
        note=reveal(told(row.error)) if row.error else None,
        contact=row.contact if row.state == "FAILED" else "",
        by=row.said_by,
        at=row.finished_at,
        post_url=reverse("reversal-said", args=[row.action_id]) if asks else "",
    )


def order(request: Request, run_id: UUID) -> HttpResponse:
    """GET: what would be reversed, in which order, and what cannot be. POST: order it."""
    permissions.check_read(request.user)
    found = queries.run_detail(run_id)
    if request.method != "POST":
        return redirect("run", run_id) if compensated.reversal(run_id) else _form(request, found)
    try:
        operations.order_compensation(run_id, reason=request.POST.get("reason", ""), by=request.user, door="web")
    except BadRequest as error:
        return _form(request, found, error)
    messages.success(request, _("Ordered. A worker reverses one call after the other, the last first."))
    return redirect("run", run_id)


def _form(request: Request, found: queries.RunDetail, error: ApprovalError | AgentError | None = None) -> HttpResponse:
    calls = compensated.reversible(found.row.id)
    summaries = {action.id: action.summary for action in approvals_queries.run_actions(found.row.id)}
    context: dict[str, Any] = {
        "title": f"{found.agent_title} {found.row.id[:8]}",
        "back_url": reverse("run", args=[found.row.id]),
        "post_url": reverse("run-reverse", args=[found.row.id]),
        "calls": [{"what": summaries.get(c.action_id, c.tool), "call": c, "url": reverse("action", args=[c.action_id])} for c in calls],
        "may": permissions.can_halt(request.user) and bool(calls) and found.row.state not in UNFINISHED,
        "live": found.row.state in UNFINISHED,
        "said": request.POST.get("reason", ""),
        "error": error.message if error else "",
    }
    return render(request, "agents/reverse.html", {"reverse": context}, status=error.status if error else 200)


@require_POST
def say_of(request: Request, action_id: UUID) -> HttpResponse:
    """An operator has it tried again, or says that it was reversed by hand."""
    said = {"again": operations.try_again, "by_hand": operations.done_by_hand}.get(request.POST.get("what", ""))
    if said is None:
        raise BadRequest(say("Say whether it is to be tried again, or was reversed by hand"))
    found = said(action_id, reason=request.POST.get("reason", ""), by=request.user, door="web")
    messages.success(request, _("Recorded."))
    return redirect("run", found.run_id)


def may_order(run_id: str, state: str, request: Request) -> bool:
    """Whether to offer it on the run's page: an operator, an ended run that did something, and no order yet."""
    if state in UNFINISHED or not permissions.can_halt(request.user):
        return False
    return compensated.reversal(run_id) is None and bool(compensated.reversible(run_id))
