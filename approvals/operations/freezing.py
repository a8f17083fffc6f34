"""One version of an action is frozen: its envelope, its digest, and what stands beside them. Nothing is saved here; callers do, in their transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from approvals import envelopes, ladder
from approvals.envelopes import Until
from approvals.models import Action, Requirement, User
from approvals.operations import staging
from approvals.policy.risk import Assessment, Facts
from approvals.policy.rules import Policy
from audit import canonical


def write_requirement(
    action: Action,
    *,
    args: Any,
    tool_schema_sha256: str,
    declared_sha256: str,
    facts: Facts,
    assessment: Assessment,
    policy: Policy,
    excluded: list[str],
    preview: Any,
    rationale: str,
    evidence: Sequence[Any],
    now: datetime,
    deadline_s: int | None = None,
    why: str = "proposed",
    edited_by: User | None = None,
    editor: str = "",
    editors: Collection[str] = (),
    until: Until | None = None,
    asked_for_sha256: str = "",
    names: Sequence[str] = (),
    answer_schema: Any = None,
) -> Requirement:
    """Freeze one version of an action: envelope, digest and factors; the action's columns follow (unsaved).

    Args:
        editors: everybody whose edits led to these arguments. until: the deadline this version keeps, when it is not the first.
    """
    raw = envelopes.build(
        action,
        args=args,
        tool_schema_sha256=tool_schema_sha256,
        declared_sha256=declared_sha256,
        facts=facts,
        assessment=assessment,
        policy=policy,
        excluded=excluded,
        preview=preview,
        now=now,
        asked_deadline_s=deadline_s,
        edited_by=edited_by.person if edited_by else editor,
        editors=editors,
        until=until,
        asked_for_sha256=asked_for_sha256,
        confirm=ladder.confirm_of(names, action.tool),
        answer_schema=answer_schema,
    )
    envelope = envelopes.Envelope(canonical.parse(raw))
    action.customer = facts.customer
    action.digest, action.level, action.score = envelopes.digest_of(raw), str(assessment.level), assessment.score
    action.expires_at = envelope.expires_at
    staging.lay_out(action, envelope)
    return Requirement(
        action=action,
        version=action.version,
        envelope=raw,
        digest=action.digest,
        policy=policy.version,
        level=action.level,
        score=action.score,
        factors=envelope.data["risk"]["reasons"],
        preview=preview,
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
