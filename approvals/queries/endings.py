"""Whether what an action's row says of its end (who, when, by which door, in which words) is what the log says: for `manage.py audit verify`. Reads only."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from approvals.queries.outcomes import Misstated, compared
from audit import leaves
from audit.sentences import say

# A row has its statement's time, the leaf that of its writing, later in one transaction.
APART = timedelta(minutes=10)
# Of test actions the log says other things. What a verdict ended says the same as that decision, whose words are compared by themselves (`records`).
_NEXT = """
SELECT a.id, a.resolved_at, a.resolution::text, (SELECT e.body FROM audit_event e WHERE e.stream = 'action:' || a.id AND e.kind = 'action.' || lower(a.state)
        ORDER BY e.seq DESC LIMIT 1),
    EXISTS (SELECT 1 FROM approvals_decision d WHERE d.action_id = a.id AND d.verdict = a.resolution ->> 'verdict' AND d.by_name = a.resolution ->> 'by'
        AND d.reason = a.resolution ->> 'reason' AND d.response = a.resolution ->> 'response' AND d.door = a.resolution ->> 'door'
        AND d.version::text = a.resolution ->> 'version' AND d.details = coalesce(a.resolution -> 'details', '{}'))
FROM approvals_action a WHERE a.resolved_at IS NOT NULL AND NOT a.drill AND a.id > %s ORDER BY a.id LIMIT %s
"""


def endings_on_record(*, batch: int = 2_000) -> Iterator[int | Misstated]:
    """Compare the resolution of every action with its leaf. Yields how many agree, after each batch; a Misstated ends it."""
    return compared(_NEXT, _fault, batch=batch)


def _fault(at: datetime, held: str, leaf: bytes | None, decided: bool) -> str:
    if leaf is None:
        return say("The log does not say that it ended so")
    body, resolution = json.loads(bytes(leaf)), json.loads(held)
    if abs(datetime.fromisoformat(body["at"]) - at) > APART:
        return say("The log says that it ended at another time")
    if resolution.get("verdict"):
        return "" if decided else say("It bears another name, or other words, than any decision on it")
    logged = [body["actor"]["name"], body["door"], body["data"].get("reason"), body["data"].get("result")]
    details = resolution.get("details") or {}
    if not leaves.agrees(logged, [resolution.get("by"), resolution.get("door"), resolution.get("reason"), details.get("result")]):
        return say("The log says that somebody else ended it, or with other words")
    return ""
