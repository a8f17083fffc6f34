"""Groups of people, whom policies ask: made, filled, emptied and deleted, each as one audited operation (docs/adr/0026).

Nobody gives themselves a group, nor a second account of theirs: another administrator has to. A group is never renamed: its name stands in
policies, in frozen requirements and in the log. Whoever leaves a group counts no more from the next transaction on (`operations.counting`).
"""

import re

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction

from approvals import permissions
from approvals.errors import BadRequest, Conflict, NotAllowed, NotFound
from approvals.models import User
from approvals.operations import policies, recounting
from approvals.operations.telling import tell_person
from approvals.permissions import ADMINS, ROLES
from approvals.policy.rosters import groups_named
from approvals.policy.rules import line_of
from approvals.queries import groups as queries
from audit import log
from audit.actors import SYSTEM, Actor
from audit.log import Entry
from audit.sentences import say

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
GROUP = "group"  # what a notice about one is about


@transaction.atomic
def create(*, name: str, by: User | None, door: str) -> Group:
    """A new group without anybody.

    Args:
        by: the administrator; None for the installation itself, from its command line.

    Raises:
        NotAllowed: not an administrator. BadRequest: no name for a group. Conflict: there is one of this name.
    """
    actor = _acting(by)
    if not NAME.fullmatch(name):
        raise BadRequest(
            say("A group is named with small letters, digits, dots, hyphens and underscores, 80 at most, beginning with a letter or digit")
        )
    group, made = Group.objects.get_or_create(name=name)
    if not made:
        raise Conflict(say("There is a group %(group)s already", group=name))
    log.append(_entry(name, "group.created", actor, door))
    return group


@transaction.atomic
def add(*, group: str, username: str, by: User | None, door: str) -> User:
    """Put somebody into a group.

    Raises:
        NotAllowed: not an administrator, or it is this very person.
        NotFound, BadRequest: no such group or account; an agent's account.
        Conflict: they are in it already, or single sign-on says who is in it.
    """
    actor = _acting(by)
    row, user = _locked(group, username)
    check_not_oneself(user, by)
    if user.kind != User.Kind.HUMAN:
        raise BadRequest(say("Agents propose; only people are in groups"))
    _check_ours(group, user)
    if user.groups.filter(pk=row.pk).exists():
        raise Conflict(say("%(name)s is in %(group)s already", name=username, group=group))
    before = _groups_of(user)
    user.groups.add(row)
    log.append(_changed(user, "person.group_added", actor, door, group, before))
    recounting.changed(user)
    tell_person(user, object=GROUP, object_id=group, kind="person.group_added")
    return user


@transaction.atomic
def remove(*, group: str, username: str, by: User | None, door: str) -> User:
    """Take somebody out of a group: what they approved and what is not done yet counts without them from now on.

    Raises:
        NotAllowed, NotFound: as `add`. Conflict: they are not in it, single sign-on says who is, or they are the last administrator.
    """
    actor = _acting(by)
    row, user = _locked(group, username)
    _check_ours(group, user)
    if not user.groups.filter(pk=row.pk).exists():
        raise Conflict(say("%(name)s is not in %(group)s", name=username, group=group))
    others = User.objects.filter(is_active=True, kind=User.Kind.HUMAN, groups__name=ADMINS).exclude(pk=user.pk)
    if group == ADMINS and not others.exists():
        raise Conflict(say("%(name)s is the only administrator: add another one first", name=username))
    before = _groups_of(user)
    user.groups.remove(row)
    log.append(_changed(user, "person.group_removed", actor, door, group, before))
    recounting.changed(user)
    tell_person(user, object=GROUP, object_id=group, kind="person.group_removed")
    return user


@transaction.atomic
def delete(*, group: str, by: User | None, door: str) -> list[str]:
    """Delete a group that nothing asks for any more. Returns who was in it; the log keeps that.

    Raises:
        NotAllowed, NotFound: as `add`. BadRequest: it is a role. Conflict: something names it; the sentence says what.
    """
    actor = _acting(by)
    policies.one_at_a_time()  # no policy that names it is published meanwhile
    row = _group(group)
    for refuse in (_role, _of_sign_on, _in_policy, _in_proposals, _in_actions):
        refuse(group)
    members = sorted(User.objects.filter(groups=row).values_list("username", flat=True))
    row.delete()
    log.append(_entry(group, "group.deleted", actor, door, members=members))
    return members


def check_not_oneself(user: User, by: User | None) -> None:
    """Raises NotAllowed when somebody would give a group to themselves, under whichever account."""
    if by is not None and user.person == by.person:
        raise NotAllowed(say("Nobody gives themselves a group: another administrator has to add you"))


def _acting(by: User | None) -> Actor:
    if by is None:
        return SYSTEM
    who = permissions.standing(by)
    permissions.check_groups(who)
    return who.user.actor


def _group(name: str) -> Group:
    row = Group.objects.select_for_update().filter(name=_text(name)).first()
    if row is None:
        raise NotFound(say("There is no group %(group)s; see the list of groups", group=name))
    return row


def _locked(group: str, username: str) -> tuple[Group, User]:
    """The group and the person, locked in this order, so that neither goes meanwhile."""
    row = _group(group)
    user = User.objects.select_for_update().filter(username=_text(username)).first()
    if user is None:
        raise NotFound(say("There is no account %(username)s", username=repr(username)))
    return row, user


def _text(value: str) -> str:
    """A text the database can look up; what is none names nothing."""
    return "" if "\x00" in value or not value.isprintable() else value


def _check_ours(group: str, user: User) -> None:
    """What single sign-on gives and takes at each sign-in is changed there."""
    if group in set(settings.OIDC_GROUPS.values()) and SocialAccount.objects.filter(user_id=user.pk).exists():
        raise Conflict(say("Single sign-on says whether %(name)s is in %(group)s: change it there", name=user.get_username(), group=group))


def _role(group: str) -> None:
    if group in ROLES:
        raise BadRequest(say("%(group)s is one of the four roles: it stays", group=group))


def _of_sign_on(group: str) -> None:
    if group in set(settings.OIDC_GROUPS.values()):
        raise Conflict(say("Single sign-on gives %(group)s (OIDC_GROUPS): take it out there first", group=group))


def _in_policy(group: str) -> None:
    current = policies.in_force()
    if path := groups_named(current.data).get(group):
        line = line_of(current.source, *path)
        raise Conflict(say("The policy in force names %(group)s in line %(line)s: publish one that does not first", group=group, line=line))


def _in_proposals(group: str) -> None:
    if name := queries.proposal_naming(group):
        raise Conflict(say("Proposal %(n)s names %(group)s and waits to be published: withdraw it first", n=name, group=group))


def _in_actions(group: str) -> None:
    found = queries.open_actions_naming(group)
    if found:
        raise Conflict(
            say(
                "%(n)d action that is not over asks %(group)s: %(summary)s",
                "%(n)d actions that are not over ask %(group)s, such as: %(summary)s",
                n=len(found),
                group=group,
                summary=found[0][:160],
            )
        )


def _groups_of(user: User) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))


def _changed(user: User, kind: str, by: Actor, door: str, group: str, before: list[str]) -> Entry:
    data = {"username": user.get_username(), "group": group, "roles": _groups_of(user), "before": before}
    return Entry(stream=f"person:{user.pk}", kind=kind, by=by, door=door, data=data)


def _entry(name: str, kind: str, by: Actor, door: str, **data: object) -> Entry:
    return Entry(stream=f"group:{name}", kind=kind, by=by, door=door, data={"group": name, **data})
