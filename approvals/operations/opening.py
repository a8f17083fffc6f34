"""T1: an agent's proposal becomes an Action with its frozen Requirement; what policy passes is decided at once."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from approvals import envelopes, ladder, switched
from approvals.deciders import BY_PEOPLE
from approvals.envelopes import Until
from approvals.legible.findings import unreadable
from approvals.models import Action, Requirement, User
from approvals.operations import events, kept, opinions, policies, repeating, staging, under_switch
from approvals.operations.notices import tell_action
from approvals.operations.repeating import Earlier
from approvals.operations.resolving import conclude, record_policy_decision
from approvals.operations.using import decided_by_grant
from approvals.policy.basics import said_of
from approvals.policy.risk import Assessment, Factor, Facts, assess, no_less
from approvals.policy.rules import Policy
from approvals.states import ActionState, Verdict
from audit import canonical, log, rows
from audit.actors import SYSTEM, Actor
from audit.log import Entry

NOVELTY_WINDOW = timedelta(days=30)


@dataclass(frozen=True)
class Accepted:
    """A tool as people with power over policy last accepted it, where it has been declared otherwise since; `why` says how."""

    tool_class: str
    reversible: bool
    figures: Mapping[str, int]
    why: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """What an agent wants done, after the tool's own schema validated and normalised the arguments.

    Attributes:
        thread, checkpoint_ns, interrupt_id, index: where it was asked; the same place again is the same Action.
        kind: "tool", or "question" (then nothing is executed and `args` holds what is asked).
        tool, tool_schema_sha256, tool_class, reversible: the tool as its author declared it; `declared_sha256` is of all of that.
        accepted: what was accepted of it, when that is something else: whichever asks for more counts.
        summary: one line made by the author's template from the arguments.
        names: values of the arguments by which the tool's author would have its target named, the best first (see `ladder.confirm_of`).
        proposal_digest: what the asker compares the answer with.
        figures: numbers for the policy (rows, amount_cents ...); `preview` is what people are shown.
        confidence: how sure the agent says it is, 0 to 1; it only ever adds to the score.
        at_least: a level the agent asks for, "" when it does not; it only ever raises.
        rationale, evidence: the agent's own words and what it had read; shown fenced off.
        untrusted_text: argument paths that repeat text from outside.
        requested_by, owner: the person who started the run, and the person who owns the agent.
        editors: persons who put values of their own into what the agent works from: as good as having edited its arguments.
        asked_for: the run's input, where the policy may find the customer when the arguments name none.
        follows: the action this one asks again, where the asker knows.
        agent_takes: the agent makes the call itself, and can be told this of it (approve, edit, reject, respond).
        answer_schema: JSON Schema that an answer to the question has to fit.
        agent_version: the code that asks, as `covering.version_name` writes it; "" where nobody knows.
    """

    agent: str
    thread: str
    interrupt_id: str
    tool: str
    args: Any
    summary: str
    proposal_digest: str
    by: Actor = SYSTEM
    run: str = ""
    checkpoint_ns: str = ""
    index: int = 0
    kind: str = "tool"
    tool_schema_sha256: str = ""
    tool_class: str = "unknown"
    reversible: bool = False
    environment: str = "production"
    preview: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    rationale: str = ""
    evidence: Sequence[dict[str, Any]] = ()
    untrusted_text: tuple[str, ...] = ()
    estimated_cost: float | None = None
    confidence: float | None = None
    at_least: str = ""
    deadline_s: int | None = None
    requested_by: User | None = None
    owner: User | None = None
    editors: Collection[str] = ()
    note: str = ""
    asked_for: Mapping[str, Any] = field(default_factory=dict)
    follows: UUID | None = None
    names: Sequence[str] = ()
    agent_takes: tuple[str, ...] = ()
    answer_schema: Mapping[str, Any] | None = None
    agent_version: str = ""
    declared_sha256: str = ""
    accepted: Accepted | None = None


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
    action = Action(
        id=drill or uuid.uuid4(),
        tenant=settings.TENANT,
        kind=proposal.kind,
        agent=proposal.agent,
        run=proposal.run,
        thread=proposal.thread,
        checkpoint_ns=proposal.checkpoint_ns,
        interrupt_id=proposal.interrupt_id,
        index=proposal.index,
        tool=proposal.tool,
        summary=proposal.summary,
        environment=proposal.environment,
        agent_version=proposal.agent_version,
        state=ActionState.PENDING,
        version=1,
        proposal_digest=proposal.proposal_digest,
        requested_by=proposal.requested_by,
        owner=proposal.owner,
        created_at=now,
        call_sha256=call,
        drill=drill is not None,
        follows=proposal.follows or was.rejected,
    )
    requirement = write_requirement(
        action,
        args=proposal.args,
        tool_schema_sha256=proposal.tool_schema_sha256,
        declared_sha256=proposal.declared_sha256,
        facts=facts,
        assessment=assessment,
        policy=policy,
        preview=proposal.preview,
        excluded=people_excluded(assessment, proposal.requested_by, proposal.owner, proposal.editors),
        editors=proposal.editors,
        rationale=proposal.rationale,
        evidence=proposal.evidence,
        now=now,
        deadline_s=proposal.deadline_s,
        asked_for_sha256=canonical.fingerprint(dict(proposal.asked_for)) if proposal.run else "",
        names=proposal.names,
        answer_schema=proposal.answer_schema,
    )
    action.turn = turn or action.turn
    rows.insert(action)
    rows.insert(requirement)
    return action, requirement


# The clock, whether this very place was asked before, how often people approved this tool of this agent lately (not the policy, not a
# grant, no test; index `action_by_people`; counting stops where the policy stops caring), the policy in force, which grants may stand, what the run proposed before: one statement in every T1.
_LOOK = f"""
SELECT clock_timestamp(),
    (SELECT id FROM approvals_action WHERE thread = %(thread)s AND checkpoint_ns = %(checkpoint_ns)s
        AND interrupt_id = %(interrupt_id)s AND index = %(index)s),
    (SELECT count(*) FROM (SELECT 1 FROM approvals_action WHERE %(novelty)s AND agent = %(agent)s AND tool = %(tool)s AND state = 'APPROVED'
        AND {BY_PEOPLE} AND resolved_at >= statement_timestamp() - make_interval(secs => %(window)s) LIMIT 100) AS lately),
    {policies.IN_FORCE},
    ARRAY(SELECT id FROM approvals_grant WHERE %(novelty)s AND agent = %(agent)s AND tool = %(tool)s AND revoked_at IS NULL
        AND until > clock_timestamp() AND uses < max_uses ORDER BY until LIMIT 20),
    {repeating.EARLIER},
    {switched.strictest_sql("%(agent)s", "%(tool)s")}
