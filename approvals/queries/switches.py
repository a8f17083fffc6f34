"""Operators' switches as pages and programs see them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from approvals.models import Switch


@dataclass(frozen=True)
class SwitchRow:
    """A switch; `until` None: until somebody ends it. `ended_at` None: it was not ended by hand (its time may be over)."""

    id: int
    scope: str
    target: str
    setting: str
    reason: str
    by: str
    at: datetime
    until: datetime | None
    ended_at: datetime | None
    ended_by: str
    end_reason: str


def in_force() -> list[SwitchRow]:
    """Every switch that is in force now, by the database's clock; the oldest first."""
    return _rows(_active().order_by("pk"))


def over(agent: str = "", tools: Iterable[str] = ()) -> list[SwitchRow]:
    """Those in force for this agent and these tools, denying first."""
    mine = Q(scope=Switch.Scope.AGENT, target=agent) | Q(scope=Switch.Scope.TOOL, target__in=list(tools))
    return _rows(_active().filter(mine).order_by("-setting", "pk"))


def recent(*, limit: int = 20) -> list[SwitchRow]:
    """The latest, in force and over."""
    return _rows(Switch.objects.order_by("-pk")[:limit])


def _active() -> QuerySet[Switch]:
    return Switch.objects.filter(Q(until=None) | Q(until__gt=Now()), ended_at=None)


def _rows(found: QuerySet[Switch]) -> list[SwitchRow]:
    return [
        SwitchRow(s.pk, s.scope, s.target, s.setting, s.reason, s.by_name, s.created_at, s.until, s.ended_at, s.ended_by_name, s.end_reason)
        for s in found
    ]
