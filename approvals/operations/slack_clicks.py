"""Putting on record that something was really pressed: hash of the request's bytes, its signature, when it came, and whose hand it was.

A decision carries this in its own event (`Decision.proof`); for everything else it is an event beside it, in the same transaction.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db import transaction

from approvals.models import Action, User
from approvals.operations import events
from audit import log
from audit.log import Entry

Made = TypeVar("Made")


@transaction.atomic
def beside(
    stream: Callable[[Made], str], did: Callable[[], Made], *, what: str, by: User, click: Mapping[str, str], **more: str
) -> Made:  # fmt: skip
    """The same for what is about no action (a halt, somebody's absence, the time of their digest): the event goes into the stream of what was
    made. `more`: what was chosen, where nothing else records it.
    """
    made = did()
    data = {"what": what, "click": dict(click), **more}
    log.append(Entry(stream=stream(made), kind="slack.pressed", by=by.actor, door="slack", data=data))
    return made


@transaction.atomic
def on_record(action_id: Any, did: Callable[[], Made], *, what: str, by: User, click: Mapping[str, str]) -> Made:
    """Do it, and record the click that asked for it. `did` locks the action's row, which the order of its events needs."""
    made = did()
    action = Action.objects.get(pk=action_id)
    log.append(events.entry(action, "slack.pressed", by=by.actor, door="slack", what=what, click=dict(click)))
    return made
