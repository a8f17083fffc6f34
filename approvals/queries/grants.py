"""Standing approvals: those that may stand for a call, those a page lists, and the past calls they are tried on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, QuerySet

from approvals import envelopes
from approvals.covering import covers_sql
from approvals.errors import NotFound, Tampered
from approvals.models import Action, Decision, Grant, Requirement
from approvals.policy.basics import Level
from approvals.policy.granting import Call, Past, Terms
from approvals.queries.declarations import Bound, declared_otherwise
from approvals.resolution import Need, Vote, tally
from approvals.states import Verdict
from audit import canonical, rows
from audit.sentences import say

LOOKED_AT = 300  # past calls a back-test looks at
LISTED = 100
ENDED = 50


@dataclass(frozen=True)
class Giver:
    """Whoever gave a grant, and the groups that count for them now; none when the account is locked."""

    grant: int
    user_id: int
    name: str
    person: str
    groups: frozenset[str]


@dataclass(frozen=True)
class GrantRow:
    """A grant as pages show it.

    Attributes:
        state: "in force", "waits" (for more givers), "spent", "ended", "revoked", "halted" (a stop order came after it) or "declared" (its
            tool is declared otherwise, `since` when).
        missing: how many more people of which group have to give it.
    """

    id: int
    terms: Terms
    uses: int
    total: int
    reason: str
    policy: str
    like: str
    state: str
    givers: tuple[Giver, ...]
    missing: tuple[Need, ...]
    backtest: dict[str, Any]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str
    revoke_reason: str
    since: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it may still let something through, or could once enough people have given it."""
        return self.state in {"in force", "waits"}


@dataclass(frozen=True)
class Use:
    """One thing a grant let through."""

    action: str
    summary: str
    state: str
    at: datetime
    figures: dict[str, int] = field(default_factory=dict)


_OPEN = "g.revoked_at IS NULL AND g.until > clock_timestamp() AND g.uses < g.max_uses AND NOT COALESCE(g.total >= g.max_total, false)"
# A stop order ends the grants given before it, as it voids approvals given before it; one for a single run only there.
_STOPPED = (
    f"""EXISTS (SELECT 1 FROM approvals_halt h WHERE h.created_at > g.created_at AND {covers_sql("g.agent", "g.run", tool="g.tool")})"""  # noqa: S608
)
_ROWS = f"""
SELECT g.*, g.until <= clock_timestamp() AS over, {_STOPPED} AS stopped FROM approvals_grant g
"""  # noqa: S608  conditions of ours only
_GIVERS = """
SELECT gg.grant_id, gg.user_id, gg.name, gg.person, gg.groups::text, u.is_active, ARRAY(
    SELECT x.name FROM approvals_user_groups ug JOIN auth_group x ON x.id = ug.group_id WHERE ug.user_id = gg.user_id)
FROM approvals_grantgiver gg JOIN approvals_user u ON u.id = gg.user_id WHERE gg.grant_id = ANY(%s) ORDER BY gg.id
"""


def standing(ids: Sequence[int]) -> list[tuple[Grant, list[Giver]]]:
    """These grants with their givers, the narrowest first: the very call, then its run, then whatever ends soonest."""
    found = rows.fetch(Grant, "SELECT * FROM approvals_grant WHERE id = ANY(%s)", [list(ids)])
    by_grant = givers([g.pk for g in found])
    found.sort(key=lambda g: (not g.args_sha256, not g.run, g.until, g.pk))
    return [(g, by_grant.get(g.pk, [])) for g in found]


def _unended(agent: str = "", tool: str = "") -> list[GrantRow]:
    """Those nothing has ended but perhaps a tool that is declared otherwise since."""
    only = " AND g.agent = %s AND g.tool = %s" if agent else ""
    statement = f"{_ROWS} WHERE {_OPEN} AND NOT {_STOPPED}{only} ORDER BY g.until, g.id LIMIT %s"
    return _read(statement, [*([agent, tool] if agent else []), LISTED])


def givers(ids: Sequence[int]) -> dict[int, list[Giver]]:
    """Who gave these grants, with the groups they had then and still have."""
    found: dict[int, list[Giver]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_GIVERS, [list(ids)])
        for grant, user, name, person, groups, active, still in cursor.fetchall():
            counts = frozenset(json.loads(groups)) & frozenset(still) if active else frozenset()
            found.setdefault(grant, []).append(Giver(grant, user, name, person, counts))
    return found


def open_grants(*, agent: str = "", tool: str = "") -> list[GrantRow]:
    """Grants that may let something through now, those that end soonest first; of one agent and tool, or all."""
    return [row for row in _unended(agent, tool) if row.open]


def ended_grants() -> list[GrantRow]:
    """The latest that let nothing through any more."""
    over = _read(f"{_ROWS} WHERE NOT ({_OPEN}) OR {_STOPPED} ORDER BY g.id DESC LIMIT %s", [ENDED])
    changed = [row for row in _unended() if not row.open]
    return sorted([*over, *changed], key=lambda row: row.id, reverse=True)[:ENDED]


def open_count() -> int:
    """How many may let something through now."""
    kinds = "agent, tool, tool_schema_sha256, declared_sha256"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {kinds}, count(*) FROM approvals_grant g WHERE {_OPEN} AND NOT {_STOPPED} GROUP BY {kinds}")  # noqa: S608  names and conditions of ours only
        found: dict[Bound, int] = {bound: n for *four, n in cursor.fetchall() if (bound := tuple(four))}
    return sum(found.values()) - sum(found[bound] for bound in declared_otherwise(found))


