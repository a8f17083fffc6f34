"""One delivery from Slack, whichever way it came: taken once, done, and its answer kept for when it comes again."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction

from approvals.operations import slack_heard
from approvals.slack import commands, desk, hearing, mistakes, pressing, reviewing
from approvals.slack.quick import Busy
from approvals.slack.verifying import Click

log = structlog.get_logger("approvals.slack")
Json = Mapping[str, Any]
# A NUL as JSON writes it; a backslash that is itself escaped before the same letters is text that somebody typed.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
# What is an object (a list) wherever Slack sends it; anything else of that name is left out, and then counts as not sent.
OBJECTS = frozenset(
    [
        "team",
        "user",
        "enterprise",
        "channel",
        "container",
        "view",
        "message",
        "event",
        "state",
        "values",
        "selected_option",
        "edited",
        "tokens",
        "previous_message",
    ]
)
LISTS = frozenset({"actions", "authorizations"})
DEEPEST = 60


class Malformed(Exception):
    """It came from Slack, and is not what Slack sends."""


HANDLERS: dict[str, Callable[[Json, Click], Json]] = {
    "block_actions": pressing.block_actions,
    "view_submission": reviewing.view_submission,
    "block_suggestion": reviewing.block_suggestion,
    "shortcut": desk.shortcut,
    "event_callback": hearing.event_callback,
    "command": commands.command,
}


def answered(kind: str, payload: Json, click: Click) -> Json:
    """As `handle`; and where we make a mistake, whoever pressed is told so, whichever way it came. Nothing of it is recorded then.

    Raises what means that Slack is to send it again: Busy, the database being away, and any mistake with an event, of which nobody waits for an answer.
    """
    try:
        return handle(kind, payload, click)
    except (Busy, OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("slack_not_handled", kind=kind)
        if kind == "event_callback":
            raise
        return mistakes.answer(kind, payload)


def handle(kind: str, payload: Json, click: Click) -> Json:
    """Do what one delivery asks for; the answer is what goes back with the acknowledgement.

    Args:
        kind: the payload's own type, or "command".
    """
    handler = HANDLERS.get(kind)
    if handler is None:
        return {}
    if kind == "block_suggestion":  # changes nothing
        return handler(payload, click)
    key = slack_heard.key_of(payload)
    # One commit for all of it: what was decided is heard and answered as well, and what failed was never heard. Of two deliveries of the
    # same at once the second waits here for the first, and gives its answer.
    with transaction.atomic():
        heard = slack_heard.delivery(key)
        if not heard.new:
            return heard.answer or {}
        answer = handler(payload, click)
        slack_heard.answered(key, answer)
    return answer


def shaped(payload: Json) -> dict[str, Any]:
    """A delivery in the shape that handlers count on. Raises Malformed for text that no table can hold, and what is nested without end."""
    try:
        kept: dict[str, Any] = _shaped(payload, 0)
        text = json.dumps(kept, ensure_ascii=False)
        text.encode()
    except (RecursionError, UnicodeError, ValueError) as error:
        raise Malformed from error
    if _NUL.search(text):
        raise Malformed
    return kept


def _shaped(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise Malformed
    if isinstance(value, Mapping):
        return {name: _shaped(part, depth + 1) for name, part in value.items() if _fits(name, part)}
    return [_shaped(part, depth + 1) for part in value] if isinstance(value, list) else value


def _fits(name: str, part: Any) -> bool:
    if name in OBJECTS:
        # An event names its channel and user by id only; so does an edit.
        return isinstance(part, Mapping | str) if name in {"channel", "user", "team"} else isinstance(part, Mapping)
    return isinstance(part, list) if name in LISTS else True
