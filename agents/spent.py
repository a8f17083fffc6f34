"""What agents spent: each of them today, and one of them by model over today, 7 and 30 days, with what its day may come to. Reads only.

Led by indexes throughout: an agent's runs by its key, the model calls of each run by `span_by_run`; of all agents the newest model calls
of the day by `span_of_models`. Money is in millionths (`agents.prices`), days are of UTC. How each figure comes about: docs/operating.md.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from agents import prices
from audit import queries as log

TOOLS = ""  # what calls of tools were estimated to cost stands under no model
WINDOWS = {"today": 1, "week": 7, "month": 30}  # days, this one among them
MOST_MODELS = 50

# The runs that can have spent anything since then.
_RUNS = "SELECT r.id FROM agents_run r WHERE r.agent_id = %(agent)s AND (r.finished_at IS NULL OR r.finished_at >= %(since)s)"
_LATER = "AND ({at} AT TIME ZONE 'utc')::time > (%(now)s AT TIME ZONE 'utc')::time"
_MODELS = f"""
SELECT s.name, (s.started_at AT TIME ZONE 'utc')::date, count(*), {log.TOKENS_SQL}, {log.MONEY_SQL}, {log.UNPRICED_SQL},
    coalesce(sum({log.MICROS_SQL}) FILTER (WHERE true {_LATER.format(at="s.started_at")}), 0)::bigint
FROM ({_RUNS}) AS mine JOIN audit_span s ON s.run = mine.id::text AND s.kind = 'model' AND s.started_at >= %(since)s
GROUP BY 1, 2
"""  # noqa: S608  names of ours only
_EFFECTS = f"""
SELECT '', (e.claimed_at AT TIME ZONE 'utc')::date, count(*), 0, sum(e.micros)::bigint, 0,
    coalesce(sum(e.micros) FILTER (WHERE true {_LATER.format(at="e.claimed_at")}), 0)::bigint
FROM ({_RUNS}) AS mine JOIN agents_effect e ON e.run_id = mine.id AND e.micros > 0 AND e.claimed_at >= %(since)s
GROUP BY 2
"""  # noqa: S608  names of ours only
_BEGUN = """
SELECT (r.created_at AT TIME ZONE 'utc')::date, count(*), coalesce(sum(r.spent_micros), 0)::bigint, coalesce(sum(r.spent_tokens), 0)::bigint
FROM agents_run r WHERE r.agent_id = %(agent)s AND r.created_at >= %(since)s GROUP BY 1
"""
# By the run first: thousands of calls are of few runs.
_TODAY = f"""
SELECT r.agent_id, sum(t.tokens)::bigint, sum(t.micros)::bigint FROM (SELECT s.run, {log.TOKENS_SQL} AS tokens, {log.MONEY_SQL} AS micros
    FROM (SELECT run, attributes FROM audit_span WHERE kind = 'model' AND started_at >= %(since)s ORDER BY started_at DESC LIMIT {log.MOST_CALLS}) AS s
    GROUP BY s.run) AS t JOIN agents_run r ON r.id::text = t.run GROUP BY 1
UNION ALL SELECT r.agent_id, 0, sum(e.micros)::bigint FROM agents_effect e JOIN agents_run r ON r.id = e.run_id
    WHERE e.claimed_at >= %(since)s AND e.micros > 0 GROUP BY 1
