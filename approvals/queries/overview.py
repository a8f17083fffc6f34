"""What the operators' console reads of this room: whom runs wait for, since when, and whom they are for. Index-backed, all of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from approvals.queries.stops import action_halted_sql

# The condition that an action of the run of the row is for this customer.
FOR_CUSTOMER = "EXISTS (SELECT 1 FROM approvals_action c WHERE c.run = agents_run.id::text AND c.customer = %s)"
_ASKED = """
SELECT DISTINCT ON (a.run) a.run, a.id::text, a.summary, a.turn, count(*) OVER (PARTITION BY a.run)
FROM approvals_action a WHERE a.run = ANY(%s) AND a.state = 'PENDING' ORDER BY a.run, a.created_at
"""
_PENDING = "SELECT agent, tool, count(*) FROM approvals_action WHERE state = 'PENDING' GROUP BY 1, 2"
_PEOPLE = """
SELECT count(*), max(clock_timestamp() - created_at), count(DISTINCT run) FILTER (WHERE run <> '') FROM approvals_action WHERE state = 'PENDING'
"""
_APPROVED = f"""
SELECT a.run, bool_or({action_halted_sql("a.id")}) FROM approvals_action a
WHERE a.run = ANY(%s) AND a.state = 'APPROVED' AND a.settled_at IS NULL AND a.claimed_at IS NULL GROUP BY a.run
"""  # noqa: S608  conditions of ours only


@dataclass(frozen=True)
class Asked:
    """What a run asks people: its oldest open action, how many there are, and the groups whose turn it is."""

    action: str
    summary: str
    groups: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class OnPeople:
    """How many actions wait for people, how long the oldest of them has, and how many runs ask for them."""

    count: int
    oldest: timedelta | None
    runs: int


def asked_by(runs: Sequence[str]) -> dict[str, Asked]:
    """What these runs ask people now, by the run's id."""
    if not runs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_ASKED, [list(runs)])
        return {run: Asked(pk, summary, tuple(filter(None, turn.split("|"))), n) for run, pk, summary, turn, n in cursor.fetchall()}


def approved_by(runs: Sequence[str]) -> dict[str, bool]:
    """Which of these runs have approved calls that nobody has begun; whether a stop order keeps one of them."""
    if not runs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_APPROVED, [list(runs)])
        return dict(cursor.fetchall())


def pending_by() -> dict[tuple[str, str], int]:
    """How many actions wait for people, by agent and tool."""
    with connection.cursor() as cursor:
        cursor.execute(_PENDING)
        return {(agent, tool): n for agent, tool, n in cursor.fetchall()}


def on_people() -> OnPeople:
    """As the inbox counts them."""
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE)
        return OnPeople(*cursor.fetchone())
