"""Runs held because a budget of theirs is spent: put down, told why, let on when there is something left again.

What is spent is counted in `spending`; who may set budgets is in `budgets`. Everything here is one guarded change of a run and its event.
"""

from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from agents import kept, prices
from agents.models import Budget, Effect, Run
from agents.operations import events, waking
from agents.operations.spending import beyond_sql, over_sql, spent_today
from agents.states import UNFINISHED, EffectState, Hold, RunState
from audit import log
from audit import queries as log_queries
from audit.actors import SYSTEM, Actor
from audit.log import Entry

READY = frozenset({RunState.CREATED, RunState.READY})
STOPPABLE = READY | {RunState.WAITING}  # nobody moves it
# What a call needs counts only while one can still be made: it may have ended otherwise meanwhile.
_NEEDS = "(CASE WHEN EXISTS (SELECT 1 FROM agents_effect e WHERE e.run_id = r.id AND e.state = 'READY') THEN r.needs_micros ELSE 0 END)"
_WITHIN = f"NOT {over_sql()} AND NOT {beyond_sql(_NEEDS)}"
ANY_WITHIN = f"EXISTS (SELECT 1 FROM agents_run r WHERE r.state = 'PAUSED' AND r.hold = 'budget' AND {_WITHIN})"  # noqa: S608


@transaction.atomic
def pause(run_id: UUID, *, needs: int = 0, ready: bool = False, door: str = "worker") -> bool:
    """Pause a run that nobody moves and whose budget is spent. False: it is not so, or the run is held, moving or over.

    Args:
        needs: what the call would cost that must not begin.
        ready: only one that would take a step, and that nobody holds just now: it could not be taken, and this may be why.
    """
    rows = Run.objects.select_for_update(skip_locked=ready).filter(state__in=READY if ready else STOPPABLE, to_change=False)
    run = rows.exclude(hold=Hold.PAUSE).filter(pk=run_id).first()
    if run is None or run.hold == Hold.BUDGET or not (why := reason(run, needs)):
        return False
    steps = (
        run.held_by if run.hold == Hold.STEP else ""
    )  # whose order it is that it takes one step: it stands when there is more (`_hold_after`)
    Run.objects.filter(pk=run.pk).update(
        state=RunState.PAUSED, hold=Hold.BUDGET, held_by=steps, held_why=why, needs_micros=needs, changed_at=Now()
    )
    run.state = RunState.PAUSED
    log.append(stopped(run, why, door=door))
    events.tell_run(run, "run.paused")
    return True


def say_why(run: Run) -> Entry:
    """The stretch that was put down just now left its run PAUSED for its budget: keep why. Gives the event."""
    run.refresh_from_db(fields=["spent_tokens", "spent_micros", "budget_tokens", "budget_micros", "customer"])
    why = reason(run, 0) or kept.BUDGET_SPENT()
    Run.objects.filter(pk=run.pk).update(held_by="", held_why=why, needs_micros=0)
    return stopped(run, why, door="worker")


def stopped(run: Run, why: str, *, door: str) -> Entry:
    spent: dict[str, Any] = {"spent_tokens": run.spent_tokens, "spent_micros": run.spent_micros}
    return events.entry(
        run, "run.over_budget", door=door, why=why, **spent, budget_tokens=run.budget_tokens, budget_micros=run.budget_micros
    )


def reason(run: Run, needs: int) -> str:
    """Which budget of a run is spent, with its figures; "" when none is."""
    own = _said("run", "", (run.spent_tokens, run.budget_tokens), (run.spent_micros, run.budget_micros), needs)
    if own:
        return own
    for b in Budget.objects.filter(scope="agent", target=run.agent_id) | Budget.objects.filter(scope="customer", target=run.customer):
        tokens, micros = spent_today(b)
        if said := _said(b.scope, b.target, (tokens, b.tokens), (micros, b.micros), needs):
            return said
    return ""


