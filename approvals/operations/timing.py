"""What the database's clock ends. Called by the sweeper; each function takes what it finds and leaves locked rows alone."""

from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from approvals import envelopes
from approvals.covering import stopped
from approvals.errors import Tampered
from approvals.models import Action, Challenge, Notification, Requirement
from approvals.operations import kept
from approvals.operations.halts import covering
from approvals.operations.settling import close
from approvals.operations.stopping import UNDECIDED, stop_run
from approvals.states import ActionState

# How long a browser may have been away and still catch up row by row; later it is told to reload.
CATCH_UP = timedelta(hours=6)
# What somebody was told and never read; what still waits by then stands in the inbox.
UNREAD = timedelta(days=30)

# Asked first, by hand: most sweeps find nothing, and there is one every two seconds.
_LATE = """
SELECT EXISTS (SELECT 1 FROM approvals_action WHERE state = 'PENDING' AND expires_at <= statement_timestamp())
    OR EXISTS (SELECT 1 FROM approvals_action WHERE state = 'APPROVED' AND claimed_at IS NULL AND settled_at IS NULL
        AND claim_by <= statement_timestamp())
"""


def expire_due(*, limit: int = 200) -> int:
    """Expire actions whose deadline passed, and approvals nobody could use in time. Returns how many.

    Expiry is its own outcome, never an approval and never a rejection. What is halted does not run out.
    """
    late = Q(state=ActionState.PENDING, expires_at__lte=Now()) | Q(
        state=ActionState.APPROVED, claimed_at=None, settled_at=None, claim_by__lte=Now()
    )
    done = 0
    if not _anything_late():
        return done
    # Left out here as well as under the lock: frozen rows must not fill the batch and keep the others from ending.
    waiting = Action.objects.filter(late).exclude(stopped())
    for pk in list(waiting.order_by("expires_at").values_list("pk", flat=True)[:limit]):
        done += _expire(pk, late)
    return done


def _anything_late() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_LATE)
        found: bool = cursor.fetchone()[0]
    return found


@transaction.atomic
def _expire(pk: UUID, late: Q) -> bool:
    # Look again under the lock: somebody may have decided, or claimed, between the list and now.
    action = Action.objects.select_for_update(skip_locked=True).filter(late, pk=pk).first()
    if action is None or covering(action):
        return False
    undecided = action.state == ActionState.PENDING
    why = kept.NOBODY_DECIDED if undecided else kept.NOT_USED
    if not close(action.pk, ActionState.EXPIRED, reason=why(), door="beat"):
        return False
    if undecided and action.run and _halts(action):
        stop_run(action.run, rule=UNDECIDED, reason=kept.HALTED_UNDECIDED(tool=action.tool), door="beat")
    return True


def _halts(action: Action) -> bool:
    """Whether policy said, when it was asked, that its run is halted when nobody decides in time."""
    requirement = Requirement.objects.filter(action=action, version=action.version).first()
    try:
        return requirement is not None and envelopes.parse(requirement).at_deadline == envelopes.STOP_RUN
    except Tampered:
        return False


def prune(*, limit: int = 5_000) -> int:
    """Forget catch-up rows nobody can ask for any more, and challenges nobody can answer. Returns how many."""
    Challenge.objects.filter(created_at__lt=Now() - CATCH_UP).delete()
    gone = Q(channel="live") | Q(sent_at__isnull=False) | Q(channel="desk", created_at__lt=Now() - UNREAD)
    old = Notification.objects.filter(gone, created_at__lt=Now() - CATCH_UP).order_by("pk")[:limit]
    count, _ = Notification.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()
    return count
