"""T3 and T4: the one way by which anything is really done. Claim, run the tool once, record what came of it."""

import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from agents import kept, prices
from agents.crashpoints import crash
from agents.errors import AgentError, LostLease, OverBudget, UnknownEffect, WrongState
from agents.graphs.inside import path_of
from agents.graphs.loader import load_agent
from agents.models import CompensationOrder, Effect, Pause, Run
from agents.operations import alone, budget_holds, driving, events, handing, hearing, joined, spending, timing
from agents.operations.fingerprints import takes_the_same
from agents.operations.leases import Held, holding
from agents.operations.patience import surely
from agents.operations.preparing import context
from agents.operations.receiving import end_waiting, ready_if_settled
from agents.operations.unknown import give_up
from agents.operations.versions import version_of
from agents.states import MAX_ATTEMPTS, EffectState, PauseState, RunState
from agents.tools import runner
from agents.tools.registry import Tool, ToolContext
from agents.tools.runner import Ran
from approvals import operations as approvals
from approvals import queries as approvals_queries
from approvals.errors import Conflict, Expired, Halted, NotFound, Tampered
from approvals.operations import notices
from approvals.operations.claiming import Claim, Reopened, report_tampering
from approvals.operations.entering import may_enter
from audit import canonical, log, rows, traces
from audit.actors import SYSTEM
from audit.log import Entry
from audit.sentences import say
from audit.traces import SpanRecord

logger = structlog.get_logger("agents.executing")

_EFFECT = f"""
SELECT e.*, {joined.columns("r", "run", joined.RUN)}, {joined.columns("a", "agent", joined.AGENT)}, (SELECT jsonb_agg(jsonb_build_array(
    p.asked_by->>'graph', p.place ? 'ns')) FROM agents_pause p WHERE p.run_id = e.run_id AND p.state = 'OPEN') AS asked
FROM agents_effect AS e JOIN agents_run AS r ON r.id = e.run_id JOIN agents_agent AS a ON a.slug = r.agent_id
WHERE e.action_id = %s
"""  # noqa: S608  names of ours only
# Taken only while the run is not cancelled (its canceller may have died before closing what it asked), and nothing of it is being reversed.
_TAKEN = f"""
UPDATE agents_effect AS e SET state = 'CLAIMED', fence = e.fence + 1, attempts = e.attempts + 1, claimed_at = statement_timestamp(),
    lease_until = statement_timestamp() + make_interval(secs => %(lease)s), idempotent = %(idempotent)s,
    micros = %(micros)s
FROM agents_run AS r
WHERE e.action_id = %(id)s AND e.fence = %(fence)s AND e.digest = %(digest)s AND r.id = e.run_id AND r.state <> 'CANCELLED'
    AND NOT EXISTS (SELECT 1 FROM agents_compensationorder AS c WHERE c.run_id = r.id)
    AND NOT (r.limit_s > 0 AND r.driven_ms >= r.limit_s * 1000)
    AND NOT {spending.beyond_sql("%(more)s")}
"""  # noqa: S608  names of ours only
_ENDED = """
UPDATE agents_effect SET state = %(state)s, result = %(result)s::jsonb, result_sha256 = %(sha256)s, error = %(error)s,
    finished_at = statement_timestamp(), lease_until = NULL
WHERE action_id = %(id)s AND state = 'CLAIMED' AND fence = %(fence)s
"""
_UNCALLED = frozenset({"halted", "no_process", "arguments_changed"})  # codes of a call that was never made
_TAKEN_OVER = "Another worker took this effect over"
_TAKE = _TAKEN + "AND e.state = 'READY'"
_TAKE_AGAIN = _TAKEN + "AND e.state = 'CLAIMED' AND e.idempotent AND e.lease_until <= statement_timestamp()"


@dataclass(frozen=True)
class Taken:
    """A claimed effect in this process's hand."""

    claim: Claim
    run: Run
    tool: Tool
    fence: int
    attempt: int
    sure_at: float  # monotonic, from before the claim's commit: there was no stop order
    go_on: bool = False


@dataclass(frozen=True)
class Recorded:
    """What T4 wrote; `run` when it was taken in the same transaction, to be driven by this worker."""

    state: EffectState
    run: Run | None = None


