"""Asking the agent about an action: the sheet, the question, and the answers as they come in. A worker lets the agent answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.operations import waking
from approvals import operations, permissions, queries
from approvals.errors import BadRequest, Checking, NotFound
from approvals.render.reveal import Revealed, reveal
from approvals.web.http import Request, is_fragment
from approvals.web.views.action import card, show_detail
from audit.sentences import say


@dataclass(frozen=True)
class AskLine:
    """One question; `answer` are the agent's own words, `error` why there are none."""

    by: str
    at: datetime
    question: Revealed
    waiting: bool
    answer: Revealed | None
    error: str


def ask(request: Request, action_id: UUID) -> HttpResponse:
    """GET: the sheet. POST: put the question to the agent; the action stays undecided."""
    permissions.check_read(request.user)
    if request.method != "POST":
        return _sheet(request, action_id)
    question = request.POST.get("question", "")
    try:
        asked = operations.ask(action_id, by=request.user, question=question, door="web")
    except (BadRequest, Checking) as error:
        return _sheet(request, action_id, question=question, error=error.message, status=error.status)
    waking.wake(waking.ASK, asked.pk)
    if not is_fragment(request):
        return redirect("action", action_id)
    return show_detail(request, queries.action_detail(action_id, reader=request.user))


def _sheet(request: Request, action_id: UUID, *, status: int = 200, **context: str) -> HttpResponse:
    detail = queries.action_detail(action_id, reader=request.user)
    shown = card(detail)
    if shown.bar is None or shown.bar.blocked or not shown.bar.ask_url:
        answer = show_detail(request, detail, focus=True)
        answer["HX-Retarget"] = "#pane"
        return answer
    values = {**context, "card": shown, "bar": shown.bar}
    if not is_fragment(request):
        return render(request, "approvals/action.html", {**values, "alone": True, "sheet": "approvals/_ask_form.html"}, status=status)
    answer = render(request, "approvals/_ask_form.html", values, status=status)
    answer["HX-Retarget"] = f"#sheet-{detail.row.id}"
    return answer


@require_safe
def asks(request: Request, action_id: UUID) -> HttpResponse:
    """The questions and answers of an action; fetched by its page, and again while one is open."""
    permissions.check_read(request.user)
    if not queries.is_known(action_id):
        raise NotFound(say("There is no such action"))
    lines = [_line(row) for row in queries.asks(action=str(action_id))]
    url = reverse("action-asks", args=[action_id])
    return render(
        request, "approvals/_asks.html", {"asks": lines, "asks_url": url, "id": str(action_id), "waiting": any(a.waiting for a in lines)}
    )


def _line(row: queries.AskRow) -> AskLine:
    answered = row.state == "ANSWERED"
    return AskLine(
        row.by, row.at, reveal(row.question), row.state == "WANTED", reveal(row.answer) if answered else None,
        row.answer if row.state == "FAILED" else "",
    )  # fmt: skip
