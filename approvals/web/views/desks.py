"""A person's own part in an action's time: reserve, pass on, snooze, extend; what they were told; being away.

Plain forms that work without scripts: translate in, one operation, back to the page they were sent from.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from approvals import operations, permissions, queries
from approvals.errors import BadRequest, NotFound
from approvals.operations import policies, telling
from approvals.queries import desks, stand_ins
from approvals.web.desks import desk_card, lacking, lacks, notice_lines
from approvals.web.http import Request
from audit.languages import told
from audit.sentences import say

MOST_DAYS = 365


@require_safe
def desk(request: Request, action_id: UUID) -> HttpResponse:
    """Who has it and until when, with what this reader may do about it."""
    permissions.check_read(request.user)
    if queries.inbox_row(action_id) is None:
        raise NotFound(say("There is no such action"))
    found = desks.desk(action_id, reader=request.user)
    return render(request, "approvals/_desk.html", {"card": desk_card(found, now=datetime.now(UTC))} if found else {})


@require_POST
def reserve(request: Request, action_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    operations.reserve(action_id, by=request.user, door="web")
    return _back(request, action_id, _("Reserved for you: others see that you are on it"))


@require_POST
def put_back(request: Request, action_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    operations.put_back(action_id, by=request.user, door="web")
    return _back(request, action_id, _("Released: anybody who is asked may take it"))


@require_POST
def pass_on(request: Request, action_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    done = operations.pass_on(
        action_id, by=request.user, to=request.POST.get("to", ""), reason=request.POST.get("reason", ""), door="web"
    )  # fmt: skip
    name = done.reserved_by.get_username() if done.reserved_by else ""
    return _back(request, action_id, _("Passed on to %(name)s, who holds it now") % {"name": name})


@require_POST
def end_reservation(request: Request, action_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    operations.end_reservation(action_id, by=request.user, reason=request.POST.get("reason", ""), door="web")
    return _back(request, action_id, _("The reservation is ended: anybody who is asked may take it"))


@require_POST
def reassign(request: Request, action_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    wanted = {name: request.POST.get(name, "") for name in ("to", "of", "reason")}
    done = operations.reassign(action_id, by=request.user, door="web", **wanted)
    name = done.reserved_by.get_username() if done.reserved_by else ""
    return _back(request, action_id, _("Given to %(name)s, who holds it now") % {"name": name})


@require_POST
def snooze(request: Request, action_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    operations.snooze(action_id, by=request.user, seconds=_seconds(request), door="web")
    messages.success(request, _("Snoozed for you alone: the deadline does not move"))
    return redirect("inbox")


@require_POST
def unsnooze(request: Request, action_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    operations.unsnooze(action_id, by=request.user, door="web")
    return _back(request, action_id, _("Back in your inbox"))


@require_POST
def extend(request: Request, action_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    operations.extend(action_id, by=request.user, seconds=_seconds(request), reason=request.POST.get("reason", ""), door="web")
    return _back(request, action_id, _("The deadline is put off"))


@require_safe
def notices(request: Request) -> HttpResponse:
    """What the reader was told and has not read: the strip over the inbox."""
    permissions.check_read(request.user)
    return render(request, "approvals/_notices.html", {"notices": notice_lines(desks.notices(request.user))})


@require_POST
def read(request: Request) -> HttpResponse:
    """One notice is read, or all of them."""
    permissions.check_read(request.user)
    wanted = request.POST.get("id", "")
    if wanted and not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
        raise BadRequest(say("`id` is the number of a notice"))
    telling.read(by=request.user, notice_id=int(wanted) if wanted else None)
    return redirect("inbox")


@require_POST
def go_away(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    days = request.POST.get("days", "").strip()
    if days and not (days.isascii() and days.isdigit() and 1 <= int(days[:9]) <= MOST_DAYS):
        raise BadRequest(say("Say for how many days, 1 to 365, or leave it empty"))
    lasts = timedelta(days=int(days)) if days else None
    done = operations.go_away(
        by=request.user, delegate=request.POST.get("delegate", ""), lasts=lasts, note=request.POST.get("note", ""), door="web"
    )  # fmt: skip
    said = ngettext("You are away. %(n)s action moved to %(name)s.", "You are away. %(n)s actions moved to %(name)s.", done.moved)
    messages.success(request, said % {"n": done.moved, "name": done.absence.delegate.get_username()})
    for _action, why in done.left[:5]:
        messages.warning(request, _("One action went back to everybody: %(why)s") % {"why": told(why)})
    for sentence in lacking(done.absence.delegate.get_username(), done.cover):
        messages.warning(request, sentence)
    return redirect("preferences")


@require_POST
def come_back(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    operations.come_back(by=request.user, door="web")
    messages.success(request, _("Welcome back. What your delegate holds already stays with them."))
    return redirect("preferences")


@require_POST
def decline(request: Request) -> HttpResponse:
    """Not stand in for somebody."""
    permissions.check_read(request.user)
    ended = operations.decline(by=request.user, absent=request.POST.get("username", ""), door="web")
    messages.success(request, _("You do not stand in for %(name)s, who is told so.") % {"name": ended.user.get_username()})
    return redirect("preferences")


def away_context(request: Request) -> dict[str, Any]:
    """What the preferences page shows of being away."""
    away, policy = desks.away(request.user), policies.in_force().data
    return {
        "away": away,
        "lacking": lacking(away.delegate, stand_ins.cover_of(request.user, away.delegate, policy)) if away else (),
        "standing_in": desks.standing_in_for(request.user),
        "delegates": [] if away else [(one.name, lacks(one.cover)) for one in stand_ins.possible(request.user, policy)],
    }


def _seconds(request: Request) -> int:
    text = request.POST.get("seconds", "")
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise BadRequest(say("Say for how long, in seconds"))
    return int(text)


def _back(request: Request, action_id: UUID, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect("action", action_id)
