"""Lists of actions: what waits for people, and what has been decided. Keyset pages; nothing scans a table."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from approvals.models import Action
from approvals.states import ActionState

PAGE = 50
COUNTED = 10_000  # every page shows how many wait: the count must not grow with the table
LIST_FIELDS = (
    "id",
    "kind",
    "agent",
    "run",
    "tool",
    "summary",
    "environment",
    "state",
    "version",
    "digest",
    "level",
    "score",
    "created_at",
    "expires_at",
    "resolved_at",
    "resolution",
    "settled_at",
    "outcome",
    "claimed_at",
    "requested_by__username",
)


@dataclass(frozen=True)
class InboxRow:
    """One action as a list shows it."""

    id: str
    kind: str
    agent: str
    run: str
    tool: str
    summary: str
    environment: str
    state: str
    version: int
    digest: str
    level: str
    score: int
    requested_by: str
    created_at: datetime
    expires_at: datetime
    resolved_at: datetime | None
    resolution: dict[str, Any]
    settled_at: datetime | None
    outcome: dict[str, Any] | None
    claimed_at: datetime | None
    given: int = 0  # approvals on the current version


@dataclass(frozen=True)
class Page:
    """One page; `next` is the cursor of the following one, empty on the last."""

    rows: list[InboxRow]
    next: str = ""


def inbox(
    *, sort: str = "due", levels: list[str] | None = None, agent: str = "", tool: str = "", cursor: str = "", limit: int = PAGE
) -> Page:
    """What waits for people.

    Args:
        sort: "due" (soonest deadline first), "newest" or "oldest".
        levels: only these risk levels.
        cursor: as a former page gave it; anything else starts from the beginning.
    """
    rows = Action.objects.filter(state=ActionState.PENDING)
    if levels:
        rows = rows.filter(level__in=levels)
    if agent:
        rows = rows.filter(agent=agent)
    if tool:
        rows = rows.filter(tool=tool)
    field, down = {"newest": ("created_at", True), "oldest": ("created_at", False)}.get(sort, ("expires_at", False))
    return _page(rows, field, down, cursor, limit)


def decided(*, agent: str = "", tool: str = "", state: str = "", cursor: str = "", limit: int = PAGE) -> Page:
    """What has been decided or has ended, newest first; decisions by policy alone are left out unless asked for."""
    rows = Action.objects.filter(resolved_at__isnull=False)
    if agent:
        rows = rows.filter(agent=agent)
    if tool:
        rows = rows.filter(tool=tool)
    rows = rows.filter(state=state) if state in set(ActionState) else rows.exclude(level="low", state=ActionState.APPROVED)
    return _page(rows, "resolved_at", True, cursor, limit)


def inbox_row(action_id: Any) -> InboxRow | None:
    """One action, in whatever state, as a list shows it."""
    found = _rows(Action.objects.filter(pk=action_id))
    return found[0] if found else None


def run_actions(run: str) -> list[InboxRow]:
    """Everything one run has asked for, in order."""
    return _rows(Action.objects.filter(run=run).order_by("created_at", "pk"))


def counts() -> dict[str, int]:
    """Figures of the header: waiting in all, due within ten minutes, per level; it stops counting at 10,000."""
    from datetime import timedelta

    waiting = Action.objects.filter(state=ActionState.PENDING).order_by("expires_at")[:COUNTED]
    found = waiting.aggregate(
        waiting=Count("pk"),
        due=Count("pk", filter=Q(expires_at__lte=Now() + timedelta(minutes=10))),
        high=Count("pk", filter=Q(level__in=["high", "critical"])),
    )
    return {str(k): int(v) for k, v in found.items()}


def _page(rows: QuerySet[Action], field: str, down: bool, cursor: str, limit: int) -> Page:
    if position := _position(cursor):
        at, pk = position
        beyond = "lt" if down else "gt"
        rows = rows.filter(Q(**{f"{field}__{beyond}": at}) | Q(**{field: at, f"pk__{beyond}": pk}))
    sign = "-" if down else ""
    found = _rows(rows.order_by(f"{sign}{field}", f"{sign}pk")[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    last = found[-1] if more else None
    return Page(found, f"{getattr(last, field).isoformat()}~{last.id}" if last else "")


def _rows(rows: QuerySet[Action]) -> list[InboxRow]:
    values = list(rows.values(*LIST_FIELDS))
    votes = _votes([v["id"] for v in values if v["state"] == ActionState.PENDING])
    return [_row(v, votes.get((v["id"], v["version"]), 0)) for v in values]


def _votes(ids: list[Any]) -> dict[tuple[Any, int], int]:
    from approvals.models import Decision

    if not ids:
        return {}
    given = Decision.objects.filter(action__in=ids, verdict="approve").values_list("action_id", "version").annotate(n=Count("pk"))
    return {(action, version): n for action, version, n in given}


def _row(v: dict[str, Any], given: int) -> InboxRow:
    by = v.pop("requested_by__username") or ""
    return InboxRow(**{**v, "id": str(v["id"])}, requested_by=by, given=given)


def _position(cursor: str) -> tuple[datetime, str] | None:
    from uuid import UUID

    at, _, pk = cursor.partition("~")
    try:
        return datetime.fromisoformat(at), str(UUID(pk))
    except ValueError:
        return None
