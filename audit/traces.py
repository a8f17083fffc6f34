"""The only writer of spans: steps of a graph, model calls with their full prompts and answers, tool calls.

A span may be told twice (when it starts, when it ends, and again after a crash): the key makes it one row.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import JSONField, Value

from audit import canonical
from audit.models import Span

_UPDATED = ["ended_at", "status", "output", "error", "attributes", "name"]


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
    Span.objects.bulk_create(
        [_row(span) for span in latest.values()],
        update_conflicts=True,
        unique_fields=["run", "key"],
        update_fields=_UPDATED,
    )


def prompt_hash(messages: Any) -> str:
    """Hex SHA-256 of a prompt, by which a log line points at the full text kept in its span."""
    return hashlib.sha256(json.dumps(messages, sort_keys=True, default=str).encode()).hexdigest()


def _json(value: Any) -> Any:
    """As JSON; None is JSON's null, which Django would take for SQL's."""
    return Value(None, JSONField()) if value is None else canonical.storable(value, limit=100_000)


def _row(span: SpanRecord) -> Span:
    return Span(
        trace=span.trace,
        run=span.run,
        kind=span.kind,
        name=span.name,
        key=span.key,
        parent=span.parent,
        started_at=span.started_at,
        ended_at=span.ended_at,
        status=span.status,
        input=_json(span.input),
        output=_json(span.output),
        error=canonical.storable(span.error),
        attributes=canonical.storable(span.attributes),
    )
