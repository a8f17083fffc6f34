"""Revoking a standing approval: it lets nothing through any more, and what it let through and nobody has begun is asked of people again."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import Conflict, Tampered
from approvals.models import Action, Decision, Grant, User
from approvals.operations import kept
from approvals.operations.granting import entry, locked
from approvals.operations.notices import Hint, tell
from approvals.operations.reopening import reopen
from approvals.operations.verdicts import check_words
from approvals.states import ActionState
from audit import log
from audit.sentences import say


def revoke(grant_id: Any, *, by: User, reason: str = "", door: str) -> Grant:
    """End a grant, in one transaction; what it approved and nobody has begun is reopened one by one after it. The claim refuses (and reopens) it,
    whether we got to it or not.

    Raises:
        NotFound, NotAllowed: no such grant; neither reviewer, operator nor administrator. Conflict: revoked already.
    """
    grant = _ended(grant_id, by=by, reason=reason, door=door)
    for action_id in _let_through(grant):
        _ask_again(action_id, by=by, door=door)
    return grant


@transaction.atomic
def _ended(grant_id: Any, *, by: User, reason: str, door: str) -> Grant:
    check_words("reject", reason, "")
    who = permissions.standing(by)
    permissions.check_revoke(who)
    grant = locked(grant_id)
    if grant.revoked_at:
        raise Conflict(say("Revoked already by %(revoked_by_name)s", revoked_by_name=grant.revoked_by_name))
    Grant.objects.filter(pk=grant.pk, revoked_at=None).update(
        revoked_at=Now(), revoked_by_name=who.user.get_username(), revoke_reason=reason.strip()
    )
    log.append(entry(grant, "grant.revoked", who, door, reason=reason.strip(), uses=grant.uses, total=grant.total))
    tell(Hint("grants", "grant", str(grant.pk), "grant.revoked"))
    grant.refresh_from_db()
    return grant


def _let_through(grant: Grant) -> list[UUID]:
    """Approved under it, and neither claimed nor over."""
    spoken = Decision.objects.filter(grant=grant).values("action")
    waiting = Action.objects.filter(pk__in=spoken, state=ActionState.APPROVED, claimed_at=None, settled_at=None, drill=False)
    return list(waiting.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _ask_again(action_id: UUID, *, by: User, door: str) -> None:
    """Only while this version's approval is the grant's: people may have decided anew meanwhile. A tampered one stays, for the claim to refuse."""
    action = Action.objects.select_for_update().filter(pk=action_id, state=ActionState.APPROVED, claimed_at=None, settled_at=None).first()
    if action is None or not Decision.objects.filter(action=action, version=action.version, grant__revoked_at__isnull=False).exists():
        return
    try:
        reopen(action, why=kept.GRANT_REVOKED(), by=by.actor, door=door)
    except Tampered:
        return