"""  # noqa: S608  a statement of ours


def look(proposal: Proposal, call: str) -> tuple[datetime, UUID | None, int, list[str] | None, list[int], Earlier, under_switch.Met | None]:
    place = {k: getattr(proposal, k) for k in ("thread", "checkpoint_ns", "interrupt_id", "index", "agent", "tool", "run")}
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, {**place, "window": NOVELTY_WINDOW.total_seconds(), "novelty": not _runs_nothing(proposal), "call": call})
        now, existing, approvals_before, in_force, standing, earlier, switch = cursor.fetchone()
    return now, existing, approvals_before, in_force, standing, repeating.earlier(earlier), under_switch.read(switch)


def _runs_nothing(proposal: Proposal) -> bool:
    """Reading and asking change nothing: how new they are does not matter."""
    classes = {proposal.tool_class, *([proposal.accepted.tool_class] if proposal.accepted else [])}
    return classes == {"read"} or proposal.kind == "question"


def assessed(proposal: Proposal, policy: Policy, facts: Facts) -> tuple[Facts, Assessment]:
    """What policy makes of a call; of a tool that is declared otherwise than it was accepted, of both, and nothing less than either."""
    now = assess(policy.data, facts)
    if not (was := proposal.accepted):
        return facts, now
    before = replace(facts, tool_class=was.tool_class, reversible=was.reversible, figures=dict(was.figures))
    then = assess(policy.data, before)
    (weighty, counts), (_, other) = sorted([(facts, now), (before, then)], key=lambda c: (c[1].level.rank, c[1].score), reverse=True)
    both = no_less(policy.data, counts, level=other.level, asked=other.requirement)
    why = Factor("at_least", 0, kept.AS_ACCEPTED(what="; ".join(was.why)))
    return weighty, replace(both, denied=both.denied or other.denied, factors=(*both.factors, why))


def customer_of(policy: Policy, args: Any, asked_for: Mapping[str, Any], *, otherwise: str = "") -> str:
    """Whom a call is for: the first field the policy names that the arguments have, or else the run's input; otherwise the tenant."""
    for found in (args, asked_for):
        for name in policy.data.customer if isinstance(found, Mapping) else ():
            if isinstance(value := found.get(name), str | int) and value != "":
                return str(value)[:200]
    return otherwise or str(settings.TENANT)


def facts_of(proposal: Proposal, policy: Policy, approvals_before: int, was: Earlier) -> Facts:
    return Facts(
        tool=proposal.tool,
        tool_class=proposal.tool_class,
        reversible=proposal.reversible,
        figures=proposal.figures,
        environment=proposal.environment,
        approvals_before=approvals_before,
        untrusted_text=proposal.untrusted_text,
        hidden_characters=() if proposal.kind == "question" else unreadable(proposal.args),
        estimated_cost=proposal.estimated_cost,
        question=proposal.kind == "question",
        agent=proposal.agent,
        customer=customer_of(policy, proposal.args, proposal.asked_for),
        args=proposal.args,
        agent_takes=proposal.agent_takes,
        confidence=proposal.confidence,
        at_least=proposal.at_least,
        run_calls=was.calls,
        run_failures=was.failures,
    )
