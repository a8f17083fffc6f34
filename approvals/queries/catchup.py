"""What a browser missed: hints by id, from the table the writers filled."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max

from approvals.models import Notification

# Ids are handed out before commit: a smaller one may become visible later. A replay overlaps by so many ids,
# and the browser drops the ones it has seen.
OVERLAP = 200
LIMIT = 500


@dataclass(frozen=True)
class CatchUp:
    """Hints after `since`, in order; `resync` when too many were missed and the page must be read anew."""

    hints: list[dict[str, Any]]
    last: int
    resync: bool
    now: datetime


def catch_up(since: int) -> CatchUp:
    """The hints a browser that last saw id `since` has missed."""
    last = last_notification()
    now = _now()
    if since > last or last - since > LIMIT:
        # Ahead of the database (it was restored or reset), or too far behind to replay row by row.
        return CatchUp([], last, since != last, now)
    rows = Notification.objects.filter(pk__gt=max(0, since - OVERLAP), channel="live").order_by("pk")[: LIMIT + OVERLAP]
    hints = [
        {"type": "hint", "id": n.pk, "topic": n.topic, "object": n.object, "object_id": n.object_id, "version": n.version, "kind": n.kind}
        for n in rows
    ]
    return CatchUp(hints, last, False, now)


def last_notification() -> int:
    """The newest hint's id; 0 when there is none."""
    return Notification.objects.aggregate(last=Max("pk"))["last"] or 0


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
