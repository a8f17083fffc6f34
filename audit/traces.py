"""The only writer of spans: steps of a graph, model calls with their full prompts and answers, tool calls.

A span may be told twice (when it starts, when it ends, and again after a crash): the key makes it one row.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from audit import canonical

_COLUMNS = (
    "trace", "run", "kind", "name", "key", "parent", "started_at", "ended_at", "status", "input", "output", "error", "attributes",
)  # fmt: skip
_UPDATED = ("ended_at", "status", "output", "error", "attributes", "name")
_ROW = f"({', '.join('%s::jsonb' if name in {'input', 'output', 'attributes'} else '%s' for name in _COLUMNS)})"
_UPSERT = f"""
INSERT INTO audit_span ({", ".join(_COLUMNS)}) VALUES {{}}
ON CONFLICT (run, key) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _UPDATED)}
"""  # noqa: S608  names of ours only


@dataclass
class SpanRecord:
    """One span as its teller knows it; `key` is unique within the run, times are aware datetimes."""

    run: str
    kind: str
    name: str
    key: str
    started_at: datetime
    trace: str = ""
    parent: str = ""
    ended_at: datetime | None = None
    status: str = "running"
    input: Any = field(default_factory=dict)
    output: Any = field(default_factory=dict)
    error: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


def record(spans: Sequence[SpanRecord]) -> None:
    """Insert or complete spans, in the caller's transaction if there is one."""
    if not spans:
        return
    latest = {(span.run, span.key): span for span in spans}  # one statement may touch a row once
    rows = [_row(span) for span in latest.values()]
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT.format(", ".join([_ROW] * len(rows))), [row[name] for row in rows for name in _COLUMNS])


def prompt_hash(messages: Any) -> str:
    """Hex SHA-256 of a prompt, by which a log line points at the full text kept in its span."""
    return hashlib.sha256(json.dumps(messages, sort_keys=True, default=str).encode()).hexdigest()


def _row(span: SpanRecord) -> dict[str, Any]:
    return {
        **vars(span),
        "input": json.dumps(canonical.storable(span.input, limit=100_000)),
        "output": json.dumps(canonical.storable(span.output, limit=100_000)),
        "error": canonical.storable(span.error),
        "attributes": json.dumps(canonical.storable(span.attributes)),
    }
