"""What was said of an action so far: decisions of people and policies, and the versions they were about. Reads only."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.models import Decision, Requirement
from approvals.resolution import still
from approvals.standing_in import with_groups_now
from audit import canonical


@dataclass(frozen=True)
class Vote:
    """One decision, as the page lists it."""

    by: str
    verdict: str
    reason: str
    response: str
    door: str
    version: int
    at: datetime
    by_policy: bool
    groups: frozenset[str] = frozenset()  # it was given for; `still`: those of them whoever gave it is of now
    still: frozenset[str] = frozenset()
    stage: int = 1
    instead_of: str = ""
    grant: int = 0  # the standing approval that spoke for them


@dataclass(frozen=True)
class Version:
    """One version of the arguments: why it exists, and whose edit it was."""

    version: int
    why: str
    digest: str
    args: Any
    level: str
    score: int
    edited_by: str
    at: datetime


def votes(action_id: Any, *, delegates: Collection[str] = ()) -> list[Vote]:
    """Every decision on every version of an action, in order. `delegates`: of whose people one may stand in for others."""
    rows = with_groups_now(Decision.objects.filter(action=action_id)).select_related("instead_of").order_by("pk")
    return [
        Vote(
            d.by_name, d.verdict, d.reason, d.response, d.door, d.version, d.created_at, d.by_id is None, frozenset(d.groups),
            still(d.groups, own=d.own_now, lent=d.lent_now, delegates=delegates), d.stage, d.instead_of.get_username() if d.instead_of else "", d.grant_id or 0,
        )
        for d in rows
    ]  # fmt: skip


def version_row(requirement: Requirement) -> Version:
    data = canonical.parse(bytes(requirement.envelope))
    by = requirement.edited_by.get_username() if requirement.edited_by else ""
    return Version(
        requirement.version,
        requirement.why,
        requirement.digest,
        data["args"],
        requirement.level,
        requirement.score,
        by,
        requirement.created_at,
    )
