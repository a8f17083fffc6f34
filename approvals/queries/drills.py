"""Test actions: the plans, which groups are due for one, what they can be made from, and how they ended.

Which of the waiting actions are tests is given out by nothing here: only what is over is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from approvals import envelopes
from approvals.errors import Tampered
from approvals.models import Action, Drill, DrillPlan, Requirement, User
from approvals.queries.stops import halted_actions
from approvals.states import ActionState, DrillState

SOURCES = 40  # how many real calls one test action may be made from
ENDED = 20
COVER = 16  # one in so many real actions is treated as a test action has to be

# What counts decisions or calls leaves these out. In SQL, of the expression that names the action (never a value from outside).
NO_DRILL = "{action} NOT IN (SELECT action_id FROM approvals_drill)"

# A verdict counts for the group in whose name it was given. Something real has to wait for them: a test alone would be no test.
_DUE = f"""
SELECT p.group, p.kinds, p.since FROM approvals_drillplan p
WHERE p.active AND p.not_before <= statement_timestamp()
  AND NOT EXISTS (SELECT 1 FROM approvals_drill d WHERE d.group = p.group AND d.state = 'OPEN')
  AND (SELECT count(*) FROM approvals_drill d WHERE d.group = p.group AND d.created_at > statement_timestamp() - interval '1 day') < p.per_day
  AND EXISTS (SELECT 1 FROM approvals_action a WHERE a.state = 'PENDING' AND NOT a.drill AND position('|' || p.group || '|' IN a.turn) > 0)
  AND (SELECT count(*) FROM (SELECT 1 FROM approvals_decision d WHERE d.by_id IS NOT NULL AND d.grant_id IS NULL AND d.created_at > p.since
        AND d.groups @> to_jsonb(ARRAY[p.group]) AND {NO_DRILL.format(action="d.action_id")} LIMIT p.gap) AS lately) >= p.gap
ORDER BY p.group
"""  # noqa: S608  conditions of ours only
_FIGURES = """
SELECT d.kind, d.state, count(*) FROM approvals_drill d
WHERE d.ended_at > now() - make_interval(days => %s) GROUP BY d.kind, d.state
"""
_PEOPLE = """
SELECT d.person, min(u.username), count(*) FILTER (WHERE d.state = 'CAUGHT'), count(*) FROM approvals_drill d
JOIN approvals_user u ON u.id = d.by_id WHERE d.ended_at > now() - make_interval(days => %s)
GROUP BY d.person ORDER BY count(*) DESC, d.person
"""


def tests_in(run: str) -> list[str]:
    """Test actions that wait among what a run asks, for doors that list what it asked: without them one could be told by comparing."""
    return [str(pk) for pk in Action.objects.filter(run=run, drill=True, resolved_at=None).values_list("pk", flat=True)]


@dataclass(frozen=True)
class Plan:
    """How often a group gets a test action; `waiting` says whether one is among the real ones now, never which."""

    group: str
    active: bool
    every: int
    per_day: int
    kinds: tuple[str, ...]
    changed_by: str
    changed_at: datetime
    waiting: bool = False


@dataclass(frozen=True)
class Due:
    """A group that should get one now; `since` as it stood when that was seen."""

    group: str
    kinds: tuple[str, ...]
    since: datetime


@dataclass(frozen=True)
class Source:
    """A real call that a test action may be made from: what it was asked with, and with what in hand; `waits`: nobody has decided it yet."""

    action_id: UUID
    agent: str
    run: str
    tool: str
    args: Any
    rationale: str
    evidence: list[dict[str, Any]]
    estimated_cost: float | None
    confidence: float | None
    deadline_s: int | None
    waits: bool


@dataclass(frozen=True)
class Ending:
    """How a test action ended: caught, missed, expired or withdrawn; `wrong` are (where, what) of it."""

    state: str
    kind: str
    verdict: str
    wrong: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Tested:
    """One person's test actions. Shown to themselves, and to administrators where a setting says so."""

    person: str
    name: str
    caught: int
    of: int


@dataclass(frozen=True)
class DrillFigures:
    """What came of the test actions of a window: per kind and ending, how many."""

    days: int
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    people: Sequence[Tested] = ()

    def of(self, state: DrillState, kind: str = "") -> int:
        return sum(n for (k, s), n in self.counts.items() if s == state and kind in {"", k})

    @property
    def decided(self) -> int:
        return self.of(DrillState.CAUGHT) + self.of(DrillState.MISSED)


@dataclass(frozen=True)
class EndedDrill:
    """One that is over, for the list of the last ones. Whose verdict it was is not in it."""

    action_id: str
    summary: str
    group: str
    ending: Ending
    ended_at: datetime


