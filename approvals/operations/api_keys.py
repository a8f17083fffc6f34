"""Keys of programs: made (and shown once), revoked, and looked up with every request that carries one.

An agent's key proposes and reads its own; a person's token does what that person may, by the same operations, and never proves who is
there. Scopes narrow a key, they never widen it: roles are asked by the operations, as everywhere.
"""

import hashlib
import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import BadRequest, Conflict, NotAllowed, NotFound
from approvals.models import ApiKey, User
from approvals.permissions import ADMINS, Standing
from audit import canonical, log, rows
from audit.actors import Actor
from audit.log import Entry
from audit.sentences import cause, listed, say

PROPOSE, READ, DECIDE, OPERATE, GOVERN = "propose", "read", "decide", "operate", "govern"
# What a key of an agent, and of a person, may be given. Only a person's can ever decide.
OF_AGENT, OF_PERSON = (PROPOSE, READ), (READ, DECIDE, OPERATE, GOVERN)
MAX_NAME, MAX_DAYS, MOST = 80, 365, 50
START = 14  # characters of a key that are kept to recognise it by

_LOOK = """
WITH found AS (
    SELECT id, user_id, scopes FROM approvals_apikey
    WHERE secret_sha256 = %(sha256)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
), used AS (
    INSERT INTO approvals_apiuse (key_id, minute, calls) SELECT id, date_trunc('minute', clock_timestamp()), %(one)s FROM found
    ON CONFLICT (key_id) DO UPDATE SET minute = excluded.minute,
        calls = CASE WHEN approvals_apiuse.minute = excluded.minute THEN approvals_apiuse.calls + excluded.calls ELSE excluded.calls END
    RETURNING calls, minute
)
SELECT u.*, found.id AS key_id, found.scopes::text AS scopes, used.calls AS calls,
    EXTRACT(epoch FROM used.minute + interval '1 minute' - clock_timestamp())::float8 AS left_s
FROM found, used, approvals_user u WHERE u.id = found.user_id AND u.is_active
"""


@dataclass(frozen=True)
class KeyHolder:
    """Whoever a key speaks for.

    Attributes:
        calls: so many in this minute, this one included; `left_s` until the next.
    """

    key_id: int
    user: User
    scopes: frozenset[str]
    calls: int
    left_s: float

    @property
    def agent(self) -> str:
        """The agent it proposes for; "" for a person's token."""
        return agent_of(self.user)


def agent_of(user: User) -> str:
    """The agent an account acts as; "" when it is a person's."""
    return user.get_username().removeprefix("agent:") if user.kind == User.Kind.AGENT else ""


def holder(token: str, *, again: bool = False) -> KeyHolder | None:
    """Who presents this key now, counted; None for one that is unknown, revoked, run out, or of a locked account.

    Args:
        again: the same request looked at once more (a long poll): not counted.
    """
    found = rows.first(User, _LOOK, {"sha256": _hash(token), "one": 0 if again else 1})
    if found is None:
        return None
    more: dict[str, Any] = found.__dict__
    return KeyHolder(more["key_id"], found, frozenset(json.loads(more["scopes"])), more["calls"], more["left_s"])


@transaction.atomic
def make(
    *, of: User, name: str, scopes: Collection[str], days: int | None, by: User, door: str, answers_for: bool = False
) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody sees again.

    Args:
        of: the account it speaks for: one's own, or an agent's.
        days: how long it holds; None for an agent's that holds until it is revoked.
        answers_for: `by` owns that agent (the agents room knows).

    Raises:
        NotAllowed: another person's token, or an agent one neither owns nor administers.
        BadRequest: no name, an unknown scope, a wrong time; Conflict: too many already.
    """
    who = permissions.standing(by)
    _check_may(of, who, answers_for)
    name = _name(name)
    allowed = OF_AGENT if of.kind == User.Kind.AGENT else OF_PERSON
    if not scopes or set(scopes) - set(allowed):
        raise BadRequest(say("A key of this kind is given one or more of: %(scopes)s", scopes=listed(allowed)))
    if (days is not None and not 1 <= days <= MAX_DAYS) or (days is None and of.kind != User.Kind.AGENT):
        raise BadRequest(say("Say for how many days it is to hold, from 1 to %(most)d", most=MAX_DAYS))
    User.objects.select_for_update().get(pk=of.pk)  # two made at one moment are counted one after the other
    if ApiKey.objects.filter(user=of, revoked_at=None).count() >= MOST:
        raise Conflict(say("There are %(n)d keys already; revoke those nobody uses", n=MOST))
    token = f"cs_{'agent' if of.kind == User.Kind.AGENT else 'person'}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        user=of,
        name=name,
        start=token[:START],
        secret_sha256=_hash(token),
        scopes=[scope for scope in allowed if scope in scopes],
        created_by=who.user,
        expires_at=Now() + timedelta(days=days) if days else None,
    )
    key.refresh_from_db()
    log.append(_entry(key, "key.made", who.user.actor, door, scopes=key.scopes, until=key.expires_at.isoformat() if key.expires_at else ""))
    return key, token


@transaction.atomic
def revoke(key_id: int, *, by: User, door: str, answers_for: bool = False) -> ApiKey:
    """From the next request on it is nobody's. Raises NotFound, NotAllowed; Conflict when it was revoked before."""
    who = permissions.standing(by)
    key = ApiKey.objects.select_for_update(of=("self",)).select_related("user").filter(pk=key_id).first()
    if key is None:
        raise NotFound(say("There is no such key"))
    if key.user_id != who.user.pk and not answers_for and ADMINS not in who.groups:
        raise NotAllowed(say("Only administrators revoke the keys of others"))
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now(), revoked_by=who.user.get_username()):
        raise Conflict(say("It was revoked already by %(who)s", who=key.revoked_by))
    log.append(_entry(key, "key.revoked", who.user.actor, door))
    return key


def _check_may(of: User, who: Standing, answers_for: bool) -> None:
    if of.kind == User.Kind.AGENT:
        if not answers_for and ADMINS not in who.groups:
            raise NotAllowed(say("Only administrators and the owner of an agent make keys for it"))
    elif of.pk != who.user.pk:
        raise NotAllowed(say("A token speaks for whoever made it: nobody makes one for somebody else"))
    elif not who.groups & set(permissions.ROLES):
        raise NotAllowed(say("Your account has no role yet; ask an administrator"))


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise BadRequest(say("Give it a name of at most %(most)d characters, such as the machine it is for", most=MAX_NAME))
    try:
        canonical.dumps(name)
    except canonical.NotCanonical as error:
        raise BadRequest(say("The name cannot be kept: %(why)s", why=cause(error))) from error
    return name


def _hash(token: str) -> str:
    """256 random bits need no salt and no slow hash: nobody guesses them."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _entry(key: ApiKey, kind: str, by: Actor, door: str, **data: object) -> Entry:
    said = {"key": key.pk, "name": key.name, "of": key.user.get_username(), **data}
    return Entry(stream=f"person:{key.user_id}", kind=kind, by=by, door=door, agent=agent_of(key.user), data=said)