def execute(action_id: UUID, *, again: bool = False, go_on: bool = False) -> EffectState | None:
    """Run an approved action, at most once. None: there was nothing to do here (any more, or yet).

    Args:
        again: take over a call of a tool declared idempotent whose worker died; the key stays the same.
        go_on: take the run in the transaction that settles its last question, and drive it: one commit and one wake less.
    """
    with structlog.contextvars.bound_contextvars(action=str(action_id)):
        taken = _take(action_id, again=again)
        if taken is None:
            return None
        crash("t3_done")
        held = Held("effect", action_id, taken.fence, taken.run.agent_id)
        with structlog.contextvars.bound_contextvars(run=str(taken.run.pk), trace=taken.run.trace), holding(held):
            began = datetime.now(UTC)
            ran = _call(taken, context(taken.run, action_id=str(action_id)))
            crash("effect_done")
            _log_call(taken, ran, began)
            try:
                short = (
                    datetime.now(UTC) - began
                ).total_seconds() < timing.CHAIN * settings.TASK_LIMIT_S  # else the run has too little of this task
                recorded = surely(partial(_record, replace(taken, go_on=go_on and short), ran, began))
            except LostLease:
                logger.warning("lease_lost", fence=taken.fence)
                return None
        crash("t4_done")
    if recorded.run:
        driving.advance(recorded.run, as_asked=True)
    return recorded.state


def _call(taken: Taken, ctx: ToolContext) -> Ran:
    ran = _made(taken, ctx)
    if taken.attempt > 1 and ran.status == "failed" and ran.code in _UNCALLED:
        return Ran(
            "unknown", {}, kept.NOT_REPEATED(why=ran.error), ran.code
        )  # this time nothing was called, but the first call may have been done
    return ran


def _made(taken: Taken, ctx: ToolContext) -> Ran:
    if not may_enter(taken.sure_at, lambda: bool(approvals_queries.halted_actions([taken.claim.action_id]))):
        return Ran("failed", {}, kept.STOPPED_BEFORE(), "halted")
    if not taken.tool.own_process:
        return runner.run(taken.tool, taken.claim.args, ctx)
    return alone.call(taken.tool, taken.claim.args, ctx, code=taken.run.agent.code)


def _take(action_id: UUID, *, again: bool) -> Taken | None:
    """T3. Every refusal is either 'not here, not now' (None) or a failure that is recorded as such."""
    effect = _effect(action_id)
    if effect is None or effect.state != (EffectState.CLAIMED if again else EffectState.READY):
        return None
    run = effect.run
    if effect.by_agent:  # it is handed back when its question is answered, not run here
        handing.offer(action_id)
        return None
    try:
        tool = _capable(run, effect.tool)
        if not again:
            _check_still_asked(effect, run)
        with transaction.atomic():
            return _claim(effect, run, tool, again=again)
    except OverBudget as error:
        budget_holds.pause(run.pk, needs=error.details["micros"])  # the action stays approved until the budget is raised, or it expires
    except (Halted, Expired):
        return None  # frozen until the release; or the sweeper ends it
    except Tampered as error:
        report_tampering(action_id, seen=error.message)
        _refuse(effect, "tampered", error.message, again=again)
    except _Lost as error:
        _refuse(effect, error.code, error.message, again=again)
        with transaction.atomic():
            end_waiting(run.pk)
    except AgentError as error:
        _refuse(effect, error.code, error.message, again=again)
    except (Conflict, NotFound):
        return None  # somebody was faster
    return None


def _effect(action_id: UUID) -> Effect | None:
    """The effect with its run and its agent."""
    effect = rows.first(Effect, _EFFECT, [action_id])
    if effect is not None:
        effect.run = joined.run_of(effect)
    return effect