def plans() -> list[Plan]:
    """Every plan there ever was, switched off ones too."""
    waiting = set(Drill.objects.filter(state=DrillState.OPEN).values_list("group", flat=True))
    return [
        Plan(p.group, p.active, p.every, p.per_day, tuple(p.kinds), p.changed_by_name, p.changed_at, p.group in waiting)
        for p in DrillPlan.objects.order_by("group")
    ]


def decided_alone(action_id: UUID) -> bool:
    """Whether this action is one of the one in `COVER` that nothing is decided together with, nor in advance: each test action is.

    By a secret, so that an id says nothing by itself. Asked only where a group gets tests (`groups_with_drills`).
    """
    return salted_hmac("countersign.drills.cover", action_id.hex).digest()[0] % COVER == 0


def fresh_id() -> UUID:
    """An id for a test action: as random as any that is `decided_alone`."""
    return next(found for found in iter(uuid4, None) if decided_alone(found))


def groups_with_drills() -> frozenset[str]:
    """Groups that get test actions at present."""
    return frozenset(DrillPlan.objects.filter(active=True).values_list("group", flat=True))


def due() -> list[Due]:
    """The groups whose next test action is due."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM approvals_drillplan p WHERE p.active)")  # most installations have none
        if not cursor.fetchone()[0]:
            return []
    rows = DrillPlan.objects.raw(_DUE)
    return [Due(p.group, tuple(p.kinds), p.since) for p in rows]


def at_once(group: str) -> Due | None:
    """As `due`, for one group whose plan is on, without waiting for its turn."""
    plan = DrillPlan.objects.filter(group=group, active=True).first()
    return Due(plan.group, tuple(plan.kinds), plan.since) if plan else None


def sources(group: str) -> list[Source]:
    """Real calls that people of this group are asked about, or approved lately. What is halted or was tampered with is left out."""
    real = Action.objects.filter(drill=False, kind=Action.Kind.TOOL).exclude(run="")
    waiting = real.filter(state=ActionState.PENDING, turn__contains=f"|{group}|").order_by("-created_at", "-pk")
    approved = real.filter(state=ActionState.APPROVED).exclude(resolution__door__in=["worker", "grant"]).order_by("-resolved_at", "-pk")
    found = [*_read(waiting[: SOURCES // 2]), *_read(approved[: SOURCES // 2])]
    stopped = halted_actions([s.action_id for s in found])
    return [s for s in found if str(s.action_id) not in stopped]


def endings(action_ids: Sequence[Any]) -> dict[str, Ending]:
    """How those of these actions that were tests ended, by id; nothing of one that is open."""
    rows = Drill.objects.filter(action__in=list(action_ids), ended_at__isnull=False)
    return {str(d.action_id): _ending(d) for d in rows}


def drill_figures(days: int) -> DrillFigures:
    """What came of the test actions that ended in the last so many days."""
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, [days])
        counts = {(kind, state): n for kind, state, n in cursor.fetchall()}
        cursor.execute(_PEOPLE, [days])
        return DrillFigures(days, counts, [Tested(*row) for row in cursor.fetchall()])


def tested(found: DrillFigures, reader: User) -> Tested | None:
    """A reader's own line."""
    return next((line for line in found.people if line.person == reader.person), None)


def ended_drills(days: int, *, limit: int = ENDED) -> list[EndedDrill]:
    """The last ones that are over, newest first."""
    window = Q(ended_at__isnull=False) & Q(ended_at__gt=_ago(days))
    rows = Drill.objects.filter(window).select_related("action").order_by("-ended_at")[:limit]
    return [EndedDrill(str(d.action_id), d.action.summary, d.group, _ending(d), d.ended_at) for d in rows if d.ended_at]


def _ending(drill: Drill) -> Ending:
    return Ending(drill.state.lower(), drill.kind, drill.verdict, tuple((str(w["path"]), str(w["said"])) for w in drill.wrong))


def _ago(days: int) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() - make_interval(days => %s)", [days])
        found: datetime = cursor.fetchone()[0]
    return found


def _read(rows: QuerySet[Action]) -> list[Source]:
    actions = {a.pk: a for a in rows}
    current = {(r.action_id, r.version): r for r in Requirement.objects.filter(action__in=list(actions))}
    found = []
    for action in actions.values():
        requirement = current.get((action.pk, action.version))
        try:
            envelope = envelopes.opened(action, requirement) if requirement else None
        except Tampered:
            continue
        if requirement and envelope and isinstance(envelope.args, dict):
            found.append(
                Source(
                    action.pk, action.agent, action.run, action.tool, envelope.args, requirement.rationale, list(requirement.evidence),
                    envelope.facts.estimated_cost, envelope.facts.confidence,
                    envelope.asked_deadline_s, action.state == ActionState.PENDING,
                )
            )  # fmt: skip
    return found
