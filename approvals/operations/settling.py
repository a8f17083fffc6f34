"""T4 and the other endings: an outcome becomes a fact that never changes afterwards."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from approvals import envelopes
from approvals.errors import AlreadyDecided, BadRequest, Halted, NotFound, Stale
from approvals.models import Action, Requirement
from approvals.operations import drills, events, halts
from approvals.operations.notices import tell_action
from approvals.operations.resolving import announce, resolved_entry
from approvals.queries.results import check_takes
from approvals.queries.stops import undecidable
from approvals.states import ActionState
from audit import log, rows
from audit.actors import SYSTEM, Actor
from audit.sentences import say

_SETTLE = """
UPDATE approvals_action SET settled_at = statement_timestamp(), outcome = %s::jsonb
WHERE id = %s AND settled_at IS NULL AND state <> 'PENDING' RETURNING *
"""


@transaction.atomic(savepoint=False)
def settle(action_id: UUID, outcome: dict[str, Any], *, by: Actor = SYSTEM, door: str = "worker") -> bool:
    """Make the outcome of a resolved action final. False when it was settled before (by somebody faster)."""
    action = rows.first(Action, _SETTLE, [json.dumps(outcome), action_id])
    if action is None:
        return False
    log.append(events.entry(action, "action.settled", by=by, door=door, outcome=outcome))
    tell_action(action, "action.settled")
    return True


def lock(action_ids: Sequence[UUID], *, wait: bool = True) -> bool:
    """Lock several actions in one order, before any run: whoever ends many at once must not meet a decision half-way. Whether all were locked: a
    sweeper does not wait for the one that somebody is at."""
    rows = Action.objects.select_for_update(skip_locked=not wait).filter(pk__in=action_ids).order_by("pk")
    return len(rows.values_list("pk")) == len(set(action_ids))


@transaction.atomic(savepoint=False)
def close(action_id: UUID, state: ActionState, *, reason: str, by: Actor = SYSTEM, door: str = "worker") -> bool:
    """End an unfinished action without running it: superseded, cancelled or expired. False when it is too late.

    A claimed action cannot be closed: what has begun ends with its own outcome.
    """
    action = Action.objects.select_for_update().filter(pk=action_id).first()
    if action is None or action.claimed_at or action.settled_at:
        return False
    if action.state not in {ActionState.PENDING, ActionState.APPROVED}:
        return False
    if action.drill:
        drills.run_out(action, state, by=by, door=door)
        return True
    action.state = state
    action.resolution = {"verdict": "", "by": by.name, "door": door, "reason": reason, "response": "", "version": action.version}
    Action.objects.filter(pk=action.pk, claimed_at=None).update(state=state, resolved_at=Now(), resolution=action.resolution)
    # Also what somebody tampered with must be able to end.
    requirement = Requirement.objects.filter(action=action, version=action.version).first()
    log.append(resolved_entry(action, requirement, by=by, door=door, reason=reason))
    tell_action(action, f"action.{state.lower()}")
    announce(action)
    return True


@transaction.atomic(savepoint=False)
def unheard(action_id: UUID, *, reason: str, since: datetime | None = None) -> bool:
    """Say of an answer or a rejection, which stands, that it reached nobody: what asked was gone before. False where there is none, or it is said.

    Args:
        since: only of one given since then: who asked may have heard an earlier one.
    """
    action = Action.objects.select_for_update().filter(pk=action_id, claimed_at=None, unheard="").exclude(settled_at=None).first()
    if action is None or action.executes or not (action.resolution or {}).get("verdict"):
        return False
    if since is not None and (action.resolved_at is None or action.resolved_at < since):
        return False
    Action.objects.filter(pk=action.pk).update(unheard=reason)
    log.append(events.entry(action, "action.unheard", by=SYSTEM, door="worker", reason=reason))
    tell_action(action, "action.unheard")
    return True


@dataclass(frozen=True)
class Answerable:
    """A call that an operator may give the result of, its row locked. `two`: the policy asks two people for it, so two give it.

    Attributes:
        test: it was a test action, which has just ended: nothing is given to anybody.
    """

    action: Action
    two: bool = False
    test: bool = False


def answerable(action_id: UUID, *, seen_digest: str, by: Actor, door: str) -> Answerable:
    """Lock a call that waits for people, or is approved and not claimed, as whoever gives its result saw it.

    Raises:
        Halted: an order covers it; nothing is decided, nor given, until that is lifted.
        NotFound. BadRequest: a question, or an agent that takes no words. AlreadyDecided: it has begun, or is over. Stale, Tampered.
    """
    halts.hold_off()  # before the row, as a decision does
    action = Action.objects.select_for_update().filter(pk=action_id).first()
    if action is None:
        raise NotFound(say("There is no such action; it may belong to another installation"))
    if stops := halts.covering(action):
        raise Halted(undecidable(stops[0].scope, stops[0].target, who=stops[0].by_name, why=stops[0].reason))
    if action.kind != Action.Kind.TOOL or not action.run:
        raise BadRequest(
            say("Only the call of a run's tool has a result to give: a question is answered, and an agent outside reports itself")
        )
    if action.claimed_at or action.settled_at or action.state not in {ActionState.PENDING, ActionState.APPROVED}:
        raise AlreadyDecided(say("It is too late: this call has begun, or is over"), state=str(action.state), resolution=action.resolution)
    if not secrets.compare_digest(seen_digest.encode("utf-8", "replace"), action.digest.encode()):
        raise Stale(say("This changed since you opened it; look at what would run now, then give its result"))
    if action.drill:
        drills.run_out(action, ActionState.CANCELLED, by=by, door=door)
        return Answerable(action, test=True)
    envelope = envelopes.opened(action, Requirement.objects.get(action=action, version=action.version))
    check_takes(envelope.agent_takes)
    return Answerable(action, two=action.level == "critical" or sum(need.count for need in envelope.needs) > 1)


def answer_for(found: Answerable, result: Mapping[str, Any], *, reason: str, people: Sequence[str], by: Actor, door: str) -> None:
    """The call is superseded and settled with this result, in the caller's transaction: from here on nothing can claim it."""
    action = found.action
    requirement = Requirement.objects.get(action=action, version=action.version)
    details = {"answered_for": True, "result": dict(result), "people": list(people)}
    action.state = ActionState.SUPERSEDED
    action.resolution = {
        "verdict": "", "by": by.name, "door": door, "reason": reason, "response": "", "version": action.version, "details": details
    }  # fmt: skip
    Action.objects.filter(pk=action.pk, claimed_at=None, settled_at=None).update(
        state=action.state, resolved_at=Now(), resolution=action.resolution
    )
    log.append(resolved_entry(action, requirement, by=by, door=door, reason=reason, **details))
    tell_action(action, "action.superseded")
    announce(action, args=envelopes.opened(action, requirement).args)
