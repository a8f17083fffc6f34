"""How a person is reached: their page of notifications, their devices, and the list of what was sent and what was not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from functools import lru_cache

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals import permissions
from approvals.errors import BadRequest, NotAllowed
from approvals.notify import choices, mail, vapid
from approvals.notify.choices import LEVELS, USUAL, WAYS, Wants
from approvals.operations import delivering, devices, preferences, reaching
from approvals.queries import reaching as queries
from approvals.queries.reaching import DeliveryRow
from approvals.web import keepers
from approvals.web.http import Request
from approvals.web.words import level_name
from audit.languages import told
from audit.sentences import say


@dataclass(frozen=True)
class Cell:
    """One field of the matrix."""

    name: str
    label: str
    ways: tuple[tuple[str, str], ...]
    chosen: str


@dataclass(frozen=True)
class Line:
    """One delivery in words; `url` leads to its action, `again_url` sends it once more."""

    row: DeliveryRow
    about: str
    state: str
    glyph: str
    url: str
    again_url: str = ""


def notifications(request: Request) -> HttpResponse:
    """GET: what is chosen, the devices, what was sent lately. POST: choose all of it."""
    permissions.check_read(request.user)
    if request.method != "POST":
        return _page(request, _fields(queries.wants(request.user)), {})
    posted = {name: request.POST.get(name, "").strip() for name in ("quiet_from", "quiet_to", "zone", "digest")}
    matrix = {channel: {level: request.POST.get(f"{channel}-{level}", USUAL[channel][level]) for level in LEVELS} for channel in WAYS}
    wanted = {**posted, "matrix": matrix, "loud": "loud" in request.POST}
    try:
        preferences.choose(by=request.user, choices={"reach": wanted})
    except BadRequest as error:
        return _page(request, wanted, error.details.get("fields") or {"": error.message}, status=422)
    messages.success(request, _("Kept. What is already on its way is looked at again before it goes."))
    return redirect("notifications")


@require_POST
def trial(request: Request) -> HttpResponse:
    """Send me something, to see whether it arrives."""
    permissions.check_read(request.user)
    reaching.want_trial(by=request.user, channel=request.POST.get("channel", ""))
    messages.success(request, _("On its way. What became of it stands under Sent lately in a moment."))
    return redirect("notifications")


@require_POST
def add_device(request: Request) -> HttpResponse:
    """This browser agreed to be called; the page's script sends what the browser gave it."""
    permissions.check_read(request.user)
    said = {name: request.POST.get(name, "")[:1_200] for name in ("endpoint", "p256dh", "auth", "name")}
    devices.add(by=request.user, door="web", **said)
    return HttpResponse(status=204)


@require_POST
def remove_device(request: Request, device_id: int) -> HttpResponse:
    permissions.check_read(request.user)
    devices.remove(device_id, by=request.user, door="web")
    messages.success(request, _("This device is called no more."))
    return redirect("notifications")


@require_safe
def deliveries(request: Request) -> HttpResponse:
    """What was sent to whom, and what was not: for those who keep it running."""
    _check_keepers(request)
    words = {"": _("All"), "bad": _("Failed or unsure"), "WAITING": _("Waiting"), "SENT": _("Sent"), "SKIPPED": _("Not sent after all")}
    page = keepers.page_of(
        request, words, lambda state, before: queries.deliveries(state=state, before=before, limit=queries.PAGE + 1), size=queries.PAGE
    )
    context = {
        "lines": [_line(row, keeper=True) for row in page.rows],
        "standing": queries.delivery_standing(),
        "chips": page.chips,
        "mail_said": told(mail.said()),
        "mail_out": mail.goes_out(),
        "pager": page.pager,
    }
    return render(request, "reach/deliveries.html", context)


@require_POST
def send_again(request: Request, delivery_id: int) -> HttpResponse:
    _check_keepers(request)
    delivering.send_again(delivery_id)
    messages.success(request, _("It will be sent once more, unless it was decided meanwhile."))
    return redirect("deliveries")


