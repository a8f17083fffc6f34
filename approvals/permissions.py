"""Who may do what. `check_x` raises a sentence, `x` gives a bool; operations and templates share them.

Whether the *thing* allows it (its state, its digest) is not asked here: that is the operation's.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from approvals.errors import NotAllowed
from approvals.models import User
from audit import rows
from audit.sentences import chain, say

REVIEWERS, OPERATORS, AUDITORS, ADMINS = "reviewers", "operators", "auditors", "admins"
ROLES = (REVIEWERS, OPERATORS, AUDITORS, ADMINS)
MAY_HALT = frozenset({OPERATORS, ADMINS})
MAY_REPLAY = MAY_HALT | {AUDITORS}


# One statement instead of three: asked in every transaction that a person begins.
_STANDING = """
SELECT u.*, ARRAY(
    SELECT g.name FROM approvals_user_groups ug JOIN auth_group g ON g.id = ug.group_id WHERE ug.user_id = u.id
) AS group_names, (
    SELECT json_agg(json_build_object('id', o.id, 'person', o.person, 'name', o.username, 'active', o.is_active, 'groups', ARRAY(
        SELECT g.name FROM approvals_user_groups ug JOIN auth_group g ON g.id = ug.group_id WHERE ug.user_id = o.id)))
    FROM approvals_absence a JOIN approvals_user o ON o.id = a.user_id JOIN approvals_user d ON d.id = a.delegate_id
    WHERE a.ended_at IS NULL AND d.person = u.person AND (a.until IS NULL OR a.until > statement_timestamp())
)::text AS away
FROM approvals_user u WHERE u.id = %s
"""


@dataclass(frozen=True)
class Absent:
    """Somebody in whose stead another acts."""

    id: int
    person: str
    name: str
    groups: frozenset[str]
    active: bool


@dataclass(frozen=True)
class Standing:
    """A person's account as the database knows it in this transaction, never as the session remembers it.

    Attributes:
        stands_for: who is away and left their desk to this person.
    """

    user: User
    groups: frozenset[str]
    stands_for: tuple[Absent, ...] = ()

    @property
    def person(self) -> str:
        return self.user.person


def standing(user: User) -> Standing:
    """The account re-read now. Raises NotAllowed when it is gone, locked or not a person's."""
    found = rows.first(User, _STANDING, [user.pk])
    if found is None or not found.is_active:
        raise NotAllowed(say("Your account is locked; ask an administrator"))
    if found.kind != User.Kind.HUMAN:
        raise NotAllowed(say("Agents propose; only people decide"))
    groups: list[str] = getattr(found, "group_names")  # noqa: B009  not a column
    away: str | None = getattr(found, "away")  # noqa: B009  nor is this
    return Standing(found, frozenset(groups), _absent(away) if away else ())


def _absent(away: str) -> tuple[Absent, ...]:
    return tuple(Absent(a["id"], a["person"], a["name"], frozenset(a["groups"]), a["active"]) for a in json.loads(away))


