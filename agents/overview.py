"""What the operators' console reads of the runs: every statement is led by an index over what is unfinished, never by all runs there were.

Beside `queries`, above it: the console's page has to be there at once with thousands of live runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.fields import BooleanField
from django.db.models.functions import Coalesce, Greatest, Now

from agents.models import Effect, OutcomeCheck, Run
from agents.models.runs import LIVE
from agents.queries import EffectRow, effect_row, saying
from agents.queries import unpicked as queue
from agents.queries.fleet import in_force_sql
from agents.states import EffectState, RunState
from approvals.queries import halted_sql
from approvals.queries.overview import FOR_CUSTOMER

PAGE = 50
# An order covers it now, whatever its own state: a run that waits for people goes on waiting, and nothing of it moves.
_STOPPED = halted_sql("agents_run.agent_id", "agents_run.id::text", version=in_force_sql("agents_run.agent_id"))
# Its graph waits while a worker makes its call, which a person has agreed to.
_CALLING = Q(state=RunState.WAITING, pk__in=Effect.objects.filter(state=EffectState.CLAIMED).values("run"))


@dataclass(frozen=True)
class Filters:
    """What the console's table is narrowed by; empty: not at all.

    Attributes:
        who: the name of who started it, or of the customer one of its actions is for. q: words, see `queries.saying`.
    """

    agent: str = ""
    state: str = ""
    who: str = ""
    q: str = ""
    cursor: str = ""


@dataclass(frozen=True)
class LiveRow:
    """An unfinished run. `heartbeat_at` is when its worker last said that it lives; where none has it, when it last moved."""

    id: str
    agent: str
    state: str
    nodes: list[str]
    started_by: str
    created_at: datetime
    heartbeat_at: datetime
    input: Any
    version: int  # of its agent, in force now: what an order for a version is held against
    hold: str = ""  # an operator's, or a spent budget's: it goes no further by itself
    here: bool = True  # its graph is driven by our workers, so it can be paused


@dataclass(frozen=True)
class LiveRuns:
    rows: list[LiveRow]
    next: str = ""


@dataclass(frozen=True)
class Standing:
    """How many unfinished runs there are in each state; `stopped`, how many of them an order covers now; `calling`, how many that wait have a call under way."""

    states: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, int] = field(default_factory=dict)
    calling: int = 0

    @property
    def running(self) -> int:
        """Those of which something happens now: their graph moves, or a call of theirs is made."""
        return self.of(RunState.RUNNING) + self.calling

    def of(self, *states: str) -> int:
        return sum(self.states.get(state, 0) for state in states)

    def free(self, *states: str) -> int:
        return self.of(*states) - sum(self.stopped.get(state, 0) for state in states)

    @property
    def halted(self) -> int:
        """Those that stand still by an order: one that still runs stops at its next step."""
        return self.of(RunState.HALTED) + sum(n for state, n in self.stopped.items() if state not in {RunState.HALTED, RunState.RUNNING})


@dataclass(frozen=True)
class Unpicked:
    """Since when the oldest run and the oldest call that a worker could take wait for one; None: nothing waits."""

    run_for: timedelta | None
    effect_for: timedelta | None


def live_runs(filters: Filters, *, limit: int = PAGE) -> LiveRuns:
    """One page of the unfinished runs, the newest first."""
    rows = _narrowed(Run.objects.filter(state__in=LIVE), filters)
    if position := _position(filters.cursor):
        at, pk = position
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk))
    found = list(rows.select_related("started_by", "agent__current").order_by("-created_at", "-pk")[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return LiveRuns([_row(r) for r in found[:limit]], f"{last.created_at.isoformat()}~{last.pk}" if last else "")


def standing(*, agent: str = "") -> Standing:
    rows = Run.objects.filter(state__in=LIVE)
    rows = rows.filter(agent=agent) if agent else rows
    stopped = RawSQL(_STOPPED, [], output_field=BooleanField())  # noqa: S611  names of ours only
    states: dict[str, int] = {}
    still: dict[str, int] = {}
    for state, halted, n in rows.annotate(halted=stopped).values_list("state", "halted").annotate(n=Count("pk")):
        states[state] = states.get(state, 0) + n
        if halted:
            still[state] = still.get(state, 0) + n
    return Standing(states, still, rows.filter(_CALLING).count())


def unpicked() -> Unpicked:
    """The oldest rows that nobody has taken; of the calls those whose hold is over."""
    run = queue.runs(unmoved_for=timedelta(0)).values_list(Now() - F("changed_at"), flat=True).first()
    effect = queue.effects(old=timedelta(0)).aggregate(since=Now() - Min(Greatest("created_at", Coalesce("hold_until", "created_at"))))
    return Unpicked(run, effect["since"])


def unknown_page(*, cursor: str = "", limit: int = PAGE) -> tuple[list[EffectRow], str]:
    """Calls whose outcome nobody knows, the oldest first, and where the next page begins."""
    rows = Effect.objects.filter(state=EffectState.UNKNOWN).select_related("run")
    if position := _position(cursor):
        at, pk = position
        rows = rows.filter(Q(claimed_at__gt=at) | Q(claimed_at=at, pk__gt=pk))
    found = list(rows.order_by("claimed_at", "pk")[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return [effect_row(e) for e in found[:limit]], f"{last.claimed_at.isoformat()}~{last.pk}" if last and last.claimed_at else ""


@dataclass(frozen=True)
class CheckRow:
    """What the remote side was asked about a call, and said; `answered_at` None while a worker asks."""

    by: str
    asked_at: datetime
    answered_at: datetime | None
    answer: str
    error: str


def checks_of(action_ids: Sequence[str]) -> dict[str, list[CheckRow]]:
    """What was asked about these calls, the newest first."""
    found: dict[str, list[CheckRow]] = {}
    for c in OutcomeCheck.objects.filter(effect_id__in=[UUID(pk) for pk in action_ids]).order_by("-pk"):
        found.setdefault(str(c.effect_id), []).append(CheckRow(c.by_name, c.asked_at, c.answered_at, c.answer, c.error))
    return found


def unknown_count() -> int:
    return Effect.objects.filter(state=EffectState.UNKNOWN).count()


def _narrowed(rows: QuerySet[Run], filters: Filters) -> QuerySet[Run]:
    if filters.agent:
        rows = rows.filter(agent=filters.agent)
    if filters.state == RunState.HALTED:
        stopped = RawSQL(_STOPPED, [], output_field=BooleanField())  # noqa: S611  names of ours only
        rows = rows.filter(Q(state=RunState.HALTED) | Q(stopped) & ~Q(state=RunState.RUNNING))
    elif filters.state == RunState.RUNNING:
        rows = rows.filter(Q(state=RunState.RUNNING) | _CALLING)
    elif filters.state in set(LIVE):
        rows = rows.filter(state=filters.state)
    if filters.who:
        customer = RawSQL(FOR_CUSTOMER, [filters.who], output_field=BooleanField())  # noqa: S611  the name is a parameter
        rows = rows.filter(Q(started_by__username=filters.who) | Q(customer))
    if filters.q:
        rows = rows.filter(saying(filters.q))
    return rows


def _row(r: Run) -> LiveRow:
    beats = r.state == RunState.RUNNING and r.lease_until is not None
    return LiveRow(
        str(r.pk), r.agent_id, r.state, r.nodes, r.started_by.get_username() if r.started_by else "", r.created_at,
        r.lease_until - timedelta(seconds=settings.LEASE_S) if beats and r.lease_until else r.changed_at, r.input,
        r.agent.current.number if r.agent.current else 0, r.hold, bool(r.agent.project),
    )  # fmt: skip


def _position(cursor: str) -> tuple[datetime, str] | None:
    at, _, pk = cursor.partition("~")
    try:
        found = datetime.fromisoformat(at)
        return (found, str(UUID(pk))) if found.tzinfo else None
    except ValueError:
        return None
