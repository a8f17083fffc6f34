"""Taking a held approval back: the POST, and the note with its countdown, which every two seconds asks whether it still holds."""

from __future__ import annotations

import json
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals import operations, permissions, queries
from approvals.errors import Conflict
from approvals.web.http import Request, is_fragment
from approvals.web.views.action import card, show_detail
from approvals.web.views.decide import decided


def undo(request: Request, action_id: UUID) -> HttpResponse:
    """GET: the note as it is now, empty once the hold is over. POST: undo."""
    permissions.check_read(request.user)
    if request.method == "POST":
        return _undo(request, action_id)
    detail = queries.action_detail(action_id, reader=request.user)
    if not is_fragment(request):
        return redirect("action", action_id)
    if detail.row.state == "PENDING":  # somebody took it back: the page shows what is asked again
        answer = HttpResponse()
        answer["HX-Trigger"] = json.dumps({"reopened": {"id": str(action_id), "url": reverse("action", args=[action_id])}})
        return answer
    shown = card(detail)
    if not shown.held_url:  # over: what shows its state elsewhere on the page looks again
        return HttpResponse(headers={"HX-Trigger": f"live:action:{action_id}"})
    return render(request, "approvals/_undo.html", {"card": shown, "receipt": shown.receipts[0]})


def _undo(request: Request, action_id: UUID) -> HttpResponse:
    try:
        operations.undo(action_id, by=request.user, reason=request.POST.get("reason", ""), door="web")
    except Conflict as error:
        stale = {"title": _("Not undone"), "text": error.message, "changes": ()}
        return show_detail(request, queries.action_detail(action_id, reader=request.user), status=409, stale=stale)
    return decided(request, action_id, _("Taken back: it waits again"), stay=True)
