"""The reader of one run's spans where there are many: all of them by name and time, and the full text of a few.

A run of thousands of steps holds megabytes of prompts: a page reads its spans without them, adds up in the database, and asks for the
texts of those it shows. `audit.queries.spans` reads whole spans in order, for whoever compares or replays.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from audit.models import Event, Span
from audit.queries import MICROS_SQL, SpanRow

MOST = 20_000  # spans of a run that its page knows of

_LINES = """
SELECT id, kind, name, status, started_at, ended_at, parent, key, coalesce(attributes ->> 'action', '') FROM audit_span
WHERE run = %s ORDER BY started_at, id LIMIT %s
"""
_HOLDING = """
SELECT id FROM audit_span WHERE run = %(run)s AND (name ILIKE %(text)s OR kind ILIKE %(text)s OR status ILIKE %(text)s OR error ILIKE %(text)s
    OR input::text ILIKE %(text)s OR output::text ILIKE %(text)s)
"""
_TEXTS = """
SELECT id, kind, name, status, started_at, ended_at, left(input::text, %(most)s), length(input::text), left(output::text, %(most)s),
    length(output::text), error, parent FROM audit_span WHERE run = %(run)s AND id = ANY(%(ids)s)
"""
# A node of a graph inside is "outer:inner", as the drawing of the whole has it; its span's parent names tasks, "outer:6bc7…/inner:4253…". A task
# that paused to ask is entered again with the answer, which is the same time.
_TOTALS = """
SELECT kind, place, sum(times)::bigint, sum(tokens)::bigint FROM (
    SELECT kind, CASE WHEN kind = 'node' AND parent <> ''
            THEN regexp_replace(replace(parent, '/', ':'), ':[0-9a-f-]{36}(:|$)', '\\1', 'g') || ':' || name ELSE name END AS place,
        count(*) FILTER (WHERE kind <> 'node' OR status <> 'paused')
            + (kind = 'node' AND (array_agg(status ORDER BY started_at DESC, id DESC))[1] = 'paused')::int AS times,
        coalesce(sum(CASE WHEN kind = 'model' AND jsonb_typeof(attributes #> '{usage,total_tokens}') = 'number'
            THEN (attributes #>> '{usage,total_tokens}')::numeric END), 0) AS tokens
    FROM audit_span WHERE run = %s
    GROUP BY kind, place, CASE WHEN kind = 'node' THEN regexp_replace(key, '^node:(.*):[^:]*$', '\\1') END
) AS of_task GROUP BY kind, place
"""
# A task may be run again in a later stretch: what counts is this time.
_INSIDE = """
SELECT count(*), coalesce(sum(CASE WHEN jsonb_typeof(m.attributes #> '{usage,total_tokens}') = 'number'
    THEN (m.attributes #>> '{usage,total_tokens}')::numeric END), 0)::bigint
FROM audit_span AS n JOIN audit_span AS m ON m.run = n.run AND m.kind = 'model' AND m.started_at >= n.started_at
    AND m.started_at <= coalesce(n.ended_at, 'infinity')
    AND position(':' || regexp_replace(n.key, '^node:(.*):[^:]*$', '\\1') || '/' IN m.parent || '/') > 0
WHERE n.run = %s AND n.id = %s AND n.kind = 'node'
"""


@dataclass(frozen=True, slots=True)
class SpanLine:
    """A span without what it took in and gave back. `action` is set for the call that an action stands for."""

    id: int
    kind: str
    name: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    parent: str
    key: str
    action: str


@dataclass(frozen=True)
class Totals:
    """Of all spans of a run, however many are shown."""

    calls: int = 0
    tokens: int = 0
    tools: int = 0  # calls of tools
    visits: Mapping[str, int] = field(default_factory=dict)  # by place: "node", "outer:node" of a graph inside


@dataclass(frozen=True)
class Cut:
    """The beginning of a longer value, as JSON; `length` is that of the whole."""

    text: str
    length: int


@dataclass(frozen=True)
class StepSpan:
    """A pass through a node or a call of a model, with what is added up by step."""

    kind: str
    name: str
    started_at: datetime
    ended_at: datetime | None
    error: str
    prompt: str
    tokens: int
    micros: int


_OF_STEPS = f"""
SELECT s.kind, s.name, s.started_at, s.ended_at, right(s.error, 2000), coalesce(s.attributes ->> 'prompt_sha256', ''),
    coalesce(CASE WHEN jsonb_typeof(s.attributes #> '{{usage,total_tokens}}') = 'number'
        THEN (s.attributes #>> '{{usage,total_tokens}}')::numeric END, 0)::bigint, coalesce({MICROS_SQL}, 0)::bigint
FROM audit_span s WHERE s.run = %s AND s.kind IN ('node', 'model') ORDER BY s.started_at, s.id LIMIT 20000
"""  # noqa: S608  text of ours only


def of_steps(run: str) -> list[StepSpan]:
    """Every pass through a node and every model call of a run, without what went in and came out."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_STEPS, [run])
        return [StepSpan(*row) for row in cursor.fetchall()]


def lines(run: str, *, most: int = MOST) -> list[SpanLine]:
    """Every span of a run, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [run, most])
        return [SpanLine(*row) for row in cursor.fetchall()]


def totals(run: str) -> Totals:
    """Model calls, their tokens, and how often each node was entered: whoever asks is run again with the answer, which is the same time."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, [run])
        rows = cursor.fetchall()
    models = [row for row in rows if row[0] == "model"]
    tools = sum(r[2] for r in rows if r[0] == "tool")
    return Totals(sum(r[2] for r in models), sum(r[3] for r in models), tools, {r[1]: r[2] for r in rows if r[0] == "node"})


def inside(run: str, span_id: int) -> Totals:
    """Model calls made in this step, and in graphs inside of it, with their tokens."""
    with connection.cursor() as cursor:
        cursor.execute(_INSIDE, [run, span_id])
        calls, tokens = cursor.fetchone()
    return Totals(calls, tokens)


def holding(run: str, text: str) -> set[int]:
    """The spans that have this text in their name, kind, state, error, or in what they took in or gave back."""
    pattern = text.replace("\x00", "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    with connection.cursor() as cursor:
        cursor.execute(_HOLDING, {"run": run, "text": f"%{pattern}%"})
        return {row[0] for row in cursor.fetchall()}


def shown(run: str, ids: Collection[int], *, most: int) -> dict[int, SpanRow]:
    """These spans with at most so many characters of each text; a longer one is a `Cut`."""
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_TEXTS, {"run": run, "ids": list(ids), "most": most})
        return {row[0]: _shown(row) for row in cursor.fetchall()}


def whole(run: str, span_id: int) -> SpanRow | None:
    """One span with all that was kept of it."""
    found = Span.objects.filter(run=run, pk=span_id).first() if 0 < span_id < 2**63 else None
    if found is None:
        return None
    times = (found.started_at, found.ended_at)
    return SpanRow(
        found.pk, found.kind, found.name, found.status, *times, found.input, found.output, found.error, found.attributes, found.parent
    )


def moments(run: str, prefix: str = "run.", *, most: int = 2_000) -> list[tuple[str, datetime]]:
    """What kinds of event a run had, and when, in order."""
    rows = Event.objects.filter(run=run, kind__startswith=prefix).order_by("pk")
    return list(rows.values_list("kind", "at")[:most])


def _shown(row: tuple[Any, ...]) -> SpanRow:
    pk, kind, name, status, began, ended, given, given_length, came, came_length, error, parent = row
    return SpanRow(pk, kind, name, status, began, ended, _text(given, given_length), _text(came, came_length), error, {}, parent)


def _text(text: str, length: int) -> Any:
    return json.loads(text) if length <= len(text) else Cut(text, length)
