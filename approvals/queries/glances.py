"""The little of an action that a door or a worker looks at without all of its page. Reads only."""

from dataclasses import dataclass
from typing import Any

from django.db.models import F

from approvals import envelopes
from approvals.models import Requirement
from audit import canonical


@dataclass(frozen=True)
class Shown:
    """The little of an action that a door looks at before it passes a decision on."""

    state: str
    level: str
    why: str
    args: Any
    preview: dict[str, Any]
    confirm: str = ""
    tool_schema_sha256: str = ""


def shown(action_id: Any) -> Shown | None:
    """One statement; None when there is no such action or its bytes cannot be read (the operation says which)."""
    found = (
        Requirement.objects.filter(action=action_id, version=F("action__version"))
        .values_list("action__state", "action__level", "why", "envelope", "preview")
        .first()
    )
    if found is None:
        return None
    try:
        envelope = envelopes.Envelope(canonical.parse(bytes(found[3])))
        return Shown(found[0], found[1], found[2], envelope.args, found[4], envelope.confirm, envelope.data["tool"]["schema_sha256"])
    except (canonical.NotCanonical, KeyError, TypeError, AttributeError):
        return None


@dataclass(frozen=True)
class About:
    """What an agent is asked about: its current version, with the agent's own words and what it had read."""

    tool: str
    args: Any
    rationale: str
    evidence: list[dict[str, Any]]


def asked_about(action_id: Any) -> About:
    """Raises Tampered when the stored bytes cannot be read."""
    found = Requirement.objects.select_related("action").get(action=action_id, version=F("action__version"))
    return About(found.action.tool, envelopes.parse(found).args, found.rationale, list(found.evidence))
