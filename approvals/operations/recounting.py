"""Votes that count again, or no more: somebody was let into a group or left it, was locked or unlocked.

Votes are counted when they are read (`counting`), but two things somebody has to look for. Let back in, what they had said may be complete:
all have decided, so nobody is asked any more, and the action would run out. Gone, the stage they had completed is open again, and its people are
to be asked. After the commit that changed them, since rows of actions are locked before those of people; the sweeper looks again at all, in case a
process died in between.
"""

import random
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from approvals import envelopes
from approvals.errors import ApprovalError
from approvals.models import Decision, User
from approvals.operations import freeing, halts, kept, staging
from approvals.operations.counting import counted, saying, verdict_of
from approvals.operations.notices import tell_action
from approvals.operations.pending import check_open, locked
from approvals.operations.reopening import reopen
from approvals.operations.resolving import conclude
from approvals.states import ActionState, Verdict
from audit.actors import SYSTEM

DECIDE = (Verdict.APPROVE, Verdict.REJECT)  # an answer or a take-over ends it by itself


def changed(user: User) -> None:
    """Called in the transaction that changed what this person may do."""
    theirs = Q(by=user) | Q(instead_of=user)
    transaction.on_commit(partial(recount, theirs), robust=True)
    transaction.on_commit(partial(send_back, theirs), robust=True)
    transaction.on_commit(partial(freeing.let_go, user), robust=True)


def send_back(of: Q) -> int:
    """Ask again what was approved and nobody has begun, where the votes no longer suffice: the claim would, later, and people's time runs. How many."""
    unused = Q(action__state=ActionState.APPROVED, action__claimed_at=None, action__settled_at=None, version=F("action__version"))
    found = Decision.objects.filter(of, unused).order_by("action").values_list("action", flat=True).distinct()
    return sum(map(_send_back, list(found)))


@transaction.atomic
def _send_back(action_id: UUID) -> bool:
    halts.hold_off()
    action, requirement = locked(action_id)
    if action.state != ActionState.APPROVED or action.claimed_at or action.settled_at or halts.covering(action):
        return False  # begun meanwhile; or stopped: what lets it go on sends it back
    try:
        envelope = envelopes.opened(action, requirement)
        if verdict_of(action, envelope) is Verdict.APPROVE:
            return False
        return reopen(action, why=kept.NO_LONGER_ENOUGH(), by=SYSTEM, door="worker")
    except ApprovalError:
        return False  # its bytes were changed: the claim says so


def recount(of: Q | None = None, *, limit: int = 1_000) -> int:
    """Conclude what the votes that count now suffice for, and have everything else at the stage they leave open. Returns how many were concluded.

    Args:
        of: which decisions are looked at. Without it all, or of more than `limit` actions so many, chosen anew each time.
    """
    voted = Decision.objects.filter(
        of or Q(), action__state=ActionState.PENDING, action__drill=False, version=F("action__version"), verdict__in=DECIDE
    )
    found = list(voted.order_by("action").values_list("action", flat=True).distinct())
    if of is None and len(found) > limit:  # in time each has its turn, whichever process looks
        found = random.sample(found, limit)
    return sum(_recount(action_id, changed=of is not None) for action_id in found)


@transaction.atomic
def _recount(action_id: UUID, *, changed: bool) -> bool:
    halts.hold_off()  # as for a decision: an order given meanwhile waits for us, or is seen below
    try:
        action, requirement = locked(action_id)
        check_open(action, action.digest)
        envelope = envelopes.opened(action, requirement)
        given = counted(action, envelope)
        if (verdict := verdict_of(action, envelope, given)) not in DECIDE:
            moved = envelope.stages > 1 and staging.move_on(action, requirement, envelope, by=SYSTEM, door="worker")
            if moved or changed:  # pages and cards say how many have approved
                tell_action(action, "action.voted")
            return False
        conclude(action, requirement, saying(action, verdict, given), recorded=True)
    except ApprovalError:
        return False  # halted, being checked, over by now: whatever lets it go on again brings it back here
    return True
