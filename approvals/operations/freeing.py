"""Reservations of people who may not decide what they hold any more: locked, out of the group, or by a right that ended with somebody else's.

Begun by `recounting`, after what changed them: rows of actions are locked before those of people.
"""

from typing import Any

from django.db import transaction
from django.db.models import Q

from approvals import entitling, envelopes, permissions
from approvals.errors import ApprovalError, NotAllowed
from approvals.models import Absence, Action, Requirement, User
from approvals.operations import events, kept
from approvals.operations.notices import tell_action
from approvals.operations.reserving import put_down
from approvals.states import ActionState, Verdict
from audit import log
from audit.actors import SYSTEM


def let_go(user: User) -> int:
    """Free what this person holds, or is held in their stead, where the holder could decide nothing. Returns how many."""
    stand_in = Absence.objects.filter(user=user, ended_at=None).values("delegate")  # who holds by their right names nobody
    held = Action.objects.filter(Q(reserved_by=user) | Q(reserved_for=user) | Q(reserved_by__in=stand_in), state=ActionState.PENDING)
    return sum(_let_go(pk) for pk in list(held.values_list("pk", flat=True)))


@transaction.atomic
def _let_go(pk: Any) -> bool:
    action = Action.objects.select_for_update().filter(pk=pk, state=ActionState.PENDING).first()
    requirement = Requirement.objects.filter(action=action, version=action.version).first() if action else None
    if action is None or requirement is None or action.reserved_by is None:
        return False
    try:
        holder = permissions.standing(action.reserved_by)
        entitling.leave(holder, action, envelopes.parse(requirement), stage=action.stage, verdict=Verdict.REJECT)
    except NotAllowed:
        name = action.reserved_by.get_username()
        put_down(action)
        said = {"why": kept.HOLDER_MAY_NOT(), "holder": name}
        log.append(events.entry(action, "action.put_back", by=SYSTEM, door="worker", requirement=requirement, **said))
        tell_action(action, "action.put_back")
        return True
    except ApprovalError:
        return False  # its bytes cannot be read: nobody decides it
    return False
