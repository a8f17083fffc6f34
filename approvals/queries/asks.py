"""Questions to agents: those about one action or one run, and those a worker should take."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Now

from approvals.models import Ask
from approvals.states import AskState


@dataclass(frozen=True)
class AskRow:
    """One question with the agent's words; `answer` says why when nobody answered."""

    id: int
    action_id: str
    question: str
    by: str
    at: datetime
    state: str
    answer: str
    done_at: datetime | None


def asks(*, action: str = "", run: str = "") -> list[AskRow]:
    """The questions about one action, or about everything one run asks, oldest first."""
    rows = (
        Ask.objects.filter(Q(action=action) if action else Q(action__run=run, action__drill=False))
        .select_related("by")
        .order_by("pk")[:200]
    )
    return [AskRow(a.pk, str(a.action_id), a.question, a.by.get_username(), a.created_at, a.state, a.answer, a.done_at) for a in rows]


def wanted_asks(*, limit: int) -> list[int]:
    """Questions no worker has taken for two seconds, or whose worker is overdue."""
    overdue = Ask.objects.filter(state=AskState.WANTED, created_at__lte=Now() - timedelta(seconds=2))
    free = overdue.filter(Q(taken_until=None) | Q(taken_until__lte=Now()))
    return list(free.order_by("pk").values_list("pk", flat=True)[:limit])
