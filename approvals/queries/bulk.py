"""Actions that may be decided together: the same tool, agent, environment and policy, arguments of one shape, low or medium, nothing folded away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from approvals import entitling, envelopes, permissions, standing_in
from approvals.errors import NotAllowed, Tampered
from approvals.legible.paths import walk
from approvals.models import Action, Requirement, User
from approvals.queries.drills import decided_alone, groups_with_drills
from approvals.render.arguments import may_fold
from approvals.render.parts import as_object
from approvals.render.preview import preview_may_fold
from approvals.states import ActionState, word
from audit.sentences import say

MOST = 40  # as many as one looks at, and as an address can name
MOST_READ = 200
LEVELS = ("low", "medium")


@dataclass(frozen=True)
class Member:
    """One action with what it is compared by. `why` says why it cannot be read, "" when it can.

    `picked`: it is to be looked at by itself, as one in 16 is while its group gets test actions, and each of these.
    """

    id: str
    version: int
    digest: str
    state: str
    kind: str
    agent: str
    tool: str
    environment: str
    policy: str
    level: str
    score: int
    summary: str
    requested_by: str
    created_at: datetime
    expires_at: datetime
    args: Any
    preview: dict[str, Any]
    schema: str
    shape: frozenset[tuple[str, str]]
    tainted: frozenset[str]
    found_out: frozenset[str]
    customer: str
    hidden: bool
    row: Action = field(repr=False)
    envelope: envelopes.Envelope = field(repr=False)
    why: str = ""
    picked: bool = False


def members(ids: Sequence[str]) -> dict[str, Member]:
    """These actions, proved against their digests, by id; what is no id is left out."""
    wanted = [found for text in ids[:MOST_READ] if (found := as_uuid(text))]
    rows = Requirement.objects.filter(action__in=wanted, version=F("action__version")).select_related("action", "action__requested_by")
    tested = groups_with_drills()
    read = {str(row.action_id): _member(row.action, row, tested) for row in rows}
    return {text: read[key] for text in ids if (key := str(as_uuid(text))) in read}


def like(member: Member) -> list[str]:
    """Ids of what waits and looks the same from outside, that one first, then those that may be decided with it, each by age."""
    rows = Action.objects.filter(state=ActionState.PENDING, agent=member.agent, tool=member.tool, level__in=LEVELS)
    ids = [str(pk) for pk in rows.exclude(pk=member.id).order_by("created_at", "pk").values_list("pk", flat=True)[: MOST_READ - 1]]
    found = members(ids)
    return [member.id, *sorted(ids, key=lambda one: one not in found or bool(alone(found[one]) or unlike(member, found[one])))]


def arrived(member: Member, *, since: datetime, but: Sequence[str]) -> list[tuple[str, str]]:
    """(id, summary) of those like it that came after the set was frozen."""
    rows = Action.objects.filter(
        state=ActionState.PENDING, agent=member.agent, tool=member.tool, level__in=LEVELS, created_at__gt=since
    ).exclude(pk__in=[found for text in but if (found := as_uuid(text))])
    return [(str(pk), summary) for pk, summary in rows.order_by("created_at").values_list("pk", "summary")[:MOST]]


UNLIKE = {
    "agent": say("Not like the others: another agent"),
    "tool": say("Not like the others: another tool"),
    "environment": say("Not like the others: another environment"),
    "policy": say("Not like the others: it was asked under another policy"),
    "schema": say("Not like the others: its tool was declared otherwise"),
    "found_out": say("Not like the others: its preview says other things, or warns"),
    "tainted": say("Not like the others: other arguments repeat text from outside"),
    "shape": say("Not like the others: it has other arguments, or arguments of another kind"),
}
JSON_TYPES = {dict: "object", list: "list", str: "text", bool: "yes or no", int: "number", float: "number", type(None): "null"}


def alone(member: Member) -> str:
    """Why this is decided by itself only, "" when it may be decided with others."""
    if member.why:
        return member.why
    if member.kind != Action.Kind.TOOL:
        return say("A question is answered by itself")
    if member.level not in LEVELS:
        return say("Critical risk is decided one by one") if member.level == "critical" else say("High risk is decided one by one")
    if member.hidden:
        return say("It holds something that cannot be seen at a glance: open it by itself")
    if may_fold(as_object(member.args)) or preview_may_fold(member.preview):
        return say("It is too long to be compared at a glance: open it by itself")
    if member.picked:
        return say("Picked to be looked at by itself, as some are: open it")
    return ""


def unlike(first: Member, other: Member) -> str:
    """Why two are not near-identical, "" when they are."""
    return next((said for name, said in UNLIKE.items() if getattr(first, name) != getattr(other, name)), "")


def not_for(member: Member, reader: User) -> str:
    """Why this reader decides nothing here, "" when they may."""
    if member.state != ActionState.PENDING:
        return say("It is %(state)s already", state=word(member.state))
    try:
        who = permissions.standing(reader)
    except NotAllowed as refusal:
        return refusal.message
    mine = standing_in.given(member.row, who.person, member.envelope)
    if mine and mine.person == who.person:
        return say("You have decided this version already; it waits for somebody else")
    return standing_in.why_not(who, member.row, member.envelope, mine=mine)


def _member(action: Action, row: Requirement, tested: frozenset[str]) -> Member:
    why = ""
    try:
        envelope = envelopes.opened(action, row)
    except Tampered as error:
        envelope, why = envelopes.Envelope({"args": None, "need": [], "exclude": [], "policy": {}, "tool": {}, "facts": {}}), error.message
    data = envelope.data
    groups = entitling.turn_of(envelope, stage=action.stage, passed=action.passed)
    return Member(
        id=str(action.pk),
        version=action.version,
        digest=action.digest,
        state=action.state,
        kind=action.kind,
        agent=action.agent,
        tool=action.tool,
        environment=action.environment,
        policy=str(data["policy"].get("sha256", "")),
        level=action.level,
        score=action.score,
        summary=action.summary,
        requested_by=action.requested_by.get_username() if action.requested_by else "",
        created_at=action.created_at,
        expires_at=action.expires_at,
        args=envelope.args,
        preview=row.preview if not why else {},
        schema=str(data["tool"].get("schema_sha256", "")) + envelope.declared_sha256,
        shape=_shape(as_object(envelope.args)),
        tainted=frozenset(data["facts"].get("untrusted_text", ())),
        found_out=_kinds_of(row.preview if not why else {}),
        customer=action.customer,
        hidden=bool(data["facts"].get("hidden_characters")),
        row=action,
        envelope=envelope,
        why=why,
        picked=action.drill or (not groups.isdisjoint(tested) and decided_alone(action.pk)),
    )


def _shape(args: dict[str, Any]) -> frozenset[tuple[str, str]]:
    """Which arguments there are, down to the last, and of which kind: one that only one of them has is easily passed over beside forty."""
    return frozenset((path, JSON_TYPES[type(value)]) for path, value in walk(args))


def _kinds_of(preview: Mapping[str, Any]) -> frozenset[str]:
    """Which figures and parts a preview has, and whether it warns: beside thirty-nine without a warning, one is passed over."""
    facts, details = (found if isinstance(found := preview.get(part), dict) else {} for part in ("facts", "details"))
    return frozenset((*(f"fact {name}" for name in facts), *(f"detail {name}" for name, value in details.items() if value)))


def as_uuid(text: str) -> UUID | None:
    """The id a door was given, or None when it cannot be one."""
    try:
        return UUID(str(text))
    except ValueError:
        return None
