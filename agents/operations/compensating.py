"""Reversing what a run did: one call after the other, the last that was done first, each claimed and recorded like the call itself.

A compensation may be sent again with its key, which its author promises: a worker that dies leaves it to the next. What cannot be
reversed is FAILED, says why and names whom to call; the others are reversed all the same.
"""

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Now

from agents import kept
from agents.crashpoints import crash
from agents.errors import AgentError, LostLease, UnknownEffect
from agents.graphs.loader import load_agent
from agents.models import Compensation, CompensationOrder, Effect, Run
from agents.operations import alone, events
from agents.operations.found import hold
from agents.operations.leases import Held, holding
from agents.operations.owing import DID
from agents.operations.patience import surely
from agents.operations.preparing import context
from agents.operations.receiving import close_open_pauses
from agents.operations.versions import version_of
from agents.states import MAX_ATTEMPTS, CompensationState, EffectState
from agents.tools import runner
from agents.tools.registry import Tool, ToolContext
from agents.tools.runner import Ran
from approvals import operations as approvals
from approvals import queries as approvals_queries
from approvals.errors import ApprovalError
from approvals.operations import claiming, halts
from approvals.operations.entering import may_enter
from audit import log
from audit.actors import SYSTEM
from audit.log import Entry
from audit.sentences import say

logger = structlog.get_logger("agents.compensating")
# Under no stop order now: one given meanwhile waits for this statement's transaction, or is seen by it.
_TAKE = f"""
UPDATE agents_compensation SET state = 'CLAIMED', fence = fence + 1, attempts = attempts + 1, claimed_at = statement_timestamp(),
    lease_until = statement_timestamp() + make_interval(secs => %(lease)s)
WHERE effect_id = %(id)s AND fence = %(fence)s AND state = 'OWED'
  AND NOT {approvals_queries.action_halted_sql("effect_id", version="%(version)s")}
"""  # noqa: S608  names of ours only
_UNSETTLED = [EffectState.READY, EffectState.CLAIMED]


@dataclass(frozen=True)
class Taken:
    """A claimed compensation in this process's hand."""

    run: Run
    effect: Effect
    tool: Tool
    args: Any
    fence: int
    attempt: int
    sure_at: float  # monotonic, from before the claim's commit: there was no stop order


def compensate(run_id: UUID) -> int:
    """Reverse what is to be reversed of a run, as far as it can be now. Returns how many calls were made."""
    made = 0
    with structlog.contextvars.bound_contextvars(run=str(run_id)):
        _end_the_rest(run_id)
        while taken := _take(run_id):
            made += 1
            crash("compensation_claimed")
            held = Held("compensation", taken.effect.pk, taken.fence, taken.run.agent_id)
            with holding(held):
                ran = _call(taken)
            crash("compensated")
            try:
                surely(partial(_record, taken, ran))
            except LostLease:
                logger.warning("lease_lost", fence=taken.fence)
                return made
    return made


def _call(taken: Taken) -> Ran:
    result = taken.effect.result or {}
    if not may_enter(taken.sure_at, lambda: bool(approvals_queries.halted_actions([taken.effect.pk]))):
        return Ran("failed", {}, kept.STOPPED_BEFORE(), "halted")
    if not taken.tool.own_process:
        return runner.compensate(taken.tool, taken.args, result, _context(taken))
    covered = str(taken.effect.pk)
    return alone.call(taken.tool, taken.args, _context(taken), code=taken.run.agent.code, covered=covered, reverse=result)


@transaction.atomic
def _end_the_rest(run_id: UUID) -> None:
    """What a failed run still asks is asked no more: nothing of it would run."""
    if not Compensation.objects.filter(run=run_id).exists():
        halts.nobody_decides()  # a claim that did not see the order commits first: its call is waited for, and reversed as well
    if CompensationOrder.objects.filter(run=run_id, ended_at=None).exists():
        close_open_pauses(run_id, reason=kept.BEING_REVERSED(), by=SYSTEM, door="worker")