"""  # noqa: S608  names of ours only


@dataclass(frozen=True)
class Part:
    """What one window, one model or both came to. `calls` are model calls, or calls of tools that were estimated to cost something."""

    calls: int = 0
    tokens: int = 0
    micros: int = 0
    unpriced: int = 0

    def __add__(self, other: "Part") -> "Part":
        return Part(self.calls + other.calls, self.tokens + other.tokens, self.micros + other.micros, self.unpriced + other.unpriced)


@dataclass(frozen=True)
class Begun:
    """The runs that began in a window, and all that these have spent until now."""

    runs: int = 0
    micros: int = 0
    tokens: int = 0

    @property
    def micros_each(self) -> int:
        return round(self.micros / self.runs) if self.runs else 0

    @property
    def tokens_each(self) -> int:
        return round(self.tokens / self.runs) if self.runs else 0


@dataclass(frozen=True)
class Costs:
    """One agent's. `models`: by model ("" the calls of tools), then by window; the dearest of 30 days first.

    Attributes:
        by_hour: what the day comes to if it goes on as it has until now; None in its first five minutes, when that says nothing.
        by_week: what the day comes to if the rest of it is as the rest of the seven days before was; None where none of them had a call.
    """

    agent: str
    at: datetime
    models: dict[str, dict[str, Part]] = field(default_factory=dict)
    total: dict[str, Part] = field(default_factory=dict)
    begun: dict[str, Begun] = field(default_factory=dict)
    by_hour: int | None = None
    by_week: int | None = None


def costs_of(agent: str, *, now: datetime | None = None) -> Costs:
    """What an agent spent. Three statements, each over its own runs of 30 days."""
    with connection.cursor() as cursor:
        if now is None:
            cursor.execute("SELECT statement_timestamp()")
            now = cursor.fetchone()[0]
        now = now.astimezone(UTC)
        today = now.date()
        since = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=WINDOWS["month"] - 1)
        asked = {"agent": agent, "since": since, "now": now}
        rows: list[Any] = []
        for statement in (_MODELS, _EFFECTS):
            cursor.execute(statement, asked)
            rows += cursor.fetchall()
        cursor.execute(_BEGUN, asked)
        begun = cursor.fetchall()
    found: dict[str, dict[str, Part]] = {}
    total = {name: Part() for name in WINDOWS}
    for model, day, calls, tokens, micros, unpriced, _later in rows:
        part, of_model = Part(calls, tokens, micros, unpriced), found.setdefault(model, {name: Part() for name in WINDOWS})
        for name, length in WINDOWS.items():
            if (today - day).days < length:
                of_model[name] += part
                total[name] += part if model != TOOLS else Part(0, 0, micros)
    dearest = sorted(found, key=lambda model: (-found[model]["month"].micros, -found[model]["month"].tokens, model))[:MOST_MODELS]
    spent = total["today"].micros
    week = [row for row in rows if 1 <= (today - row[1]).days <= 7]
    passed = (now - datetime(today.year, today.month, today.day, tzinfo=UTC)) / timedelta(days=1)
    return Costs(
        agent, now, {model: found[model] for model in dearest}, total,
        {name: _begun(begun, today, length) for name, length in WINDOWS.items()},
        round(spent / passed) if passed >= 5 / (24 * 60) else None,
        spent + round(sum(row[6] for row in week) / 7) if week else None,
    )  # fmt: skip


def _begun(rows: Any, today: Any, length: int) -> Begun:
    mine = [row for row in rows if (today - row[0]).days < length]
    return Begun(sum(row[1] for row in mine), sum(row[2] for row in mine), sum(row[3] for row in mine))


def today_by_agent() -> dict[str, tuple[int, int]]:
    """Tokens and money of this day, of each agent that spent any; by the newest model calls, of which no more are added up than for all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_trunc('day', statement_timestamp(), 'UTC')")
        cursor.execute(_TODAY, {"since": cursor.fetchone()[0]})
        found: dict[str, tuple[int, int]] = {}
        for agent, tokens, micros in cursor.fetchall():
            before = found.get(agent, (0, 0))
            found[agent] = (before[0] + tokens, before[1] + micros)
    return found


def plain(found: Costs) -> dict[str, Any]:
    """As programs read it: `model` null for calls of tools, money as an exact amount."""

    def part(one: Part) -> dict[str, Any]:
        return {"calls": one.calls, "tokens": one.tokens, "money": prices.exact(one.micros), "unpriced_calls": one.unpriced}

    return {
        "agent": found.agent,
        "at": found.at,
        "currency": prices.prices().currency,
        "models": [{"model": model or None, **{name: part(one) for name, one in by.items()}} for model, by in found.models.items()],
        "total": {name: part(one) for name, one in found.total.items()},
        "runs": {
            name: {"begun": one.runs, "money_each": prices.exact(one.micros_each), "tokens_each": one.tokens_each}
            for name, one in found.begun.items()
        },
        "projection": {
            "by_hour": None if found.by_hour is None else prices.exact(found.by_hour),
            "by_week": None if found.by_week is None else prices.exact(found.by_week),
        },
    }  # fmt: skip
