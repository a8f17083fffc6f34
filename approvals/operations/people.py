"""Accounts: people with roles, agents without passwords, and login links."""

import hashlib
import secrets
from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from approvals.errors import BadRequest, Conflict, NotAllowed, NotFound
from approvals.models import LoginLink, User
from approvals.operations import recounting, sign_ins
from approvals.permissions import ADMINS, ROLES
from audit import log
from audit.actors import SYSTEM, Actor
from audit.log import Entry
from audit.sentences import say

LINK_IS_OVER = say("This login link was used or has run out; print a new one with: .venv/bin/python manage.py login_links NAME")


@transaction.atomic
def ensure_person(*, username: str, name: str = "", email: str = "", roles: list[str], by: Actor = SYSTEM, door: str = "cli") -> User:
    """The person's account with exactly these of the four roles, and whatever other groups it has; made without a password when it is new.

    Raises:
        BadRequest: there is no such role. NotAllowed: somebody would give themselves one. Conflict: a person would take it from the only administrator.
    """
    if unknown := set(roles) - set(ROLES):
        raise BadRequest(say("Unknown roles: %(names)s; there are %(names2)s", names=", ".join(sorted(unknown)), names2=", ".join(ROLES)))
    first, _, last = name.partition(" ")
    user, created = User.objects.get_or_create(username=username, defaults={"first_name": first, "last_name": last, "email": email})
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    before = set(user.groups.values_list("name", flat=True))
    after = set(roles) | (before - set(ROLES))
    if after - before:
        _check_not_oneself(user, by)
    if ADMINS in before - after:
        _check_not_last(username, by)
    if created or before != after:
        user.groups.set([Group.objects.get_or_create(name=name)[0] for name in sorted(after)])
        log.append(
            _entry(user, "person.added" if created else "person.roles_changed", by, door, roles=sorted(after), before=sorted(before))
        )
        recounting.changed(user)
    return user


def _check_not_last(username: str, by: Actor) -> None:
    """Raises Conflict when a person would leave nobody who administers. The installation itself may: it can make another one.

    Their rows are locked first, in order, so that of two who lock each other one comes second.
    """
    if by.kind != User.Kind.HUMAN:
        return
    admins = User.objects.select_for_update(of=("self",)).filter(is_active=True, kind=User.Kind.HUMAN, groups__name=ADMINS).order_by("pk")
    if [one.get_username() for one in admins] == [username]:
        raise Conflict(say("%(name)s is the only administrator: add another one first", name=username))


def _check_not_oneself(user: User, by: Actor) -> None:
    """Raises NotAllowed when an account gives a role to itself or to another account of the same person."""
    giver = User.objects.filter(pk=by.id).first() if by.kind == User.Kind.HUMAN and by.id.isdecimal() else None
    if giver and giver.person == user.person:
        raise NotAllowed(say("Nobody gives themselves a role: another administrator has to"))


@transaction.atomic
def ensure_agent_user(*, slug: str) -> User:
    """The account an agent acts as: it can propose, and has no way to sign in."""
    user, created = User.objects.get_or_create(username=f"agent:{slug}", defaults={"kind": User.Kind.AGENT, "first_name": slug})
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


@transaction.atomic
def deactivate(*, username: str, by: Actor, door: str = "cli", reason: str = "") -> User:
    """Lock an account: it decides nothing from the next transaction on, and its open approvals count no more.

    Raises:
        NotFound. Conflict: a person would lock the only administrator.
    """
    _check_not_last(username, by)
    user = User.objects.select_for_update().filter(username=username).first()
    if user is None:
        raise NotFound(say("There is no account %(username)s", username=repr(username)))
    User.objects.filter(pk=user.pk).update(is_active=False)
    sign_ins.end_all(user=user, by=by, door=door)
    log.append(_entry(user, "person.locked", by, door, reason=reason))
    recounting.changed(user)
    return user