def _said(scope: str, name: str, tokens: tuple[int, int | None], micros: tuple[int, int | None], needs: int) -> str:
    spent, limit = micros
    if limit is not None and (spent >= limit or (needs and spent + needs > limit)):
        figures = {"spent": prices.amount(spent), "budget": prices.money(limit), "name": name}
        if spent < limit:
            return kept.NOT_ENOUGH[scope](cost=prices.amount(needs), **figures)
        return kept.OVER_MONEY[scope](**figures)
    spent, limit = tokens
    if limit is not None and spent >= limit:
        return kept.OVER_TOKENS[scope](spent=spent, budget=limit, name=name)
    return ""


def let_on(run_id: Any, *, by: Actor = SYSTEM, door: str = "beat", why: str = "") -> bool:
    """Let a run go on that is paused for its budget alone, if there is something left: in the caller's transaction."""
    run = Run.objects.select_for_update().filter(pk=run_id, state=RunState.PAUSED, hold=Hold.BUDGET).first()
    if run is None or run.pk not in within([run.pk]):
        return False
    Run.objects.filter(pk=run.pk).update(state=RunState.READY, needs_micros=0, changed_at=Now(), **_hold_after(run))
    run.state = RunState.READY
    log.append(events.entry(run, "run.within_budget", by=by, door=door, **({"why": why} if why else {})))
    events.tell_run(run, "run.ready")
    waking.wake(waking.RUN, run.pk)
    for effect in Effect.objects.filter(run=run, state=EffectState.READY, by_agent=False, hold_until=None).values_list("pk", flat=True):
        waking.wake(waking.EFFECT, effect)
    return True


def _hold_after(run: Run) -> dict[str, str]:
    """How a run is held that its budget holds no more: by nobody, or by whoever let it take one step before there was nothing left."""
    if not run.held_by:
        return {"hold": Hold.NONE, "held_why": ""}
    ordered = log_queries.events(run=str(run.pk), kind="run.step_ordered", limit=1).rows
    return {"hold": Hold.STEP, "held_why": str(ordered[0].data.get("reason", "")) if ordered else ""}


def forget(run_id: UUID) -> None:
    """A call of this run that was approved will not be made: what it would have cost keeps the run no more. In the caller's transaction, after its effect."""
    run = Run.objects.select_for_update().filter(pk=run_id, hold=Hold.BUDGET, state__in=UNFINISHED).first()
    if run is None:
        return
    Run.objects.filter(pk=run.pk).update(needs_micros=0)
    run.needs_micros = 0
    if let_on(run.pk, door="worker"):
        return
    if why := reason(run, 0):
        Run.objects.filter(pk=run.pk).update(held_why=why)
    elif run.state != RunState.PAUSED:  # an operator's order moves it: it is not held any more when that is carried out
        Run.objects.filter(pk=run.pk).update(**_hold_after(run))


@transaction.atomic
def say_anew(run_id: UUID) -> None:
    """Limits were changed, and this run stays paused: it says by which, as they are now."""
    run = Run.objects.select_for_update(skip_locked=True).filter(pk=run_id, state=RunState.PAUSED, hold=Hold.BUDGET).first()
    if run is None:
        return
    ready = Effect.objects.filter(run=run, state=EffectState.READY).exists()
    why = reason(run, run.needs_micros if ready else 0)
    if why and why != run.held_why:
        Run.objects.filter(pk=run.pk).update(held_why=why)
        events.tell_run(run, "run.budget_set")


def within(runs: list[UUID] | None = None, *, limit: int = 100) -> list[UUID]:
    """Those runs (or the first of all) that are paused for a budget which has something left: it was raised, or another day began."""
    which = "" if runs is None else "AND r.id = ANY(%(runs)s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.id FROM agents_run r WHERE r.state = 'PAUSED' AND r.hold = 'budget' AND {_WITHIN} {which} ORDER BY r.changed_at LIMIT %(limit)s",  # noqa: S608
            {"runs": runs, "limit": limit},
        )
        return [row[0] for row in cursor.fetchall()]
