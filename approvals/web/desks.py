"""The words of a desk: what somebody was told, and how long things may be put aside or off. Pure presenters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.policy.words import duration
from approvals.queries.desks import Desk, Notice

SNOOZES = ((900, "15 minutes"), (3_600, "1 hour"), (4 * 3_600, "4 hours"), (86_400, "1 day"))
EXTENSIONS = (900, 1_800, 3_600, 4 * 3_600, 86_400)


@dataclass(frozen=True)
class NoticeLine:
    id: int
    text: str
    summary: str
    url: str
    at: datetime


@dataclass(frozen=True)
class DeskCard:
    """The block "Time and people" of an action's page; empty tuples and texts are controls that are not there."""

    desk: Desk
    url: str
    held: str
    put_off: str
    left: str
    snoozes: tuple[tuple[int, str], ...]
    extensions: tuple[tuple[int, str], ...]


def notice_lines(found: Sequence[Notice]) -> tuple[NoticeLine, ...]:
    return tuple(NoticeLine(n.id, notice_words(n.kind), n.summary, _about(n), n.at) for n in found)


def _about(notice: Notice) -> str:
    return reverse("action", args=[notice.action_id]) if notice.action_id else f"{reverse('preferences')}#away-title"


def notice_words(kind: str) -> str:
    """What a notice says before the action's summary."""
    name, _colon, part = kind.partition(":")
    return {
        "action.reminded": _("%(part)s of the time to decide is gone") % {"part": part},
        "action.escalated": _("Escalated to your group"),
        "action.your_turn": _("It is your group's turn"),
        "action.passed_on": _("Passed on to you"),
        "action.back": _("Back from being snoozed"),
        "person.away": _("You stand in for somebody who is away"),
        "person.declined": _("You are not away any more: this person does not stand in for you"),
    }.get(name, name.replace(".", " "))


def desk_card(desk: Desk, *, now: datetime) -> DeskCard:
    left = (desk.expires_at - now).total_seconds()
    stead = f", for {desk.reserved_for}" if desk.reserved_for else ""
    return DeskCard(
        desk=desk,
        url=reverse("action-desk", args=[desk.action_id]),
        held=(_("You have reserved this") if desk.mine else f"{desk.reserved_by} has reserved this") + stead if desk.reserved_by else "",
        put_off=f"Put off by {duration(desk.extended_s)} so far" if desk.extended_s else "",
        left=duration(desk.extend_s) if desk.extend_s >= 60 else "",
        snoozes=tuple((s, words) for s, words in SNOOZES if s < left),
        extensions=_extensions(desk.extend_s),
    )


def _extensions(most: int) -> tuple[tuple[int, str], ...]:
    if most < 60:
        return ()
    fit = [s for s in EXTENSIONS if s < most]
    return tuple((s, duration(s)) for s in (*fit, most))
