"""Saying "I am on it", putting it back, and passing it on. A courtesy with a time limit: it keeps nobody from deciding.

What other products call claiming a task; here a claim is the executor's.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction

from approvals import envelopes, permissions, standing_in
from approvals.entitling import Leave
from approvals.envelopes import Envelope
from approvals.errors import AlreadyDecided, BadRequest, Conflict, Expired, NotAllowed, NotFound
from approvals.models import Absence, Action, Requirement, Snooze, User
from approvals.operations import events, kept, staging
from approvals.operations.clock import database_now
from approvals.operations.counting import votes
from approvals.operations.notices import tell_action
from approvals.operations.pending import locked
from approvals.operations.telling import tell_people
from approvals.permissions import Standing
from approvals.states import ActionState, word
from audit import log
from audit.actors import SYSTEM
from audit.sentences import say

RESERVED_FOR = timedelta(minutes=15)
MOST_WORDS = 1_000
HOPS = 5  # somebody away leaves to somebody away, and so on; further is a mistake
_RESERVATION = ["reserved_by", "reserved_for", "reserved_until"]


@transaction.atomic
def reserve(action_id: Any, *, by: User, door: str) -> Action:
    """Take an action on for a while, so that others look at something else. Again before it runs out: for another while.

    Raises:
        NotFound, NotAllowed, Expired: no such action, somebody who could not decide it, too late.
        AlreadyDecided: they have decided it, or somebody did in their stead. Conflict: it is over, or somebody else has it.
    """
    action, requirement, envelope = pending(action_id)
    who = permissions.standing(by)
    leave_of(who, action, envelope, verdict="reject")
    now = database_now()
    holder = action.reserved_by
    mine = holder is not None and holder.person == who.person
    if holder is not None and not mine and action.reserved_until and action.reserved_until > now:
        raise Conflict(
            say(
                "%(holder)s has reserved this until %(reserved_until)s UTC",
                holder=holder.get_username(),
                reserved_until=f"{action.reserved_until:%H:%M}",
            )
        )
    until = min(now + RESERVED_FOR, action.expires_at)
    if mine and action.reserved_until and action.reserved_until > until:
        return action  # passed on to them: that lasts as long as the action
    action.reserved_by, action.reserved_until = who.user, until
    action.reserved_for = action.reserved_for if mine else None
    action.save(update_fields=_RESERVATION)
    log.append(events.entry(action, "action.reserved", by=who.user.actor, door=door, requirement=requirement, until=until.isoformat()))
    tell_action(action, "action.reserved")
    return action


@transaction.atomic
def put_back(action_id: Any, *, by: User, door: str) -> Action:
    """Give it back before the time is up. Raises Conflict when it is not this person's to give back."""
    action, requirement, _ = pending(action_id)
    who = permissions.standing(by)
    if action.reserved_by is None or action.reserved_by.person != who.person:
        raise Conflict(say("You have not reserved this; somebody else has, or nobody"))
    put_down(action)
    log.append(events.entry(action, "action.put_back", by=who.user.actor, door=door, requirement=requirement, why=kept.GIVEN_BACK()))
    tell_action(action, "action.put_back")
    return action


@transaction.atomic
def pass_on(action_id: Any, *, by: User, to: str, reason: str = "", door: str) -> Action:
    """Ask another person to decide this in one's stead. Whoever is away passes it further.

    Raises:
        NotAllowed: one of the two could not decide it: not asked, excluded, or standing in for somebody who is; or it could never be
            approved then (`standing_in.check_fills`).
        AlreadyDecided: this person's place is filled.
        BadRequest, NotFound: no such person, oneself, words too long.
    """
    action, requirement, envelope = pending(action_id)
    who = permissions.standing(by)
    stage = staging.stage_of(action, envelope)
    found = leave_of(who, action, envelope)
    if len(reason) > MOST_WORDS:
        raise BadRequest(say("Say it in %(most_words)d characters", most_words=MOST_WORDS))
    target = present(person_named(to), but=who.person)
    instead_of = found.instead_of.id if found.instead_of else who.user.pk
    give(action, requirement, envelope, stage=stage, to=target, instead_of=instead_of, by=who, reason=reason, door=door)
    return action


