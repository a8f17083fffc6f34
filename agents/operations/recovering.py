"""The sweeper: finds what nobody woke, and what its worker left behind. Every two seconds, safe to run many at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from agents import kept
from agents.dialects import breakpoints
from agents.models import Effect, Run
from agents.operations import budget_holds, events, owing, stepping, timing, versions, waking
from agents.operations.receiving import goes_on_sql, ready_if_settled
from agents.operations.trials import wanted_trials
from agents.operations.unknown import give_up, unasked
from agents.queries import unpicked
from agents.queries.fleet import in_force_sql
from agents.states import MAX_ATTEMPTS, EffectState, RunState
from approvals import queries as approvals_queries
from audit import log

MAX_DEATHS = 5  # workers that may die of one run before it is called failed
UNWOKEN = timedelta(seconds=1)  # younger rows have most likely been woken by their own transaction
# Runs that wait for nothing but leave for their own calls, which an order or a switch refused a while ago and does not any more. While a
# breakpoint is undecided, the others of its step wait for that.
_LEAVE_AGAIN = f"""
SELECT r.id FROM agents_run r WHERE r.state = 'WAITING' AND r.error = '' AND r.changed_at <= statement_timestamp() - interval '5 s'
    AND EXISTS (SELECT 1 FROM agents_effect e WHERE e.run_id = r.id AND e.state = 'READY' AND e.by_agent AND e.hold_until IS NULL
        AND e.created_at <= statement_timestamp() - interval '{UNWOKEN.total_seconds()} s')
    AND NOT EXISTS (SELECT 1 FROM agents_effect e WHERE e.run_id = r.id AND e.state = 'READY' AND e.by_agent
        AND {approvals_queries.action_halted_sql("e.action_id", version=in_force_sql("r.agent_id"))})
    AND NOT EXISTS (SELECT 1 FROM agents_pause p WHERE p.run_id = r.id AND p.state = 'OPEN' AND p.dialect = '{breakpoints.NAME}'
        AND NOT EXISTS (SELECT 1 FROM agents_effect e WHERE e.run_id = r.id AND e.state = 'READY' AND p.actions ? e.action_id::text))
    AND {goes_on_sql("r.id")} ORDER BY r.changed_at LIMIT %s
"""  # noqa: S608  names of ours only
# Asked first, by hand: most sweeps find nothing, and there is one every two seconds.
_ANYTHING = f"""
SELECT EXISTS (SELECT 1 FROM agents_run WHERE state = 'RUNNING' AND lease_until <= statement_timestamp())
    OR EXISTS (SELECT 1 FROM agents_run WHERE state = 'HALTED')
    OR EXISTS (SELECT 1 FROM agents_run WHERE state IN ('CREATED', 'READY')
        AND changed_at <= statement_timestamp() - interval '{UNWOKEN.total_seconds()} s')
    OR EXISTS (SELECT 1 FROM agents_effect WHERE state = 'CLAIMED' AND lease_until <= statement_timestamp())
    OR EXISTS (SELECT 1 FROM agents_effect WHERE state = 'READY'
        AND created_at <= statement_timestamp() - interval '{UNWOKEN.total_seconds()} s'
        AND (hold_until IS NULL OR hold_until <= statement_timestamp()))
    OR EXISTS (SELECT 1 FROM agents_compensationorder WHERE ended_at IS NULL)
    OR {budget_holds.ANY_WITHIN}
