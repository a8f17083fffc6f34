"""How well people decide, of a whole team, from the tables of decisions and actions; the event log is not read.

Every statement begins at people's own decisions of the window (index decision_by_people) or expired actions (action_expired): what policy passes by itself, nearly all there is, is never touched. Decisions a grant made for a person are not theirs. Test actions
have their own figures (`queries.drills`) and are in none of these.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from approvals.models import User
from approvals.queries.drills import NO_DRILL

QUICK_MS = 5_000
STREAK = 50
_MINE = "d.by_id IS NOT NULL AND d.grant_id IS NULL AND d.created_at > now() - make_interval(days => %(days)s) AND " + NO_DRILL.format(
    action="d.action_id"
)

_EDITED = "EXISTS (SELECT 1 FROM approvals_edit e WHERE e.action_id = a.id AND e.state = 'APPLIED')"
# One row per action that people's verdicts resolved (an approval that ran out unused was one): from asking this version to the last verdict.
_TIMES = f"""
SELECT a.level, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY s), percentile_cont(0.95) WITHIN GROUP (ORDER BY s),
    count(*) FILTER (WHERE {_EDITED})
FROM (SELECT d.action_id, max(d.created_at) AS at FROM approvals_decision d WHERE {_MINE} GROUP BY d.action_id) AS m
JOIN approvals_action a ON a.id = m.action_id AND (a.state IN ('APPROVED', 'REJECTED', 'ANSWERED') OR a.state = 'EXPIRED' AND a.claim_by IS NOT NULL)
JOIN approvals_requirement r ON r.action_id = a.id AND r.version = a.version
CROSS JOIN LATERAL (SELECT greatest(0, extract(epoch FROM m.at - r.created_at))::float AS s) AS t
GROUP BY a.level
"""  # noqa: S608  a condition of ours
_DECISIONS = f"""
SELECT count(*), count(*) FILTER (WHERE d.verdict <> 'approve'), count(d.looked_ms), count(*) FILTER (WHERE d.looked_ms < {QUICK_MS}),
    count(d.saw_all), count(*) FILTER (WHERE NOT d.saw_all), percentile_cont(0.5) WITHIN GROUP (ORDER BY d.looked_ms)
FROM approvals_decision d WHERE {_MINE}
"""  # noqa: S608
_PEOPLE = f"""
SELECT d.person, min(d.by_name), count(*), count(*) FILTER (WHERE d.verdict <> 'approve'), count(d.looked_ms),
    count(*) FILTER (WHERE d.looked_ms < {QUICK_MS}), max(d.created_at) FILTER (WHERE d.verdict <> 'approve')
FROM approvals_decision d WHERE {_MINE} GROUP BY d.person ORDER BY count(*) DESC, d.person
"""  # noqa: S608
_EXPIRED = f"""
SELECT count(*), count(*) FILTER (WHERE {_EDITED}) FROM approvals_action a
WHERE a.state = 'EXPIRED' AND a.claim_by IS NULL AND NOT a.drill AND a.resolved_at > now() - make_interval(days => %(days)s)
"""  # noqa: S608  a condition of ours


@dataclass(frozen=True)
class Times:
    """Seconds from the question to the decision, of one level."""

    level: str
    decided: int
    p50: float
    p95: float


@dataclass(frozen=True)
class PersonLoad:
    """One reviewer's decisions. Shown to themself, and to administrators where a setting says so."""

    person: str
    name: str
    decisions: int
    against: int
    timed: int
    quick: int


@dataclass(frozen=True)
class Quality:
    """The figures of a window.

    Attributes:
        decided: actions that people's verdicts resolved; `expired` ran out before anybody did.
        decisions: verdicts of people; `against` are those that were no approval.
        timed, quick: verdicts whose reading time is known, and those given within five seconds of being shown it.
        known, unseen: verdicts of which it is known how far the arguments were read, and those given before their end was seen.
        edited: of those decided or expired, the ones whose arguments a reviewer changed.
        streaks: reviewers whose last 50 or more verdicts in the window were all approvals.
    """

    days: int
    times: Sequence[Times]
    decided: int
    expired: int
    decisions: int
    against: int
    timed: int
    quick: int
    known: int
    unseen: int
    looked_p50_ms: float | None
    edited: int
    people: Sequence[PersonLoad]
    streaks: int


def quality(days: int) -> Quality:
    """The figures of the last so many days."""
    with connection.cursor() as cursor:
        cursor.execute(_TIMES, {"days": days})
        ended = cursor.fetchall()
        times = {level: Times(level, n, p50, p95) for level, n, p50, p95, _ in ended}
        cursor.execute(_DECISIONS, {"days": days})
        decisions, against, timed, quick, known, unseen, looked = cursor.fetchone()
        cursor.execute(_EXPIRED, {"days": days})
        expired, edited = cursor.fetchone()
        edited += sum(row[4] for row in ended)
        cursor.execute(_PEOPLE, {"days": days})
        people = cursor.fetchall()
        streaks = sum(_streak(cursor, person, last, days) for person, _, n, _, _, _, last in people if n >= STREAK)
    return Quality(
        days, [times[level] for level in ("low", "medium", "high", "critical") if level in times], sum(t.decided for t in times.values()),
        expired, decisions, against, timed, quick, known, unseen, looked, edited, [PersonLoad(*row[:6]) for row in people], streaks,
    )  # fmt: skip


def mine(figures: Quality, user: User) -> PersonLoad | None:
    """A reader's own line."""
    return next((load for load in figures.people if load.person == user.person), None)


def _streak(cursor: object, person: str, last: object, days: int) -> bool:
    cursor.execute(  # type: ignore[attr-defined]
        f"SELECT count(*) FROM approvals_decision d WHERE {_MINE} AND d.person = %(person)s"  # noqa: S608
        " AND (%(last)s::timestamptz IS NULL OR d.created_at > %(last)s)",
        {"days": days, "person": person, "last": last},
    )
    return bool(cursor.fetchone()[0] >= STREAK)  # type: ignore[attr-defined]
