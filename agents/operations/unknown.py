"""Calls nobody knows the outcome of: when a worker died in the middle, and when a person has looked and says what happened."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from agents import kept
from agents.errors import UnknownEffect, WrongState
from agents.models import Effect, OutcomeCheck, Run
from agents.operations import events, waking
from agents.operations.found import as_uuid
from agents.operations.instead import check_result
from agents.operations.receiving import ready_if_settled
from agents.states import EffectState, word
from approvals import operations as approvals
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.models.people import User
from approvals.operations.halts import check_reason
from audit import log
from audit.actors import SYSTEM, Actor
from audit.log import Entry
from audit.sentences import say


@transaction.atomic
def give_up(action_id: UUID) -> bool:
    """A claimed call whose worker died, of a tool that must not be repeated: UNKNOWN, a question for a person."""
    if not approvals.lock([action_id], wait=False):  # before the effect; its events are written by one at a time
        return False
    effect = (
        Effect.objects.select_for_update(skip_locked=True).filter(pk=action_id, state=EffectState.CLAIMED, lease_until__lte=Now()).first()
    )
    if effect is None:
        return False
    Effect.objects.filter(pk=action_id, fence=effect.fence).update(
        state=EffectState.UNKNOWN,
        fence=F("fence") + 1,
        lease_until=None,
        error=kept.NOBODY_KNOWS(),
    )
    run = Run.objects.get(pk=effect.run_id)
    log.append(
        events.effect(
            str(action_id),
            run.agent_id,
            str(run.pk),
            effect.digest,
            "effect.unknown",
            SYSTEM,
            "beat",
            tool=effect.tool,
            attempts=effect.attempts,
        )
    )
    events.tell_run(run, "run.unknown")
    return True


def unasked(*, limit: int) -> list[int]:
    """Checks of the remote side (`outcome_checks`) that nobody has answered for some seconds: their worker was not woken, or died over one."""
    late = OutcomeCheck.objects.filter(answered_at=None, asked_at__lte=Now() - timedelta(seconds=5))
    return list(late.order_by("pk").values_list("pk", flat=True)[:limit])


@transaction.atomic
def ask_outcome(action_id: Any, *, by: User, door: str) -> OutcomeCheck:
    """Have a worker ask the remote side about a call of unknown outcome.

    Raises:
        NotAllowed: not an operator. UnknownEffect. WrongState: its outcome is known, or it is being asked already.
    """
    who = permissions.standing(by)
    permissions.check_operate(who)
    known = as_uuid(action_id)
    effect = Effect.objects.select_related("run").filter(pk=known).first() if known else None
    if effect is None:
        raise UnknownEffect(say("There is no such effect"))
    approvals.lock([effect.pk])
    effect.refresh_from_db(fields=["state"])
    _check_unknown(effect)
    try:
        with transaction.atomic():
            check = OutcomeCheck.objects.create(effect=effect, by=who.user, by_name=who.user.get_username(), door=door)
    except IntegrityError as error:
        raise WrongState(say("The remote side is being asked already; the answer appears by itself")) from error
    log.append(check_entry(effect, "effect.check_asked", by=who.user.actor, door=door))
    waking.wake(waking.OUTCOME, check.pk)
    return check


def _check_unknown(effect: Effect) -> None:
    if effect.state in {EffectState.READY, EffectState.CLAIMED}:
        raise WrongState(
            say("It is still under way, or waits to be made, perhaps for the release of a halt: nothing can be said of its outcome yet")
        )
    if effect.state != EffectState.UNKNOWN:
        raise WrongState(say("Its outcome is known: %(state)s", state=word(effect.state)))


def check_entry(effect: Effect, kind: str, *, by: Actor, door: str, **more: Any) -> Entry:
    """What the log says of a check of the remote side."""
    run = effect.run
    return events.effect(str(effect.pk), run.agent_id, str(run.pk), effect.digest, kind, by, door, tool=effect.tool, **more)


@transaction.atomic
def resolve_unknown(action_id: Any, *, done: bool, reason: str, by: User, door: str, result: Any = None) -> Effect:
    """A person looked and says whether the call was done; the run goes on with that.

    Args:
        result: of a call that was done, what it gave back as far as they found; the agent gets it with who said so.

    Raises:
        NotAllowed, BadRequest: not an operator, no reason. BadInput: no such result. UnknownEffect, WrongState: nothing of that kind.
    """
    who = permissions.standing(by)
    permissions.check_operate(who)
    reason = check_reason(reason)
    given = check_result(result) if done and result is not None else {}
    known = as_uuid(action_id)
    effect = Effect.objects.filter(pk=known).first() if known else None
    if effect is None:
        raise UnknownEffect(say("There is no such effect"))
    _check_unknown(effect)
    status = "done" if done else "failed"
    approved = approvals_queries.shown(effect.pk)  # an edit may have changed what the planner believes was called
    outcome = {
        "status": status,
        "result": {**given, "confirmed_by": who.user.get_username()} if done else None,
        "reason": reason,
        "args": approved.args if approved else None,
    }
    approvals.settle(effect.pk, outcome, by=who.user.actor, door=door)
    state = EffectState.DONE if done else EffectState.FAILED
    if not Effect.objects.filter(pk=effect.pk, state=EffectState.UNKNOWN).update(state=state, finished_at=Now(), result=outcome["result"]):
        raise WrongState(say("Somebody else has just said what happened"))
    run = Run.objects.get(pk=effect.run_id)
    log.append(
        events.effect(
            str(effect.pk),
            run.agent_id,
            str(run.pk),
            effect.digest,
            f"effect.{state.lower()}",
            who.user.actor,
            door,
            tool=effect.tool,
            reason=reason,
            said_by_person=True,
        )
    )
    ready_if_settled(run.pk)
    effect.refresh_from_db()
    return effect
