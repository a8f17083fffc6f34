"""A person's desk: what they were told, what they put aside, who is away, and what they may do about one action's time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from approvals import entitling, envelopes, permissions, standing_in
from approvals.covering import condition
from approvals.errors import ApprovalError
from approvals.models import Absence, Action, Notification, Requirement, Snooze, User
from approvals.permissions import ADMINS, AUDITORS, MAY_HALT, OPERATORS
from approvals.states import ActionState

OVERSEERS = frozenset({OPERATORS, AUDITORS, ADMINS})
MOST_NOTICES = 20
MOST_PEOPLE = 200


@dataclass(frozen=True)
class Notice:
    """One thing a person was told and has not read: about an action, or (`action_id` empty) about the person `summary` names."""

    id: int
    action_id: str
    summary: str
    kind: str
    state: str
    at: datetime
    expires_at: datetime | None


@dataclass(frozen=True)
class Away:
    """Somebody's absence; `until` is None when it lasts until they are back."""

    name: str
    delegate: str
    until: datetime | None
    note: str
    since: datetime


@dataclass(frozen=True)
class Desk:
    """What one reader may do about the time of one action.

    Attributes:
        reserved_by, reserved_for: who is on it, and in whose stead; `mine` when that is the reader.
        may_reserve: they could decide it. `may_snooze`: they are asked in some stage, or could decide it. `may_pass_on`: they could approve it, and so could one of `people`.
        extend_s: by how many seconds they may still put it off; 0 when they may not. working: only working hours count of these.
        snoozed_until: when it comes back to this reader's inbox.
        instead_of: whose places the reader fills here.
        may_free: they may end the reservation of somebody else. askable: in whose stead an operator may have it decided; takers: by whom.
    """

    action_id: str
    expires_at: datetime
    extended_s: int
    reserved_by: str
    reserved_for: str
    reserved_until: datetime | None
    mine: bool
    may_reserve: bool
    may_snooze: bool
    people: tuple[str, ...]
    extend_s: int
    working: bool
    snoozed_until: datetime | None
    instead_of: str
    may_free: bool = False
    askable: tuple[str, ...] = ()
    takers: tuple[str, ...] = ()


_DECIDED = """EXISTS (SELECT 1 FROM approvals_decision d
    JOIN approvals_user giver ON giver.id = d.by_id AND giver.is_active
    JOIN approvals_user place ON place.id = coalesce(d.instead_of_id, d.by_id) AND place.is_active
    JOIN approvals_user_groups m ON m.user_id = place.id JOIN auth_group g ON g.id = m.group_id
    WHERE d.action_id = approvals_action.id AND d.version = approvals_action.version AND {person} IN (d.person, d.instead_of_person)
        AND jsonb_exists(d.groups, g.name)
        AND CASE WHEN d.stage = approvals_action.stage THEN position('|' || g.name || '|' IN approvals_action.turn) > 0
            ELSE d.turn = '' OR position('|' || g.name || '|' IN d.turn) > 0 END
        AND NOT EXISTS (SELECT 1 FROM approvals_decision l WHERE l.action_id = d.action_id AND l.version = d.version
            AND l.person = d.person AND l.nth > d.nth)
        AND EXISTS (SELECT 1 FROM approvals_user_groups n JOIN auth_group own ON own.id = n.group_id
            WHERE n.user_id = giver.id AND jsonb_exists(d.groups, own.name)))"""


def desk(action_id: Any, *, reader: User) -> Desk | None:
    """None when the action does not wait for people, or its bytes cannot be read."""
    action = Action.objects.select_related("reserved_by", "reserved_for").filter(pk=action_id, state=ActionState.PENDING).first()
    requirement = Requirement.objects.filter(action=action, version=action.version).first() if action else None
    if action is None or requirement is None:
        return None
    try:
        envelope, who = envelopes.opened(action, requirement), permissions.standing(reader)
    except ApprovalError:
        return None
    given = standing_in.given(action, who.person, envelope)
    may_decide = not (given and given.person == who.person)
    may_decide = may_decide and not standing_in.why_not(who, action, envelope, mine=given, verdict="reject")
    may_approve = may_decide and not standing_in.why_not(who, action, envelope, mine=given)
    holder, until = action.reserved_by, action.reserved_until
    mine = holder is not None and holder.person == who.person
    snoozed = Snooze.objects.filter(user=reader, action=action, until__gt=Now()).values_list("until", flat=True).first()
    stead = standing_in.leave(who, action, envelope, stage=action.stage, mine=given).instead_of if may_approve else None
    return Desk(
        action_id=str(action.pk),
        expires_at=action.expires_at,
        extended_s=action.extended_s + envelope.put_off_s,
        reserved_by=holder.get_username() if holder else "",
        reserved_for=action.reserved_for.get_username() if action.reserved_for else "",
        reserved_until=until,
        mine=mine,
        may_reserve=may_decide and (holder is None or mine),
        may_snooze=entitling.concerned(who, action, envelope, stage=action.stage),
        people=_others(action, envelope, who) if may_approve else (),
        extend_s=_left(action, envelope, who),
        working=envelope.hours is not None,
        snoozed_until=snoozed,
        instead_of=stead.name if stead else "",
        **_overseen(action, envelope, who),
    )