def _claim(effect: Effect, run: Run, tool: Tool, *, again: bool) -> Taken | None:
    try:
        claim = approvals.claim(effect.pk, digest=effect.digest, again=again, version=version_of(run))
    except Reopened:
        return None  # its new version is written in this transaction, which commits
    _check_handed(claim, effect, run)
    if not takes_the_same(run.agent_id, tool, claim.tool_schema_sha256):
        raise WrongState(say("%(name)s takes other arguments than when this was approved; let the agent ask again", name=tool.name))
    cost = prices.cost_micros(claim.estimated_cost)
    more = 0 if again else cost  # the same call again was counted when it was claimed first
    mine: dict[str, Any] = {
        "micros": cost,
        "more": more,
        "id": effect.pk,
        "fence": effect.fence,
        "digest": claim.digest,
        "idempotent": tool.idempotent,
        "lease": settings.LEASE_S,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_AGAIN if again else _TAKE, mine)
        if cursor.rowcount != 1:
            raise spending.over_budget(more) if spending.beyond(run.pk, more) else _why_not(run)
    spending.charge(run.pk, more)
    attempt, sure_at = effect.attempts + 1, time.monotonic()
    log.append(_entry(claim, "effect.claimed", attempt=attempt, fence=effect.fence + 1, idempotency_key=str(effect.pk)))
    crash("t3_open")
    return Taken(claim, run, tool, effect.fence + 1, attempt, sure_at)


def _check_handed(claim: Claim, effect: Effect, run: Run) -> None:
    """What the tool is handed beside its arguments is what was approved: which tool, for which run, started with what, where."""
    asked_for = canonical.fingerprint(run.input if isinstance(run.input, dict) else {})
    if (claim.tool, claim.run) != (effect.tool, str(effect.run_id)) or claim.asked_for_sha256 not in {"", asked_for}:
        raise Tampered(say("The run or its tool is not the one that was approved: somebody changed the database. Nothing will run"))
    if run.agent.environment != claim.environment:
        raise WrongState(
            say(
                "This was approved for %(environment)s, and the agent acts in %(now)s now; let it ask again",
                environment=claim.environment,
                now=run.agent.environment,
            )
        )


class _Lost(WrongState):
    """A question of the run is gone: it can only end."""


def _check_still_asked(effect: Any, run: Run) -> None:
    """Nothing is done for a run that lost a question: no result would reach its graph, and who asks anew would have it done twice. Looked at only where
    the graph that this process has loaded is of another form than the one that asked, or something was asked in a graph inside, of whose form nothing is kept."""
    loaded = load_agent(*run.agent.code)
    asked = json.loads(effect.asked or "[]")
    if all(graph == loaded.fingerprint and not inside for graph, inside in asked):
        return
    for pause in Pause.objects.filter(run=run, state=PauseState.OPEN):
        if hearing.gone(loaded, pause):
            raise _Lost(kept.ASKED_NOWHERE(where=" / ".join(path_of(pause.place)) or pause.node))


def _why_not(run: Run) -> AgentError | Conflict:
    if Run.objects.filter(pk=run.pk, state=RunState.CANCELLED).exists():
        return WrongState(say("The run was cancelled before this was executed"))
    if CompensationOrder.objects.filter(run=run.pk).exists():
        return WrongState(say("What this run did is being reversed: nothing more of it begins"))
    if Run.objects.filter(pk=run.pk, limit_s__gt=0, driven_ms__gte=F("limit_s") * 1000).exists():
        return WrongState(say("The run's time was up before this was executed: its graph would never hear of it"))
    return Conflict(say("Another worker has claimed this"))


def _capable(run: Run, name: str) -> Tool:
    """Capabilities default to deny: the agent is on, and its version in force lists the tool."""
    if not run.agent.enabled:
        raise WrongState(say("The agent %(agent)s is switched off", agent=run.agent_id))
    tool = load_agent(*run.agent.code).tools.get(name)
    if tool is None:
        raise UnknownEffect(say("The agent %(agent)s has no tool %(name)s any more", agent=run.agent_id, name=name))
    return tool


