"""Operators see to what nobody gets on with: they end somebody else's reservation, or pass an action on in the name of somebody who is gone.

They need not be able to decide it, and it gives them no say in it: it never comes to themselves, who moved a place of it decides nothing on that
version (two operators would fill the places of two others between them), whoever is too close to an action passes it to nobody, and whoever gets it is held against the same rules as where somebody passes it on in their own name (`reserving.give`).
"""

from typing import Any

from django.db import transaction

from approvals import entitling, permissions, standing_in
from approvals.envelopes import Envelope
from approvals.errors import AlreadyDecided, BadRequest, Conflict, NotAllowed
from approvals.models import Action, Decision, Requirement, User
from approvals.operations import events, reserving, staging
from approvals.operations.halts import check_reason
from approvals.operations.notices import tell_action
from approvals.operations.reserving import pending, put_down
from approvals.operations.telling import tell_people
from approvals.permissions import Standing
from audit import log
from audit.sentences import say


@transaction.atomic
def end_reservation(action_id: Any, *, reason: str, by: User, door: str) -> Action:
    """Let others take it: whoever has it reserved has it no more, and is told so.

    Raises:
        NotAllowed: not an operator. BadRequest: no reason. NotFound, Expired. Conflict: it is over, or nobody has reserved it.
    """
    who = permissions.standing(by)
    permissions.check_operate(who)
    reason = check_reason(reason)
    action, requirement, _ = pending(action_id)
    holder = action.reserved_by
    if holder is None:
        raise Conflict(say("Nobody has reserved this"))
    put_down(action)
    said = {"reason": reason, "holder": holder.get_username()}
    log.append(events.entry(action, "action.reservation_ended", by=who.user.actor, door=door, requirement=requirement, **said))
    if holder.person != who.person:
        tell_people([holder.pk], action, "action.reservation_ended")
    tell_action(action, "action.put_back")
    return action


@transaction.atomic
def reassign(action_id: Any, *, to: str, of: str = "", reason: str, by: User, door: str) -> Action:
    """Have another person decide it.

    Args:
        of: in whose stead. Empty: of whoever has it, or has passed it on; where nobody has it, in nobody's: `to` has to be asked themselves.

    Raises:
        NotAllowed: not an operator, or one who is excluded or has decided it; or one of the two could not decide it; or it could never be approved then.
        BadRequest, NotFound: no reason, no such person, or it would come to the operator themselves. Conflict, Expired: it is over.
    """
    who = permissions.standing(by)
    permissions.check_operate(who)
    reason = check_reason(reason)
    action, requirement, envelope = pending(action_id)
    if who.person in envelope.excluded:
        raise NotAllowed(say("You are excluded from deciding this, and do not choose who does: ask another operator"))
    target = reserving.present(reserving.person_named(to), but=who.person)
    holder, owner = action.reserved_by, _owner(action, of)
    lost = {user.pk for user in (holder, owner) if user is not None and user.person not in {who.person, target.person}}
    had = holder.get_username() if holder else ""
    if owner is None or owner.person == target.person:
        _hold(action, requirement, envelope, to=target, by=who, reason=reason, door=door, had=had)
        tell_people(sorted(lost), action, "action.reassigned")
        return action
    stage = staging.stage_of(action, envelope)
    if permissions.standing(target).groups.isdisjoint(entitling.turn_of(envelope, stage=stage, passed=action.passed)):
        if who.person in standing_in.placed(action, envelope) or _has_decided(action, who.person):
            raise NotAllowed(say("You have decided this yourself, and do not choose who fills another place of it: ask another operator"))
        action.moved_by = sorted({*action.moved_by, who.person})  # else nobody's place moves: who gets it is asked themselves
    reserving.give(
        action, requirement, envelope, stage=stage, to=target, instead_of=_place_of(owner, action, envelope),
        by=who, reason=reason, door=door, kind="action.reassigned", had=had,
    )  # fmt: skip
    tell_people(sorted(lost), action, "action.reassigned")
    return action


def _has_decided(action: Action, person: str) -> bool:
    """Also where it counts no more: they may be let in again."""
    return Decision.objects.filter(action=action, version=action.version, person=person).exists()


def _owner(action: Action, of: str) -> User | None:
    """In whose stead it is to be decided. Somebody who is locked has no place in it that could be lent: who is left is asked themselves."""
    if of:
        return reserving.person_named(of)
    holder = action.reserved_for or action.reserved_by
    return holder if holder is not None and holder.is_active else None


def _place_of(owner: User, action: Action, envelope: Envelope) -> int:
    """Whose place it is that the owner would fill, by user id: their own, or that of whom they stand in for."""
    try:
        found = reserving.leave_of(permissions.standing(owner), action, envelope)
    except (NotAllowed, AlreadyDecided) as refusal:
        said = say(
            "%(of)s has no place in this that could be passed on. They would be told: %(message)s",
            of=owner.get_username(),
            message=refusal.message,
        )
        raise NotAllowed(said) from refusal
    return found.instead_of.id if found.instead_of else owner.pk


def _hold(
    action: Action, requirement: Requirement, envelope: Envelope, *, to: User, by: Standing, reason: str, door: str, had: str
) -> None:  # fmt: skip
    """Somebody who is asked has it from now on, as if they had reserved it: nobody's place moves."""
    if action.reserved_by is not None and action.reserved_by.person == to.person:
        raise BadRequest(say("%(to)s has it already", to=to.get_username()))
    try:
        reserving.leave_of(permissions.standing(to), action, envelope)
    except (NotAllowed, AlreadyDecided) as refusal:
        said = say("%(to)s may not decide this. They would be told: %(message)s", to=to.get_username(), message=refusal.message)
        raise NotAllowed(said) from refusal
    action.reserved_by, action.reserved_for, action.reserved_until = to, None, action.expires_at
    reserving.held(action, requirement, to=to, instead_of="", by=by, reason=reason, door=door, kind="action.reassigned", had=had)
