"""Whether what the log tells of is still in the tables: for `manage.py audit verify`. The other way round: `records`, `outcomes`, `versions`. Reads only."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db import connection

from approvals.models import Action, Decision
from approvals.queries.outcomes import Misstated
from audit import queries as log
from audit.queries import EventRow
from audit.sentences import say

AT_ONCE = 2_000
# Versions that an action has or that somebody decided, of which nothing says any more what was asked.
_UNASKED = """
SELECT v.action_id::text, v.version FROM (
    SELECT id AS action_id, version, digest FROM approvals_action UNION SELECT action_id, version, digest FROM approvals_decision) v
WHERE NOT EXISTS (SELECT 1 FROM approvals_requirement r WHERE r.action_id = v.action_id AND r.version = v.version AND r.digest = v.digest) LIMIT 1
"""


def actions_still_there() -> Iterator[int | Misstated]:
    """Look up every action that the log tells of, and in the log every action. Yields how many are there, after each batch; a Misstated ends it."""
    for found in log.batches((str(pk) for pk in Action.objects.order_by("pk").values_list("pk", flat=True).iterator()), AT_ONCE):
        if untold := log.missing([f"action:{one}" for one in found]):
            yield Misstated(untold.removeprefix("action:"), say("The log tells nothing of it"))
            return
    with connection.cursor() as cursor:
        cursor.execute(_UNASKED)
        if row := cursor.fetchone():
            yield Misstated(row[0], say("What was asked in version %(version)s of it is gone", version=row[1]))
            return
    count = 0
    for found in log.batches(log.streams("action:"), AT_ONCE):
        there = set(Action.objects.filter(pk__in=[UUID(one) for one in found]).values_list("pk", flat=True))
        if gone := next((one for one in found if UUID(one) not in there), None):
            yield Misstated(gone, say("The log tells of it, and its row is gone"))
            return
        count += len(found)
        yield count


def sayings_still_there() -> Iterator[int | Misstated]:
    """Look up every decision and every outcome that the log tells of. Yields as above."""
    count = 0
    for found in log.batches(log.of_kinds("decision.recorded", "action.settled"), AT_ONCE):
        if fault := _decisions(found) or _outcomes(found):
            yield fault
            return
        count += len(found)
        yield count


def _decisions(found: Sequence[EventRow]) -> Misstated | None:
    said = [one for one in found if one.kind == "decision.recorded"]
    rows = Decision.objects.filter(nonce__in=[str(one.data.get("nonce")) for one in said])
    kept = {nonce: (str(action), by) for nonce, action, by in rows.values_list("nonce", "action_id", "by_name")}
    for one in said:
        action, by = kept.get(str(one.data.get("nonce")), ("", ""))
        if action != one.action:
            return Misstated(one.action, say("The log tells of a decision of %(who)s, and its row is gone", who=one.actor))
        if one.actor_kind in {"human", "grant", "policy"} and by != one.actor:
            return Misstated(one.action, say("The log tells of a decision of %(who)s, and its row names somebody else", who=one.actor))
    return None


def _outcomes(found: Sequence[EventRow]) -> Misstated | None:
    said = {one.action for one in found if one.kind == "action.settled"}
    there = Action.objects.filter(pk__in=[UUID(one) for one in said], settled_at__isnull=False).values_list("pk", flat=True)
    gone = next(iter(sorted(said - {str(one) for one in there})), None)
    return Misstated(gone, say("The log says what came of it, and its row does not")) if gone else None