@transaction.atomic
@notices.together()
@log.together()
def _record(taken: Taken, ran: Ran, began: datetime) -> Recorded:
    """T4: outcome, span and events, and the run goes on when this was its last open question."""
    if ran.status == "unknown" and taken.tool.idempotent and taken.attempt < MAX_ATTEMPTS:
        # The same key may safely be sent again: back off, the sweeper takes it up (row R25).
        approvals.lock([taken.claim.action_id])
        pause = Now() + timedelta(seconds=2**taken.attempt)
        held = Effect.objects.filter(pk=taken.claim.action_id, state=EffectState.CLAIMED, fence=taken.fence)
        if not held.update(lease_until=pause, error=ran.error[:2_000]):
            raise LostLease(_TAKEN_OVER)
        log.append(_entry(taken.claim, "effect.retried", error=ran.error[:2_000], attempt=taken.attempt))
        return Recorded(EffectState.CLAIMED)
    state = {"done": EffectState.DONE, "failed": EffectState.FAILED, "unknown": EffectState.UNKNOWN}[ran.status]
    result = ran.result if ran.status == "done" else None
    if state is not EffectState.UNKNOWN:
        # The action first, then the effect, then the run: locks are taken in one order everywhere.
        approvals.settle(taken.claim.action_id, _outcome(taken.claim, ran))
    else:
        approvals.lock([taken.claim.action_id])
    ended: dict[str, Any] = {"state": str(state), "result": None if result is None else json.dumps(result), "error": ran.error[:2_000]}
    with connection.cursor() as cursor:
        sha256 = _hash(result) if result is not None else ""
        ended |= {"sha256": sha256, "id": taken.claim.action_id, "fence": taken.fence}
        cursor.execute(_ENDED, ended)
        if cursor.rowcount != 1:
            raise LostLease(_TAKEN_OVER)
    crash("t4_open")
    log.append(_entry(taken.claim, f"effect.{state.lower()}", result=result, error=ran.error[:2_000], code=ran.code))
    traces.record([_span(taken, ran, began)])
    if state is EffectState.UNKNOWN:
        events.tell_run(taken.run, "run.unknown")
        return Recorded(state)
    ready = ready_if_settled(taken.run.pk, wake=not taken.go_on)
    return Recorded(state, driving.take(taken.run.pk) if ready and taken.go_on else None)


@transaction.atomic
def _refuse(effect: Effect, code: str, reason: str, *, again: bool = False) -> None:
    """Nothing was called, and nothing will be: the effect FAILED before it began, and the agent is told why."""
    if again:  # it cannot be repeated any more, and the first call may have been done: a person has to look
        give_up(effect.pk)
        return
    approvals.settle(effect.pk, {"status": "failed", "reason": reason, "code": code, "result": None})
    changed = Effect.objects.filter(pk=effect.pk, state=EffectState.READY).update(
        state=EffectState.FAILED, error=reason[:2_000], finished_at=Now()
    )
    if not changed:
        transaction.set_rollback(True)  # another worker has claimed it meanwhile, or it was taken back: its outcome is not ours to say
        return
    run = Run.objects.get(pk=effect.run_id)
    data = {"tool": effect.tool, "code": code, "error": reason, "called": False}
    log.append(events.effect(str(effect.pk), run.agent_id, str(run.pk), effect.digest, "effect.failed", SYSTEM, "worker", **data))
    ready_if_settled(run.pk)


def _outcome(claim: Claim, ran: Ran) -> dict[str, Any]:
    outcome = {"status": ran.status, "result": ran.result if ran.status == "done" else None, "reason": ran.error, "args": claim.args}
    return {**outcome, "code": ran.code} if ran.code else outcome


def _hash(result: Any) -> str:
    try:
        return canonical.fingerprint(result)
    except canonical.NotCanonical:
        return ""


def _entry(claim: Claim, kind: str, **data: Any) -> Entry:
    return events.effect(str(claim.action_id), claim.agent, claim.run, claim.digest, kind, SYSTEM, "worker", tool=claim.tool, **data)


def _span(taken: Taken, ran: Ran, began: datetime) -> SpanRecord:
    return SpanRecord(
        run=str(taken.run.pk),
        kind="tool",
        name=taken.tool.name,
        key=f"tool:{taken.claim.action_id}:{taken.fence}",
        started_at=began,
        ended_at=datetime.now(UTC),
        trace=taken.run.trace,
        status="done" if ran.status == "done" else "failed",
        input=taken.claim.args,
        output=ran.result,
        error=ran.error,
        attributes={"action": str(taken.claim.action_id), "attempt": taken.attempt},
    )


def _log_call(taken: Taken, ran: Ran, began: datetime) -> None:
    """The executor's record (R9), written before the agent sees the result."""
    result = str(ran.result or ran.error)
    logger.info(
        taken.tool.name.upper(),
        component="TOOL_EXECUTOR",
        args_used=taken.claim.args,
        status=ran.status,
        tool_raw_result_snippet=result if len(result) <= 150 else result[:150] + "...",
        duration_ms=round((datetime.now(UTC) - began).total_seconds() * 1000, 1),
    )
