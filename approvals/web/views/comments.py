"""What people say about an action: the list, fetched by its page and again when somebody writes, and the form below it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from approvals import permissions, queries
from approvals.doors import DOORS
from approvals.errors import BadRequest, NotFound
from approvals.operations.commenting import comment
from approvals.queries import comments as found
from approvals.render.reveal import Revealed, reveal
from approvals.web.http import Request, is_fragment
from audit.sentences import say


@dataclass(frozen=True)
class CommentLine:
    by: str
    at: datetime
    door: str
    text: Revealed
    deleted_at: datetime | None


def comments(request: Request, action_id: UUID) -> HttpResponse:
    """GET: what was said. POST: say something; it decides nothing."""
    permissions.check_read(request.user)
    if request.method != "POST":
        return _list(request, action_id)
    try:
        comment(action_id, by=request.user, text=request.POST.get("text", ""), door="web")
    except BadRequest as error:
        return _list(request, action_id, error=error.message, text=request.POST.get("text", ""), status=422)
    return _list(request, action_id) if is_fragment(request) else redirect("action", action_id)


def _list(request: Request, action_id: UUID, *, status: int = 200, error: str = "", text: str = "") -> HttpResponse:
    if not queries.is_known(action_id):
        raise NotFound(say("There is no such action"))
    lines = [CommentLine(c.by, c.at, DOORS.get(c.door, c.door), reveal(c.text), c.deleted_at) for c in found.comments(action_id)]
    context = {
        "comments": lines,
        "comments_url": reverse("action-comments", args=[action_id]),
        "id": str(action_id),
        "error": error,
        "text": text,
        "spoke": request.method == "POST",  # the field they wrote in is drawn anew: they stand there again
    }
    part = "approvals/_comment_list.html" if request.GET.get("part") == "list" else "approvals/_comments.html"
    return render(request, part, context, status=status)
