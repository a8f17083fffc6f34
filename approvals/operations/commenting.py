"""Saying something about an action to the others who look at it, here or in a thread of Slack. It decides nothing, whatever it says."""

from typing import Any

from django.db import IntegrityError, transaction

from approvals import permissions
from approvals.errors import BadRequest, NotAllowed
from approvals.models import Comment, User
from approvals.operations import events
from approvals.operations.notices import tell_action
from approvals.operations.pending import locked
from approvals.permissions import ADMINS, OPERATORS, REVIEWERS
from approvals.queries.comments import DELETED, deleted_of
from audit import canonical, log
from audit.actors import SYSTEM
from audit.sentences import cause, say

MOST_WORDS, MOST = 4_000, 500
SPEAKERS = frozenset({REVIEWERS, OPERATORS, ADMINS})


@transaction.atomic
def comment(action_id: Any, *, by: User, text: str, door: str, key: str = "") -> Comment | None:
    """Keep a remark, also when the action is decided already.

    Args:
        key: the message elsewhere that it is; the same one again is not kept twice.

    Returns:
        None when that message was kept before.

    Raises:
        NotFound, NotAllowed: no such action, somebody who only reads. BadRequest: no words, too many, or a text that cannot be kept.
    """
    text = text.strip()
    if not text or len(text) > MOST_WORDS:
        raise BadRequest(say("A comment has at most %(n)d characters", n=MOST_WORDS) if text else say("Write something first"))
    try:
        canonical.dumps(text)
    except canonical.NotCanonical as error:
        raise BadRequest(say("The comment cannot be kept: %(why)s", why=cause(error))) from error
    action, _ = locked(action_id)
    who = permissions.standing(by)
    if not who.groups & SPEAKERS:
        raise NotAllowed(say("Reviewers, operators and administrators talk here; auditors only read"))
    if Comment.objects.filter(action=action).count() >= MOST:
        raise BadRequest(say("There are %(n)d comments already; decide, or talk elsewhere", n=MOST))
    try:
        with transaction.atomic():
            made = Comment.objects.create(action=action, by=who.user, text=text, door=door, key=key)
    except IntegrityError:
        return None  # Slack tells of a message up to four times
    log.append(events.entry(action, "action.commented", by=who.user.actor, door=door, comment=made.pk, text=text))
    tell_action(action, "action.commented")
    return made


@transaction.atomic
def deleted_there(key: str, *, door: str) -> bool:
    """The message that a comment was taken from was deleted in the other place. The comment stays, for somebody may have decided after reading it;
    that it is gone there is recorded, once. False when no comment has this key, or that was recorded before.
    """
    said = Comment.objects.filter(key=key).first() if key else None
    if said is None:
        return False
    action, _ = locked(said.action_id)
    if said.pk in deleted_of(action.pk):
        return False
    log.append(events.entry(action, DELETED, by=SYSTEM, door=door, comment=said.pk))  # by whom the other place does not tell
    tell_action(action, DELETED)
    return True
