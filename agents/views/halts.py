"""The Halt button's dialog: counts before confirming, one operation after. The release is in `releases`.

Lives in this room because it counts runs as well as actions.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from agents import operations as agent_operations
from agents.views import halt_scopes
from approvals import permissions
from approvals.errors import ApprovalError, BadRequest, NotFound
from approvals.web.http import Request, is_fragment
from audit.sentences import say

WORD = "HALT"
ASKED = ("run", "agent", "version", "tool", "customer")


def halt(request: Request) -> HttpResponse:
    """GET: the dialog, for the run or agent the reader comes from, or everything. POST: give the order."""
    permissions.check_halt(permissions.standing(request.user))
    if request.method != "POST":
        return _dialog(request)
    scope, _colon, target = request.POST.get("scope", "").partition(":")
    target = target or request.POST.get(f"{scope}_name", "").strip()
    try:
        if scope == "everything" and request.POST.get("word", "").strip() != WORD:
            raise BadRequest(say("Type %(word)s to stop everything", word=WORD))
        agent_operations.order_halt(scope=scope, target=target, reason=request.POST.get("reason", ""), by=request.user, door="web")
    except (BadRequest, NotFound) as error:
        return _dialog(request, error)
    return back(request, _("Halted. Nothing new starts; the banner says what is frozen."))


def _dialog(request: Request, error: ApprovalError | None = None) -> HttpResponse:
    asked = {name: (request.GET.get(name) or request.POST.get(name) or "")[:200] for name in ASKED}
    if asked["run"] and not halt_scopes.is_run(asked["run"]):
        raise NotFound(say("There is no such run; open the halt from the run's own page"))
    chosen = request.POST.get("scope") or next((f"{name}:{value}" for name, value in asked.items() if value), "everything")
    context = {
        "post_url": reverse("halt"),
        "groups": halt_scopes.groups(asked, chosen),
        "asked": [(name, value) for name, value in asked.items() if value],
        "reason": request.POST.get("reason", ""),
        "errors": [error.message] if error else [],
        "button": _("Halt"),
    }
    return shown(request, "dialog", context, error)


def shown(request: Request, name: str, context: dict[str, Any], error: Exception | None) -> HttpResponse:
    """The dialog over the page, or a page of its own."""
    fragment = is_fragment(request)
    template = f"halt/_{name}.html" if fragment else f"halt/{name}.html"
    return render(request, template, {"halt": context}, status=422 if error else 200)


def back(request: Request, sentence: str) -> HttpResponse:
    """Where the reader was; the page is read anew, so that everything on it knows."""
    messages.success(request, sentence)
    if is_fragment(request):
        answer = HttpResponse(status=204)
        answer["HX-Refresh"] = "true"
        return answer
    return redirect("inbox")
