"""What Slack sent and we took already: a signature is good once, a delivery that comes again gets the answer it got, and a press that was
acknowledged before it was decided is stored here until it is.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from approvals.models import SlackHeard

KEPT = timedelta(days=1)  # a signature is refused by its own time after five minutes; a delivery is repeated for an hour
LEFT_AFTER = timedelta(seconds=2)  # by then a thread of the process that took it would have it in hand
LATE_AFTER = timedelta(minutes=5)  # whoever pressed longer ago may think differently by now
ABOUT_NONE = UUID(int=0)  # no action has this id
_NEW = "INSERT INTO approvals_slackheard (key) VALUES (%s) ON CONFLICT DO NOTHING"

SAID_FOR_S = 5
_AGAIN = """
INSERT INTO approvals_slackheard (key) VALUES (%(key)s)
ON CONFLICT (key) DO UPDATE SET at = statement_timestamp() WHERE approvals_slackheard.at < statement_timestamp() - make_interval(secs => %(after)s)
"""


@dataclass(frozen=True)
class Heard:
    """`new`: it is to be done now, in the caller's transaction. Otherwise `answer` is what it was answered before."""

    new: bool
    answer: Any = None


@dataclass(frozen=True)
class Todo:
    """A press that is to be decided: on what, by whom (as Slack names them), from where, and the proof of it.

    Attributes:
        by: who that was here when they pressed, for the card to say.
        late: it is too old to be decided.
        verdict, reason, response, as_json, digest, view: of a submitted view (its number) what it said, and the digest it was drawn from.
        values: of what decides nothing (then `verdict` is its name) what was typed.
        order: instead of a verdict, what is to be halted (scope, target, reason), or of which "halt" what is to go on; then `action` is ABOUT_NONE.
    """

    action: UUID
    prefix: str
    by: str
    people: dict[str, Any]
    place: dict[str, Any]
    click: dict[str, Any]
    late: bool = False
    verdict: str = "approve"
    reason: str = ""
    response: str = ""
    as_json: bool = False
    digest: str = ""
    view: str = ""
    order: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


def key_of(payload: Mapping[str, Any]) -> str:
    """What makes a delivery the same: Slack's number of an event; of everything else all that is in it."""
    number = payload.get("event_id")
    text = f"event:{number}" if number else json.dumps(payload, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def signature(value: str) -> bool:
    """Whether this signature comes for the first time."""
    return _insert(f"s:{value[-64:]}")


def state(value: str) -> bool:
    """Whether this state of an installation comes back for the first time."""
    return _insert(f"o:{hashlib.sha256(value.encode()).hexdigest()}")


def first_for_a_while(what: str) -> bool:
    """Whether this private sentence was not said in the last seconds. Of two processes at once only one hears yes."""
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, {"key": f"w:{hashlib.sha256(what.encode()).hexdigest()}", "after": SAID_FOR_S})
        return bool(cursor.rowcount)


def delivery(key: str) -> Heard:
    """Take a delivery. The same one, while the first is being done, waits here until that commits; if that fails, it is new."""
    if _insert(f"d:{key}"):
        return Heard(new=True)
    return Heard(new=False, answer=SlackHeard.objects.filter(pk=f"d:{key}").values_list("answer", flat=True).first())


def answered(key: str, answer: Any) -> None:
    SlackHeard.objects.filter(pk=f"d:{key}").update(answer=answer)


def keep(key: str, todo: Todo) -> None:
    """Store what a delivery asks for, in the transaction that takes it."""
    kept = {**asdict(todo), "action": str(todo.action)}
    if not todo.values:  # a worker that was started before there were any takes it as well
        del kept["values"]
    SlackHeard.objects.filter(pk=f"d:{key}").update(todo=kept)


def take(key: str) -> Todo | None:
    """A stored press, in the caller's transaction; None when it is done, or somebody else is doing it."""
    rows = SlackHeard.objects.select_for_update(skip_locked=True).filter(pk=f"d:{key}", todo__isnull=False)
    row = rows.first()
    if row is None:
        return None
    kept: dict[str, Any] = dict(row.todo or {})
    order = kept.get("order") or {}
    never_late = order and "halt" not in order  # to stop something; letting it go on is a press like others
    late = not never_late and not SlackHeard.objects.filter(pk=row.pk, at__gt=Now() - LATE_AFTER).exists()
    return Todo(**{**kept, "action": UUID(kept["action"]), "late": late})


def finished(key: str) -> None:
    SlackHeard.objects.filter(pk=f"d:{key}").update(todo=None)


def left_over(*, limit: int = 20) -> list[tuple[str, UUID]]:
    """Stored presses that nobody has decided in time, oldest first, with the action each is about."""
    rows = SlackHeard.objects.filter(todo__isnull=False, at__lt=Now() - LEFT_AFTER).order_by("at")
    return [(key.removeprefix("d:"), UUID(todo["action"])) for key, todo in rows.values_list("pk", "todo")[:limit] if todo]


def pressed_by(action_id: UUID) -> list[str]:
    """Who has given a verdict on this action that is not decided yet."""
    rows = SlackHeard.objects.filter(todo__isnull=False, todo__action=str(action_id)).exclude(todo__has_key="values").order_by("at")
    return list(dict.fromkeys(todo["by"] for todo in rows.values_list("todo", flat=True) if todo))


def forget_old(*, limit: int = 10_000) -> int:
    old = SlackHeard.objects.filter(at__lt=Now() - KEPT, todo__isnull=True).values_list("pk", flat=True)[:limit]
    count, _ = SlackHeard.objects.filter(pk__in=list(old)).delete()
    return count


def _insert(key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_NEW, [key])
        return bool(cursor.rowcount)
