"""T3 and T4 of a call that a governed agent makes itself: claimed in one statement as it begins, recorded as it ends (`agents.graphs.loops`).

The approval was claimed when it was handed back (`handing`); here the call itself is. Everything runs in the one thread of `graphs.desk`, a
transaction per step, and looks at the run's fence: a worker that has lost its run begins nothing and records nothing.

Locks are taken in one order everywhere: action, effect, run.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction
from django.db.models.functions import Now

from agents import kept
from agents.crashpoints import crash
from agents.dialects import calls
from agents.dialects.record import Made
from agents.graphs.desk import AGAIN, GO, HALTED, MADE, UNKNOWN, Begun
from agents.graphs.guard import Stopped
from agents.models import Effect, Pause, Piece, Run
from agents.operations import events, settling, spending, versions
from agents.operations.found import hold
from agents.operations.patience import reach, surely
from agents.states import MAX_ATTEMPTS, EffectState, PauseState, RunState
from approvals import operations as approvals
from approvals import queries as approvals_queries
from approvals.operations import halts, notices
from approvals.operations.entering import may_enter
from audit import canonical, log
from audit.actors import SYSTEM

logger = structlog.get_logger("agents.calling")
P = ParamSpec("P")
R = TypeVar("R")

_GRANTED = """EXISTS (SELECT 1 FROM agents_agentversion AS v, jsonb_array_elements(v.tools) AS t
    WHERE v.id = r.version_id AND t->>'name' = {tool} AND coalesce(t->>'granted', 'true') = 'true')"""
# Everything that must be true of a call is in the statement that begins it: handed back and never begun (or declared repeatable), by the
# worker that has the run, granted, exactly what was approved, and no stop order now or since it was handed back.
_BEGIN = f"""
UPDATE agents_effect AS e SET begun_at = statement_timestamp(), call_id = %(call)s, attempts = e.attempts + 1, idempotent = %(idempotent)s
FROM agents_run AS r JOIN agents_agent AS a ON a.slug = r.agent_id
WHERE e.action_id = %(action)s AND e.run_id = r.id AND e.state = 'CLAIMED' AND e.by_agent
  AND (e.begun_at IS NULL OR %(idempotent)s AND e.idempotent AND e.attempts < {MAX_ATTEMPTS})
  AND r.id = %(run)s AND r.state = 'RUNNING' AND r.fence = %(fence)s AND a.enabled AND e.tool = %(tool)s
  AND {_GRANTED.format(tool="e.tool")}
  AND EXISTS (SELECT 1 FROM agents_pause AS p
    WHERE p.run_id = r.id AND p.actions ? e.action_id::text AND p.answer->'value'->>'runs' = %(runs)s)
  AND NOT {approvals_queries.action_halted_sql("e.action_id", version=versions.OF_RUN, since="e.claimed_at")}
  AND NOT {spending.beyond_sql("0")}
