"""Who is signed in where: a sign-in begins, is proved again, is seen, ends. Ending one deletes its session.

`proved_at` is the database's clock. Django's session carries the id; the row says whether it still holds.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models.functions import Least, Now

from approvals import ladder
from approvals.errors import NotAllowed, NotFound
from approvals.models import SignIn, User
from approvals.permissions import ADMINS, standing
from audit import log
from audit.actors import Actor
from audit.log import Entry
from audit.sentences import say

MAX_DEVICE = 300

PROVED = """
SELECT s.proof, EXTRACT(epoch FROM clock_timestamp() - s.proved_at)::float8,
    ARRAY(SELECT DISTINCT m.type FROM mfa_authenticator m WHERE m.user_id = s.user_id)
FROM approvals_signin s WHERE s.id = %s AND s.user_id = %s AND s.ended_at IS NULL
"""


@transaction.atomic
def begin(
    *, user: User, session_key: str, device: str, proof: str, at: datetime | None = None, instead_of: str = "", door: str = "web"
) -> str:
    """A person signed in. Returns the id the session is to carry.

    Args:
        proof: how they showed that it is they; "" when nobody knows (a session of before there were sign-ins).
        at: when they did, if that was not just now: single sign-on may answer from a session of its own.
        instead_of: the sign-in this very browser had until now.
    """
    if instead_of:
        SignIn.objects.filter(pk=_uuid(instead_of), user=user, ended_at=None).update(ended_at=Now(), ended_by=user.username)
    made = SignIn.objects.create(user=user, session_key=session_key, device=device[:MAX_DEVICE], proof=proof)
    if at:
        SignIn.objects.filter(pk=made.pk).update(proved_at=Least(Now(), at))
    if proof:
        log.append(_entry(user, "person.signed_in", user.actor, door, with_=proof))
    return str(made.pk)


@transaction.atomic
def prove(sign_in: str, *, user: User, proof: str, door: str = "web") -> bool:
    """The person confirmed that it is they. False when that sign-in has ended."""
    if not SignIn.objects.filter(pk=sign_in, user=user, ended_at=None).update(proof=proof, proved_at=Now(), seen_at=Now()):
        return False
    log.append(_entry(user, "person.confirmed", user.actor, door, with_=proof))
    return True


def seen(sign_in: str, *, user: User, session_key: str) -> bool:
    """Told at most once a minute: whether it still holds. The session's key may have changed meanwhile (a new password does that)."""
    return bool(SignIn.objects.filter(pk=_uuid(sign_in), user=user, ended_at=None).update(seen_at=Now(), session_key=session_key))


def proved(sign_in: str, *, user: User) -> tuple[str, float, frozenset[str]] | None:
    """How a person last proved themselves here, how many seconds ago, and which factors they have; None when this sign-in does not hold."""
    if not sign_in:
        return None
    with connection.cursor() as cursor:
        cursor.execute(PROVED, [_uuid(sign_in), user.pk])
        row = cursor.fetchone()
    return (row[0], row[1], frozenset(row[2])) if row else None


def may_manage(sign_in: str, *, user: User, within_s: int) -> bool:
    """Whether somebody may change their own factors now: proved recently, by the best they have (or a recovery code)."""
    found = proved(sign_in, user=user)
    return found is not None and found[1] <= within_s and ladder.enough(found[0], found[2], managing=True)


@transaction.atomic
def end(sign_in: str, *, by: User, door: str = "web") -> SignIn:
    """End one: one's own, or as an administrator anybody's. Raises NotFound, NotAllowed."""
    row = SignIn.objects.select_for_update(of=("self",)).select_related("user").filter(pk=_uuid(sign_in), ended_at=None).first()
    if row is None:
        raise NotFound(say("That session has ended already"))
    if row.user_id != by.pk and ADMINS not in standing(by).groups:
        raise NotAllowed(say("Only administrators can end the session of somebody else"))
    _end(row.user, [row], by=by.actor, door=door)
    return row


@transaction.atomic
def end_all(*, user: User, by: Actor, but: str = "", door: str = "web") -> int:
    """End all of a person's, except the one they sit at if it is named. Returns how many."""
    rows = list(SignIn.objects.select_for_update().filter(user=user, ended_at=None).exclude(pk=_uuid(but)))
    if rows:
        _end(user, rows, by=by, door=door)
    return len(rows)


def left(sign_in: str, *, user: User) -> None:
    """The person signed out themselves; Django deletes the session."""
    SignIn.objects.filter(pk=_uuid(sign_in), user=user, ended_at=None).update(ended_at=Now(), ended_by=user.username)


def _end(user: User, rows: list[SignIn], *, by: Actor, door: str) -> None:
    SignIn.objects.filter(pk__in=[r.pk for r in rows]).update(ended_at=Now(), ended_by=by.name)
    Session.objects.filter(session_key__in=[r.session_key for r in rows]).delete()
    log.append(_entry(user, "person.sessions_ended", by, door, count=len(rows)))


def _entry(user: User, kind: str, by: Actor, door: str, **data: Any) -> Entry:
    return Entry(stream=f"person:{user.pk}", kind=kind, by=by, door=door, data={"username": user.username, **data})


NOBODY = UUID(int=0)


def _uuid(text: str) -> UUID:
    """A sign-in's id; what is none is one that nobody has."""
    try:
        return UUID(str(text))
    except ValueError:
        return NOBODY
