"""What a message says. Pure: no argument of an action is in it, nor any text an agent wrote; only its level, tool, agent and time.

Mail programs make links of whatever looks like one, so names are shown defanged: the only address in a message is our own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.languages import told

LEVELS = ("low", "medium", "high", "critical")
MOST_LISTED = 20
COUNTED = 10_000  # as of `queries.inbox`: what waits is counted so far
_HOST = re.compile(r"(?i)(://|www\.|@)|\.(?=[a-z]{2,}\b)")


@dataclass(frozen=True)
class Item:
    """One waiting action as a message may tell of it.

    Attributes:
        why: the policy's strongest reasons for the score (`factors.said_outside`).
        kind: what happened: action.opened, action.edited, ...
    """

    id: str
    level: str
    score: int
    tool: str
    agent: str
    starter: str
    expires_at: datetime
    why: tuple[str, ...] = ()
    kind: str = "action.opened"


@dataclass(frozen=True)
class Message:
    subject: str
    body: str


def name(text: str, most: int = 80) -> str:
    """A name from outside: what does not show itself is spelled out, what would become a link does not."""
    return _HOST.sub(lambda found: "[.]" if found.group() == "." else f"[{found.group().strip('.')}]", _visible(text, most))


def _visible(text: str, most: int = 80) -> str:
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text[:most]) + ("..." if len(text) > most else "")


def how_many(n: int) -> str:
    """A count of what waits, as far as it was counted."""
    return _("%(n)s or more") % {"n": f"{COUNTED:,}"} if n >= COUNTED else str(n)


def mail(items: Sequence[Item], *, total: int = 0, waiting: int = 0, site: str, zone: str) -> Message:
    """Some actions that wait for one person, the riskiest first.

    Args:
        total: how many there are, when these are only the riskiest of them. waiting: how many wait for this person in all; 0: not counted.
    """
    ordered = sorted(items, key=lambda item: (-LEVELS.index(item.level), item.expires_at))
    first, total = ordered[0], max(total, len(ordered))
    if total == 1:
        subject = _subject(first)
    else:
        subject = _("%(n)s actions wait for you, the riskiest: %(level)s") % {"n": total, "level": level_name(first.level)}
    parts = [_told(item, site, zone) for item in ordered[:MOST_LISTED]]
    in_all = [_("Waiting for you in all: %(n)s") % {"n": how_many(waiting)}] if waiting > total else []
    return Message(subject, "\n\n".join([*parts, *_more(total, site), *in_all, _foot(site)]))


def digest(items: Sequence[Item], total: int, *, site: str, zone: str) -> Message:
    """The weekday digest: how much waits for one person, and what is due first."""
    subject = ngettext("%(n)s action waits for you", "%(n)s actions wait for you", total) % {"n": how_many(total)}
    head = _("Waiting for you now: %(n)s. Due first:") % {"n": how_many(total)}
    parts = [_told(item, site, zone) for item in items[:MOST_LISTED]]
    return Message(subject, "\n\n".join([head, *parts, *_more(total, site), _foot(site)]))


def trial(*, site: str) -> Message:
    """Somebody asked whether mail arrives."""
    return Message(
        _("Mail from Countersign arrives"), "\n\n".join([_("You asked for this mail on your page of notifications."), _foot(site)])
    )


def push(items: Sequence[Item], total: int = 0) -> dict[str, str | int]:
    """The payload of a push: level, tool and agent, never an argument; it opens the page and can do nothing else."""
    first = min(items, key=lambda item: (-LEVELS.index(item.level), item.expires_at), default=None)
    if first is None:
        return {
            "title": "Countersign",
            "body": _("Notifications arrive on this device."),
            "url": "/preferences/notifications",
            "tag": "trial",
        }
    if max(total, len(items)) > 1:
        title = _("%(n)s actions wait, the riskiest: %(level)s") % {"n": max(total, len(items)), "level": level_name(first.level)}
        return {"title": title, "body": _("Open the inbox"), "url": "/inbox/", "tag": "inbox", "level": first.level}
    title, why = _("%(level)s risk: %(tool)s") % _named(first), happened(first.kind)
    body = name(first.agent) + (f": {why}" if why else "")
    return {"title": title, "body": body, "url": f"/actions/{first.id}/", "tag": first.id, "level": first.level}


def happened(kind: str) -> str:
    """What happened to an action, beside that it waits; "" when that is all."""
    what, _colon, part = kind.partition(":")
    return {
        "action.edited": _("with other arguments now"),
        "action.reopened": _("asked again"),
        "action.raised": _("asked anew, as more is needed"),
        "action.undone": _("asked again, an approval was taken back"),
        "action.reminded": _("%(part)s of the time to decide is gone") % {"part": part},
        "action.escalated": _("escalated to you, nobody has decided it"),
        "action.your_turn": _("it is your turn now"),
        "action.passed_on": _("passed on to you"),
        "action.reassigned": _("an operator gave it to somebody else in your stead"),
        "action.reservation_ended": _("an operator ended your reservation"),
        "action.back": _("back from being snoozed"),
    }.get(what, "")


def _subject(item: Item) -> str:
    named = {**_named(item), "part": item.kind.partition(":")[2]}
    if item.kind.startswith("action.reminded:"):
        return _("%(part)s of the time is gone: %(level)s risk, %(tool)s by %(agent)s waits for you") % named
    if item.kind == "action.escalated":
        return _("Escalated to you: %(level)s risk, %(tool)s by %(agent)s") % named
    return _("%(level)s risk: %(tool)s by %(agent)s waits for you") % named


def level_name(level: str) -> str:
    return {"low": _("Low"), "medium": _("Medium"), "high": _("High"), "critical": _("Critical")}.get(level, level)


def _named(item: Item) -> dict[str, str]:
    return {"level": level_name(item.level), "tool": name(item.tool), "agent": name(item.agent)}


def _told(item: Item, site: str, zone: str) -> str:
    why = happened(item.kind)
    head = _("%(level)s risk (%(score)s): %(tool)s by %(agent)s") % {**_named(item), "score": item.score}
    lines = [head + (f", {why}" if why else "")]
    if item.starter:
        lines.append(_("Started by %(who)s") % {"who": _visible(item.starter)})
    lines += [f"- {name(told(reason), 160)}" for reason in item.why]
    lines.append(_("Decide before %(when)s") % {"when": _moment(item.expires_at.astimezone(ZoneInfo(zone)))})
    return "\n".join([*lines, f"{site}/actions/{item.id}/"])


def _moment(at: datetime) -> str:
    return date_format(at, "D j M H:i ") + at.strftime("%Z")


def _more(total: int, site: str) -> list[str]:
    return [_("And %(n)s more: %(url)s") % {"n": how_many(total - MOST_LISTED), "url": f"{site}/inbox/"}] if total > MOST_LISTED else []


def _foot(site: str) -> str:
    line = _("The link shows the page to you when you are signed in. Nothing is decided by opening it, nor by answering this mail.")
    return f"-- \n{line}\n" + _("What is sent, and when: %(url)s") % {"url": f"{site}/preferences/notifications"} + "\n"
