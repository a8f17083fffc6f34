"""Deciding faster, or more, than anybody can with care: who does is told so, and so are the operators.

Alarms, not bars (reliability.md section 1, approval fatigue): somebody may be right to be quick, and what waits must not wait because
one person is tired. It looks afterwards, from the beat, so that deciding costs nothing more. The figures over weeks are `queries.quality`'s.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from approvals.models import User
from approvals.operations.telling import tell_person
from approvals.permissions import OPERATORS
from audit import log
from audit.actors import SYSTEM
from audit.log import Entry

_LOCK = 4_711_009


@dataclass(frozen=True)
class Alarm:
    """What is too much.

    Attributes:
        name: of the notices; nobody is told twice within `quiet_s`. kind: of the event.
        within_s: so many seconds are looked at. verdicts: which count; empty for all.
    """

    name: str
    kind: str
    within_s: int
    quiet_s: int
    verdicts: tuple[str, ...] = ()


HASTE = Alarm("haste", "person.hasty", within_s=60, quiet_s=600, verdicts=("approve",))
BUDGET = Alarm("budget", "person.over_budget", within_s=8 * 3_600, quiet_s=8 * 3_600)

# Each decision by hand counts, also those made in bulk; what a grant or policy let through was decided once. Median of the time each was
# open, where the door knows it.
_TOO_MANY = """SELECT d.by_id, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY d.looked_ms)
FROM approvals_decision d
WHERE d.created_at > clock_timestamp() - make_interval(secs => %(within)s) AND d.by_id IS NOT NULL AND d.grant_id IS NULL
AND (%(verdicts)s::text[] = '{}' OR d.verdict = ANY(%(verdicts)s))
AND NOT EXISTS (SELECT 1 FROM approvals_notification n WHERE n.object = %(name)s AND n.object_id = d.by_id::text
    AND n.created_at > clock_timestamp() - make_interval(secs => %(quiet)s))
GROUP BY d.by_id HAVING count(*) >= %(most)s"""


@dataclass(frozen=True)
class TooMany:
    user: int
    decided: int
    median_ms: int | None


@transaction.atomic
def sound_alarms() -> list[TooMany]:
    """Tell people and operators of those who approved `COUNTERSIGN_HASTE` actions or more in the last minute, or decided `COUNTERSIGN_BUDGET` or more
    in the last eight hours; 0 switches either off."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return []  # another sweeper is at it
    return [found for alarm, most in ((HASTE, settings.HASTE), (BUDGET, settings.BUDGET)) if most for found in _sounded(alarm, most)]


def _sounded(alarm: Alarm, most: int) -> list[TooMany]:
    asked: dict[str, Any] = {
        "within": alarm.within_s,
        "quiet": alarm.quiet_s,
        "most": most,
        "verdicts": list(alarm.verdicts),
        "name": alarm.name,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TOO_MANY, asked)
        found = [TooMany(user, n, None if median is None else round(median)) for user, n, median in cursor.fetchall()]
    for one in found:
        _tell(alarm, one)
    return found


def _tell(alarm: Alarm, found: TooMany) -> None:
    person = User.objects.get(pk=found.user)
    operators = User.objects.filter(groups__name=OPERATORS, is_active=True, kind=User.Kind.HUMAN).exclude(pk=person.pk)
    data = {"username": person.get_username(), "approvals": found.decided, "seconds": alarm.within_s, "median_ms": found.median_ms}
    log.append(Entry(stream=f"person:{person.pk}", kind=alarm.kind, by=SYSTEM, door="beat", data=data))
    tell_person(person, object=alarm.name, object_id=str(person.pk), kind=f"person.{alarm.name}_own")
    for operator in operators:
        tell_person(operator, object=alarm.name, object_id=str(person.pk), kind=f"person.{alarm.name}")
