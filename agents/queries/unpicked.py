"""What a worker could take now, and nobody has: for the sweeper, which wakes one, and for whoever asks whether any comes.

Not what an order stops, an operator or a budget holds, or what waits for people: the call of an agent that makes its calls itself waits for the others of
its turn. Reads only.
"""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from agents.models import Effect, Run
from agents.queries.fleet import in_force_sql
from agents.states import EffectState, Hold, RunState
from approvals import queries as approvals_queries
from approvals.covering import condition

# What an order stops now, of a run and of a call.
RUN_HALTED = condition(
    approvals_queries.halted_sql("agents_run.agent_id", "agents_run.id::text", version=in_force_sql("agents_run.agent_id"))
)
CALL_HALTED = condition(approvals_queries.action_halted_sql("agents_effect.action_id", version=in_force_sql("a.agent")))
# Put back by a dying worker, or tried again, while an operator holds it: no worker takes it.
HELD = Q(state__in=[RunState.READY, RunState.CREATED], hold__in=[Hold.PAUSE, Hold.BUDGET], to_change=False)
_OVER = Q(hold_until=None, by_agent=False) | Q(hold_until__lte=Now())


def runs(*, unmoved_for: timedelta) -> QuerySet[Run]:
    """Runs, the oldest first."""
    ready = Q(state__in=[RunState.READY, RunState.CREATED], changed_at__lte=Now() - unmoved_for)
    return Run.objects.exclude(RUN_HALTED).filter(ready).exclude(HELD).order_by("changed_at")


def effects(*, old: timedelta) -> QuerySet[Effect]:
    """Calls whose hold, if any, is over, the oldest first."""
    rows = Effect.objects.exclude(CALL_HALTED).exclude(run__hold=Hold.BUDGET)
    return rows.filter(_OVER, state=EffectState.READY, created_at__lte=Now() - old).order_by("created_at")
