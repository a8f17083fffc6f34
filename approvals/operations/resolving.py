"""What opening, deciding and closing share: writing a Decision, and letting a resolution take effect."""

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from approvals import envelopes
from approvals.errors import Conflict
from approvals.models import Action, Decision, Requirement
from approvals.operations import events, kept, step_up
from approvals.operations.notices import tell_action
from approvals.operations.verdicts import told
from approvals.signals import Resolved, action_resolved
from approvals.states import STATE_OF_VERDICT, Verdict
from audit import actors, log
from audit.actors import Actor
from audit.log import Entry
from audit.sentences import say

_CONCLUDE = """
UPDATE approvals_action SET state = %(state)s, resolved_at = statement_timestamp(), resolution = %(resolution)s::jsonb,
    claim_by = CASE WHEN %(approved)s THEN statement_timestamp() + make_interval(secs => %(within)s + %(hold)s) ELSE claim_by END,
    hold_until = CASE WHEN %(approved)s AND %(hold)s > 0 THEN statement_timestamp() + make_interval(secs => %(hold)s) END
WHERE id = %(id)s AND state = 'PENDING' AND version = %(version)s AND digest = %(digest)s AND expires_at > statement_timestamp()
RETURNING hold_until
"""


def record_policy_decision(action: Action, requirement: Requirement, verdict: Verdict, reason: str) -> Decision:
    """The policy's own Decision: one path, no bypass."""
    return Decision.objects.create(
        action=action,
        version=action.version,
        digest=action.digest,
        verdict=verdict,
        by=None,
        by_name=kept.POLICY(version=requirement.policy),
        person=f"policy:{requirement.policy}",
        reason=reason,
        door="worker",
        nonce=secrets.token_hex(16),
    )


def conclude(
    action: Action,
    requirement: Requirement,
    decision: Decision,
    *,
    before: Sequence[Entry] = (),
    looked: Mapping[str, int] | None = None,
    by: Actor | None = None,
    recorded: bool = False,
) -> None:
    """Let the verdict of the deciding Decision take effect: state, events, notification, signal.

    The guarded UPDATE looks again, under the caller's row lock, at state, version and the database's clock.

    Args:
        by: who the log names when no person decided; otherwise the policy.
        recorded: whether the log has the Decision already, since others had to decide as well.

    Raises:
        Conflict: the action moved on or its deadline passed between the caller's look and now.
    """
    verdict = Verdict(decision.verdict)
    state = STATE_OF_VERDICT[verdict]
    resolution = {
        "verdict": str(verdict),
        "by": decision.by_name,
        "door": decision.door,
        "reason": decision.reason,
        "response": decision.response,
        "version": action.version,
        **({"details": decision.details} if decision.details else {}),
    }
    envelope = envelopes.parse(requirement)
    with connection.cursor() as cursor:
        cursor.execute(
            _CONCLUDE,
            {
                **{"id": action.pk, "version": action.version, "digest": action.digest, "state": str(state)},
                **{
                    "resolution": json.dumps(resolution),
                    "approved": verdict is Verdict.APPROVE,
                    "within": envelope.execute_within.total_seconds(),
                    "hold": envelope.hold.total_seconds(),
                },
            },
        )
        taken = cursor.fetchone()
        if taken is None:
            raise Conflict(say("This changed or ran out while you were deciding; open it again"))
    action.state, action.resolution, action.hold_until = state, resolution, taken[0]
    by = by or _author(decision, requirement)
    log.append(
        *before,
        *(() if recorded else (recorded_entry(action, requirement, decision, by=by, looked=looked),)),
        resolved_entry(action, requirement, by=by, door=decision.door),
    )
    tell_action(action, f"action.{state.lower()}")
    announce(action, args=envelope.args, by=by, by_agent=bool(envelope.agent_takes))


def _author(decision: Decision, requirement: Requirement) -> Actor:
    """Who the log says decided: a person who looked, a grant that stood for one, or the policy."""
    if decision.grant_id:
        return actors.grant(decision.grant_id, decision.by_name)
    return decision.by.actor if decision.by else actors.policy(requirement.policy)


def recorded_entry(
    action: Action, requirement: Requirement, decision: Decision, *, by: Actor, looked: Mapping[str, int] | None = None
) -> Entry:
    """What the log says of a Decision, whether it settled the question or others have to decide as well."""
    said: dict[str, Any] = {
        "grant": decision.grant_id,
        "details": decision.details,
        "looked": dict(looked or {}),
        "instead_of": decision.instead_of.get_username() if decision.instead_of else "",
    }
    return events.entry(
        action,
        "decision.recorded",
        by=by,
        door=decision.door,
        requirement=requirement,
        verdict=str(decision.verdict),
        reason=decision.reason,
        response=decision.response,
        nonce=decision.nonce,
        **step_up.said(decision.proof),
        **{name: value for name, value in said.items() if value},
    )


def resolved_entry(action: Action, requirement: Requirement | None, *, by: Actor, door: str, **data: Any) -> Entry:
    return events.entry(action, f"action.{action.state.lower()}", by=by, door=door, requirement=requirement, **data)


def announce(action: Action, *, args: Any = None, by: Actor = actors.SYSTEM, by_agent: bool = False) -> None:
    """Tell other rooms, inside the transaction, what an action came to; `args` and `by` when it was decided."""
    action_resolved.send(
        sender=None,
        resolved=Resolved(
            action_id=action.pk,
            run=action.run,
            tool=action.tool,
            state=str(action.state),
            digest=action.digest,
            executes=action.executes,
            outcome={} if action.executes else told(action, args),
            hold_until=action.hold_until,
            door=action.resolution.get("door", "worker"),
            by_agent=by_agent,
            stopped_by=by if (action.resolution.get("details") or {}).get("stop_run") else None,
        ),
    )