@transaction.atomic
def make_login_link(*, user: User, door: str = "cli") -> str:
    """A token that signs this person in, once, until it runs out (LOGIN_LINK_HOURS); only its hash is stored. In the demo it works many times."""
    token = secrets.token_urlsafe(24)
    LoginLink.objects.filter(user=user, expires_at__lte=Now()).delete()
    LoginLink.objects.create(token_sha256=_hash(token), user=user, expires_at=Now() + timedelta(hours=settings.LOGIN_LINK_HOURS))
    log.append(_entry(user, "person.link_made", SYSTEM, door))
    return token


def whose_login_link(token: str) -> User:
    """The person a token would sign in; nothing is used up. Raises NotFound when it is unknown, used or over, or the account is locked."""
    link = _links(token).select_related("user").first()
    if link is None or not link.user.is_active:
        raise NotFound(LINK_IS_OVER)
    return link.user


@transaction.atomic
def use_login_link(token: str, *, door: str = "web") -> User:
    """The person a token signs in, now and never again (in the demo: until it runs out). Raises NotFound as `whose_login_link` does."""
    user = whose_login_link(token)
    if settings.DEMO:
        return user
    if not _links(token).delete()[0]:  # of two who press at once, the second finds the row gone
        raise NotFound(LINK_IS_OVER)
    log.append(_entry(user, "person.link_used", user.actor, door))
    return user


def _links(token: str) -> QuerySet[LoginLink]:
    return LoginLink.objects.filter(token_sha256=_hash(token), expires_at__gt=Now())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _entry(user: User, kind: str, by: Actor, door: str, **data: object) -> Entry:
    return Entry(stream=f"person:{user.pk}", kind=kind, by=by, door=door, data={"username": user.username, **data})


def find(username: str) -> User | None:
    """The account of this name, if there is one."""
    return User.objects.filter(username=username).first() if username else None


@transaction.atomic
def factor_changed(*, user: User, what: str, factor: str, by: Actor | None = None, door: str = "web") -> None:
    """A passkey, an authenticator app or recovery codes were added, removed or renewed: put on record."""
    log.append(_entry(user, f"person.factor_{what}", by or user.actor, door, factor=factor))


@transaction.atomic
def password_changed(*, user: User, door: str = "web") -> None:
    """A person chose a password, or another one: put on record."""
    log.append(_entry(user, "person.password_changed", user.actor, door))


@transaction.atomic
def sync_groups(*, user: User, named: set[str], managed: set[str], by: Actor = SYSTEM, door: str = "web") -> None:
    """Give a person exactly those of the managed groups that somebody else (their identity provider) names; others stay as they are."""
    before = set(user.groups.values_list("name", flat=True))
    after = (before - managed) | (named & managed)
    if after == before:
        return
    user.groups.set([Group.objects.get_or_create(name=name)[0] for name in sorted(after)])
    log.append(_entry(user, "person.roles_changed", by, door, roles=sorted(after), before=sorted(before)))
    recounting.changed(user)


@transaction.atomic
def reset_factors(*, username: str, by: Actor, door: str = "cli") -> int:
    """Somebody lost their devices: forget their factors and end their sessions. Returns how many factors there were."""
    user = find(username)
    if user is None:
        raise NotFound(say("There is no account %(username)s", username=repr(username)))
    count: int = Authenticator.objects.filter(user_id=user.pk).delete()[0]
    sign_ins.end_all(user=user, by=by, door=door)
    log.append(_entry(user, "person.factors_reset", by, door, count=count))
    return count


@transaction.atomic
def unlock(*, username: str, by: Actor, door: str = "cli") -> User:
    """Let a locked account in again, with the roles it had."""
    user = find(username)
    if user is None:
        raise NotFound(say("There is no account %(username)s", username=repr(username)))
    User.objects.filter(pk=user.pk).update(is_active=True)
    log.append(_entry(user, "person.unlocked", by, door))
    recounting.changed(user)
    return user
