"""The words of a desk: what somebody was told, and how long things may be put aside or off. Pure presenters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.policy.stand_ins import Cover
from approvals.policy.words import duration
from approvals.queries.desks import Desk, Notice
from audit.languages import told

SNOOZES = (900, 3_600, 4 * 3_600, 86_400)
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
    if notice.kind.startswith(("person.haste", "person.budget")):
        return reverse("quality")
    if notice.kind.startswith("person.group_"):
        return reverse("inbox")
    return reverse("action", args=[notice.action_id]) if notice.action_id else f"{reverse('preferences')}#away-title"


def notice_words(kind: str) -> str:
    """What a notice says before the action's summary."""
    name, _colon, part = kind.partition(":")
    return {
        "action.reminded": _("%(part)s of the time to decide is gone") % {"part": part},
        "action.escalated": _("Escalated to your group"),
        "action.your_turn": _("It is your group's turn"),
        "action.passed_on": _("Passed on to you"),
        "action.reassigned": _("An operator gave it to somebody else in your stead"),
        "action.reservation_ended": _("An operator ended your reservation"),
        "action.back": _("Back from being snoozed"),
        "person.away": _("You stand in for somebody who is away"),
        "person.haste": _("Approves very quickly: many within a minute"),
        "person.haste_own": _("You approve very quickly: many within a minute. Take the time that each needs"),
        "person.budget": _("Decided more in eight hours than one person should"),
        "person.budget_own": _(
            "You have decided more in eight hours than one person should. Let somebody else go on, or go away from your desk"
        ),
        "person.group_added": _("An administrator put you into a group"),
        "person.group_removed": _("An administrator took you out of a group"),
        "person.declined": _("You are not away any more: this person does not stand in for you"),
    }.get(name, name.replace(".", " "))


def desk_card(desk: Desk, *, now: datetime) -> DeskCard:
    left = (desk.expires_at - now).total_seconds()
    return DeskCard(
        desk=desk,
        url=reverse("action-desk", args=[desk.action_id]),
        held=_held(desk),
        put_off=_("Put off by %(time)s so far") % {"time": told(duration(desk.extended_s))} if desk.extended_s else "",
        left=told(duration(desk.extend_s)) if desk.extend_s >= 60 else "",
        snoozes=tuple((s, told(duration(s))) for s in SNOOZES if s < left and desk.may_snooze),
        extensions=_extensions(desk.extend_s),
    )


def lacking(name: str, cover: Cover) -> tuple[str, ...]:
    """What a stand-in cannot decide of what somebody is asked, in sentences; () when they can decide all of it."""
    found = []
    if cover.nowhere:
        said = _("%(name)s cannot decide what is asked of %(groups)s: that stays with the others there, and moves to nobody")
        found.append(said % {"name": name, "groups": ", ".join(cover.nowhere)})
    if cover.partly:
        said = _("%(name)s can decide only some of what is asked of %(groups)s: the policy names stand-ins for a part of it")
        found.append(said % {"name": name, "groups": ", ".join(cover.partly)})
    return tuple(found)


def lacks(cover: Cover) -> str:
    """The same beside a name in a list."""
    return ", ".join([*cover.nowhere, *(_("some of %(group)s") % {"group": group} for group in cover.partly)])


def _held(desk: Desk) -> str:
    if not desk.reserved_by:
        return ""
    if desk.reserved_for:
        said = _("You have reserved this, for %(whom)s") if desk.mine else _("%(who)s has reserved this, for %(whom)s")
    else:
        said = _("You have reserved this") if desk.mine else _("%(who)s has reserved this")
    return said % {"who": desk.reserved_by, "whom": desk.reserved_for}


def _extensions(most: int) -> tuple[tuple[int, str], ...]:
    if most < 60:
        return ()
    fit = [s for s in EXTENSIONS if s < most]
    return tuple((s, told(duration(s))) for s in (*fit, most))
