"""What T1 looks at before it opens an action, in one statement, and what policy makes of it. Writes nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from approvals import switched
from approvals.deciders import BY_PEOPLE
from approvals.legible.findings import unreadable
from approvals.operations import kept, policies, repeating, under_switch
from approvals.operations.proposals import Proposal
from approvals.operations.repeating import Earlier
from approvals.policy.risk import Assessment, Factor, Facts, assess, no_less
from approvals.policy.rules import Policy

NOVELTY_WINDOW = timedelta(days=30)

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
