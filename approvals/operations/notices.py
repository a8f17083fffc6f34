"""Writing what is owed to readers, in the transaction of the change. The table's trigger does the NOTIFY."""

from dataclasses import dataclass

from approvals.models import Action, Notification


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
    Notification.objects.bulk_create(
        [Notification(topic=h.topic, object=h.object, object_id=h.object_id, version=h.version, kind=h.kind) for h in hints]
    )


def tell_action(action: Action, kind: str) -> None:
    """An action changed."""
    tell(Hint("inbox", "action", str(action.pk), kind, action.version))