def _overseen(action: Action, envelope: envelopes.Envelope, who: permissions.Standing) -> dict[str, Any]:
    """What an operator may do about the time of others (`operations.reassigning`)."""
    if MAY_HALT.isdisjoint(who.groups):
        return {}
    freed = {"may_free": action.reserved_by is not None and action.reserved_by.person != who.person}
    if who.person in envelope.excluded:
        return freed
    turn = entitling.turn_of(envelope, stage=action.stage, passed=action.passed)
    return {**freed, "askable": _undecided(action, envelope, turn), "takers": _others(action, envelope, who)}


def _left(action: Action, envelope: envelopes.Envelope, who: permissions.Standing) -> int:
    rule = envelope.extend
    if rule is None or not who.groups & set(rule.by):
        return 0
    try:
        entitling.check_apart(who, action, envelope, verdict="reject")
    except ApprovalError:
        return 0
    return max(0, rule.at_most_s - action.extended_s)


def _others(action: Action, envelope: envelopes.Envelope, who: permissions.Standing) -> tuple[str, ...]:
    """Who could be asked in one's stead, by group and exclusion; the operation looks at each again."""
    groups = entitling.turn_of(envelope, stage=action.stage, passed=action.passed) | envelope.delegates
    return _undecided(action, envelope, groups, but=who.person)


def _undecided(action: Action, envelope: envelopes.Envelope, groups: frozenset[str], *, but: str = "") -> tuple[str, ...]:
    rows = User.objects.filter(is_active=True, kind=User.Kind.HUMAN, groups__name__in=groups).exclude(person__in=envelope.excluded)
    rows = rows.exclude(person__in=standing_in.placed(action, envelope))
    return tuple(rows.exclude(person=but).order_by("username").values_list("username", flat=True).distinct()[:MOST_PEOPLE])


def shown_to(rows: QuerySet[Action], reader: User, *, others: bool, snoozed: bool) -> QuerySet[Action]:
    """The inbox of one person: what it is their turn to decide, without what they put aside.

    Whoever oversees (operators, auditors, administrators) sees all of it. `others`: also what waits for other groups. `snoozed`: only
    what they put aside.
    """
    aside = Exists(Snooze.objects.filter(user=reader, action=OuterRef("pk"), until__gt=Now()))
    rows = rows.filter(aside) if snoozed else rows.exclude(aside)
    groups = None if others else _seen_groups(reader)
    return rows if groups is None else rows.filter(Q(turn="") | _turn_of(reader, groups))


def asked(reader: User) -> Q:
    """What it is this person's turn to decide, by their groups, those of whom they stand in for, or because they hold it.

    Not what was decided in their stead, nor in the stead of somebody who has decided.
    """
    try:
        who = permissions.standing(reader)
    except ApprovalError:
        return Q(pk=None)
    lent = _of_any("delegates", who.groups)
    held = Q(reserved_by=reader) & ~_decided("(SELECT f.person FROM approvals_user f WHERE f.id = approvals_action.reserved_for_id)")
    mine = _of_groups(who.groups) | held
    for absent in who.stands_for:
        if absent.active:
            theirs = _of_groups(absent.groups) & lent & ~Q(apart__contains=[absent.person])
            mine |= theirs & ~_decided("%s", absent.person)
    too_close = Q(moved_by__contains=[who.person]) | Q(apart__contains=[who.person])
    return mine & ~_decided("%s", who.person) & ~too_close