@transaction.atomic
def _take(run_id: UUID) -> Taken | None:
    """Claim the next one. None: nothing is to be done here, now, or any more."""
    halts.hold_off()
    # Any of them may get an event below, and actions are locked before what hangs on them.
    approvals.lock(list(Effect.objects.filter(run=run_id, state__in=DID).values_list("pk", flat=True)))
    order = CompensationOrder.objects.select_for_update(skip_locked=True).filter(run=run_id, ended_at=None).first()
    if order is None or Effect.objects.filter(run=run_id, state__in=_UNSETTLED, by_agent=False, claimed_at__isnull=False).exists():
        return None  # a call that has begun ends with its own outcome first
    run = Run.objects.select_related("agent", "version", "agent__owner").get(pk=run_id)
    _spread(run)
    while (one := _next(run)) is not None:
        if one.state == CompensationState.CLAIMED:
            return None  # another worker is at it
        effect = Effect.objects.get(pk=one.pk)
        try:
            tool, args = _tool(run, effect), claiming.approved(effect.pk).args
        except (AgentError, ApprovalError) as error:  # it is not known any more how, or with what: a person has to look
            _failed(run, one, effect, error.message)
            continue
        with connection.cursor() as cursor:
            mine = {"id": one.pk, "fence": one.fence, "lease": settings.LEASE_S, "version": version_of(run)}
            cursor.execute(_TAKE, mine)
            if cursor.rowcount != 1:
                return None  # halted, not yet its turn to be tried again, or somebody was faster
        log.append(_entry(run, effect, "effect.compensating", attempt=one.attempts + 1, idempotency_key=_key(effect)))
        return Taken(run, effect, tool, args, one.fence + 1, one.attempts + 1, time.monotonic())
    if not Compensation.objects.filter(run=run_id, state=CompensationState.OWED).exists():
        _end(run)
    return None


def _spread(run: Run) -> None:
    """One row per call that was done, or may have been, and has none yet: the last first."""
    tools = {tool["name"]: tool for tool in run.version.tools}
    done = Effect.objects.filter(run=run, compensation=None, state__in=[EffectState.DONE, EffectState.UNKNOWN])
    first = Compensation.objects.filter(run=run).aggregate(last=Max("place"))["last"] or 0
    for place, effect in enumerate(done.order_by("-finished_at", "-claimed_at"), start=first + 1):
        tool = tools.get(effect.tool, {})
        if tool.get("risk") == "read":
            continue
        one = Compensation(effect=effect, run=run, place=place, tool=effect.tool, contact=_contact(run, tool))
        why = _why_not(tool, effect)
        if why:
            one.state, one.error = CompensationState.FAILED, why
        one.save(force_insert=True)
        if why:
            Compensation.objects.filter(pk=one.pk).update(finished_at=Now())
            log.append(_entry(run, effect, "effect.not_compensated", error=why, contact=one.contact, called=False))


def _why_not(tool: dict[str, Any], effect: Effect) -> str:
    """Why nothing can be called to reverse it; "" when something can."""
    if effect.by_agent:
        return kept.NOT_OURS()
    if effect.state == EffectState.UNKNOWN:
        return kept.OUTCOME_UNKNOWN()
    return "" if tool.get("compensates") else kept.NO_COMPENSATION(tool=effect.tool)


def _contact(run: Run, tool: dict[str, Any]) -> str:
    owner = run.agent.owner
    return str(tool.get("contact") or (owner.display_name or owner.get_username() if owner else ""))


def _next(run: Run) -> Compensation | None:
    """Whose turn it is: the order is kept, so one that waits to be tried again keeps the later ones waiting."""
    _take_over(run)
    open_ = Compensation.objects.filter(run=run, state__in=[CompensationState.OWED, CompensationState.CLAIMED])
    one = open_.order_by("place").first()
    if one is None or one.state == CompensationState.CLAIMED:
        return one
    if one.attempts >= MAX_ATTEMPTS:
        _failed(run, one, Effect.objects.get(pk=one.pk), kept.GAVE_UP(n=one.attempts, why=one.error or kept.NOBODY_KNOWS()))
        return _next(run)
    return one if open_.filter(pk=one.pk, not_before__lte=Now()).exists() else None


