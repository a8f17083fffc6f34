"""Who is who in Slack: a person signed in here gets a one-time code and types it there. No other way: no address, no name.

The code goes from here to Slack and not the other way: whoever is tricked into typing somebody else's code gives that person nothing,
while a link sent to a reviewer would have made the sender's Slack account theirs.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import BadRequest, Conflict, NotFound, TooMany
from approvals.models import SlackCode, SlackGuess, SlackPerson, User
from audit import log
from audit.log import Entry
from audit.sentences import say

ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # nothing that is mistaken for something else
CODE_LENGTH, CODE_LASTS = 8, timedelta(minutes=10)
# Of 6.5 * 10^11 codes; the second limit is for many accounts together, the first keeps one of them from reaching it for all.
GUESSED_WITHIN, MOST_GUESSES, MOST_GUESSES_OF_ALL = timedelta(minutes=10), 5, 100
_GUESSING = 4_711_008


@dataclass(frozen=True)
class Identity:
    """Somebody in Slack: `team` is their own workspace, whatever channel they are met in."""

    enterprise: str
    team: str
    user: str


@transaction.atomic
def make_code(*, by: User) -> str:
    """A code for this person to type in Slack within ten minutes; an earlier one is void. Raises NotAllowed."""
    who = permissions.standing(by)
    permissions.check_read(who.user)
    SlackCode.objects.filter(user=who.user, used_at=None).delete()
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    SlackCode.objects.create(sha256=_hash(code), user=who.user)
    return f"{code[:4]}-{code[4:]}"


def link(code: str, *, identity: Identity) -> SlackPerson:
    """Make a Slack account that of whoever asked for the code. The door has asked Slack whether it is a full member.

    Raises:
        TooMany: they, or all together, have typed too many wrong ones lately. BadRequest: that cannot be a code.
        NotFound: no such code, or it was used or is too old. Conflict: this Slack account is somebody's already.
        NotAllowed: the account here was locked meanwhile.
    """
    hashed = _hash(code)
    _count_guess(identity)  # in a transaction of its own: what fails afterwards stays counted
    return _link(hashed, identity)


@transaction.atomic
def _count_guess(identity: Identity) -> None:
    """One more code typed, of so many that may be. One at a time, so that a thousand at once count as a thousand."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_GUESSING])
    lately = SlackGuess.objects.filter(at__gt=Now() - GUESSED_WITHIN)
    if lately.filter(team=identity.team, slack_user=identity.user).count() >= MOST_GUESSES:
        raise TooMany(say("You have typed too many codes: wait ten minutes, then ask for a new one"))
    if lately.count() >= MOST_GUESSES_OF_ALL:
        raise TooMany(say("Too many codes are being tried: linking is closed for some minutes, try again later"))
    SlackGuess.objects.create(team=identity.team, slack_user=identity.user)


@transaction.atomic
def _link(hashed: str, identity: Identity) -> SlackPerson:
    taken = SlackCode.objects.select_for_update().filter(sha256=hashed, used_at=None, created_at__gt=Now() - CODE_LASTS).first()
    if taken is None:
        raise NotFound(say("That code is not valid (any more): ask for a new one on your page of Slack, signed in"))
    who = permissions.standing(taken.user)
    SlackCode.objects.filter(pk=taken.pk).update(used_at=Now())
    try:
        with transaction.atomic():
            made = SlackPerson.objects.create(enterprise=identity.enterprise, team=identity.team, slack_user=identity.user, user=who.user)
    except IntegrityError as error:
        raise Conflict(say("This Slack account is linked already; its owner takes it away on their page of Slack, signed in")) from error
    log.append(_entry(who.user, "person.slack_linked", "slack", identity))
    return made


def forget_guesses() -> int:
    """Typed codes are counted for ten minutes only. Returns how many are forgotten."""
    count, _ = SlackGuess.objects.filter(at__lt=Now() - GUESSED_WITHIN).delete()
    return count


@transaction.atomic
def unlink(person_id: int, *, by: User, door: str = "web") -> None:
    """From now on its buttons do nothing. Raises NotFound when it is not this person's."""
    row = SlackPerson.objects.select_for_update().filter(pk=person_id, user=by, unlinked_at=None).first()
    if row is None:
        raise NotFound(say("There is no such Slack account among yours"))
    _gone(row, door)


@transaction.atomic
def lost(identity: Identity) -> int:
    """Slack says that this is a guest now, or nobody: not theirs any more. Returns how many that were."""
    rows = SlackPerson.objects.select_for_update().filter(team=identity.team, slack_user=identity.user, unlinked_at=None)
    for row in (found := list(rows)):
        _gone(row, "slack")
    return len(found)


def to_ask_about(every: timedelta, *, limit: int) -> list[SlackPerson]:
    """Linked people about whom Slack has not been asked for so long."""
    return list(SlackPerson.objects.filter(unlinked_at=None, checked_at__lt=Now() - every).order_by("checked_at")[:limit])


def still_member(person_id: int) -> None:
    """Slack was asked again and says yes."""
    SlackPerson.objects.filter(pk=person_id).update(checked_at=Now())


def _gone(row: SlackPerson, door: str) -> None:
    SlackPerson.objects.filter(pk=row.pk).update(unlinked_at=Now())
    log.append(_entry(row.user, "person.slack_unlinked", door, Identity(row.enterprise, row.team, row.slack_user)))


def checked(code: str) -> str:
    """A code as it was typed, made plain. Raises BadRequest when it cannot be one."""
    plain = "".join(c for c in code.upper() if c in ALPHABET)
    if len(plain) != CODE_LENGTH or len(code) > 20:
        raise BadRequest(say("A code has eight letters and digits, such as 7KQM-2XPD: it stands on your page of Slack, signed in"))
    return plain


def _hash(code: str) -> str:
    return hashlib.sha256(f"slack-code:{checked(code)}".encode()).hexdigest()


def _entry(user: User, kind: str, door: str, identity: Identity) -> Entry:
    about = {"username": user.username, "enterprise": identity.enterprise, "team": identity.team, "slack_user": identity.user}
    return Entry(stream=f"person:{user.pk}", kind=kind, by=user.actor, door=door, data=about)
