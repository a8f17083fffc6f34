"""Calls that agents outside made, or may have made, and of which nobody knows what came."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Now

from approvals.models import OutsideClaim

LOOKED_BACK = timedelta(days=30)
SILENT = timedelta(minutes=10)  # longer than most calls take; after a day without a report its outcome is on record as unknown
MOST = 100


@dataclass(frozen=True)
class Untold:
    """`ended`: its outcome is on record as unknown, else its agent took leave and has reported nothing yet."""

    action_id: str
    agent: str
    tool: str
    summary: str
    claimed_at: datetime
    ended: bool


def untold() -> list[Untold]:
    """The newest of the last thirty days, at most a hundred."""
    nothing_yet = Q(action__settled_at=None, created_at__lt=Now() - SILENT)
    rows = OutsideClaim.objects.filter(created_at__gt=Now() - LOOKED_BACK).filter(Q(action__outcome__status="unknown") | nothing_yet)
    return [
        Untold(str(c.action_id), c.action.agent, c.action.tool, c.action.summary, c.created_at, c.action.settled_at is not None)
        for c in rows.select_related("action").order_by("-created_at")[:MOST]
    ]
