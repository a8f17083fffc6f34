"""One version of an action is frozen: its envelope, its digest, and what stands beside them. Nothing is saved here; callers do, in their transaction."""

from collections.abc import Collection, Sequence
from typing import Any

from approvals import envelopes
from approvals.envelopes import Content
from approvals.models import Action, Requirement, User
from approvals.operations import staging
from approvals.policy.risk import Assessment
from audit import canonical


def write_requirement(
    action: Action,
    content: Content,
    *,
    rationale: str,
    evidence: Sequence[Any],
    why: str = "proposed",
    edited_by: User | None = None,
) -> Requirement:
    """Freeze one version of an action: envelope, digest and factors; the action's columns follow (unsaved)."""
    judged = content.judged
    raw = envelopes.build(action, content)
    envelope = envelopes.Envelope(canonical.parse(raw))
    action.customer = judged.facts.customer
    action.digest, action.level, action.score = envelopes.digest_of(raw), str(judged.assessment.level), judged.assessment.score
    action.expires_at = envelope.expires_at
    staging.lay_out(action, envelope)
    return Requirement(
        action=action,
        version=action.version,
        envelope=raw,
        digest=action.digest,
        policy=judged.policy.version,
        level=action.level,
        score=action.score,
        factors=envelope.data["risk"]["reasons"],
        preview=content.preview,
        rationale=rationale,
        evidence=list(evidence),
        edited_by=edited_by,
        why=why,
    )


def people_excluded(assessment: Assessment, requested_by: User | None, owner: User | None, editors: Collection[str] = ()) -> list[str]:
    """The persons who can never count for what is asked."""
    named = {"requester": requested_by, "owner": owner}
    wanted = assessment.requirement.exclude
    found = {who.person for name in wanted if (who := named.get(name)) is not None and who.kind == User.Kind.HUMAN}
    return sorted(found.union(editors) if "editor" in wanted else found)
