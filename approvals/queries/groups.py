"""Groups for their pages: who is in them, and what that is not over asks for them. Every read is bounded."""

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Count, Q, QuerySet

from approvals import envelopes
from approvals.errors import NotFound, Tampered
from approvals.models import PolicyVersion, Requirement, User
from approvals.permissions import ROLES
from approvals.policy.rosters import groups_named
from approvals.policy.rules import BadPolicy, parse_stored
from approvals.states import PolicyState
from audit.sentences import say

SHOWN = 200


@dataclass(frozen=True)
class GroupRow:
    """A group; `role` when it is one of the four roles, `sign_on` when single sign-on gives it, `people` who are active."""

    id: int
    name: str
    role: bool
    sign_on: bool
    people: int


@dataclass(frozen=True)
class Member:
    """Somebody in a group; `reads` when they have a role and so can open pages."""

    username: str
    name: str
    active: bool
    reads: bool


@dataclass(frozen=True)
class GroupDetail:
    """A group with its members, and accounts that are not in it; `unshown` members are not listed."""

    row: GroupRow
    members: tuple[Member, ...]
    unshown: int
    others: tuple[tuple[str, str], ...]


def groups() -> list[GroupRow]:
    """Every group, by name; the roles first."""
    rows = [_row(g) for g in _counted().order_by("name")]
    return sorted(rows, key=lambda row: (not row.role, row.name))


def group_detail(group_id: int) -> GroupDetail:
    """One group. Raises NotFound."""
    found = _counted().filter(pk=group_id).first()
    if found is None:
        raise NotFound(say("There is no such group; see the list of groups"))
    inside = User.objects.filter(groups=found).prefetch_related("groups").order_by("username")
    outside = User.objects.filter(kind=User.Kind.HUMAN, is_active=True).exclude(groups=found).order_by("username")[:SHOWN]
    members = tuple(
        Member(u.get_username(), u.display_name, u.is_active, bool({g.name for g in u.groups.all()} & set(ROLES))) for u in inside[:SHOWN]
    )
    return GroupDetail(_row(found), members, inside.count() - len(members), tuple((u.get_username(), u.display_name) for u in outside))


def proposal_naming(group: str) -> int:
    """A proposal that waits to be published and names this group, 0 when none does."""
    for pk, source in PolicyVersion.objects.filter(state=PolicyState.PROPOSED).order_by("pk").values_list("pk", "source"):
        try:
            if group in groups_named(parse_stored(source).data):
                return int(pk)
        except BadPolicy:
            continue
    return 0


# By its letters first: of ten thousand that wait few name a group that is to go.
_OPEN = """
SELECT r.id FROM approvals_requirement r JOIN approvals_action a ON a.id = r.action_id AND a.version = r.version
WHERE a.state IN ('PENDING', 'APPROVED') AND a.settled_at IS NULL AND position(%s in r.envelope) > 0 LIMIT 1000
"""


def open_actions_naming(group: str) -> list[str]:
    """The summaries of actions that are not over and ask this group, in whichever part."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [json.dumps(group, ensure_ascii=False).encode()])
        found = [pk for (pk,) in cursor.fetchall()]
    rows = Requirement.objects.select_related("action").filter(pk__in=found).order_by("pk")
    return [row.action.summary for row in rows if _names(row, group)]


def _names(row: Requirement, group: str) -> bool:
    try:
        envelope = envelopes.parse(row)
        extend = envelope.extend
        named = {n.group for n in envelope.needs} | envelope.delegates | set(envelope.escalated(len(envelope.moments)))
        return group in named | set(extend.by if extend else ())
    except (Tampered, KeyError, TypeError, ValueError):
        return True  # what cannot be read may name it


def _counted() -> QuerySet[Any]:
    return Group.objects.annotate(people=Count("user__person", filter=Q(user__is_active=True, user__kind=User.Kind.HUMAN), distinct=True))


def _row(found: Any) -> GroupRow:
    name = found.name
    return GroupRow(found.pk, name, name in ROLES, name in set(settings.OIDC_GROUPS.values()), found.people)
