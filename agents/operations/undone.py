"""A call of unknown outcome was done, or counts as done, and is to be undone: said and ordered together, so that its run never goes on with it."""

from typing import Any

from django.db import transaction

from agents.models import Compensation, CompensationOrder, Effect, Run
from agents.operations import hinting, owing, starting, unknown
from agents.operations.receiving import close_open_pauses
from agents.states import UNFINISHED, CompensationState
from approvals.models.people import User


def resolve_undone(action_id: Any, *, reason: str, by: User, door: str) -> Effect:
    """A person says that the call was done, and has its run reversed: cancelled if it has not ended, the last call first, this one among them.

    1. In one transaction the call is DONE by that person's word, the run ends, and the reversal is ordered: no worker sees the one without the other.
    2. What the run still asks is closed, as with any cancelling; a death before that is `close_cancelled`'s.
    Where it is being reversed already, this call is given back to the workers.

    Raises:
        NotAllowed, BadRequest: not an operator, no reason. UnknownEffect, WrongState: its outcome is known.
    """
    with transaction.atomic():
        effect = unknown.resolve_unknown(action_id, done=True, reason=reason, by=by, door=door)
        run = Run.objects.select_for_update().get(pk=effect.run_id)
        goes_on = run.state in UNFINISHED
        if CompensationOrder.objects.filter(run=run).exists():
            if Compensation.objects.filter(pk=effect.pk, state=CompensationState.FAILED).exists():
                owing.try_again(effect.pk, reason=reason, by=by, door=door)
        elif goes_on:
            starting.cancel(run.pk, reason=reason, by=by, door=door, compensate=True)
        else:
            owing.order_compensation(run.pk, reason=reason, by=by, door=door)
    if goes_on:
        with transaction.atomic():
            close_open_pauses(run.pk, reason=reason, by=by.actor, door=door)
        hinting.look_soon()
    return effect
