"""Being away: what a person holds goes to their delegate at once, and what comes for them meanwhile as well.

A delegate decides only what they are asked themselves, or what the policy lets people of their group decide in somebody's stead
(`delegates`), and never in the stead of somebody who is excluded. They are told, and may decline.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import ApprovalError, BadRequest, Conflict
from approvals.models import Absence, Action, User
from approvals.operations import events, kept, policies, staging
from approvals.operations.clock import database_now
from approvals.operations.reserving import give, pending, person_named, put_down
from approvals.operations.telling import tell_person
from approvals.permissions import Standing
from approvals.policy.stand_ins import Cover, cover
from approvals.states import ActionState
from audit import log
from audit.actors import SYSTEM, Actor
from audit.log import Entry
from audit.sentences import say

LONGEST = timedelta(days=366)
MOST_WORDS = 300
ABSENCE = "absence"  # what a notice about one is about


@dataclass(frozen=True)
class Away:
    """What came of going away: how much moved to the delegate, what could not, with why, and what of the places they cannot fill anyway."""

    absence: Absence
    moved: int
    left: tuple[tuple[str, str], ...]
    cover: Cover


@transaction.atomic
def go_away(*, by: User, delegate: str, lasts: timedelta | None = None, note: str = "", door: str) -> Away:
    """Leave one's desk to somebody, for so long or until one is back.

    Raises:
        BadRequest, NotFound: no such delegate, oneself, somebody who is away; a time that is none or too long.
        NotAllowed: the delegate has no role. Conflict: this person is away already.
    """
    who = permissions.standing(by)
    other = person_named(delegate)
    if other.person == who.person:
        raise BadRequest(say("Leave your desk to somebody else than yourself"))
    permissions.check_read(other)
    if lasts is not None and not timedelta(minutes=1) <= lasts <= LONGEST:
        raise BadRequest(say("Be away for a minute at least and a year at most"))
    if len(note) > MOST_WORDS:
        raise BadRequest(say("Say it in %(most_words)d characters", most_words=MOST_WORDS))
    if Absence.objects.filter(user=other, ended_at=None).exists():
        raise BadRequest(say("%(other)s is away too: choose somebody else", other=other.get_username()))
    until = database_now() + lasts if lasts else None
    try:
        with transaction.atomic():
            absence = Absence.objects.create(user=who.user, delegate=other, until=until, note=note)
    except IntegrityError as error:
        raise Conflict(say("You are away already: come back first, then leave your desk to somebody else")) from error
    tell_person(other, object=ABSENCE, object_id=str(absence.pk), kind="person.away")
    moved, left = _move(who, other, door=door)
    log.append(
        _entry(
            absence, "person.away", who.user.actor, door, delegate=other.get_username(), until=until.isoformat() if until else "",
            note=note, moved=moved, left=len(left),
        )
    )  # fmt: skip
    return Away(absence, moved, left, cover(policies.in_force().data, absent=who.groups, other=permissions.standing(other).groups))


@transaction.atomic
def come_back(*, by: User, door: str) -> Absence:
    """Take one's desk back. What the delegate holds already stays with them. Raises Conflict when this person was not away."""
    absence = Absence.objects.select_for_update(of=("self",)).select_related("user").filter(user=by, ended_at=None).first()
    if absence is None:
        raise Conflict(say("You are not away"))
    _end(absence, by.actor, door, kept.CAME_BACK())
    return absence


@transaction.atomic
def decline(*, by: User, absent: str, door: str) -> Absence:
    """Not stand in for somebody: their absence ends, what was moved goes back to everybody, and they are told.

    Raises:
        NotAllowed: the account is locked. Conflict: this person does not stand in for them (any more).
    """
    who = permissions.standing(by)
    open_ones = Absence.objects.select_for_update(of=("self",)).select_related("user").filter(ended_at=None)
    absence = open_ones.filter(delegate__person=who.person, user__username=absent).first() if absent.isprintable() else None
    if absence is None:
        raise Conflict(say("You do not stand in for them; they may be back already"))
    _end(absence, who.user.actor, door, kept.DECLINED(), kind="person.declined")
    given = Action.objects.filter(reserved_by__person=who.person, reserved_for=absence.user, state=ActionState.PENDING)
    for pk in list(given.order_by("pk").values_list("pk", flat=True)):
        try:
            action, requirement, _ = pending(pk)
        except ApprovalError:
            continue  # decided or over this very moment
        put_down(action)
        log.append(events.entry(action, "action.put_back", by=who.user.actor, door=door, requirement=requirement, why=kept.DECLINED()))
    tell_person(absence.user, object=ABSENCE, object_id=str(absence.pk), kind="person.declined")
    return absence


def end_due(*, limit: int = 200) -> int:
    """Sweeper: whoever said until when they are away is back then. Returns how many."""
    due = Absence.objects.filter(ended_at=None, until__lte=Now()).order_by("until").values_list("pk", flat=True)[:limit]
    return sum(_end_due(pk) for pk in list(due))


@transaction.atomic
def _end_due(pk: int) -> bool:
    rows = Absence.objects.select_for_update(skip_locked=True, of=("self",)).select_related("user")
    absence = rows.filter(pk=pk, ended_at=None).first()
    if absence is None:
        return False
    _end(absence, SYSTEM, "beat", kept.TIME_IS_UP())
    return True


def _end(absence: Absence, by: Actor, door: str, why: str, *, kind: str = "person.back") -> None:
    Absence.objects.filter(pk=absence.pk, ended_at=None).update(ended_at=Now())
    log.append(_entry(absence, kind, by, door, why=why))


def _move(who: Standing, other: User, *, door: str) -> tuple[int, tuple[tuple[str, str], ...]]:
    """What this person holds goes to their delegate, or back to everybody where the delegate may not have it."""
    held = Action.objects.filter(reserved_by__person=who.person, state=ActionState.PENDING).order_by("pk").values_list("pk", flat=True)
    moved, left = 0, []
    for pk in list(held):
        try:
            moved += _hand(pk, who, other, door)
        except ApprovalError as refusal:
            left.append((str(pk), refusal.message))
    return moved, tuple(left)


def _hand(pk: UUID, who: Standing, other: User, door: str) -> bool:
    action, requirement, envelope = pending(pk)
    instead_of = action.reserved_for_id or who.user.pk
    try:
        give(
            action, requirement, envelope, stage=staging.stage_of(action, envelope), to=other, instead_of=instead_of, by=who,
            reason=kept.ABSENT(), door=door,
        )  # fmt: skip
    except ApprovalError:
        put_down(action)
        log.append(events.entry(action, "action.put_back", by=who.user.actor, door=door, requirement=requirement, why=kept.AWAY()))
        raise
    return True


def _entry(absence: Absence, kind: str, by: Actor, door: str, **data: object) -> Entry:
    named = {"username": absence.user.get_username(), **data}
    return Entry(stream=f"person:{absence.user_id}", kind=kind, by=by, door=door, data=named)
