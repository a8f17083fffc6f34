"""Taking an approval back while it is held: the action is asked again as a new version, and nothing has run.

A new version, not the old one with a vote struck out (docs/adr/0016): whatever still carries the old digest, such as a retried request
or an old page, can approve nothing any more, and whoever else had approved hears that somebody thought better of it.
"""

from typing import Any

from django.db import transaction

from approvals import entitling, envelopes, permissions
from approvals.envelopes import Envelope, Until
from approvals.errors import AlreadyDecided, Conflict
from approvals.models import Action, Decision, User
from approvals.operations import kept, staging
from approvals.operations.clock import database_now
from approvals.operations.pending import locked
from approvals.operations.reopening import reopen
from approvals.operations.verdicts import check_words
from approvals.permissions import Standing
from approvals.states import ActionState, Verdict, word
from audit.sentences import Frozen, say

TOO_LATE = say("It is too late to undo this: the hold is over, and a worker acts on the approval")


@transaction.atomic
def undo(action_id: Any, *, by: User, reason: str = "", door: str) -> Action:
    """Void a held approval and ask again. Whoever may decide the action may do it, not only whoever approved.

    While it still waits for others, a person may take back their own verdict: one they no longer stand behind must not be the one that
    the next completes. The same row lock as the claim's decides who was first. Also while a halt is in force: this only makes things safer.

    Raises:
        NotFound, NotAllowed, BadRequest: no such action, the wrong person, words that cannot be kept.
        AlreadyDecided: it is not approved (any more). Conflict: the hold is over, or there was none.
    """
    check_words(Verdict.REJECT, reason, "")
    action, requirement = locked(action_id)
    who = permissions.standing(by)
    envelope = envelopes.parse(requirement)
    votes = Decision.objects.filter(action=action, version=action.version).order_by("-pk")
    own = votes.filter(person=who.person).first()
    if own is None:
        entitling.check_concerned(who, action, envelope, stage=staging.stage_of(action, envelope))
    if action.state == ActionState.PENDING and own:
        yes = own.verdict == Verdict.APPROVE
        plain, reasoned = (kept.OWN, kept.OWN_WHY) if yes else (kept.OWN_WORD, kept.OWN_WORD_WHY)
        return _ask_again(action, plain, reasoned, who, envelope, reason, door)
    if action.state != ActionState.APPROVED:
        raise AlreadyDecided(say("There is no approval to undo: it is %(state)s", state=word(action.state)), state=str(action.state))
    if action.claimed_at or action.hold_until is None or action.hold_until <= database_now():
        raise Conflict(TOO_LATE if envelope.hold else say("This approval was not held: a worker could act on it at once"))
    approved = votes.filter(verdict=Verdict.APPROVE).first()
    ours = approved and approved.by_id == who.user.pk
    plain, reasoned = (kept.OWN, kept.OWN_WHY) if ours else (kept.THEIRS, kept.THEIRS_WHY) if approved else (kept.IT, kept.IT_WHY)
    return _ask_again(action, plain, reasoned, who, envelope, reason, door, whose=approved.by_name if approved else "")


def _ask_again(
    action: Action, plain: Frozen, reasoned: Frozen, who: Standing, envelope: Envelope, reason: str, door: str, *, whose: str = ""
) -> Action:
    said = reasoned if reason.strip() else plain
    why = said(who=who.user.get_username(), whose=whose, why=reason.strip())
    # Approving and taking it back again is no way to win time.
    until = Until(action.expires_at, envelope.put_off_s + action.extended_s)
    if not reopen(action, why=why, by=who.user.actor, door=door, kind="action.undone", until=until):
        raise Conflict(TOO_LATE)
    return action