def _decided(person: str, *named: str) -> Q:
    """Whether the place of this person is filled, by themselves or in their stead, by a verdict that counts (`standing_in.ballot`, in SQL). Of what
    one has to be to stand in any group they were of counts."""
    return Q(condition(_DECIDED.format(person=person), *named))


def _of_groups(groups: frozenset[str]) -> Q:
    found = Q(pk=None)
    for group in groups:
        found |= Q(turn__contains=f"|{group}|")
    return found


def _of_any(column: str, groups: frozenset[str]) -> Q:
    """Rows whose list has one of these groups; also those of before there was a list."""
    found = Q(**{f"{column}__isnull": True})
    for group in groups:
        found |= Q(**{f"{column}__contains": [group]})
    return found


def _turn_of(reader: User, groups: frozenset[str]) -> Q:
    return Q(reserved_by=reader) | _of_groups(groups)


def _all_groups(who: permissions.Standing) -> frozenset[str]:
    return who.groups | frozenset(group for a in who.stands_for if a.active for group in a.groups)


def _seen_groups(reader: User) -> frozenset[str] | None:
    """Groups whose turn is this reader's too, with those of people they stand in for; None for all. Asked once per request object."""
    cached: frozenset[str] | None
    if "_seen_groups" not in reader.__dict__:
        try:
            who = permissions.standing(reader)
            reader.__dict__["_seen_groups"] = None if who.groups & OVERSEERS else _all_groups(who)
        except ApprovalError:
            reader.__dict__["_seen_groups"] = frozenset()
    cached = reader.__dict__["_seen_groups"]
    return cached


def snoozed_count(reader: User) -> int:
    return Snooze.objects.filter(user=reader, until__gt=Now(), action__state=ActionState.PENDING).count()


def notices(reader: User) -> list[Notice]:
    """What this person was told and has not read, newest first; what is decided, or over, meanwhile is no news."""
    rows = list(Notification.objects.filter(channel="desk", recipient=str(reader.pk), sent_at=None).order_by("-pk")[: MOST_NOTICES * 3])
    of_actions = [n.object_id for n in rows if n.object == "action"]
    actions = {str(a.pk): a for a in Action.objects.filter(pk__in=of_actions, state=ActionState.PENDING)}
    seen: set[tuple[str, str]] = set()
    found = _about_absences(reader, [n for n in rows if n.object == "absence"])
    found += _about_pace([n for n in rows if n.object in {"haste", "budget"}])
    found += [Notice(n.pk, "", n.object_id, n.kind, "", n.created_at, None) for n in rows if n.object == "group"]
    for n in rows:
        action = actions.get(n.object_id)
        # Of several reminders about one action the newest says it all.
        key = (n.object_id, n.kind.partition(":")[0])
        if action is None or key in seen:
            continue
        seen.add(key)
        found.append(Notice(n.pk, n.object_id, action.summary, n.kind, action.state, n.created_at, action.expires_at))
    return found[:MOST_NOTICES]


def _about_absences(reader: User, rows: list[Notification]) -> list[Notice]:
    """Somebody left their desk to this person and is away still; or somebody declined to stand in for them."""
    known = Absence.objects.select_related("user", "delegate").in_bulk([int(n.object_id) for n in rows])
    found = []
    for n in rows:
        absence = known.get(int(n.object_id))
        if absence and (n.kind == "person.declined" or absence.ended_at is None):
            other = absence.delegate if absence.user_id == reader.pk else absence.user
            found.append(Notice(n.pk, "", other.get_username(), n.kind, "", n.created_at, absence.until))
    return found


def _about_pace(rows: list[Notification]) -> list[Notice]:
    names = dict(User.objects.filter(pk__in=[int(n.object_id) for n in rows]).values_list("pk", "username"))
    return [Notice(n.pk, "", names.get(int(n.object_id), ""), n.kind, "", n.created_at, None) for n in rows]


def away(reader: User) -> Away | None:
    """This person's own absence, if they are away."""
    return next(iter(_absences(Q(user=reader))), None)


def standing_in_for(reader: User) -> list[Away]:
    """Who left their desk to this person."""
    return _absences(Q(delegate=reader))


def _absences(which: Q) -> list[Away]:
    rows = Absence.objects.filter(which, ended_at=None).filter(Q(until=None) | Q(until__gt=Now())).select_related("user", "delegate")
    return [Away(a.user.get_username(), a.delegate.get_username(), a.until, a.note, a.created_at) for a in rows.order_by("pk")]
