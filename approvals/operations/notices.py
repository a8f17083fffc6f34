"""Writing what is owed to readers, in the transaction of the change. The table's trigger does the NOTIFY."""

from dataclasses import dataclass

from django.db import connection

from approvals.models import Action
from approvals.operations import waking
from audit.gathering import Gathering

# Written by hand, as the event log is: several hints go with every governed cycle. The rest are the columns' defaults.
# What people are told of outside of open pages: the same statement writes a second row, owed until `operations.reaching` looked at it.
# These go to whoever is asked; what one person is told (`telling`) goes out to that person, whatever its kind.
REACHES = frozenset({"action.opened", "action.reopened", "action.undone", "action.edited", "action.raised"})
_INSERT = "INSERT INTO approvals_notification (channel, recipient, topic, object, object_id, version, kind) VALUES "
_ROW = "(%s, '', %s, %s, %s, %s, %s)"


@dataclass(frozen=True)
class Hint:
    """That something changed; never what: a page fetches what its reader may see.

    Attributes:
        topic: "inbox", "runs", "run:<id>" or "halts": what a page listens to.
        object: "action", "run", "halt" or "agent"; `kind` says what happened to it.
    """

    topic: str
    object: str
    object_id: str
    kind: str
    version: int = 0


def tell(*hints: Hint) -> None:
    """Write hints to the catch-up table; browsers hear of them when the caller's transaction commits."""
    if _gathered.takes(hints):
        return
    # The last word about each object is enough: whoever hears it looks again.
    last = {(h.topic, h.object_id): h for h in hints}.values()
    owed = [h for h in last if h.kind in REACHES]
    rows = [("live", h) for h in last] + [("reach", h) for h in owed]
    values = [value for channel, h in rows for value in (channel, h.topic, h.object, h.object_id, h.version, h.kind)]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT + ", ".join([_ROW] * len(rows)), values)
    if owed:
        waking.soon()


_gathered: Gathering[Hint] = Gathering("hints", tell)
together = _gathered.together  # around an operation made of operations: one insert for all of their hints


def tell_action(action: Action, kind: str) -> None:
    """An action changed."""
    tell(Hint("inbox", "action", str(action.pk), kind, action.version))