RETURNING e.attempts, (SELECT o.begun_at IS NULL FROM agents_effect AS o WHERE o.action_id = e.action_id), r.agent_id, e.digest
"""  # noqa: S608  names of ours only
_MAY = f"SELECT a.enabled, {_GRANTED.format(tool='%(tool)s')} FROM agents_run AS r JOIN agents_agent AS a ON a.slug = r.agent_id WHERE r.id = %(run)s"  # noqa: S608
_SINCE = f"""SELECT {approvals_queries.action_halted_sql("e.action_id", version=versions.OF_RUN, since="e.claimed_at")}
FROM agents_effect AS e JOIN agents_run AS r ON r.id = e.run_id WHERE e.action_id = %s"""  # noqa: S608
_PIECE = """
INSERT INTO agents_piece (run_id, key, begun_at) SELECT r.id, %(key)s, statement_timestamp() FROM agents_run AS r
WHERE r.id = %(run)s AND r.state = 'RUNNING' AND r.fence = %(fence)s ON CONFLICT (run_id, key) DO NOTHING
"""


def _by_itself(step: Callable[P, R], *, until_written: bool = False) -> Callable[P, R]:
    """One transaction, on a connection that works. A database that is gone is a call that is not begun, or not told of: never a made-up answer."""

    @wraps(step)
    def done(*args: P.args, **kwargs: P.kwargs) -> R:
        once = partial(_in_one_transaction, step, *args, **kwargs)
        try:
            return surely(once) if until_written else once()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("ledger_not_reached", error=str(error))
            connection.close()
            raise Stopped(kept.NO_LEAVE()) from error

    return done


def _in_one_transaction(step: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    close_old_connections()
    reach()
    with transaction.atomic(), notices.together(), log.together():
        return step(*args, **kwargs)


_for_sure = partial(_by_itself, until_written=True)  # what was done, and nobody could find out again


@dataclass(frozen=True)
class Ledger:
    """The desk of one stretch (`agents.graphs.desk.Desk`)."""

    run: UUID
    fence: int

    @_by_itself
    def refusal(self, tool: str) -> str:
        """Capabilities default to deny: the agent is on, and the version of it that this run goes on with was granted the tool."""
        run = self._mine()
        with connection.cursor() as cursor:
            cursor.execute(_MAY, {"run": self.run, "tool": tool})
            enabled, granted = cursor.fetchone()
        if enabled and granted:
            return ""
        hold(self.run)
        log.append(events.entry(run, "run.not_granted", tool=str(canonical.storable(tool, limit=200)), agent_on=enabled))
        return kept.NOT_GRANTED(tool=tool) if enabled else kept.AGENT_OFF(agent=run.agent_id)

    @_by_itself
    def waits(self, tool: str, call_id: str) -> bool:
        asked = Pause.objects.filter(run=self.run, dialect=calls.NAME, state=PauseState.OPEN)
        return bool(call_id) and asked.filter(raw__tool=tool, raw__tool_call_id=call_id).exists()

    @_by_itself
    def not_asked(self, tool: str, args: Any, why: str) -> None:
        """On record, so that it can be found why nobody saw it."""
        data = canonical.storable({"tool": tool, "args": args}, limit=500)
        hold(self.run)
        log.append(events.entry(self._mine(), "run.not_asked", why=why[:500], **data))

    def begin(self, action: str, call_id: str, tool: str, *, runs: str, idempotent: bool) -> Begun:
        """Claim the call; else say why not, and write down what that means."""
        sure_at = time.monotonic()
        begun, first = self._begin(action, call_id, tool, runs=runs, idempotent=idempotent)
        if begun.kind == GO and not may_enter(sure_at, lambda: self._halted(action)):
            if first:  # else an earlier worker began it, which must not be forgotten
                self.not_begun(action)
            return Begun(HALTED, why=kept.HALTED_BEFORE())
        return begun

    @_by_itself
    def _halted(self, action: str) -> bool:
        return bool(approvals_queries.halted_actions([action]))

    @_by_itself
    def _begin(self, action: str, call_id: str, tool: str, *, runs: str, idempotent: bool) -> tuple[Begun, bool]:
        """Beside it: whether nobody had begun it before."""
        halts.hold_off()
        approvals.lock([UUID(action)])
        asked: dict[str, Any] = {
            "action": action,
            "call": call_id,
            "tool": tool,
            "runs": runs,
            "idempotent": idempotent,
            "run": self.run,
            "fence": self.fence,
        }
        with connection.cursor() as cursor:
            cursor.execute(_BEGIN, asked)
            begun = cursor.fetchone()
        if begun is None:
            return self._why_not(action, tool), False
        attempt, first, agent, digest = begun
        said = {"tool": tool, "by_agent": True, "attempt": attempt, "idempotency_key": action, "call": call_id}
        log.append(events.effect(action, agent, str(self.run), digest, "effect.claimed", SYSTEM, "worker", **said))
        transaction.on_commit(lambda: crash("t3_done"))
        return Begun(GO), first

    def _why_not(self, action: str, tool: str) -> Begun:
        effect = Effect.objects.select_for_update().filter(pk=action, run=self.run, by_agent=True).first()
        run = self._mine()
        if effect is None or effect.state == EffectState.READY:
            raise Stopped(kept.NOT_APPROVED(tool=tool))
        if effect.state == EffectState.UNKNOWN:
            return Begun(UNKNOWN)
        if effect.state != EffectState.CLAIMED:
            return self._made(effect)
        if effect.begun_at is not None:  # its worker died in the middle, and it may not be repeated
            log.append(settling.settle(run, effect, Made("unknown", error=kept.NOBODY_KNOWS())))
            events.tell_run(run, "run.unknown")
            return Begun(UNKNOWN)
        if versions.halted(run):
            return Begun(HALTED, why=kept.HALTED_BEFORE())
        if spending.beyond(run.pk, 0):  # its stretch ends here, and leaves it paused
            return Begun(HALTED, why=kept.BUDGET_SPENT())
        return self._void(run, effect, tool)

    def _void(self, run: Run, effect: Effect, tool: str) -> Begun:
        """Approved, handed back, and yet it must not run: settled as never called. People are asked again where that can help."""
        with connection.cursor() as cursor:
            cursor.execute(_MAY, {"run": self.run, "tool": tool})
            enabled, granted = cursor.fetchone()
            cursor.execute(_SINCE, [effect.pk])
            halted_since = bool(cursor.fetchone()[0])
        if not (enabled and granted):
            made = Made("failed", error=kept.NOT_GRANTED(tool=tool) if enabled else kept.AGENT_OFF(agent=run.agent_id))
            log.append(settling.settle(run, effect, made))
            return Begun(MADE, made)
        why = kept.HALTED_SINCE() if halted_since else kept.OTHER_THAN_APPROVED(tool=tool)
        log.append(settling.settle(run, effect, Made("failed", error=why)))
        return Begun(AGAIN, why=why)

    def _made(self, effect: Effect) -> Begun:
        """What came of it, from its settled fact: the tool is not called again."""
        if effect.begun_at is None and effect.error in (kept.HALTED_SINCE(), kept.OTHER_THAN_APPROVED(tool=effect.tool)):
            return Begun(AGAIN, why=effect.error)
        fact = approvals_queries.settled([str(effect.pk)])[str(effect.pk)].outcome
        if fact.get("status") == "done":
            return Begun(MADE, Made("done", fact.get("result")))
        return Begun(MADE, Made("failed", error=str(fact.get("reason") or fact.get("status"))))

    @_by_itself
    def not_begun(self, action: str) -> None:
        Effect.objects.filter(pk=action, run=self.run, state=EffectState.CLAIMED, by_agent=True).update(begun_at=None)

    def record(self, action: str, made: Made) -> None:
        """T4, before the graph sees the result: from here on it is given again, whatever becomes of this worker."""
        crash("effect_done")
        self._record(action, made)
        crash("t4_done")

    @_for_sure
    def _record(self, action: str, made: Made) -> None:
        approvals.lock([UUID(action)])
        effect = Effect.objects.select_for_update().get(pk=action, run=self.run)
        run = Run.objects.get(pk=self.run)
        if effect.state != EffectState.CLAIMED:  # the run was ended, or taken over, meanwhile: that it is unknown has been said
            raise Stopped(kept.TAKEN_OVER())
        log.append(settling.settle(run, effect, made))
        if made.status == "unknown":
            events.tell_run(run, "run.unknown")

    @_by_itself
    def piece(self, key: str) -> tuple[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute(_PIECE, {"key": key, "run": self.run, "fence": self.fence})
            if cursor.rowcount == 1:
                hold(self.run)
                log.append(events.entry(self._mine(), "run.piece_begun", key=_shown(key)))
                return GO, None
        run = self._mine()
        found = Piece.objects.get(run=run, key=key)
        return (UNKNOWN, None) if found.done_at is None else (MADE, (found.result or {}).get("value"))

    @_for_sure
    def piece_done(self, key: str, result: Any) -> None:
        if Piece.objects.filter(run=self.run, key=key, done_at=None).update(done_at=Now(), result={"value": canonical.storable(result)}):
            hold(self.run)
            log.append(events.entry(Run.objects.get(pk=self.run), "run.piece_done", key=_shown(key)))

    @_for_sure
    def piece_undone(self, key: str) -> None:
        if Piece.objects.filter(run=self.run, key=key, done_at=None).delete()[0]:
            hold(self.run)
            log.append(events.entry(Run.objects.get(pk=self.run), "run.piece_undone", key=_shown(key)))

    def _mine(self) -> Run:
        """The run, while this worker has it."""
        run = Run.objects.filter(pk=self.run, fence=self.fence, state=RunState.RUNNING).first()
        if run is None:
            raise Stopped(kept.TAKEN_OVER())
        return run


def _shown(key: str) -> str:
    return str(canonical.storable(key, limit=200))
