"""Calls nobody knows the outcome of: when a worker died in the middle, and when a person has looked and says what happened."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from agents import kept
from agents.errors import UnknownEffect, WrongState
from agents.models import Effect, Run
from agents.operations import events
from agents.operations.found import as_uuid
from agents.operations.receiving import ready_if_settled
from agents.states import EffectState, word
from approvals import operations as approvals
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.models.people import User
from approvals.operations.halts import check_reason
from audit import log
from audit.actors import SYSTEM
from audit.sentences import say


@transaction.atomic
def give_up(action_id: UUID) -> bool:
    """A claimed call whose worker died, of a tool that must not be repeated: UNKNOWN, a question for a person."""
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
        events.effect(str(action_id), run.agent_id, str(run.pk), effect.digest, "effect.unknown", SYSTEM, "beat", attempts=effect.attempts)
    )
    events.tell_run(run, "run.unknown")
    return True


@transaction.atomic
def resolve_unknown(action_id: Any, *, done: bool, reason: str, by: User, door: str) -> Effect:
    """A person looked and says whether the call was done; the run goes on with that.

    Raises:
        NotAllowed, BadRequest: not an operator, no reason. UnknownEffect, WrongState: nothing of that kind.
    """
    who = permissions.standing(by)
    permissions.check_halt(who)
    reason = check_reason(reason)
    known = as_uuid(action_id)
    effect = Effect.objects.filter(pk=known).first() if known else None
    if effect is None:
        raise UnknownEffect(say("There is no such effect"))
    if effect.state != EffectState.UNKNOWN:
        raise WrongState(say("Its outcome is known: %(state)s", state=word(effect.state)))
    status = "done" if done else "failed"
    approved = approvals_queries.shown(effect.pk)  # an edit may have changed what the planner believes was called
    outcome = {
        "status": status,
        "result": {"confirmed_by": who.user.get_username()} if done else None,
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
            reason=reason,
            said_by_person=True,
        )
    )
    ready_if_settled(run.pk)
    effect.refresh_from_db()
    return effect
