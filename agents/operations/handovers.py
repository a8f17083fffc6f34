"""Steps of an answer on its way to an Agent Server. Each is one guarded statement with its event, committed before or after a request.

SENDING is written before anything is sent, only by whoever has the run, and only while no order or switch stops the
run or a call in the answer. What came back decides: TAKEN (a run there carries it), REFUSED (it was certainly not taken: sent again later),
or nothing, and then the server is asked which it was. LOST is what even the server cannot say; such an answer is never sent again. ANEW:
the server still asks, somebody had people asked once more, and their next answer is another one, under a mark of its own.
"""

from typing import Any

from django.db import connection, transaction

from agents import kept
from agents.errors import LostLease, WrongState
from agents.models import Handover, Pause, Run
from agents.operations import events, overtaken, versions
from agents.operations.found import hold
from agents.states import HandoverState
from approvals import queries as approvals_queries
from approvals.operations.halts import HOLD_OFF
from audit import log
from audit.sentences import say

GRACE_S = 20  # a request that got no answer may arrive for so long

# What stops an answer: an order for its run, and one or a switch for a call it carries; of orders also those given since it was claimed.
_STOPPED = f"""({approvals_queries.halted_sql("r.agent_id", "r.id::text", version=versions.OF_RUN)} OR EXISTS (
    SELECT 1 FROM agents_effect e WHERE p.actions ? e.action_id::text AND e.state = 'CLAIMED' AND e.by_agent AND {overtaken.STOPPED}))"""  # noqa: S608
_IS_STOPPED = f"SELECT {_STOPPED} FROM agents_pause p JOIN agents_run r ON r.id = p.run_id WHERE p.id = %s"  # noqa: S608
_BEGIN = f"""
INSERT INTO agents_handover (pause_id, state, there, why, sent_at)
SELECT p.id, 'SENDING', '', '', statement_timestamp() FROM agents_pause p JOIN agents_run r ON r.id = p.run_id
WHERE p.id = %(pause)s AND p.state = 'OPEN' AND p.answer IS NOT NULL AND r.state = 'RUNNING' AND r.fence = %(fence)s
    AND NOT {_STOPPED}
ON CONFLICT (pause_id) DO UPDATE SET state = 'SENDING', why = '', sent_at = statement_timestamp()
    WHERE agents_handover.state IN ('REFUSED', 'ANEW')
"""  # noqa: S608  names of ours only
_STEP = """
UPDATE agents_handover SET state = %(state)s, there = %(there)s, why = %(why)s WHERE pause_id = %(pause)s AND state = 'SENDING'
"""
_OLD = "SELECT sent_at <= statement_timestamp() - make_interval(secs => %s) FROM agents_handover WHERE pause_id = %s"


def mark(pause: Pause) -> str:
    """What the run there is marked with, by which it is found again."""
    return f"{pause.run_id}:{pause.pk}" + (f":{pause.asked}" if pause.asked > 1 else "")


@transaction.atomic
def begin(run: Run, pause: Pause) -> None:
    """From here on, this answer may have been given. Raises LostLease; WrongState when a halt came first, or it was sent before."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD_OFF)  # a halt that was ordered first is seen; one ordered later waits for us
        hold(run.pk)
        cursor.execute(_BEGIN, {"pause": pause.pk, "fence": run.fence})
        if cursor.rowcount != 1:
            if not Run.objects.filter(pk=run.pk, fence=run.fence, state="RUNNING").exists():
                raise LostLease(say("Another worker took this run over"))
            raise WrongState(say("The answer is not sent: an order or a switch came before it, or it was sent before"))
    log.append(_entry(run, pause, "answer.sending"))


def stopped(pause: Pause) -> bool:
    """Whether an order or a switch keeps this answer from being given."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_STOPPED, [pause.pk])
        row = cursor.fetchone()
    return bool(row and row[0])


def taken(run: Run, pause: Pause, there: str) -> None:
    """A run there carries it."""
    _step(run, pause, HandoverState.TAKEN, there=there)


def refused(run: Run, pause: Pause, why: str) -> None:
    """It was certainly not taken."""
    _step(run, pause, HandoverState.REFUSED, why=why)


def lost(run: Run, pause: Pause) -> None:
    """The server does not know it, and it may have been carried out all the same."""
    _step(run, pause, HandoverState.LOST, why=kept.ANSWER_LOST())


def anew(run: Run, pause: Pause) -> None:
    """People are asked once more, in the caller's transaction; nothing is under way (`putting`)."""
    over = Handover.objects.filter(pause=pause).exclude(state__in=[HandoverState.SENDING, HandoverState.ANEW])
    if over.update(state=HandoverState.ANEW, there="", why=""):
        log.append(_entry(run, pause, "answer.anew"))


def is_old(pause: Pause) -> bool:
    """Whether a request that got no answer cannot arrive any more."""
    with connection.cursor() as cursor:
        cursor.execute(_OLD, [GRACE_S, pause.pk])
        row = cursor.fetchone()
    return bool(row and row[0])


@transaction.atomic
def _step(run: Run, pause: Pause, state: HandoverState, *, there: str = "", why: str = "") -> None:
    hold(run.pk)
    with connection.cursor() as cursor:
        cursor.execute(_STEP, {"state": str(state), "there": there, "why": why[:2_000], "pause": pause.pk})
        if cursor.rowcount != 1:
            raise LostLease(say("Another worker took this run over"))
    log.append(_entry(run, pause, f"answer.{state.lower()}", there=there, why=why[:2_000]))


def _entry(run: Run, pause: Pause, kind: str, **data: Any) -> Any:
    return events.entry(run, kind, node=pause.node, interrupt=pause.interrupt_id, actions=pause.actions, **data)


def of(pauses: list[Pause]) -> dict[int, Handover]:
    """Those of these pauses, by pause."""
    return {h.pause_id: h for h in Handover.objects.filter(pause__in=pauses)}
