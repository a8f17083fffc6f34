"""An answer that was kept, and certainly not given, when an order or a switch came: its claims are taken back, and T3 is asked once more.

Leave given before a halt does not survive it (reliability.md 7.5). What was claimed becomes what it was before, an approval nobody has used;
the claim then refuses it as long as the order stands, and sends it back to the people when that was released. Locks: actions, effects, run.
"""

from collections.abc import Sequence
from datetime import UTC
from uuid import UUID

from django.db import connection, transaction

from agents import kept
from agents.errors import LostLease
from agents.models import Effect, Handover, Pause, Run
from agents.operations import events, spending, versions
from agents.operations.found import hold_mine
from agents.states import EffectState, HandoverState, PauseState
from approvals import operations as approvals
from approvals import queries as approvals_queries
from approvals.operations import halts
from audit import log
from audit.sentences import say

# Of an effect `e` of run `r`: stopped now, or since it was handed back.
STOPPED = approvals_queries.action_halted_sql("e.action_id", version=versions.OF_RUN, since="e.claimed_at")
_STOPPED = f"""
SELECT EXISTS (SELECT 1 FROM agents_effect e JOIN agents_run r ON r.id = e.run_id
    WHERE e.action_id = ANY(%s::uuid[]) AND e.state = 'CLAIMED' AND e.by_agent AND e.begun_at IS NULL AND e.told_at IS NULL AND {STOPPED})
"""  # noqa: S608  names of ours only


def stopped(actions: Sequence[str]) -> bool:
    """Whether one of these calls was handed back and not begun, and an order or a switch stops it now, or an order was given since."""
    with connection.cursor() as cursor:
        cursor.execute(_STOPPED, [list(actions)])
        found: bool = cursor.fetchone()[0]
    return found


@transaction.atomic
def take_back(run: Run, pause: Pause) -> bool:
    """Undo the claims of an answer that nobody was given. False: a call of it has begun, or may have. Raises LostLease.

    The caller knows that the question's node has not taken the answer.
    """
    halts.hold_off()  # before any row: whoever lifts an order holds its lock while it takes theirs
    approvals.lock([UUID(action) for action in pause.actions])
    effects = list(Effect.objects.select_for_update().filter(pk__in=pause.actions, by_agent=True).order_by("pk"))
    claimed = [effect for effect in effects if effect.state == EffectState.CLAIMED]
    sent = Handover.objects.filter(pause=pause).exclude(state__in=[HandoverState.REFUSED, HandoverState.ANEW])
    if not claimed or any(effect.begun_at or effect.told_at for effect in effects) or sent.exists():
        return False
    for effect in claimed:
        Effect.objects.filter(pk=effect.pk, state=EffectState.CLAIMED, begun_at=None, told_at=None).update(
            state=EffectState.READY, claimed_at=None, micros=0
        )
        approvals.unclaim(effect.pk, digest=effect.digest, why=kept.OVERTAKEN(), version=versions.version_of(run))
    hold_mine(run)
    for effect in claimed:
        if effect.claimed_at:
            spending.give_back(run.pk, effect.micros, effect.claimed_at.astimezone(UTC).date())
    if not Pause.objects.filter(pk=pause.pk, state=PauseState.OPEN, answer__isnull=False).update(answer=None):
        raise LostLease(say("Another worker took this run over"))
    pause.answer = None
    said = {"node": pause.node, "interrupt": pause.interrupt_id, "actions": pause.actions}
    log.append(events.entry(run, "pause.taken_back", why=kept.OVERTAKEN(), **said))
    return True
