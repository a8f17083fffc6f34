"""What a run did is to be reversed: the order, given once, in the transaction that ends the run or by an operator afterwards.

From then on none of the run's calls begins (the claim asks), and a worker reverses what was done (`operations.compensating`).
Belongs here: orders, and what people say of what could not be reversed.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from agents import kept
from agents.errors import UnknownEffect, WrongState
from agents.models import Compensation, CompensationOrder, Effect, Run
from agents.operations import events, waking
from agents.operations.found import as_uuid, locked_run
from agents.states import UNFINISHED, CompensationState, EffectState, RunState, word
from approvals import operations as approvals
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.models.people import User
from approvals.operations.halts import check_reason
from audit import log
from audit.actors import SYSTEM, Actor
from audit.sentences import say

Why = CompensationOrder.Why
REJECTED, CANCELLED = str(Why.REJECTED), str(Why.CANCELLED)
# What may have changed something outside, or may still.
DID = (EffectState.CLAIMED, EffectState.DONE, EffectState.UNKNOWN)


def declared(run: Run) -> frozenset[str]:
    """The ends after which the run's agent, in the version it was started with, wants what it did reversed."""
    return frozenset(Run.objects.values_list("version__compensate_on", flat=True).get(pk=run.pk))


def at_end(run: Run, state: RunState, declared: Collection[str]) -> None:
    """Order it where a run ended by itself and its agent wants that. In the transaction that ended the run, its row locked."""
    if Why.FAILED in declared and state in {RunState.FAILED, RunState.PARTIAL}:
        order(run, Why.FAILED, by=SYSTEM, door="worker")
    elif Why.REJECTED in declared and state is not RunState.FAILED and approvals_queries.refused(str(run.pk)):
        order(run, Why.REJECTED, by=SYSTEM, door="worker")


def order(run: Run, why: str, *, by: Actor, door: str, reason: str = "") -> bool:
    """Write the order; the caller holds the run's row. False when there is one already, or the run has done nothing."""
    if CompensationOrder.objects.filter(run=run).exists() or not Effect.objects.filter(run=run, state__in=DID).exists():
        return False
    CompensationOrder.objects.create(run=run, why=why, reason=reason, by_name=by.name, door=door)
    log.append(events.entry(run, "run.compensation_ordered", by=by, door=door, why=why, reason=reason))
    events.tell_run(run, "run.compensating")
    waking.wake(waking.COMPENSATE, run.pk)
    return True


@transaction.atomic
def order_compensation(run_id: Any, *, reason: str, by: User, door: str) -> CompensationOrder:
    """An operator has what an ended run did reversed.

    Raises:
        NotAllowed, BadRequest: not an operator, no reason. UnknownRun.
        WrongState: the run has not ended, has done nothing that could be reversed, or it is ordered already.
    """
    who = permissions.standing(by)
    permissions.check_operate(who)
    reason = check_reason(reason)
    run = locked_run(run_id)
    if run.state in UNFINISHED:
        raise WrongState(say("The run is %(state)s: cancel it, and have what it did reversed with that", state=word(run.state)))
    check_not_ordered(run)
    if not order(run, Why.ORDERED, by=who.user.actor, door=door, reason=reason):
        raise WrongState(say("This run has done nothing: there is nothing to reverse"))
    return CompensationOrder.objects.get(run=run)


@transaction.atomic
def try_again(action_id: Any, *, reason: str, by: User, door: str) -> Compensation:
    """An operator has what could not be reversed tried once more, with the same key.

    Raises:
        NotAllowed, BadRequest, UnknownEffect. WrongState: it has not failed, or nobody has said yet whether the call was done.
    """
    who, found, effect = _failed(action_id, by)
    reason = check_reason(reason)
    if effect.state == EffectState.UNKNOWN:
        raise WrongState(say("Nobody knows whether this was done: say so first, then have it reversed"))
    if effect.state == EffectState.FAILED:
        _close(found, CompensationState.DONE, error=kept.NOT_DONE_AFTER_ALL(), said_by=who.user.get_username())
        _tell(found, effect, "effect.not_to_compensate", who.user.actor, door, reason=reason)
        return found
    _close(found, CompensationState.OWED, error="", attempts=0, finished_at=None, not_before=Now())
    CompensationOrder.objects.filter(run=found.run_id).update(ended_at=None)
    _tell(found, effect, "effect.compensation_retried", who.user.actor, door, reason=reason)
    waking.wake(waking.COMPENSATE, found.run_id)
    return found


@transaction.atomic
def done_by_hand(action_id: Any, *, reason: str, by: User, door: str) -> Compensation:
    """A person has reversed it where it acts, and says so.

    Raises:
        NotAllowed, BadRequest, UnknownEffect. WrongState: it has not failed.
    """
    who, found, effect = _failed(action_id, by)
    reason = check_reason(reason)
    _close(found, CompensationState.DONE, said_by=who.user.get_username(), result={"said": reason})
    Effect.objects.filter(pk=effect.pk, state=EffectState.DONE).update(state=EffectState.COMPENSATED)
    _tell(found, effect, "effect.compensated", who.user.actor, door, reason=reason, said_by_person=True)
    return found


def wanted(*, limit: int = 100) -> list[UUID]:
    """Runs of which something is still to be reversed: what the sweeper wakes workers for."""
    calling = Compensation.objects.filter(run=OuterRef("run"), state=CompensationState.CLAIMED, lease_until__gt=Now())
    later = Compensation.objects.filter(run=OuterRef("run"), state=CompensationState.OWED, not_before__gt=Now())
    open_orders = CompensationOrder.objects.filter(ended_at=None).exclude(Exists(calling)).exclude(Exists(later))
    return list(open_orders.order_by("ordered_at").values_list("run", flat=True)[:limit])


def check_not_ordered(run: Run) -> None:
    """Raises WrongState when what the run did is being, or has been, reversed: it must not go on as if nothing were."""
    if CompensationOrder.objects.filter(run=run).exists():
        raise WrongState(say("What this run did is reversed: start a new run instead"))


def _failed(action_id: Any, by: User) -> tuple[permissions.Standing, Compensation, Effect]:
    who = permissions.standing(by)
    permissions.check_operate(who)
    known = as_uuid(action_id)
    approvals.lock([known] if known else [])
    effect = Effect.objects.select_for_update().filter(pk=known).first() if known else None
    found = Compensation.objects.select_for_update().filter(effect=effect).first() if effect else None
    if effect is None or found is None:
        raise UnknownEffect(say("Nothing of that kind is to be reversed"))
    if found.state != CompensationState.FAILED:
        raise WrongState(say("It is %(state)s: only what could not be reversed needs a person", state=word(found.state)))
    return who, found, effect


def _close(found: Compensation, state: CompensationState, **more: Any) -> None:
    values = {"finished_at": Now(), **more}
    if not Compensation.objects.filter(pk=found.pk, state=CompensationState.FAILED).update(state=state, **values):
        raise WrongState(say("Somebody else was faster"))
    found.state = state


def _tell(found: Compensation, effect: Effect, kind: str, by: Actor, door: str, **data: Any) -> None:
    run = Run.objects.get(pk=found.run_id)
    log.append(events.effect(str(effect.pk), run.agent_id, str(run.pk), effect.digest, kind, by, door, tool=found.tool, **data))
    events.tell_run(run, "run.compensating")
