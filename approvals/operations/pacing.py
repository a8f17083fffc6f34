"""Saying yes faster than anybody reads: whoever approves very many actions within a minute is told so, and so are the operators.

An alarm, not a bar (reliability.md section 1, approval fatigue): somebody may be right to be quick. It looks afterwards, from the beat, so
that deciding costs nothing more. The figures over weeks are `queries.quality`'s.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from approvals.models import User
from approvals.operations.telling import tell_person
from approvals.permissions import OPERATORS
from audit import log
from audit.actors import SYSTEM
from audit.log import Entry

WITHIN_S = 60
QUIET_S = 600  # one alarm about a person, then peace for so long
_LOCK = 4_711_009

# Each decision by hand counts, also those made in bulk; what a grant or policy let through was decided once. Median of the time each was
# open, where the door knows it.
_HASTY = """SELECT d.by_id, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY d.looked_ms)
FROM approvals_decision d
WHERE d.created_at > clock_timestamp() - make_interval(secs => %(within)s) AND d.by_id IS NOT NULL AND d.grant_id IS NULL AND d.verdict = 'approve'
AND NOT EXISTS (SELECT 1 FROM approvals_notification n WHERE n.object = 'haste' AND n.object_id = d.by_id::text
    AND n.created_at > clock_timestamp() - make_interval(secs => %(quiet)s))
GROUP BY d.by_id HAVING count(*) >= %(most)s"""


@dataclass(frozen=True)
class Haste:
    user: int
    approvals: int
    median_ms: int | None


@transaction.atomic
def sound_alarms() -> list[Haste]:
    """Tell people and operators of those who approved `COUNTERSIGN_HASTE` actions or more in the last minute; 0 switches it off."""
    if not settings.HASTE:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return []  # another sweeper is at it
        cursor.execute(_HASTY, {"within": WITHIN_S, "quiet": QUIET_S, "most": settings.HASTE})
        found = [Haste(user, n, None if median is None else round(median)) for user, n, median in cursor.fetchall()]
    for haste in found:
        _sound(haste)
    return found


def _sound(haste: Haste) -> None:
    person = User.objects.get(pk=haste.user)
    operators = User.objects.filter(groups__name=OPERATORS, is_active=True, kind=User.Kind.HUMAN).exclude(pk=person.pk)
    data = {"username": person.get_username(), "approvals": haste.approvals, "seconds": WITHIN_S, "median_ms": haste.median_ms}
    log.append(Entry(stream=f"person:{person.pk}", kind="person.hasty", by=SYSTEM, door="beat", data=data))
    tell_person(person, object="haste", object_id=str(person.pk), kind="person.haste_own")
    for operator in operators:
        tell_person(operator, object="haste", object_id=str(person.pk), kind="person.haste")
