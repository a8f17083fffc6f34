"""A person's Slack: linking an account by a code, and taking it away; for those who keep it running, how the messages are."""

from __future__ import annotations

from django.contrib import messages as notes
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals import permissions
from approvals.errors import NotAllowed
from approvals.operations import slack_people, slack_queue
from approvals.queries import slack as queries
from approvals.web.http import Request

STATES = ("", "WAITING", "FAILED", "SENT", "SKIPPED")


@require_safe
def page(request: Request) -> HttpResponse:
    """What is linked, and how to link."""
    permissions.check_read(request.user)
    return _page(request)


@require_POST
def code(request: Request) -> HttpResponse:
    """A new code, shown once and never kept."""
    permissions.check_read(request.user)
    return _page(request, code=slack_people.make_code(by=request.user))


@require_POST
def unlink(request: Request, person_id: int) -> HttpResponse:
    permissions.check_read(request.user)
    slack_people.unlink(person_id, by=request.user)
    notes.success(request, _("That Slack account presses nothing in your name any more."))
    return redirect("slack")


@require_safe
def messages(request: Request) -> HttpResponse:
    """What is posted, waits or failed, for those who keep it running."""
    _check_keepers(request)
    state, before = request.GET.get("state", ""), request.GET.get("before", "")
    state = state if state in STATES else ""
    rows = queries.messages(state=state, before=int(before) if before.isdecimal() and len(before) < 18 else 0, limit=queries.PAGE + 1)
    shown, url = rows[: queries.PAGE], reverse("slack-messages")
    kept = f"state={state}&" if state else ""
    words = {"": _("All"), "WAITING": _("Waiting"), "FAILED": _("Failed"), "SENT": _("Stands there"), "SKIPPED": _("Not posted after all")}
    context = {
        "rows": [(row, reverse("action", args=[row.action]) if row.action else "") for row in shown],
        "standing": queries.standing(),
        "teams": queries.teams(),
        "chips": [(f"{url}?state={name}" if name else url, words[name], name == state) for name in STATES],
        "words": words,
        "pager": {"first_url": f"{url}?{kept}" if before else "", "next_url": f"{url}?{kept}before={shown[-1].id}" if len(rows) > len(shown) else ""},
    }  # fmt: skip
    return render(request, "slack/messages.html", context)


@require_POST
def send_again(request: Request, message_id: int) -> HttpResponse:
    _check_keepers(request)
    slack_queue.send_again(message_id)
    notes.success(request, _("It is tried once more."))
    return redirect("slack-messages")


def _check_keepers(request: Request) -> None:
    if not permissions.roles(request.user) & {permissions.OPERATORS, permissions.ADMINS}:
        raise NotAllowed(_("Only operators and administrators see how Slack's messages are"))


def _page(request: Request, *, code: str = "") -> HttpResponse:
    keeps = bool(permissions.roles(request.user) & {permissions.OPERATORS, permissions.ADMINS})
    answer = render(
        request, "slack/slack.html",
        {"linked": queries.linked(request.user), "teams": queries.teams(), "code": code, "messages_url": reverse("slack-messages") if keeps else ""},
    )  # fmt: skip
    answer["Cache-Control"] = "no-store"
    return answer
