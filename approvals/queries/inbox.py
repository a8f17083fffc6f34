"""Lists of actions: what waits for people, and what has been decided. Keyset pages; nothing scans a table."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now

from approvals.models import Action, User
from approvals.queries import searching
from approvals.queries.desks import asked, shown_to
from approvals.queries.drills import Ending, endings
from approvals.queries.quorums import approvals
from approvals.queries.urgency import Place, now, ordered, place_of
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
    "unheard",
    "claimed_at",
    "hold_until",
    "follows",
    "drill",
    "requested_by__username",
    "stage",
    "stages",
    "turn",
    "reserved_by__username",
    "reserved_for__username",
    "reserved_until",
    "customer",
    "agent_version",
)


@dataclass(frozen=True)
class InboxRow:
    """One action as a list shows it.

    Attributes:
        given, wanted: how many approvals a waiting version has of how many it needs, of all stages; each person counts for one place.
        held: its approval may still be taken back, by the database's clock. follows: the action this one asks again.
        test: how it ended, for a test action that is over; while it waits nothing tells it from the others.
        unheard: why nobody heard what was decided; "" where somebody did, or may have.
        urgency: its class in a list that is ordered by it (`queries.urgency`).
    """

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
    stage: int = 1
    stages: int = 1
    turn: tuple[str, ...] = ()
    reserved_by: str = ""
    reserved_for: str = ""
    reserved_until: datetime | None = None
    given: int = 0
    wanted: int = 0
    hold_until: datetime | None = None
    held: bool = False
    follows: str = ""
    unheard: str = ""
    customer: str = ""
    agent_version: str = ""
    test: Ending | None = None
    edited: bool = False  # somebody wrote other arguments; only where it is asked for (`detail`)
    urgency: int = 0


@dataclass(frozen=True)
class Page:
    """One page; `next` is the cursor of the following one, empty on the last."""

    rows: list[InboxRow]
    next: str = ""


@dataclass(frozen=True)
class Filters:
    """What a list of waiting actions is narrowed to. Empty ones narrow nothing.

    Attributes:
        levels: only these risk levels.
        mine: only what this person may still decide.
        due_within: only what expires so soon.
        ids: only these actions.
        reader: only what is this person's turn, without what they put aside (`queries.desks.shown_to`); `others`, `snoozed`: see there.
        proposed: only what agents proposed, without test actions: as an agent sees its own.
        run: only what this run asked.
        q: only what these words are found in (`queries.searching`).
    """

    levels: tuple[str, ...] = ()
    agent: str = ""
    tool: str = ""
    mine: User | None = None
    due_within: timedelta | None = None
    ids: tuple[str, ...] | None = None
    reader: User | None = None
    others: bool = False
    snoozed: bool = False
    proposed: bool = False
    run: str = ""
    q: str = ""


def inbox(*, filters: Filters | None = None, sort: str = "due", cursor: str = "", limit: int = PAGE, zone: str = "UTC") -> Page:
    """What waits for people.

    Args:
        sort: "due" (due x risk, see `queries.urgency`; `zone` says when today is over), "newest" or "oldest".
        cursor: as a former page gave it; anything else starts from the beginning.
    """
    rows = _narrowed(Action.objects.filter(state=ActionState.PENDING), filters or Filters())
    if sort in {"newest", "oldest"}:
        return _page(rows, "created_at", sort == "newest", cursor, limit)
    after = place_of(cursor)
    moment = after.moment if after else now()
    found = _rows(ordered(rows, moment=moment, zone=zone, after=after)[: limit + 1], "urgency")
    last = found[limit - 1] if len(found) > limit else None
    return Page(found[:limit], str(Place(last.urgency, last.expires_at, last.id, moment)) if last else "")


def mine_count(filters: Filters) -> int:
    """How many these are, up to COUNTED."""
    return _narrowed(Action.objects.filter(state=ActionState.PENDING), filters).order_by()[:COUNTED].count()


def waiting_names() -> tuple[list[str], list[str]]:
    """Agents and tools among the 2,000 waiting actions that are due first, for the filters."""
    first = Action.objects.filter(state=ActionState.PENDING).order_by("expires_at", "pk").values_list("agent", "tool")[:2_000]
    pairs = set(first)
    return sorted({agent for agent, _ in pairs}), sorted({tool for _, tool in pairs})


def _narrowed(rows: QuerySet[Action], by: Filters) -> QuerySet[Action]:
    if by.levels:
        rows = rows.filter(level__in=by.levels)
    if by.agent:
        rows = rows.filter(agent=by.agent)
    if by.tool:
        rows = rows.filter(tool=by.tool)
    if by.run:
        rows = rows.filter(run=by.run)
    if by.q:
        rows = searching.waiting(rows, by.q)
    if by.due_within is not None:
        rows = rows.filter(expires_at__lte=Now() + by.due_within)
    if by.ids is not None:
        rows = rows.filter(pk__in=by.ids)
    if by.proposed:
        rows = rows.filter(drill=False)
    if by.reader:
        rows = shown_to(rows, by.reader, others=by.others, snoozed=by.snoozed)
    return _decidable(rows, by.mine) if by.mine else rows


def _decidable(rows: QuerySet[Action], person: User) -> QuerySet[Action]:
    """Without what this person has decided or was decided in their stead, and at high risk without what they asked for or whose agent they own.

    A first sieve for a list: whether somebody may decide is said by the action's own requirement, on its page and in the operation.
    """
    rows = rows.filter(asked(person))
    own = Q(requested_by__person=person.person) | Q(owner__person=person.person)
    return rows.exclude(own & Q(level__in=["high", "critical"]))


def decided(
    *,
    agent: str = "",
    tool: str = "",
    state: str = "",
    level: str = "",
    run: str = "",
    q: str = "",
    passed: bool = False,
    judged: bool = False,
    cursor: str = "",
    limit: int = PAGE,
) -> Page:
    """What has been decided or has ended, newest first. What the policy passed by itself, at whatever level, only with `passed`.

    Args:
        judged: only what a verdict ended, not what ran out or was withdrawn.
        q: only what these words are found in (`queries.searching`).
    """
    rows = Action.objects.filter(resolved_at__isnull=False, drill=False)
    if agent:
        rows = rows.filter(agent=agent)
    if tool:
        rows = rows.filter(tool=tool)
    if run:
        rows = rows.filter(run=run)
    if q:
        rows = searching.decided(rows, q)
    if level:
        rows = rows.filter(level=level)
    if state in set(ActionState):
        rows = rows.filter(state=state)
    if judged:
        rows = rows.exclude(resolution__verdict="")
    if not passed:
        rows = rows.exclude(_PASSED)
    return _page(rows, "resolved_at", True, cursor, limit)


def inbox_row(action_id: Any) -> InboxRow | None:
    """One action, in whatever state, as a list shows it."""
    found = _rows(Action.objects.filter(pk=action_id))
    return found[0] if found else None


def run_actions(run: str) -> list[InboxRow]:
    """Everything one run has asked for, in order; a test action stands among it until it is over."""
    return _rows(Action.objects.filter(run=run).exclude(drill=True, resolved_at__isnull=False).order_by("created_at", "pk"))


def refused(run: str) -> bool:
    """Whether people rejected something that a run asked for."""
    return Action.objects.filter(run=run, state=ActionState.REJECTED, drill=False).exists()


def counts(reader: User | None = None) -> dict[str, int]:
    """Figures of the header, of what this reader's inbox shows: waiting in all, due within ten minutes, per level; it stops counting at 10,000."""
    pending = Action.objects.filter(state=ActionState.PENDING)
    waiting = (shown_to(pending, reader, others=False, snoozed=False) if reader else pending).order_by("expires_at")[:COUNTED]
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


