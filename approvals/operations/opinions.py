"""A second model's opinion: wanted with the action (T1), taken by a worker, which asks outside of any transaction. `opining` lets it count.

Nothing waits for it but what the policy would pass and wants an opinion about first; that is stored, shown and bounded in time. Without the
setting OPINION_MODEL none of this is reached, and T1 has no statement more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from approvals.models import Action, Opinion
from approvals.operations import waking
from approvals.policy.basics import Level
from approvals.policy.risk import Assessment
from approvals.policy.rules import PolicyData
from approvals.states import OpinionState
from audit import rows

MOST_ATTEMPTS = 2
PATIENCE = 4  # an opinion nobody waits for may come this many time-outs late: then it is of no use any more
WAITS_TURN = "|"  # whose turn it is while policy waits: nobody's, so that it is in no reviewer's inbox

# One batch at a time in all: a slow model must not take every worker. What is no longer open is not asked about.
_TAKE = """
UPDATE approvals_opinion AS o SET attempts = o.attempts + 1, taken_until = statement_timestamp() + make_interval(secs => %(lease)s)
FROM (SELECT w.id FROM approvals_opinion AS w JOIN approvals_action AS a ON a.id = w.action_id
      WHERE w.state = 'WANTED' AND w.until > statement_timestamp() AND (w.taken_until IS NULL OR w.taken_until <= statement_timestamp())
        AND w.attempts < %(most)s AND a.version = w.version AND (a.state = 'PENDING' OR a.state = 'APPROVED' AND a.claimed_at IS NULL)
        AND NOT EXISTS (SELECT 1 FROM approvals_opinion AS t WHERE t.state = 'WANTED' AND t.taken_until > statement_timestamp())
      ORDER BY w.waits DESC, w.id LIMIT %(limit)s FOR UPDATE OF w SKIP LOCKED) AS mine
WHERE o.id = mine.id
RETURNING o.id, o.action_id, o.version, o.attempts, o.waits, extract(epoch FROM o.until - statement_timestamp())::float
"""


@dataclass(frozen=True)
class TakenOpinion:
    """A question in a worker's hand; `attempt` proves later that it is still its own."""

    id: int
    action_id: Any
    version: int
    attempt: int
    waits: bool
    seconds: float


def asked_for(policy: PolicyData, assessment: Assessment) -> bool:
    """Whether a model is to be asked about such a call: the installation has one, and the policy asks for it at this level."""
    return bool(settings.OPINION_MODEL) and not assessment.denied and assessment.level in policy.opinion.ask_for


def waits_for(policy: PolicyData, assessment: Assessment) -> bool:
    """Whether policy, which would pass it, waits for an opinion first."""
    return not assessment.requirement.need and asked_for(policy, assessment)


def want(action: Action, policy: PolicyData, *, now: datetime, waits: bool = False) -> None:
    """Write the question, in the transaction that asks people (or would pass it), and wake a worker when that commits."""
    if action.kind != Action.Kind.TOOL or (action.level == Level.CRITICAL and not waits):
        return  # nothing could be raised any more
    wait_s = policy.opinion.wait_s if waits else PATIENCE * settings.OPINION_TIMEOUT_S
    until = now + timedelta(seconds=wait_s)
    rows.insert(Opinion(action=action, version=action.version, model=settings.OPINION_MODEL, waits=waits, until=until))
    waking.soon(waking.OPINIONS)


@transaction.atomic
def take(*, limit: int) -> list[TakenOpinion]:
    """The next questions, for one worker at a time; none while another is asking."""
    with connection.cursor() as cursor:
        lease = settings.OPINION_TIMEOUT_S + 10
        cursor.execute(_TAKE, {"lease": lease, "most": MOST_ATTEMPTS, "limit": limit})
        return [TakenOpinion(*row) for row in cursor.fetchall()]


def over(opinion: Opinion) -> bool:
    """Whether it has been given, or given up, already."""
    return opinion.state != OpinionState.WANTED
