"""What was said of an action so far: decisions of people and policies, and the versions they were about. Reads only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals import envelopes
from approvals.envelopes import Envelope
from approvals.errors import Tampered
from approvals.models import Action, Decision, Requirement
from approvals.resolution import Vote as Ballot
from approvals.resolution import counting
from approvals.standing_in import ballot, with_groups_now
from approvals.states import ActionState
from audit import canonical


@dataclass(frozen=True)
class Vote:
    """One decision, as the page lists it.

    Attributes:
        counts: whether it counts now; None when that is over, of the last version of an action that has ended.
        ballot: what it is counted as.
        grant: the standing approval that spoke for them.
    """

    by: str
    verdict: str
    reason: str
    response: str
    door: str
    version: int
    at: datetime
    by_policy: bool
    counts: bool | None
    ballot: Ballot
    instead_of: str = ""
    grant: int = 0


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


def votes(action: Action, envelope: Envelope | None) -> list[Vote]:
    """Every decision on every version of an action, in order. `envelope`: of its current version; None where it cannot be read."""
    found = list(with_groups_now(Decision.objects.filter(action=action)).select_related("instead_of").order_by("pk"))
    waits = envelope if action.state == ActionState.PENDING else None  # what it has ended with does not change any more
    ballots = [ballot(d, waits) for d in found]
    now = [vote for d, vote in zip(found, ballots, strict=True) if d.version == action.version]
    if waits:
        now = counting(waits.needs, now, escalated=waits.escalated(action.passed))
    counted = set(map(id, now))
    return [
        Vote(
            d.by_name, d.verdict, d.reason, d.response, d.door, d.version, d.created_at, vote.by_policy,
            id(vote) in counted if waits or d.version != action.version else None, vote,
            d.instead_of.get_username() if d.instead_of else "", d.grant_id or 0,
        )
        for d, vote in zip(found, ballots, strict=True)
    ]  # fmt: skip


def votes_of(action: Action) -> list[Vote]:
    """The same, for whoever has not read the envelope."""
    current = Requirement.objects.filter(action=action, version=action.version).first()
    try:
        return votes(action, envelopes.parse(current) if current else None)
    except Tampered:
        return votes(action, None)


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
