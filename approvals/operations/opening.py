"""T1: an agent's proposal becomes an Action with its frozen Requirement; what policy passes is decided at once."""

import uuid
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from approvals import envelopes, ladder
from approvals.envelopes import Call, Content, Judged
from approvals.models import Action, Requirement
from approvals.operations import events, kept, opinions, policies, repeating, under_switch
from approvals.operations.assessing import assessed, facts_of, look
from approvals.operations.freezing import people_excluded, write_requirement
from approvals.operations.notices import tell_action
from approvals.operations.proposals import Proposal
from approvals.operations.repeating import Earlier
from approvals.operations.resolving import conclude, record_policy_decision
from approvals.operations.using import decided_by_grant
from approvals.policy.basics import said_of
from approvals.policy.risk import Assessment, Facts
from approvals.policy.rules import Policy
from approvals.states import ActionState, Verdict
from audit import canonical, log, rows
from audit.log import Entry


def open_action(proposal: Proposal, *, door: str = "worker") -> Action:
    """Create the Action of a proposal, or return the one that this very place already has.

    Writes Action, Requirement, events and notifications; when policy asks nobody, its Decision too. Joins the caller's
    transaction without a savepoint: the one error it may be caught with comes before anything is written.

    Raises:
        NotCanonical: the arguments have no canonical form (see `audit.canonical`).
    """
    if not connection.in_atomic_block:
        with transaction.atomic():
            return open_action(proposal, door=door)
    call = repeating.call_sha256(proposal.tool, proposal.args) if proposal.run else ""
    now, existing, approvals_before, in_force, standing, was, switch = look(proposal, call)
    if existing:
        return Action.objects.get(pk=existing)
    policy = policies.known(in_force)
    facts, assessment = assessed(proposal, policy, facts_of(proposal, policy, approvals_before, was))
    assessment = under_switch.stricter(policy.data, assessment, switch if proposal.kind == "tool" else None)
    waits = proposal.kind == "tool" and opinions.waits_for(policy.data, assessment)
    action, requirement = create(proposal, policy, facts, assessment, now, call, was, turn=opinions.WAITS_TURN if waits else "")
    opened = opened_entry(action, requirement, proposal, door=door)
    repeated = repeating.answered(action, requirement, [opened], was, most=policy.data.loop_after, reads=facts.tool_class == "read")
    if repeated:
        return action
    if waits:
        log.append(opened)
        opinions.want(action, policy.data, now=now, waits=True)
        tell_action(action, "action.waits")
    elif not decided_by_policy(action, requirement, opened) and not decided_by_grant(
        action, requirement, opened, () if switch else standing
    ):
        log.append(opened)
        if opinions.asked_for(policy.data, assessment):
            opinions.want(action, policy.data, now=now)
        tell_action(action, "action.opened")
    return action


def opened_entry(action: Action, requirement: Requirement, proposal: Proposal, *, door: str) -> Entry:
    """What the log says of an action that was asked for the first time."""
    return events.entry(
        action,
        "action.opened",
        by=proposal.by,
        door=door,
        requirement=requirement,
        summary=action.summary,
        level=action.level,
        score=action.score,
        factors=requirement.factors,
        note=proposal.note,
        args=proposal.args,
        why=requirement.why,
    )


def decided_by_policy(action: Action, requirement: Requirement, before: Entry) -> bool:
    """Let policy decide what it denies or asks nobody about, as a recorded Decision; False when people are asked."""
    envelope = envelopes.parse(requirement)
    if envelope.denied:
        decision = record_policy_decision(action, requirement, Verdict.REJECT, kept.REFUSED(why=envelope.denied))
    elif not envelope.needs:
        decision = record_policy_decision(action, requirement, Verdict.APPROVE, kept.PASSES(level=said_of(action.level)))
    else:
        return False
    conclude(action, requirement, decision, before=[before])
    return True


_AS_PROPOSED = (
    "kind", "agent", "run", "thread", "checkpoint_ns", "interrupt_id", "index", "tool", "summary", "environment", "agent_version", "proposal_digest",
    "requested_by", "owner",
)  # fmt: skip


def _action(proposal: Proposal, drill: UUID | None) -> Action:
    named = {name: getattr(proposal, name) for name in _AS_PROPOSED}
    return Action(id=drill or uuid.uuid4(), tenant=settings.TENANT, state=ActionState.PENDING, version=1, drill=drill is not None, **named)


def _call(proposal: Proposal) -> Call:
    asked_for = canonical.fingerprint(dict(proposal.asked_for)) if proposal.run else ""
    return Call(proposal.args, proposal.tool_schema_sha256, proposal.declared_sha256, proposal.deadline_s, asked_for)


def create(
    proposal: Proposal,
    policy: Policy,
    facts: Facts,
    assessment: Assessment,
    now: datetime,
    call: str,
    was: Earlier,
    *,
    turn: str = "",
    drill: UUID | None = None,
) -> tuple[Action, Requirement]:
    """Insert the action and its first requirement.

    Args:
        turn: whose turn lists say it is, where that is not what the requirement says. drill: the id of a test action, which no agent asked for.
    """
    action = _action(proposal, drill)
    action.created_at, action.call_sha256, action.follows = now, call, proposal.follows or was.rejected
    excluded = people_excluded(assessment, proposal.requested_by, proposal.owner, proposal.editors)
    content = Content(
        _call(proposal),
        Judged(facts, assessment, policy, excluded),
        proposal.preview,
        now,
        confirm=ladder.confirm_of(proposal.names, action.tool),
        editors=proposal.editors,
        answer_schema=proposal.answer_schema,
    )
    requirement = write_requirement(action, content, rationale=proposal.rationale, evidence=proposal.evidence)
    action.turn = turn or action.turn
    rows.insert(action)
    rows.insert(requirement)
    return action, requirement
