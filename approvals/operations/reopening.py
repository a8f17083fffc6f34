"""An unused approval, or a question whose time ran out during a halt, goes back to the people, as a new version with its own digest and deadline."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db.models.functions import Now

from approvals import envelopes, ladder
from approvals.envelopes import Content, Envelope, Judged, Until
from approvals.errors import Tampered
from approvals.models import Action, Requirement
from approvals.operations import events, policies, snoozing, staging
from approvals.operations.clock import database_now
from approvals.operations.freezing import people_excluded, write_requirement
from approvals.operations.notices import tell_action
from approvals.operations.opening import decided_by_policy
from approvals.policy.risk import Assessment, Facts, assess, at_least_medium
from approvals.policy.rules import Policy
from approvals.signals import action_reopened
from approvals.states import ActionState
from audit import log
from audit.actors import Actor

AS_BEFORE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Anew:
    """What is asked instead of what the policy in force makes of the same facts. `word` is why the new version exists."""

    policy: Policy
    facts: Facts
    assessment: Assessment
    word: str = "reopened"


def reopen(
    action: Action, *, why: str, by: Actor, door: str, kind: str = "action.reopened", until: Until | None = None, anew: Anew | None = None,
    known_as: Mapping[str, str] = AS_BEFORE,
) -> bool:  # fmt: skip
    """Void an unused approval (or what waits), under the caller's row lock, and ask again under the policy in force now.

    Args:
        why: the sentence people will read beside the new version. kind: how the log names it.
        until: the deadline it keeps; None gives people the whole time again.
        known_as: ids of persons in the envelope that mean somebody else now (see `one_person`), who is excluded as they are.

    Returns:
        False when it is too late: the executor was faster, and its claim stands.
    """
    before = Requirement.objects.filter(action=action, version=action.version).first()
    if before is None:
        raise Tampered(envelopes.NO_VERSION)
    envelope = envelopes.opened(action, before)
    anew = anew or _under_the_policy_of_today(envelope)
    policy, assessment = anew.policy, anew.assessment
    editors = _also(envelope.editors, known_as)
    excluded = sorted({*people_excluded(assessment, action.requested_by, action.owner, editors), *_also(envelope.excluded, known_as)})
    expected = action.version
    action.version += 1
    content = Content(
        envelope.call,
        Judged(anew.facts, assessment, policy, excluded),
        before.preview,
        database_now(),
        confirm=ladder.confirm_of([envelope.confirm], action.tool),
        edited_by=known_as.get(envelope.edited_by, envelope.edited_by),
        editors=editors,
        until=until,
        answer_schema=envelope.answer_schema,
    )
    requirement = write_requirement(action, content, rationale=before.rationale, evidence=before.evidence, why=anew.word)
    changed = Action.objects.filter(pk=action.pk, state=action.state, version=expected, claimed_at=None, settled_at=None).update(
        state=ActionState.PENDING,
        version=action.version,
        digest=action.digest,
        level=action.level,
        score=action.score,
        expires_at=action.expires_at,
        **{name: getattr(action, name) for name in staging.LAID_OUT},
        resolved_at=None,
        claim_by=None,
        hold_until=None,
        resolution={},
        created_at=Now(),
    )
    if not changed:
        return False  # the executor was faster, before the order: its claim stands
    requirement.save(force_insert=True)
    action.state = ActionState.PENDING
    reopened = events.entry(action, kind, by=by, door=door, requirement=requirement, why=why)
    action_reopened.send(sender=None, action_id=action.pk)
    if not decided_by_policy(action, requirement, reopened):
        log.append(reopened)
        tell_action(action, kind)
        snoozing.end(action, door=door)
    return True


def _under_the_policy_of_today(envelope: Envelope) -> Anew:
    policy = policies.in_force()
    assessment = assess(policy.data, envelope.facts)
    return Anew(policy, envelope.facts, at_least_medium(policy.data, assessment) if envelope.needs else assessment)


def _also(persons: Collection[str], known_as: Mapping[str, str]) -> frozenset[str]:
    return frozenset(persons).union(known_as[person] for person in persons if person in known_as)
