"""Whether what the tables say was asked is what the log says was asked: for `manage.py audit verify`. Reads only.

The claim proves the version it is about (`envelopes.opened`); this looks at all of them, those that were decided long ago as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from approvals import envelopes
from approvals.errors import Tampered
from approvals.models import Requirement
from approvals.policy.rules import named
from audit import canonical
from audit.sentences import say

# Versions that no event of their action names by their digest.
_UNNAMED = """
SELECT r.id FROM approvals_requirement r WHERE r.id = ANY(%s)
AND NOT EXISTS (SELECT 1 FROM audit_event e WHERE e.stream = 'action:' || r.action_id AND e.digest = r.digest)
"""


@dataclass(frozen=True)
class Changed:
    """A version of an action that is not what was asked: somebody changed it, or the action's row, or wrote it by hand."""

    action: str
    version: int
    why: str


def versions_on_record(*, batch: int = 2_000) -> Iterator[int | Changed]:
    """Prove every version of every action, oldest first. Yields how many hold, after each batch; a Changed ends it.

    Its bytes give its digest, an event of the action names that digest, and what stands beside the bytes (policy, level, score, preview; of
    the newest version the action's own columns, too) says what they say.
    """
    last = count = 0
    while True:
        rows = list(Requirement.objects.filter(pk__gt=last).select_related("action").order_by("pk")[:batch])
        unnamed = _unnamed([row.pk for row in rows])
        for row in rows:
            why = _fault(row) or (say("No event of the log names its digest") if row.pk in unnamed else "")
            if why:
                yield Changed(str(row.action_id), row.version, why)
                return
        count += len(rows)
        yield count
        if len(rows) < batch:
            return
        last = rows[-1].pk


def _unnamed(ids: list[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(_UNNAMED, [ids])
        return {pk for (pk,) in cursor.fetchall()}


def _fault(row: Requirement) -> str:
    try:
        if row.version == row.action.version:
            data = envelopes.opened(row.action, row).data
        elif envelopes.digest_of(bytes(row.envelope)) == row.digest:
            data = envelopes.parse(row).data
        else:
            return say("Its bytes do not give its digest")
    except Tampered as error:
        return error.message
    beside = (row.version, row.level, row.score, row.policy, canonical.fingerprint(row.preview))
    policy = named(data["policy"]["version"], data["policy"]["sha256"])
    if beside != (data["version"], data["risk"]["level"], data["risk"]["score"], policy, data["preview_sha256"]):
        return say("What stands beside its bytes says something else than they do")
    return ""
