"""The order of the desk: due x risk, as one number that PostgreSQL sorts and pages by.

A deadline alone would put a critical action behind pages of lows that end sooner, so critical counts as urgent whenever it ends. The
moment by which "soon" and "today" are meant stays the same from the first page to the last: the order cannot shift under a cursor.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from approvals.models import Action

NOW = timedelta(minutes=2)  # in so little time nothing else comes first: whatever its level, it can wait no longer
SOON = timedelta(hours=1)
# The first line that fits says how urgent an action is; `None` for whenever it ends, or whatever its level.
CLASSES = (
    (None, "now"), ("critical", "soon"), ("high", "soon"), ("critical", None), ("medium", "soon"), (None, "soon"),
    ("high", "today"), ("medium", "today"), (None, "today"),
    ("high", None), ("medium", None), (None, None),
)  # fmt: skip
WHENEVER = 3  # critical, and not due soon
LAST_SOON, LAST_TODAY = 5, 8


@dataclass(frozen=True)
class Place:
    """Where a page ended, and the moment all of its pages speak of."""

    urgency: int
    expires_at: datetime
    id: str
    moment: datetime

    def __str__(self) -> str:
        return f"{self.urgency}~{self.expires_at.isoformat()}~{self.id}~{self.moment.isoformat()}"


def place_of(cursor: str) -> Place | None:
    """None for anything that is not what a former page gave."""
    parts = cursor.split("~")
    try:
        urgency, at, pk, moment = parts
        found = Place(int(urgency), datetime.fromisoformat(at), str(UUID(pk)), datetime.fromisoformat(moment).astimezone(UTC))
    except (ValueError, OverflowError):
        return None
    fits = found.expires_at.tzinfo and 0 <= found.urgency < len(CLASSES) and 1970 < found.moment.year < 9000  # a day more is a date as well
    return found if fits else None


def now() -> datetime:
    """The database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment


def ordered(rows: QuerySet[Action], *, moment: datetime, zone: str, after: Place | None) -> QuerySet[Action]:
    """Waiting actions with their `urgency`, the most urgent first, from behind a place on. `zone` says when today is over."""
    rows = rows.annotate(urgency=_urgency(moment, zone))
    if after:
        same = Q(urgency=after.urgency)
        later = Q(expires_at__gt=after.expires_at) | Q(expires_at=after.expires_at, pk__gt=after.id)
        rows = rows.filter(Q(urgency__gt=after.urgency) | (same & later))
    return rows.order_by("urgency", "expires_at", "pk")


def _urgency(moment: datetime, zone: str) -> Case:
    here = moment.astimezone(ZoneInfo(zone))
    midnight = datetime.combine(here.date() + timedelta(days=1), time(), here.tzinfo)
    ends = {"now": moment + NOW, "soon": moment + SOON, "today": midnight}
    whens = []
    for number, (level, end) in enumerate(CLASSES[:-1]):
        fits = Q(**({"level": level} if level else {}), **({"expires_at__lte": ends[end]} if end else {}))
        whens.append(When(fits, then=Value(number)))
    return Case(*whens, default=Value(len(CLASSES) - 1), output_field=IntegerField())
