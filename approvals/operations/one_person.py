"""Two accounts, one human: said by an administrator, and taken back. Rules that keep people apart (asked, edited, voted) go by the human.

Envelopes are frozen: those of open actions name people by the id they had. So what either account had voted on, and what names an id that
means somebody else now, is asked again as a new version. Grants either of them gave are revoked.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from approvals import envelopes, permissions
from approvals.errors import Conflict, NotAllowed, NotFound, Tampered
from approvals.models import Action, Decision, Grant, Requirement, User
from approvals.models.people import new_person
from approvals.operations import halts, kept, revoking
from approvals.operations.reopening import reopen
from approvals.states import ActionState
from audit import log
from audit.log import Entry
from audit.sentences import say


@dataclass(frozen=True)
class Regrouped:
    """What came of it: the accounts that are one person now, how many actions are asked again, how many grants were revoked."""

    accounts: tuple[str, ...]
    asked_again: int
    revoked: int


@dataclass(frozen=True)
class _Move:
    """Accounts left one id for another; `why` is what people read beside an action that is asked again."""

    was: str
    now: str
    why: str


def same(username: str, other: str, *, by: User, door: str) -> Regrouped:
    """From now on two accounts (and whatever was joined with either) are one person.

    Raises:
        NotAllowed: not an administrator. NotFound: no such account of a person. Conflict: they are one already.
    """
    done, move = _same(username, other, by=by, door=door)
    return replace(done, asked_again=done.asked_again + _missed(move, by=by, door=door))


def apart(username: str, *, by: User, door: str) -> Regrouped:
    """An account is a person of its own again. This loosens what `same` tightened: nobody says it of themselves.

    Raises:
        NotAllowed: not an administrator, or one's own account. NotFound: no such account. Conflict: it is nobody else's.
    """
    done, move = _apart(username, by=by, door=door)
    return replace(done, asked_again=done.asked_again + _missed(move, by=by, door=door))


@transaction.atomic
def _same(username: str, other: str, *, by: User, door: str) -> tuple[Regrouped, _Move]:
    permissions.check_regroup(permissions.standing(by))
    halts.nobody_decides()
    stays, goes = _account(username), _account(other)
    if stays.person == goes.person:
        raise Conflict(say("%(a)s and %(b)s are one person already", a=stays.username, b=goes.username))
    revoked = _revoke({stays.person, goes.person}, by=by, door=door)
    User.objects.filter(person=goes.person).update(person=stays.person)
    names = _accounts(stays.person)
    move = _Move(goes.person, stays.person, kept.ONE_PERSON(names=", ".join(names)))
    asked = _ask_again(move, voters={stays.person, goes.person}, by=by, door=door)
    _record("person.joined", [stays, goes], by, door, accounts=names, asked_again=asked, revoked=revoked)
    return Regrouped(names, asked, revoked), move


@transaction.atomic
def _apart(username: str, *, by: User, door: str) -> tuple[Regrouped, _Move]:
    who = permissions.standing(by)
    permissions.check_regroup(who)
    halts.nobody_decides()
    user = _account(username)
    if user.person == who.person:
        raise NotAllowed(say("Another administrator has to say that your accounts are not one person"))
    if len(_accounts(user.person)) == 1:
        raise Conflict(say("%(username)s is no other account's person", username=user.username))
    revoked = _revoke({user.person}, by=by, door=door)
    move = _Move(user.person, new_person(), kept.OWN_PERSON(name=user.username))
    User.objects.filter(pk=user.pk).update(person=move.now)
    asked = _ask_again(move, voters={user.person}, by=by, door=door)
    _record("person.parted", [user], by, door, accounts=_accounts(user.person), asked_again=asked, revoked=revoked)
    return Regrouped(_accounts(move.now), asked, revoked), move


@transaction.atomic
def _missed(move: _Move, *, by: User, door: str) -> int:
    """Once more, when it is committed: an edit or a new action that was being written meanwhile may know the former id only."""
    halts.nobody_decides()
    return _ask_again(move, voters=(), by=by, door=door)


def _account(username: str) -> User:
    """Locked, but not against foreign keys: nobody else regroups it meanwhile."""
    users = User.objects.select_for_update(no_key=True).filter(kind=User.Kind.HUMAN, username=username)
    if not username.isprintable() or (user := users.first()) is None:
        raise NotFound(say("There is no account %(username)s", username=repr(username)))
    return user


def _accounts(person: str) -> tuple[str, ...]:
    return tuple(User.objects.filter(person=person).order_by("username").values_list("username", flat=True))


def _ask_again(move: _Move, *, voters: Collection[str], by: User, door: str) -> int:
    asked = 0
    for pk in _touched(move, voters):
        action = Action.objects.select_for_update().get(pk=pk)
        try:
            asked += reopen(action, why=move.why, by=by.actor, door=door, until=_until(action), known_as={move.was: move.now})
        except Tampered:
            continue  # it stays: whoever decides or claims it is refused, and told why
    return asked


def _touched(move: _Move, voters: Collection[str]) -> list[UUID]:
    """Open actions that one of these voted on, or whose envelope knows the former id and not the one it means now."""
    waiting, unused = Q(state=ActionState.PENDING, expires_at__gt=Now()), Q(state=ActionState.APPROVED, claimed_at=None, settled_at=None)
    still = Action.objects.filter(waiting | unused, drill=False)
    votes = Decision.objects.filter(Q(person__in=voters) | Q(instead_of_person__in=voters), action__in=still, version=F("action__version"))
    found = set(votes.values_list("action_id", flat=True))
    for requirement in Requirement.objects.filter(action__in=still, version=F("action__version")).iterator():
        try:
            envelope = envelopes.parse(requirement)
        except Tampered:
            continue
        named = envelope.excluded | envelope.editors
        if move.was in named and move.now not in named:
            found.add(requirement.action_id)
    return sorted(found)


def _until(action: Action) -> envelopes.Until | None:
    """What waits keeps its deadline; what was approved waits anew."""
    if action.state != ActionState.PENDING:
        return None
    envelope = envelopes.parse(Requirement.objects.get(action=action, version=action.version))
    return envelopes.Until(action.expires_at, envelope.put_off_s + action.extended_s)


def _revoke(persons: Collection[str], *, by: User, door: str) -> int:
    """Grants stand for their givers: two of them that turn out to be one gave less than was asked."""
    given = Grant.objects.filter(revoked_at=None, until__gt=Now(), givers__person__in=persons).distinct().order_by("pk")
    grants = list(given.values_list("pk", flat=True))
    for pk in grants:
        revoking.revoke(pk, by=by, reason=kept.REGROUPED(), door=door)
    return len(grants)


def _record(kind: str, users: list[User], by: User, door: str, **data: object) -> None:
    log.append(*(Entry(stream=f"person:{u.pk}", kind=kind, by=by.actor, door=door, data={"username": u.username, **data}) for u in users))
