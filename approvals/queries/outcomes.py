"""Whether what the tables say came of actions is what the log says was settled: for `manage.py audit verify`. Reads only."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from audit import leaves
from audit.sentences import say

# Of test actions the log says other things (`drill.caught` and the like), and nothing ever comes of one.
_NEXT = """
SELECT a.id, a.state, a.outcome::text, (SELECT e.body FROM audit_event e WHERE e.stream = 'action:' || a.id AND e.kind = 'action.settled'
    ORDER BY e.seq LIMIT 1)
FROM approvals_action a WHERE a.settled_at IS NOT NULL AND NOT a.drill AND a.id > %s ORDER BY a.id LIMIT %s
"""


@dataclass(frozen=True)
class Misstated:
    """An action of which the tables tell another end than the log does."""

    action: str
    why: str


def outcomes_on_record(*, batch: int = 2_000) -> Iterator[int | Misstated]:
    """Compare the outcome of every settled action with its leaf. Yields how many agree, after each batch; a Misstated ends it."""
    return compared(_NEXT, _fault, batch=batch)


def compared(following: str, fault: Callable[..., str], *, batch: int) -> Iterator[int | Misstated]:
    """Go through actions by their ids. Yields as above.

    Args:
        following: the statement for so many behind an id, which is its first column. fault: what is wrong with the other columns, "" when nothing is.
    """
    last, count = UUID(int=0), 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(following, [last, batch])
            rows = cursor.fetchall()
        for last, *said in rows:
            if why := fault(*said):
                yield Misstated(str(last), why)
                return
        count += len(rows)
        yield count
        if len(rows) < batch:
            return


def _fault(state: str, outcome: str, leaf: bytes | None) -> str:
    if leaf is None:
        return say("The log does not say that anything came of it")
    data = json.loads(bytes(leaf))["data"]
    same = data.get("state") == state and leaves.agrees(data.get("outcome"), json.loads(outcome))
    return "" if same else say("The log says that something else came of it")
