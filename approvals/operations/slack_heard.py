"""What Slack sent and we took already: a signature is good once, and a delivery that comes again gets the answer it got."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from approvals.models import SlackHeard

KEPT = timedelta(days=1)  # a signature is refused by its own time after five minutes; a delivery is repeated for an hour
_NEW = "INSERT INTO approvals_slackheard (key) VALUES (%s) ON CONFLICT DO NOTHING"


@dataclass(frozen=True)
class Heard:
    """`new`: it is to be done now, in the caller's transaction. Otherwise `answer` is what it was answered before."""

    new: bool
    answer: Any = None


def signature(value: str) -> bool:
    """Whether this signature comes for the first time."""
    return _insert(f"s:{value[-64:]}")


def state(value: str) -> bool:
    """Whether this state of an installation comes back for the first time."""
    return _insert(f"o:{hashlib.sha256(value.encode()).hexdigest()}")


def delivery(key: str) -> Heard:
    """Take a delivery. The same one, while the first is being done, waits here until that commits; if that fails, it is new."""
    if _insert(f"d:{key}"):
        return Heard(new=True)
    return Heard(new=False, answer=SlackHeard.objects.filter(pk=f"d:{key}").values_list("answer", flat=True).first())


def answered(key: str, answer: Any) -> None:
    SlackHeard.objects.filter(pk=f"d:{key}").update(answer=answer)


def forget_old(*, limit: int = 10_000) -> int:
    old = SlackHeard.objects.filter(at__lt=Now() - KEPT).values_list("pk", flat=True)[:limit]
    count, _ = SlackHeard.objects.filter(pk__in=list(old)).delete()
    return count


def _insert(key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_NEW, [key])
        return bool(cursor.rowcount)
