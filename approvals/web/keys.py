"""The commands that have a single key, what the key usually is, and what each is called. Pure.

A template marks a button with its usual key (`data-key="a"`); the browser translates what a person presses into the usual key, so
nothing but the page's key handler has to know that somebody moved one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Command:
    """One command; `usual` is the key the templates name."""

    name: str
    usual: str
    label: object


COMMANDS = (
    Command("next", "j", _("Next action")),
    Command("previous", "k", _("Previous action")),
    Command("open", "o", _("Open")),
    Command("approve", "a", _("Approve; twice at high risk; never at critical")),
    Command("edit", "e", _("Edit the arguments")),
    Command("reject", "r", _("Reject, with a reason")),
    Command("comment", "c", _("Answer instead")),
    Command("choose", "x", _("Choose for deciding together")),
    Command("take over", "t", _("Take over: do it outside, enter the outcome")),
    Command("ask", "q", _("Question to the agent; it stays undecided")),
    Command("snooze", "s", _("Snooze it, for you alone")),
    Command("delegate", "d", _("Pass it on to somebody")),
    Command("undo", "u", _("Undo, while that is possible")),
    Command("copy link", "l", _("Copy the link of the action")),
    Command("later", "]", _("Next in the detail")),
    Command("earlier", "[", _("Previous in the detail")),
    Command("filter", "/", _("Filter")),
    Command("go", "g", _("Go to a place, with a second key")),
    Command("help", "?", _("All keys")),
)
USUAL = {command.name: command.usual for command in COMMANDS}


def pressed_to_usual(keys: Mapping[str, str]) -> dict[str, str]:
    """What each moved key stands for: the pressed key to the usual one. A key that was moved away stands for nothing."""
    moved = {command: key for command, key in keys.items() if command in USUAL and key != USUAL[command]}
    away = {USUAL[command]: "" for command in moved}
    return {**away, **{key: USUAL[command] for command, key in moved.items()}}


def wanted_keys(posted: Mapping[str, str]) -> dict[str, str]:
    """The key of every command as a form gives it, the usual one where the field is empty."""
    return {command.name: posted.get(f"key-{command.name}", "").strip().lower() or command.usual for command in COMMANDS}
