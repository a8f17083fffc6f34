"""Votes that count again: somebody was let back into a group, or unlocked, and what they had approved may be complete by that.

Whoever leaves counts no more by itself, since votes are counted when they are read (`counting`). The other way somebody has to look: all have
decided, so nobody is asked any more, and the action would run out. After the commit that let them in, since rows of actions are locked before
those of people; the sweeper looks again at all, in case a process died in between.
"""

from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from approvals import envelopes
from approvals.errors import ApprovalError
from approvals.models import Decision, User
from approvals.operations import halts
from approvals.operations.counting import verdict_of
from approvals.operations.pending import check_open, locked
from approvals.operations.resolving import conclude
from approvals.states import ActionState, Verdict


def let_in(user: User) -> None:
    """Called in the transaction that changed what this person may do."""
    transaction.on_commit(partial(recount, Q(by=user) | Q(instead_of=user)), robust=True)


def recount(of: Q | None = None, *, limit: int = 1_000) -> int:
    """Conclude what the votes that count now suffice for. Returns how many actions that were.

    Args:
        of: which decisions are looked at; all without it.
    """
    voted = Decision.objects.filter(
        of or Q(), action__state=ActionState.PENDING, action__drill=False, version=F("action__version"), verdict=Verdict.APPROVE
    )
    found = list(voted.order_by("action").values_list("action", flat=True).distinct()[:limit])
    return sum(_recount(action_id) for action_id in found)


@transaction.atomic
def _recount(action_id: UUID) -> bool:
    halts.hold_off()  # as for a decision: an order given meanwhile waits for us, or is seen below
    try:
        action, requirement = locked(action_id)
        check_open(action, action.digest)
        if verdict_of(action, envelopes.opened(action, requirement)) is not Verdict.APPROVE:
            return False
        last = Decision.objects.filter(action=action, version=action.version, digest=action.digest, verdict=Verdict.APPROVE).latest("pk")
        conclude(action, requirement, last)
    except ApprovalError:
        return False  # halted, being checked, over by now: whatever lets it go on again brings it back here
    return True
