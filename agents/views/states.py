"""How states of runs, effects and spans read: word, glyph, tone. Lookups only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from audit.languages import decimal
from audit.sentences import say


@dataclass(frozen=True)
class Look:
    word: str
    icon: str
    tone: str


RUNS = {
    "CREATED": Look(say("Queued"), "hourglass", "quiet"),
    "RUNNING": Look(say("Running"), "loader", "running"),
    "WAITING": Look(say("Waiting"), "hand", "waiting"),
    "READY": Look(say("Ready"), "hourglass", "running"),
    "HALTED": Look(say("Halted"), "octagon-pause", "halted"),
    "PAUSED": Look(say("Paused"), "circle-pause", "halted"),
    "SUCCEEDED": Look(say("Succeeded"), "circle-check", "done"),
    "PARTIAL": Look(say("In part"), "circle-dot-dashed", "waiting"),
    "FAILED": Look(say("Failed"), "circle-x", "failed"),
    "CANCELLED": Look(say("Cancelled"), "circle-slash", "quiet"),
}
EFFECTS = {
    "READY": Look(say("Waits for a worker"), "hourglass", "running"),
    "CLAIMED": Look(say("A worker runs it now"), "loader", "running"),
    "DONE": Look(say("Done"), "circle-check", "done"),
    "FAILED": Look(say("Failed"), "circle-x", "failed"),
    "UNKNOWN": Look(say("Nobody knows whether it was done"), "circle-question-mark", "waiting"),
    "COMPENSATED": Look(say("Reversed"), "undo-2", "quiet"),
}
SPANS = {
    "running": Look(say("running"), "loader", "running"),
    "done": Look("", "", ""),
    "failed": Look(say("failed"), "circle-x", "failed"),
    "paused": Look(say("asked people"), "hand", "waiting"),
    "passed": Look(say("asked, policy passed it"), "scale", "quiet"),
    "halted": Look(say("halted"), "octagon-pause", "halted"),
}
HALTED = Look(say("Halted"), "octagon-pause", "halted")
OFF = Look(say("Switched off"), "circle-slash", "quiet")


def took(start: datetime | None, end: datetime | None) -> str:
    """How long that is; "" where one of them is not known."""
    return "" if start is None or end is None else span_of((end - start).total_seconds())


def span_of(seconds: float) -> str:
    """A duration in the two largest units that matter."""
    seconds = max(0.0, seconds)
    if seconds < 1:
        return _("%(n)s ms") % {"n": decimal(seconds * 1000, 0)}
    if seconds < 60:
        return _("%(n)s s") % {"n": decimal(seconds)}
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return _("%(m)s min %(s)s s") % {"m": minutes, "s": rest}
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return _("%(h)s h %(m)s min") % {"h": hours, "m": minutes}
    return _("%(d)s d %(h)s h") % {"d": hours // 24, "h": hours % 24}


def named(text: str, among: Collection[str]) -> str:
    """The one of these that a filter of an address names, in whatever letters; "" where there is none of that name."""
    return next((name for name in among if name.lower() == text.lower()), "")
