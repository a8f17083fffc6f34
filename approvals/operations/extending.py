"""Putting a deadline off: who may and how far in all is frozen on the action, and every time it is done it is said why."""

from typing import Any

from django.db import transaction

from approvals import entitling, permissions
from approvals.errors import BadRequest, Conflict, NotAllowed
from approvals.models import Action, User
from approvals.operations import events
from approvals.operations.clock import database_now
from approvals.operations.moments import moments_of, next_of
from approvals.operations.notices import tell_action
from approvals.operations.reserving import pending
from approvals.policy.times import later
from approvals.policy.words import duration
from audit import log
from audit.sentences import chain, say

MOST_WORDS = 1_000


@transaction.atomic
def extend(action_id: Any, *, by: User, seconds: int, reason: str, door: str) -> Action:
    """Let people decide for so many seconds longer.

    Raises:
        NotAllowed: the policy lets nobody, or not this person; whoever is excluded from deciding cannot win time either.
        BadRequest: no reason, or more than is left of what the policy allows.
        Conflict, Expired: it is decided, or over already.
    """
    action, requirement, envelope = pending(action_id)
    who = permissions.standing(by)
    rule = envelope.extend
    if rule is None and envelope.put_off_s:
        raise BadRequest(say("It has been put off as far as the policy allows"))
    if rule is None:
        raise NotAllowed(say("The policy lets nobody put this deadline off (extend)"))
    if not who.groups & set(rule.by):
        raise NotAllowed(
            say(
                "This deadline is put off by somebody of %(names)s; you are not in that group (rule extend)",
                names=chain("%(a)s or %(b)s", rule.by),
            )
        )
    entitling.check_apart(who, action, envelope, verdict="reject")
    if not reason.strip() or len(reason) > MOST_WORDS:
        raise BadRequest(say("Say why it needs more time, in a sentence or two"))
    left = rule.at_most_s - action.extended_s
    if seconds < 60 or seconds > left:
        raise BadRequest(_bounds(left, seconds))
    changed = Action.objects.filter(pk=action.pk, version=action.version, extended_s=action.extended_s, expires_at=action.expires_at)
    before = action.expires_at
    action.expires_at, action.extended_s = (
        later(envelope.expires_at, action.extended_s + seconds, envelope.hours),
        action.extended_s + seconds,
    )
    action.next_at = next_of(action, moments_of(action, envelope), database_now())
    if action.reserved_for_id:
        action.reserved_until = action.expires_at  # what was passed on stays with its holder as long as it can be decided
    if not changed.update(
        expires_at=action.expires_at, extended_s=action.extended_s, next_at=action.next_at, reserved_until=action.reserved_until
    ):
        raise Conflict(say("This changed while you were extending it; open it again"))
    said = {"seconds": seconds, "reason": reason, "was": before.isoformat(), "expires_at": action.expires_at.isoformat()}
    log.append(events.entry(action, "action.extended", by=who.user.actor, door=door, requirement=requirement, **said))
    tell_action(action, "action.extended")
    return action


def _bounds(left: int, seconds: int) -> str:
    """Why a deadline is not put off by so many seconds, when that many are left."""
    if left < 60:
        return say("It has been put off as far as the policy allows")
    if seconds < 60:
        return say("A deadline is put off by a minute at least")
    return say("It can be put off by %(duration)s more, not by %(duration2)s", duration=duration(left), duration2=duration(seconds))
