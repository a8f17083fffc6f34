"""A standing approval stands for the people who gave it: in T1, in the transaction that opens the action.

Nothing is let through that its givers could not approve together right now: their votes are counted by the same `resolve` as
anybody's, and the claim looks at them again (a giver locked since, a grant revoked since: the action goes back to the people).
"""

import secrets
from collections.abc import Sequence

from django.db import connection

from approvals import envelopes
from approvals.covering import stopped_since_sql
from approvals.envelopes import Envelope
from approvals.models import Action, Decision, Grant, Requirement, User
from approvals.operations import events, halts, kept
from approvals.operations.notices import Hint, tell
from approvals.operations.resolving import conclude
from approvals.policy.granting import Call, not_covered
from approvals.queries import grants
from approvals.queries.grants import Giver
from approvals.resolution import resolve
from approvals.states import Verdict
from audit import actors
from audit.log import Entry

# Every bound and whatever may end a grant is in the one statement that counts the use. Of two workers at once the second waits
# for the row, looks again at what the first left, and takes nothing when that was the last.
_COUNT = f"""
UPDATE approvals_grant AS g SET uses = g.uses + 1, total = g.total + %(amount)s, last_used_at = clock_timestamp()
WHERE g.id = %(id)s AND g.revoked_at IS NULL AND g.until > clock_timestamp() AND g.uses < g.max_uses
  AND (g.max_each IS NULL OR %(amount)s <= g.max_each) AND (g.max_total IS NULL OR g.total + %(amount)s <= g.max_total)
  AND NOT {stopped_since_sql("g.agent", "%(run)s", moment="g.created_at", tool="g.tool", customer="%(customer)s", versions="%(version)s")}
RETURNING g.uses, g.total
"""  # noqa: S608  names of ours only


# Several calls of one step are opened in one transaction, each by its own grant: whoever may count on more than one takes them all in
# the one order there is, or two such transactions would wait for each other.
_IN_ORDER = """
SELECT id FROM approvals_grant WHERE agent = %s AND revoked_at IS NULL AND until > clock_timestamp() ORDER BY id FOR NO KEY UPDATE
"""


def decided_by_grant(action: Action, requirement: Requirement, before: Entry, candidates: Sequence[int]) -> bool:
    """Let a grant approve an action that asks people, as recorded Decisions; False when people have to look themselves.

    Args:
        candidates: grants of this agent and tool that were in force a moment ago (`opening` finds them with what it reads anyway).
    """
    if not candidates:
        return False
    envelope = envelopes.parse(requirement)
    if envelope.denied or not envelope.needs or "approve" not in envelope.verdicts_of(requirement.why) or not halts.not_changing():
        return False
    call = grants.call_of(action, envelope)
    # Whoever asked for it never approves it, at no level: that is what "somebody else looked" means when nobody looks.
    silent = envelope.excluded | ({action.requested_by.person} if action.requested_by else set())
    with connection.cursor() as cursor:
        cursor.execute(_IN_ORDER, [action.agent])
    for grant, givers in grants.standing(candidates):
        speaking = [g for g in givers if g.person not in silent and g.groups]
        enough = resolve(envelope.needs, grants.votes_of(speaking)) is Verdict.APPROVE
        if not enough or not_covered(grants.terms_of(grant), call) or (counted := _count(grant, action, call)) is None:
            continue
        _approve(action, requirement, before, grant, speaking, envelope, counted)
        return True
    return False


def _count(grant: Grant, action: Action, call: Call) -> tuple[int, int] | None:
    """Take one use: the counters after it, or None when the grant had no more to give."""
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            {
                "id": grant.pk,
                "amount": call.amount(grant.figure),
                "run": action.run,
                "customer": action.customer,
                "version": action.agent_version,
            },
        )
        counted: tuple[int, int] | None = cursor.fetchone()
    return counted


def _approve(
    action: Action,
    requirement: Requirement,
    before: Entry,
    grant: Grant,
    givers: Sequence[Giver],
    envelope: Envelope,
    counted: tuple[int, int],
) -> None:
    decisions = [_decision(action, grant, giver) for giver in _needed(givers, envelope)]
    used = events.entry(
        action,
        "grant.used",
        by=actors.grant(grant.pk, decisions[-1].by_name),
        door="grant",
        requirement=requirement,
        grant=grant.pk,
        uses=counted[0],
        of=grant.max_uses,
        **({"total": counted[1], "of_total": grant.max_total, "figure": grant.figure} if grant.figure else {}),
    )
    earlier = [_recorded(action, requirement, d) for d in decisions[:-1]]
    conclude(action, requirement, decisions[-1], before=[before, used, *earlier])
    tell(Hint("grants", "grant", str(grant.pk), "grant.used", counted[0]))


def _needed(givers: Sequence[Giver], envelope: Envelope) -> list[Giver]:
    """As many of the givers as it takes, in the order in which they gave it."""
    for count in range(1, len(givers) + 1):
        if resolve(envelope.needs, grants.votes_of(givers[:count])) is Verdict.APPROVE:
            return list(givers[:count])
    return list(givers)


def _decision(action: Action, grant: Grant, giver: Giver) -> Decision:
    return Decision.objects.create(
        action=action,
        version=action.version,
        digest=action.digest,
        verdict=Verdict.APPROVE,
        by=User(pk=giver.user_id),
        by_name=kept.GRANT(id=grant.pk, who=giver.name),
        person=giver.person,
        groups=sorted(giver.groups),
        reason=grant.reason,
        door="grant",
        nonce=secrets.token_hex(16),
        grant=grant,
    )


def _recorded(action: Action, requirement: Requirement, decision: Decision) -> Entry:
    return events.entry(
        action,
        "decision.recorded",
        by=actors.grant(decision.grant_id or 0, decision.by_name),
        door=decision.door,
        requirement=requirement,
        verdict=decision.verdict,
        reason=decision.reason,
        response="",
        nonce=decision.nonce,
        grant=decision.grant_id,
    )