def roles(user: User | AnonymousUser) -> frozenset[str]:
    """The roles of a signed-in person, asked of the database once per request object."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    cached: frozenset[str] | None = user.__dict__.get("_roles")
    if cached is None:
        cached = frozenset(user.groups.filter(name__in=ROLES).values_list("name", flat=True))
        user.__dict__["_roles"] = cached
    return cached


def check_read(user: User | AnonymousUser) -> None:
    if not roles(user):
        raise NotAllowed(say("Your account has no role yet; ask an administrator to add you to reviewers, operators or auditors"))


def can_halt(user: User | AnonymousUser) -> bool:
    return not MAY_HALT.isdisjoint(roles(user))


def check_halt(who: Standing) -> None:
    if MAY_HALT.isdisjoint(who.groups):
        raise NotAllowed(say("Only operators can halt or release; ask one of the group operators"))


def check_operate(who: Standing) -> None:
    """What operators do beside halting: see to calls of unknown outcome, alerts, switches, halt rules, reversals."""
    if MAY_HALT.isdisjoint(who.groups):
        raise NotAllowed(say("Only operators and administrators do this; ask one of the group operators"))


def can_override(user: User | AnonymousUser) -> bool:
    return can_halt(user)


def check_override(who: Standing) -> None:
    if MAY_HALT.isdisjoint(who.groups):
        raise NotAllowed(say("Only operators change how a run goes on; ask one of the group operators"))


def can_replay(user: User | AnonymousUser) -> bool:
    return not MAY_REPLAY.isdisjoint(roles(user))


def check_replay(who: Standing) -> None:
    if MAY_REPLAY.isdisjoint(who.groups):
        raise NotAllowed(say("Only operators and auditors replay runs; ask one of them"))


def others_may_halt(who: Standing) -> bool:
    """Whether anybody else could confirm a release: another person, not only another account of theirs."""
    others = User.objects.filter(kind=User.Kind.HUMAN, is_active=True, groups__name__in=MAY_HALT)
    return others.exclude(person=who.person).exists()


def can_revoke(user: User | AnonymousUser) -> bool:
    return bool(roles(user) & {REVIEWERS, OPERATORS, ADMINS})


def check_revoke(who: Standing) -> None:
    if not who.groups & {REVIEWERS, OPERATORS, ADMINS}:
        raise NotAllowed(say("Only reviewers, operators and administrators can revoke a grant"))


def can_edit_policy(user: User | AnonymousUser) -> bool:
    return ADMINS in roles(user)


def check_edit_policy(who: Standing) -> None:
    if ADMINS not in who.groups:
        raise NotAllowed(say("Only administrators can change the policy; everybody with a role can read it"))


def can_plan_drills(user: User | AnonymousUser) -> bool:
    return ADMINS in roles(user)


def check_plan_drills(who: Standing) -> None:
    if ADMINS not in who.groups:
        raise NotAllowed(say("Only administrators plan test actions; everybody with a role sees how often there are some"))


def can_connect(user: User | AnonymousUser) -> bool:
    return ADMINS in roles(user)


def check_connect(who: Standing) -> None:
    if ADMINS not in who.groups:
        raise NotAllowed(say("Only administrators connect a workspace of Slack, or take one away"))


def can_manage_people(user: User | AnonymousUser) -> bool:
    return ADMINS in roles(user)


def check_people(who: Standing) -> None:
    if ADMINS not in who.groups:
        raise NotAllowed(say("Only administrators see everybody's sessions; yours are under Account security"))


def check_groups(who: Standing) -> None:
    if ADMINS not in who.groups:
        raise NotAllowed(say("Only administrators change who is in which group"))


def check_regroup(who: Standing) -> None:
    if ADMINS not in who.groups:
        raise NotAllowed(say("Only administrators say which accounts are one person"))


def can_start_runs(user: User | AnonymousUser) -> bool:
    return bool(roles(user) & {REVIEWERS, OPERATORS, ADMINS})


def check_start_runs(who: Standing) -> None:
    if not who.groups & {REVIEWERS, OPERATORS, ADMINS}:
        raise NotAllowed(say("Only reviewers, operators and administrators can start a run"))


def can_cancel(user: User | AnonymousUser, *, own: bool) -> bool:
    return can_start_runs(user) and (own or can_halt(user))


def check_cancel(who: Standing, *, own: bool) -> None:
    """Who started a run may end it; somebody else's is an operator's to end, as it is theirs to pause."""
    check_start_runs(who)
    if not own and not who.groups & set(MAY_HALT):
        raise NotAllowed(say("Only operators and administrators cancel a run that somebody else started"))


def check_decide(
    who: Standing, *, groups: Collection[str], excluded: Collection[str], editors: Collection[str] = (), verdict: str = "approve"
) -> None:
    """Raises NotAllowed when this person can never count for a requirement with these groups and exclusions.

    Args:
        editors: whose edits led to this version; they may take it back (reject), not approve it.
    """
    if not who.groups & set(groups):
        raise NotAllowed(
            say("This needs somebody of %(groups)s; you are not in that group", groups=chain("%(a)s or %(b)s", sorted(set(groups))))
        )
    if who.person not in excluded:
        return
    if who.person not in editors:
        raise NotAllowed(say("You asked for this yourself, or own the agent: somebody else has to decide it"))
    if verdict != "reject":
        raise NotAllowed(say("You edited this, or what the agent made it of: somebody else has to approve it (you may still reject)"))
