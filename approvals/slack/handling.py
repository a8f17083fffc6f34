"""One delivery from Slack, whichever way it came: taken once, done, and its answer kept for when it comes again."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from approvals.operations import slack_heard
from approvals.slack import commands, hearing, pressing, reviewing
from approvals.slack.verifying import Click

Json = Mapping[str, Any]

HANDLERS: dict[str, Callable[[Json, Click], Json]] = {
    "block_actions": pressing.block_actions,
    "view_submission": reviewing.view_submission,
    "block_suggestion": reviewing.block_suggestion,
    "event_callback": hearing.event_callback,
    "command": commands.command,
}


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
    key = key_of(payload)
    heard = slack_heard.delivery(key)
    if not heard.new:
        return heard.answer or {}
    answer = handler(payload, click)
    slack_heard.answered(key, answer)
    return answer


def key_of(payload: Json) -> str:
    """What makes a delivery the same: Slack's number of an event; of everything else all that is in it."""
    number = payload.get("event_id")
    text = f"event:{number}" if number else json.dumps(payload, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
