"""A person's Slack: linking an account by a code, and taking it away; for those who keep it running, how the messages are."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages as notes
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals import permissions
from approvals.errors import NotAllowed
from approvals.operations import policies, slack_people, slack_queue
from approvals.queries import slack as queries
from approvals.queries.slack import MessageRow
from approvals.web import keepers
from approvals.web.http import Request
from approvals.web.slack_places import nowhere
from audit.sentences import say

MOST_FAILED = 10  # above the list; the others are behind the chip


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
    words = {"": _("All"), "WAITING": _("Waiting"), "FAILED": _("Failed"), "SENT": _("Stands there"), "SKIPPED": _("Not posted after all")}
    page = keepers.page_of(
        request, words, lambda state, before: queries.messages(state=state, before=before, limit=queries.PAGE + 1), size=queries.PAGE
    )
    teams, rule = queries.teams(), policies.in_force().data.slack
    places = rule.places(fallback=settings.SLACK_CHANNEL)
    above = [] if request.GET.get("state") or request.GET.get("before") else queries.failed_lately(limit=MOST_FAILED)
    context = {
        "failed": [_line(row) for row in above],
        "rows": [_line(row) for row in page.rows],
        "standing": queries.standing(),
        "teams": teams,
        "nowhere": list(nowhere(rule, [team.team for team in teams], queries.homes([channel for _team, channel in places]))),
        "may_connect": permissions.can_connect(request.user),
        "chips": page.chips,
        "pager": page.pager,
    }
    return render(request, "slack/messages.html", context)


@require_POST
def send_again(request: Request, message_id: int) -> HttpResponse:
    _check_keepers(request)
    slack_queue.send_again(message_id)
    notes.success(request, _("It is tried once more."))
    return redirect("slack-messages")


def _line(row: MessageRow) -> tuple[MessageRow, str, str]:
    """A message, what it is called, and where its action is."""
    kinds = {"card": _("card"), "reply": _("reply"), "note": _("message"), "old": _("old copy"), "whisper": _("private sentence")}
    return row, kinds.get(row.kind, row.kind), reverse("action", args=[row.action]) if row.action else ""


def _check_keepers(request: Request) -> None:
    if not keepers.is_keeper(request):
        raise NotAllowed(say("Only operators and administrators see how Slack's messages are"))


def _page(request: Request, *, code: str = "") -> HttpResponse:
    answer = render(
        request, "slack/slack.html",
        {"linked": queries.linked(request.user), "teams": queries.teams(), "code": code, "messages_url": reverse("slack-messages") if keepers.is_keeper(request) else ""},
    )  # fmt: skip
    answer["Cache-Control"] = "no-store"
    return answer