def _rows(rows: QuerySet[Action], *more: str) -> list[InboxRow]:
    values = list(rows.values(*LIST_FIELDS, *more, held=_HELD))
    counted = approvals([v["id"] for v in values if v["state"] == ActionState.PENDING])
    over = [v["id"] for v in values if v["drill"] and v["state"] != ActionState.PENDING]
    tests = endings(over) if over else {}
    return [_row(v, counted.get(v["id"], (0, 0)), tests.get(str(v["id"]))) for v in values]


# A worker's door is the policy's own: people decide at every other one.
_PASSED = Q(state=ActionState.APPROVED, resolution__door="worker")
_HELD = ExpressionWrapper(Q(hold_until__gt=Now(), claimed_at=None, state=ActionState.APPROVED), output_field=BooleanField())


def _row(v: dict[str, Any], counted: tuple[int, int], test: Ending | None) -> InboxRow:
    del v["drill"]
    for name in ("requested_by", "reserved_by", "reserved_for"):
        v[name] = v.pop(f"{name}__username") or ""
    plain: dict[str, Any] = {"held": bool(v["held"]), "follows": str(v["follows"] or "")}
    turn = tuple(group for group in v["turn"].split("|") if group)
    return InboxRow(**{**v, "id": str(v["id"]), "turn": turn, "given": counted[0], "wanted": counted[1], "test": test, **plain})


def _position(cursor: str) -> tuple[datetime, str] | None:
    from uuid import UUID

    at, _, pk = cursor.partition("~")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, str(UUID(pk))) if moment.tzinfo else None
    except ValueError:
        return None