@login_not_required
@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script that takes pushes, at the root of our own origin, because its reach is its folder. It holds nothing secret."""
    answer = HttpResponse(_script(), content_type="text/javascript; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    return answer


@lru_cache(maxsize=1)
def _script() -> bytes:
    path = finders.find("countersign/js/sw.js")
    with open(str(path), "rb") as file:
        return file.read()


def _check_keepers(request: Request) -> None:
    if not keepers.is_keeper(request):
        raise NotAllowed(say("Only operators and administrators see everybody's deliveries; your own are on your page of notifications"))


def _fields(wants: Wants) -> dict[str, object]:
    def said(moment: time | None) -> str:
        return moment.isoformat("minutes") if moment else ""

    return {
        "matrix": wants.matrix, "quiet_from": said(wants.quiet_from), "quiet_to": said(wants.quiet_to), "loud": wants.loud,
        "zone": wants.zone, "digest": said(wants.digest),
    }  # fmt: skip


def _page(request: Request, chosen: dict[str, object], errors: dict[str, str], *, status: int = 200) -> HttpResponse:
    context = {
        "chosen": chosen,
        "errors": errors,
        "rows": _matrix(chosen["matrix"]),
        "address": request.user.email,
        "mail_said": told(mail.said()),
        "mail_out": mail.goes_out(),
        "gap_s": settings.MAIL_GAP_S,
        "devices": queries.devices_of(request.user),
        "vapid": vapid.public_key(),
        "lines": [_line(row) for row in queries.deliveries(user=request.user, limit=10)],
        "deliveries_url": reverse("deliveries") if keepers.is_keeper(request) else "",
    }
    return render(request, "reach/notifications.html", context, status=status)


def _matrix(chosen: object) -> list[tuple[str, list[Cell]]]:
    table = chosen if isinstance(chosen, dict) else dict(USUAL)
    ways = {choices.NOW: _("At once"), choices.DIGEST: _("Digest"), choices.OFF: _("No")}
    channels = {choices.EMAIL: _("E-mail"), choices.PUSH: _("Push"), choices.SLACK: _("Slack")}
    return [
        (
            level,
            [
                Cell(
                    f"{c}-{level}",
                    f"{channels[c]}, {level_name(level)}",
                    tuple((w, ways[w]) for w in WAYS[c]),
                    table.get(c, {}).get(level, USUAL[c][level]),
                )
                for c in WAYS
            ],
        )
        for level in LEVELS
    ]


def _about(kind: str) -> str:
    what, _colon, part = kind.partition(":")
    return {
        "action.opened": _("Asked"), "action.reopened": _("Asked again"), "action.raised": _("Asked anew, as more is needed"), "action.undone": _("Approval taken back"),
        "action.edited": _("Other arguments"), "action.reminded": _("Reminder, %(part)s gone") % {"part": part},
        "action.escalated": _("Escalated"), "action.your_turn": _("Turn of their group"), "action.passed_on": _("Passed on"),
        "action.reassigned": _("Given to somebody else"), "action.reservation_ended": _("Reservation ended"),
        "action.back": _("Back from a snooze"), "digest": _("Weekday digest"), "trial": _("A try"),
        "alert.raised": _("Alert"), "alert.reminded": _("Alert, still so"), "alert.recovered": _("Alert, over"),
    }.get(what, what.removeprefix("action.").replace("_", " ").capitalize())  # fmt: skip


def _line(row: DeliveryRow, *, keeper: bool = False) -> Line:
    about = _about(row.kind)
    state, glyph = {
        "WAITING": (_("Waiting"), "hourglass"),
        "SENDING": (_("Being sent"), "send"),
        "SENT": (_("Sent"), "check"),
        "FAILED": (_("Failed"), "circle-x"),
        "UNSURE": (_("Unsure whether it arrived"), "circle-help"),
        "SKIPPED": (_("Not sent"), "ban"),
    }[row.state]
    again = reverse("delivery-again", args=[row.id]) if keeper and row.state in {"FAILED", "UNSURE"} else ""
    return Line(row, about, state, glyph, reverse("action", args=[row.action]) if row.action else "", again)
