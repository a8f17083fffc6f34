"""T4 and the other endings: an outcome becomes a fact that never changes afterwards."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from approvals.models import Action, Requirement
from approvals.operations import drills, events
from approvals.operations.notices import tell_action
from approvals.operations.resolving import announce, resolved_entry
from approvals.states import ActionState
from audit import log, rows
from audit.actors import SYSTEM, Actor

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


def lock(action_ids: Sequence[UUID]) -> None:
    """Lock several actions in one order, before any run: whoever ends many at once must not meet a decision half-way."""
    list(Action.objects.select_for_update().filter(pk__in=action_ids).order_by("pk").values_list("pk"))


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
