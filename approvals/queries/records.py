"""Whether what the tables say was decided is what the log says happened: for `manage.py audit verify`. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

_NEXT = """
SELECT d.id, d.action_id::text, d.by_name, EXISTS (
    SELECT 1 FROM audit_event e WHERE e.stream = 'action:' || d.action_id AND e.kind = 'decision.recorded'
        AND position(convert_to(d.nonce, 'UTF8') in e.body) > 0)
FROM approvals_decision d WHERE d.id > %s ORDER BY d.id LIMIT %s
"""


@dataclass(frozen=True)
class Unrecorded:
    """A decision nobody recorded: its row was written by hand."""

    decision: int
    action: str
    by: str


def decisions_on_record(*, batch: int = 5_000) -> Iterator[int | Unrecorded]:
    """Look for the leaf of every decision, oldest first. Yields how many have one, after each batch; an Unrecorded ends it."""
    last = count = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [last, batch])
            rows = cursor.fetchall()
        for last, action, by, recorded in rows:
            if not recorded:
                yield Unrecorded(last, action, by)
                return
        count += len(rows)
        yield count
        if len(rows) < batch:
            return