def grant(grant_id: Any) -> GrantRow:
    """One grant. Raises NotFound."""
    found = _read(f"{_ROWS} WHERE g.id = %s", [int(grant_id)]) if str(grant_id).isdecimal() and len(str(grant_id)) < 18 else []
    if not found:
        raise NotFound(say("There is no such grant; see the list of grants"))
    return found[0]


def uses(grant_id: int, *, limit: int = 200) -> list[Use]:
    """What it let through, newest first: one line for each call, however many people gave it."""
    decisions = Decision.objects.filter(grant=grant_id).select_related("action").order_by("-pk")[: limit * 3]
    found = {d.action_id: d for d in decisions}
    return [Use(str(d.action_id), d.action.summary, d.action.state, d.created_at) for d in found.values()][:limit]


def given_for(action_id: UUID) -> int:
    """The grant that let an action through; 0 when people looked at it themselves."""
    found = Decision.objects.filter(action=action_id, grant__isnull=False).order_by("-pk").values_list("grant_id", flat=True).first()
    return found or 0


def terms_of(row: Grant) -> Terms:
    return Terms(
        row.agent, row.tool, row.tool_schema_sha256, row.environment, Level(row.level), row.max_uses, row.until, row.run, row.args_sha256,
        row.figure, row.max_each, row.max_total, row.declared_sha256, tuple(sorted(row.also.items())),
    )  # fmt: skip


def call_of(action: Action, envelope: envelopes.Envelope, *, level: str = "") -> Call:
    """An action's version as a grant looks at it."""
    schema = str(envelope.data["tool"].get("schema_sha256", ""))
    args_sha256, declared = canonical.fingerprint(envelope.args), envelope.declared_sha256
    return Call(envelope.facts, Level(level or envelope.data["risk"]["level"]), action.run, schema, args_sha256, declared)


def votes_of(found: Sequence[Giver]) -> list[Vote]:
    """What a grant's givers say."""
    return [Vote(g.person, Verdict.APPROVE, g.groups) for g in found if g.groups]


def past_calls(*, agent: str, tool: str, giver: str) -> list[Past]:
    """The newest calls of this tool by this agent that people were asked about, as they were frozen. What was tampered with is passed over."""
    newest = Action.objects.filter(agent=agent, tool=tool, kind=Action.Kind.TOOL, drill=False).order_by("-resolved_at", "-pk")[:LOOKED_AT]
    ids = list(newest.values_list("pk", flat=True))
    found = Requirement.objects.filter(action__in=ids, version=F("action__version")).select_related("action", "action__requested_by")
    return [past for row in found.order_by("-pk") if (past := _past(row, giver))]


def examples(*, limit: int = 40) -> list[tuple[str, str, str, str]]:
    """(action, agent, tool, summary): the newest call of each tool that people decided lately, to give a grant after."""
    latest: QuerySet[Action] = Action.objects.filter(
        resolved_at__isnull=False, kind=Action.Kind.TOOL, level__in=["medium", "high"], drill=False
    )
    seen: dict[tuple[str, str], tuple[str, str, str, str]] = {}
    for pk, agent, tool, summary in latest.order_by("-resolved_at", "-pk").values_list("pk", "agent", "tool", "summary")[:1_000]:
        seen.setdefault((agent, tool), (str(pk), agent, tool, summary))
    return sorted(seen.values(), key=lambda e: (e[1], e[2]))[:limit]


def _past(row: Requirement, giver: str) -> Past | None:
    action = row.action
    try:
        envelope = envelopes.parse(row)
        call = call_of(action, envelope)
        asked = bool(envelope.needs) and not envelope.denied
    except (Tampered, TypeError, KeyError, ValueError):
        return None
    if not asked:
        return None
    own = action.requested_by is not None and action.requested_by.person == giver
    return Past(str(action.pk), action.summary, call, _fate(action, edited=bool(envelope.edited_by)), own)


def _fate(action: Action, *, edited: bool) -> str:
    """What became of it. A later version is not always an edit: it may have been asked again."""
    if action.state == "APPROVED":
        if action.resolution.get("door") == "grant":
            return "granted"
        return "edited" if edited else "approved"
    return {"PENDING": "waiting", "REJECTED": "rejected", "ANSWERED": "answered", "EXPIRED": "expired"}.get(action.state, "ended")


def _read(statement: str, values: list[Any]) -> list[GrantRow]:
    found = rows.fetch(Grant, statement, values)
    by_grant = givers([g.pk for g in found]) if found else {}
    changed = declared_otherwise({_bound(g) for g in found})
    return [_row(g, tuple(by_grant.get(g.pk, ())), changed.get(_bound(g))) for g in found]


def _bound(row: Grant) -> Bound:
    return row.agent, row.tool, row.tool_schema_sha256, row.declared_sha256


def _row(row: Any, found: tuple[Giver, ...], since: datetime | None) -> GrantRow:
    needs = [Need(n["group"], n["count"]) for n in row.need]
    missing = tuple(Need(t.need.group, t.need.count - t.given) for t in tally(needs, votes_of(found)) if not t.met)
    return GrantRow(
        row.pk, terms_of(row), row.uses, row.total, row.reason, row.policy, str(row.like_id), _state(row, missing, since), found, missing,
        row.backtest, row.created_at, row.last_used_at, row.revoked_at, row.revoked_by_name, row.revoke_reason, since,
    )  # fmt: skip


def _state(row: Any, missing: tuple[Need, ...], since: datetime | None) -> str:
    if row.revoked_at:
        return "revoked"
    if row.stopped:
        return "halted"
    if row.uses >= row.max_uses or (row.max_total is not None and row.total >= row.max_total):
        return "spent"
    if row.over:
        return "ended"
    if since:
        return "declared"
    return "waits" if missing else "in force"
