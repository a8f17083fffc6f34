"""Policies for their pages: versions, rules with their figures, back-tests. Every read is bounded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import F

from approvals.errors import NotFound
from approvals.models import Backtest, PolicyVersion, User
from approvals.policy.replay import Tally
from approvals.policy.rules import BadPolicy, PolicyData, parse_stored
from approvals.queries.drills import NO_DRILL
from approvals.states import BacktestState, PolicyState
from audit.sentences import say

# Figures are of the newest so many actions: what a page shows must not grow with the table.
LOOKED_AT = 5_000


@dataclass(frozen=True)
class Version:
    """One version or proposal; `number` is 0 until it is published."""

    id: int
    number: int
    state: str
    sha256: str
    source: str
    base: int
    diff: str
    loosens: tuple[str, ...]
    warnings: tuple[str, ...]
    justification: str
    proposed_by: str
    proposed_person: str
    created_at: datetime
    closed_by: str
    closed_at: datetime | None
    note: str
    door: str

    @property
    def name(self) -> str:
        return f"version {self.number}" if self.number else f"proposal {self.id}"


@dataclass(frozen=True)
class Figures:
    """What a rule, a level or everything did among the calls looked at.

    Attributes:
        calls: how many; `asked` how many of them people were asked about.
        median_s: the median seconds people took to decide, None when they decided none.
    """

    calls: int = 0
    asked: int = 0
    median_s: float | None = None


@dataclass(frozen=True)
class RuleFigures:
    """The figures of the newest calls of seven days: of all, per level, per rule."""

    looked_at: int
    levels: Mapping[str, Figures] = field(default_factory=dict)
    rules: Mapping[str, Figures] = field(default_factory=dict)


@dataclass(frozen=True)
class BacktestRow:
    """A back-test as its page shows it."""

    id: int
    state: str
    total: int
    done: int
    last: int
    since: datetime | None
    sha256: str
    wanted_by: str
    tally: Tally
    error: str
    seconds: float


def versions(*, before: int = 0, limit: int = 50) -> list[Version]:
    """Published versions and what became of proposals, newest first."""
    rows = PolicyVersion.objects.select_related("proposed_by").order_by("-pk")
    return [_version(v) for v in (rows.filter(pk__lt=before) if before else rows)[:limit]]


def published_at() -> list[tuple[datetime, int]]:
    """Since when each numbered policy has been in force, the oldest first."""
    rows = PolicyVersion.objects.filter(number__isnull=False).order_by("number")
    return [(at, number) for at, number in rows.values_list("closed_at", "number") if at and number is not None]


def proposals() -> list[Version]:
    """What waits to be published."""
    return [
        _version(v) for v in PolicyVersion.objects.select_related("proposed_by").filter(state=PolicyState.PROPOSED).order_by("-pk")[:20]
    ]


def version(version_id: int) -> Version:
    """One version or proposal by its id. Raises NotFound."""
    found = PolicyVersion.objects.select_related("proposed_by").filter(pk=version_id).first()
    if found is None:
        raise NotFound(say("There is no such policy version; see the list of policies"))
    return _version(found)


def published(number: int) -> Version:
    """One published version by its number. Raises NotFound."""
    found = PolicyVersion.objects.select_related("proposed_by").filter(number=number).first()
    if found is None:
        raise NotFound(say("There is no version %(number)s", number=number))
    return _version(found)


def policy_id(name: str, sha256: str) -> int:
    """The row of the version an action was scored with; the same text may have been published more than once."""
    rows = PolicyVersion.objects.filter(sha256=sha256, state=PolicyState.PUBLISHED).values_list("pk", "number")
    found = {f"v{number}-{sha256[:8]}": pk for pk, number in rows}
    return found.get(name) or next(iter(found.values()), 0)


def policy_source(sha256: str) -> str:
    """The text of a policy that was once put down; empty when there was none of that hash."""
    return PolicyVersion.objects.filter(sha256=sha256).values_list("source", flat=True).first() or ""


def policy_of(sha256: str) -> PolicyData | None:
    """The policy of a hash, parsed; None when it is gone or cannot be read any more."""
    try:
        return _parsed(sha256)
    except LookupError:  # not remembered: it may be put down yet
        return None


@dataclass(frozen=True)
class Rosters:
    """The active persons of each group, and what each of them is called."""

    groups: Mapping[str, frozenset[str]]
    names: Mapping[str, str]


def rosters() -> Rosters:
    """Who is in which group now; a group without anybody has an empty one."""
    groups: dict[str, set[str]] = {name: set() for name in Group.objects.values_list("name", flat=True)}
    names: dict[str, str] = {}
    active = User.objects.filter(is_active=True, kind=User.Kind.HUMAN, groups__name__isnull=False)
    for group, person, username in active.order_by("pk").values_list("groups__name", "person", "username"):
        groups.setdefault(group, set()).add(person)
        names.setdefault(person, username)
    return Rosters({name: frozenset(there) for name, there in groups.items()}, names)


_NEWEST = f"""
WITH newest AS (
    SELECT r.level, r.factors, r.action_id, r.version, r.created_at FROM approvals_requirement r
    WHERE r.created_at > now() - interval '7 days' AND {NO_DRILL.format(action="r.action_id")} ORDER BY r.id DESC LIMIT %s
), calls AS (
    SELECT n.level, n.factors,
        NOT EXISTS (SELECT 1 FROM approvals_decision d
            WHERE d.action_id = n.action_id AND d.version = n.version AND (d.by_id IS NULL OR d.grant_id IS NOT NULL)) AS asked,
        (SELECT extract(epoch FROM min(d.created_at) - n.created_at) FROM approvals_decision d
         WHERE d.action_id = n.action_id AND d.version = n.version AND d.by_id IS NOT NULL AND d.grant_id IS NULL) AS took
    FROM newest n
)
SELECT 'level', level, count(*), count(*) FILTER (WHERE asked), percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FROM calls GROUP BY level
UNION ALL
SELECT 'rule', f ->> 'rule', count(*), count(*) FILTER (WHERE asked), percentile_cont(0.5) WITHIN GROUP (ORDER BY took)
FROM calls, jsonb_array_elements(factors) f WHERE f ? 'rule' GROUP BY f ->> 'rule'
"""  # noqa: S608  a condition of ours


def rule_figures() -> RuleFigures:
    """What levels and rules did among the newest calls of the last seven days."""
    found: dict[str, dict[str, Figures]] = {"level": {}, "rule": {}}
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [LOOKED_AT])
        for kind, name, calls, asked, median in cursor.fetchall():
            found[kind][name] = Figures(calls, asked, float(median) if median is not None else None)
    return RuleFigures(sum(f.calls for f in found["level"].values()), found["level"], found["rule"])


def backtest(backtest_id: int) -> BacktestRow:
    """One back-test. Raises NotFound."""
    row = Backtest.objects.select_related("wanted_by").annotate(took=F("changed_at") - F("created_at")).filter(pk=backtest_id).first()
    if row is None:
        raise NotFound(say("There is no such back-test; they are kept for a week"))
    return BacktestRow(
        row.pk, row.state, row.total, row.done, row.last, row.since, row.sha256, row.wanted_by.get_username(),
        Tally.from_json(row.tally), row.error, row.took.total_seconds(),
    )  # fmt: skip


def unfinished_backtests(*, quiet_s: int) -> list[int]:
    """Back-tests that nobody has taken a stretch of for so long."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM approvals_backtest WHERE state = ANY(%s) AND changed_at < now() - make_interval(secs => %s) LIMIT 5",
            [[str(BacktestState.WANTED), str(BacktestState.RUNNING)], quiet_s],
        )
        return [row[0] for row in cursor.fetchall()]


@lru_cache(maxsize=64)
def _parsed(sha256: str) -> PolicyData | None:
    source = policy_source(sha256)
    if not source:
        raise LookupError
    try:
        return parse_stored(source).data
    except BadPolicy:
        return None


def _version(row: Any) -> Version:
    return Version(
        row.pk, row.number or 0, row.state, row.sha256, row.source, row.base, row.diff, tuple(row.loosens), tuple(row.warnings),
        row.justification, row.proposed_name, row.proposed_by.person if row.proposed_by else "", row.created_at, row.closed_name,
        row.closed_at, row.note, row.door,
    )  # fmt: skip