"""  # noqa: S608  a number of ours only


@dataclass
class Found:
    """What one sweep found, for logs and tests."""

    runs: list[str] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    edits: list[int] = field(default_factory=list)
    asks: list[int] = field(default_factory=list)
    checks: list[int] = field(default_factory=list)
    opinions: bool = False
    compensate: list[str] = field(default_factory=list)
    trials: list[str] = field(default_factory=list)


def recover(*, limit: int = 100, wake: bool = True) -> Found:
    """Take over what was left and wake workers for what is ready. Waking twice does no harm: claims decide.

    Args:
        wake: False for a caller that does what was found itself.
    """
    found = Found(edits=approvals_queries.wanted_edits(limit=limit), asks=approvals_queries.wanted_asks(limit=limit))
    found.opinions = bool(settings.OPINION_MODEL) and approvals_queries.opinions_wanted()
    found.checks = unasked(limit=limit)
    found.trials = wanted_trials()
    if _anything():
        _find(found, limit)
    if wake:
        waking.send([waking.Wake(waking.OPINIONS, "all")] if found.opinions else [])
        waking.send([waking.Wake(waking.ASK, str(pk)) for pk in found.asks])
        waking.send([waking.Wake(waking.OUTCOME, str(pk)) for pk in found.checks])
        waking.send([waking.Wake(waking.RUN, pk) for pk in found.runs])
        waking.send([waking.Wake(waking.EFFECT, pk) for pk in found.effects])
        waking.send([waking.Wake(waking.COMPENSATE, pk) for pk in found.compensate])
        waking.send([waking.Wake(waking.TRIAL, pk) for pk in found.trials[:1]])
        waking.send([waking.Wake(waking.EDIT, str(pk)) for pk in found.edits])
    return found


def _anything() -> bool:
    """Whether there is any run or effect that a sweep would look at more closely."""
    with connection.cursor() as cursor:
        cursor.execute(_ANYTHING)
        found: bool = cursor.fetchone()[0]
    return found


def _find(found: Found, limit: int) -> None:
    """Take over the abandoned, let the released go on, list what nobody woke."""
    for run_id in _ids(Run.objects.filter(state=RunState.RUNNING, lease_until__lte=Now()).order_by("lease_until"), limit):
        _abandoned(run_id)
    # What is halted is left out of every batch: frozen rows must not fill it and keep the others from being found.
    for run_id in _ids(Run.objects.exclude(unpicked.RUN_HALTED).filter(state=RunState.HALTED).order_by("changed_at"), limit):
        _released(run_id)
    for run_id in _leave_again(limit):
        with transaction.atomic():
            ready_if_settled(run_id)
    for run_id in _ids(Run.objects.filter(unpicked.HELD).order_by("changed_at"), limit):
        stepping.stay(run_id)
    for run_id in budget_holds.within(limit=limit):
        _within_budget(run_id)
    _left_effects(found, limit)
    found.runs = [str(pk) for pk in _ids(unpicked.runs(unmoved_for=UNWOKEN), limit)]
    found.effects = [str(pk) for pk in _ids(unpicked.effects(old=UNWOKEN), limit)]
    found.compensate = [str(pk) for pk in owing.wanted(limit=limit)]


def _leave_again(limit: int) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE_AGAIN, [limit])
        return [row[0] for row in cursor.fetchall()]


def _ids(rows: object, limit: int) -> Sequence[UUID]:
    return list(rows.values_list("pk", flat=True)[:limit])  # type: ignore[attr-defined]


def _left_effects(found: Found, limit: int) -> None:
    """Calls whose worker is gone: the repeatable are repeated with their key unless halted, the others are asked about."""
    left = Effect.objects.filter(state=EffectState.CLAIMED, lease_until__lte=Now()).order_by("lease_until")
    repeatable = Q(idempotent=True, attempts__lt=MAX_ATTEMPTS)
    found.again = [str(pk) for pk in _ids(left.exclude(unpicked.CALL_HALTED).filter(repeatable), limit)]
    found.unknown = [str(pk) for pk in _ids(left.exclude(repeatable), limit) if give_up(pk)]


@transaction.atomic
def _abandoned(run_id: UUID) -> None:
    """A run whose lease ran out: the fence rises, so that whatever its old worker still writes is refused."""
    run = Run.objects.select_for_update(skip_locked=True).filter(pk=run_id, state=RunState.RUNNING, lease_until__lte=Now()).first()
    if run is None:
        return
    dead = run.attempts + 1 >= MAX_DEATHS
    run.state = RunState.FAILED if dead else RunState.READY
    Run.objects.filter(pk=run_id, fence=run.fence).update(
        state=run.state,
        fence=F("fence") + 1,
        attempts=F("attempts") + 1,
        driven_ms=timing.counted(),
        lease_until=None,
        changed_at=Now(),
        error=kept.WORKERS_DIED(n=MAX_DEATHS) if dead else "",
        **({"finished_at": Now()} if dead else {}),
    )
    log.append(events.entry(run, "run.failed" if dead else "run.recovered", door="beat", deaths=run.attempts + 1))
    events.tell_run(run, f"run.{run.state.lower()}")
    if dead:
        owing.at_end(run, RunState.FAILED, owing.declared(run))
    else:
        waking.wake(waking.RUN, run_id)


@transaction.atomic
def _released(run_id: UUID) -> None:
    """A run that drained under a halt goes on once nothing covers it any more."""
    run = Run.objects.select_for_update(skip_locked=True).filter(pk=run_id, state=RunState.HALTED).first()
    if run is None or versions.halted(run):
        return
    Run.objects.filter(pk=run_id).update(state=RunState.READY, changed_at=Now())
    run.state = RunState.READY
    log.append(events.entry(run, "run.ready", door="beat", why="the halt was released"))
    events.tell_run(run, "run.ready")
    waking.wake(waking.RUN, run_id)


@transaction.atomic
def _within_budget(run_id: UUID) -> None:
    """What it may spend was raised, or another day began."""
    budget_holds.let_on(run_id)