def _take_over(run: Run) -> None:
    """Those whose worker died are owed again: the same key is sent again."""
    left = Compensation.objects.filter(run=run, state=CompensationState.CLAIMED, lease_until__lte=Now())
    for one in left.select_related("effect"):
        if left.filter(pk=one.pk, fence=one.fence).update(state=CompensationState.OWED, lease_until=None):
            log.append(_entry(run, one.effect, "effect.compensation_recovered", attempt=one.attempts))


def _tool(run: Run, effect: Effect) -> Tool:
    tool = load_agent(*run.agent.code).tools.get(effect.tool)
    if tool is None or tool.compensate is None:
        raise UnknownEffect(kept.NO_COMPENSATION(tool=effect.tool))
    return tool


def _context(taken: Taken) -> ToolContext:
    """As for the call, with a key of its own: reversing is another request than the call."""
    return replace(context(taken.run, action_id=str(taken.effect.pk)), idempotency_key=_key(taken.effect))


def _key(effect: Effect) -> str:
    return f"compensate-{effect.pk}"


@transaction.atomic
def _record(taken: Taken, ran: Ran) -> None:
    """The outcome, only while the fence is ours. Action, effect, compensation: locks are taken in one order everywhere."""
    approvals.lock([taken.effect.pk])
    list(Effect.objects.select_for_update().filter(pk=taken.effect.pk).values_list("pk"))
    mine = Compensation.objects.filter(pk=taken.effect.pk, state=CompensationState.CLAIMED, fence=taken.fence)
    one = mine.first()
    if one is None:
        raise LostLease(say("Another worker took this compensation over"))
    if ran.status == "done":
        mine.update(state=CompensationState.DONE, result=ran.result, error="", lease_until=None, finished_at=Now())
        Effect.objects.filter(pk=taken.effect.pk, state=EffectState.DONE).update(state=EffectState.COMPENSATED)
        log.append(_entry(taken.run, taken.effect, "effect.compensated", result=ran.result))
        events.tell_run(taken.run, "run.compensating")
    elif (ran.status, ran.code) == ("failed", "halted"):  # it never began, and is owed as before
        mine.update(state=CompensationState.OWED, attempts=taken.attempt - 1, error=ran.error[:2_000], lease_until=None, not_before=Now())
        log.append(_entry(taken.run, taken.effect, "effect.compensation_delayed", error=ran.error[:2_000], attempt=taken.attempt))
    elif ran.status == "unknown" and taken.attempt < MAX_ATTEMPTS:
        pause = Now() + timedelta(seconds=2**taken.attempt)
        mine.update(state=CompensationState.OWED, error=ran.error[:2_000], lease_until=None, not_before=pause)
        log.append(_entry(taken.run, taken.effect, "effect.compensation_delayed", error=ran.error[:2_000], attempt=taken.attempt))
    else:
        why = ran.error if ran.status == "failed" else kept.GAVE_UP(n=taken.attempt, why=ran.error)
        _failed(taken.run, one, taken.effect, why)
    crash("compensation_open")


def _failed(run: Run, one: Compensation, effect: Effect, why: str) -> None:
    Compensation.objects.filter(pk=one.pk, state=one.state).update(
        state=CompensationState.FAILED, error=why[:2_000], lease_until=None, finished_at=Now()
    )
    log.append(_entry(run, effect, "effect.not_compensated", error=why[:2_000], contact=one.contact))
    events.tell_run(run, "run.compensating")


def _end(run: Run) -> None:
    hold(run.pk)
    CompensationOrder.objects.filter(run=run, ended_at=None).update(ended_at=Now())
    states = list(Compensation.objects.filter(run=run).values_list("state", flat=True))
    counts: dict[str, Any] = {"reversed": states.count(CompensationState.DONE), "not_reversed": states.count(CompensationState.FAILED)}
    log.append(events.entry(run, "run.compensated", **counts))
    events.tell_run(run, "run.compensated")


def _entry(run: Run, effect: Effect, kind: str, **data: Any) -> Entry:
    return events.effect(str(effect.pk), run.agent_id, str(run.pk), effect.digest, kind, SYSTEM, "worker", tool=effect.tool, **data)