def give(
    action: Action,
    requirement: Requirement,
    envelope: Envelope,
    *,
    stage: int,
    to: User,
    instead_of: int,
    by: Standing,
    reason: str,
    door: str,
    kind: str = "action.passed_on",
    had: str = "",
) -> None:
    """Let another person hold an action in somebody's stead, if they may decide it then. Under the caller's row lock.

    Args:
        kind: of the event: passed on in one's own name, or by an operator (`reassigning`), who took it from whoever `had` it.

    Raises:
        NotAllowed: they may not, even with the groups that are lent to them.
    """
    before = {name: getattr(action, f"{name}_id" if name != "reserved_until" else name) for name in _RESERVATION}
    owner = User.objects.get(pk=instead_of)
    action.reserved_by, action.reserved_for_id, action.reserved_until = to, instead_of, action.expires_at
    try:
        standing_in.check_fills(action, envelope, votes(action, envelope), stage=stage, of=owner, to=to)
    except (NotAllowed, AlreadyDecided) as refusal:
        action.reserved_by_id, action.reserved_for_id, action.reserved_until = before.values()
        said = {"to": to.get_username(), "of": owner.get_username(), "message": refusal.message}
        if by.person == owner.person:
            raise NotAllowed(say("%(to)s may not decide this in your stead. They would be told: %(message)s", **said)) from refusal
        raise NotAllowed(say("%(to)s may not decide this in the stead of %(of)s. They would be told: %(message)s", **said)) from refusal
    held(action, requirement, to=to, instead_of=owner.get_username(), by=by, reason=reason, door=door, kind=kind, had=had)


def held(
    action: Action, requirement: Requirement, *, to: User, instead_of: str, by: Standing, reason: str, door: str, kind: str, had: str
) -> None:  # fmt: skip
    """Write down who has it by somebody else's word, and tell them. Under the caller's row lock."""
    action.save(update_fields=[*_RESERVATION, "moved_by"])
    Snooze.objects.filter(user=to, action=action).delete()  # it was put aside before it was theirs
    named = {"to": to.get_username(), "instead_of": instead_of, **({"holder": had} if had else {})}
    log.append(events.entry(action, kind, by=by.user.actor, door=door, requirement=requirement, reason=reason, **named))
    tell_people([to.pk], action, "action.passed_on")
    tell_action(action, "action.passed_on")


def let_go(*, limit: int = 200) -> int:
    """Sweeper: what was reserved and not decided in time is free again. Returns how many."""
    due = Action.objects.filter(reserved_until__isnull=False, reserved_until__lte=database_now()).order_by("reserved_until")
    return sum(_let_go(pk) for pk in list(due.values_list("pk", flat=True)[:limit]))


@transaction.atomic
def _let_go(pk: Any) -> bool:
    action = Action.objects.select_for_update(skip_locked=True).filter(pk=pk, reserved_until__lte=database_now()).first()
    if action is None:
        return False
    holder = action.reserved_by.get_username() if action.reserved_by else ""
    put_down(action)
    if action.state == ActionState.PENDING:
        log.append(events.entry(action, "action.put_back", by=SYSTEM, door="beat", why=kept.TIME_IS_UP(), holder=holder))
        tell_action(action, "action.put_back")
    return True


def pending(action_id: Any) -> tuple[Action, Requirement, Envelope]:
    """An action that waits for people, locked. Raises NotFound, Conflict (decided), Expired."""
    action, requirement = locked(action_id)
    if action.state != ActionState.PENDING:
        raise Conflict(say("This is %(state)s already", state=word(action.state)))
    if action.expires_at <= database_now():
        raise Expired(say("The time to decide this has passed; the agent is told that it expired"))
    return action, requirement, envelopes.opened(action, requirement)


def put_down(action: Action) -> None:
    """Nobody has it any more. Under the caller's row lock."""
    action.reserved_by = action.reserved_for = action.reserved_until = None
    action.save(update_fields=_RESERVATION)


def person_named(username: str) -> User:
    found = (
        User.objects.filter(username=username, kind=User.Kind.HUMAN, is_active=True).first()
        if username and username.isprintable()
        else None
    )
    if found is None:
        raise NotFound(say("There is no such person, or their account is locked"))
    return found


def leave_of(who: Standing, action: Action, envelope: Envelope, *, verdict: str = "approve") -> Leave:
    """Why they may decide it, who have not yet. Under the caller's row lock."""
    mine = standing_in.given(action, who.person, envelope)
    if mine and mine.person == who.person:
        raise AlreadyDecided(say("You have decided this version already; it waits for somebody else"))
    stage = staging.stage_of(action, envelope, mine)
    return standing_in.leave(who, action, envelope, stage=stage, mine=mine, verdict=verdict)


def present(person: User, *, but: str) -> User:
    """This person, or whom they left their desk to. Raises BadRequest when that leads back."""
    for _ in range(HOPS):
        if person.person == but:
            raise BadRequest(say("That would come back to you: choose somebody else"))
        away = Absence.objects.select_related("delegate").filter(user=person, ended_at=None).first()
        if away is None:
            return person
        person = away.delegate
    raise BadRequest(say("Everybody it would go to is away: choose somebody else"))
