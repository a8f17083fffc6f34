"""Hearing what changed, so that every copy in Slack follows: the hints that each change writes anyway, in its own transaction, for open pages.

A hint's number is given out before it commits, so a smaller one may be seen after a larger one, of the same action or of anything else: no number
says what was heard. Each hint is marked when it is (`sent_at`), in the transaction that makes its cards wait, and is heard once by all workers together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

_LOCK = 4_711_010
OVERLAP = 5_000  # so many numbers back what was not heard yet is looked for: it may have committed since
_LAST = "SELECT COALESCE(max(id), 0) FROM approvals_notification"
# What nobody has heard of where none ever was: of a workspace that was just connected, cards are owed in another way (`slack_owing.catch_up`).
_BEGIN = f"SELECT COALESCE(max(id), ({_LAST})) FROM approvals_notification WHERE channel = 'live' AND sent_at IS NOT NULL"  # noqa: S608  ours
_FOLLOW = """
WITH fresh AS (
    SELECT id, object, object_id, kind FROM approvals_notification WHERE id > %(since)s AND channel = 'live' AND sent_at IS NULL
    AND (topic = 'inbox' AND object = 'action' OR object = 'halt' OR topic = 'policies' AND kind = 'policy.published')
), heard AS (
    UPDATE approvals_notification n SET sent_at = clock_timestamp() FROM fresh WHERE n.id = fresh.id
), news AS (  -- a card is made after its action was opened, and drawn from what that wrote
    SELECT object_id::uuid AS action FROM fresh WHERE object = 'action' AND kind <> 'action.opened'
    -- an order, its release or another policy may be about any that waits (receipts follow with the sweep); what is drawn the same is not sent
    UNION SELECT c.action_id FROM approvals_slackmessage c JOIN approvals_action a ON a.id = c.action_id AND a.state = 'PENDING'
    WHERE c.kind = 'card' AND EXISTS (SELECT 1 FROM fresh WHERE object <> 'action')
), edits AS (  -- what an edit changed stands under its card for good, decided or not: it shows no more than the policy in force lets it
    UPDATE approvals_slackmessage m SET told = told + 1, due_at = LEAST(m.due_at, clock_timestamp()),
        attempts = CASE WHEN m.state = 'SENDING' THEN m.attempts ELSE 0 END,
        state = CASE WHEN m.state IN ('SENDING', 'WAITING') THEN m.state ELSE 'WAITING' END
    WHERE m.kind = 'reply' AND (m.key LIKE 'reply:version:%%' OR m.key LIKE 'reply:refused:%%') AND m.ts <> ''
    AND EXISTS (SELECT 1 FROM fresh WHERE kind = 'policy.published')
), cards AS (
    UPDATE approvals_slackmessage m SET told = told + 1, due_at = LEAST(m.due_at, clock_timestamp()),
        attempts = CASE WHEN m.state = 'SENDING' THEN m.attempts ELSE 0 END,
        state = CASE WHEN m.state IN ('SENDING', 'WAITING') THEN m.state ELSE 'WAITING' END
    FROM news n WHERE m.action_id = n.action AND m.kind = 'card' AND m.state <> 'SKIPPED'
)
SELECT object_id, bool_or(kind IN ('action.reserved', 'action.passed_on')) FROM fresh WHERE object = 'action' GROUP BY object_id
"""


@dataclass(frozen=True)
class News:
    """What was heard now, for the first time.

    Attributes:
        last: the newest hint there is, to go on from.
        actions: those of which something was told.
        taken_on: those of them that somebody took on, or that were passed on.
    """

    last: int
    actions: Sequence[UUID] = ()
    taken_on: Sequence[UUID] = ()


def begin() -> int:
    """Where a process that has just started goes on: with what was told since anybody heard something."""
    return _number(_BEGIN)


@transaction.atomic
def follow(since: int) -> News:
    """Make every card wait whose action changed, or may have been halted or released. What follows from the news is owed in the same transaction.

    Args:
        since: the `last` of the time before.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return News(since)  # another worker is at it
    last = _number(_LAST)
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOW, {"since": max(0, since - OVERLAP)})
        found = [(UUID(action), taken_on) for action, taken_on in cursor.fetchall()]
    return News(last, [action for action, _ in found], [action for action, taken_on in found if taken_on])


def _number(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found: int = cursor.fetchone()[0]
    return found
