"""What runs spend, counted and held against their budgets: reserved before a model call, settled after it, charged as an effect is claimed.

A stretch without a budget counts in memory, and its own statements write that down (`stretches`, `driving`). Under a budget each call is two
short transactions of their own: the first takes what the prompt alone will use and refuses a call where nothing is left, the second puts what
was really used in its place. A worker that dies in between leaves the first standing. Locks: action, effect, run, budget.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction
from django.db.models.functions import Now

from agents import kept, prices
from agents.crashpoints import crash
from agents.errors import OverBudget
from agents.models import Budget, Effect, Run
from agents.operations import events, waking
from agents.prices import Used
from agents.states import UNFINISHED, EffectState, Hold, RunState
from audit import log
from audit import queries as log_queries
from audit.actors import SYSTEM, Actor
from audit.log import Entry

logger = structlog.get_logger("agents.spending")

TODAY = "(statement_timestamp() AT TIME ZONE 'utc')::date"
READY = frozenset({RunState.CREATED, RunState.READY})
STOPPABLE = READY | {RunState.WAITING}  # nobody moves it


def _spent(column: str) -> str:
    return f"(CASE WHEN b.day = {TODAY} THEN b.{column} ELSE 0 END)"


_MINE = "(b.scope = 'agent' AND b.target = {agent} OR b.scope = 'customer' AND b.target = {customer})"
_OF_RUN = _MINE.format(agent="r.agent_id", customer="r.customer")
_SET = "(b.tokens IS NOT NULL OR b.micros IS NOT NULL)"
_NONE_LEFT = f"coalesce({_spent('spent_tokens')} >= b.tokens, false) OR coalesce({_spent('spent_micros')} >= b.micros, false)"
# Whether run `r` has any budget: then its calls are counted as they begin.
BUDGETED = (
    f"(r.budget_tokens IS NOT NULL OR r.budget_micros IS NOT NULL OR EXISTS (SELECT 1 FROM agents_budget b WHERE {_OF_RUN} AND {_SET}))"  # noqa: S608
)
BY_CUSTOMER = f"EXISTS (SELECT 1 FROM agents_budget b WHERE b.scope = 'customer' AND {_SET})"  # noqa: S608


def over_sql(more_tokens: str = "0", more_micros: str = "0") -> str:
    """The condition that run `r` has nothing left to take a step with, with so much more spent."""
    own = f"coalesce(r.spent_tokens + {more_tokens} >= r.budget_tokens, false) OR coalesce(r.spent_micros + {more_micros} >= r.budget_micros, false)"
    return f"({own} OR EXISTS (SELECT 1 FROM agents_budget b WHERE {_OF_RUN} AND ({_NONE_LEFT})))"  # noqa: S608


def beyond_sql(micros: str) -> str:
    """The condition that a call that costs this must not begin: a budget of run `r` is spent, or would be more than spent."""
    own = f"coalesce(r.spent_tokens > r.budget_tokens, false) OR coalesce(r.spent_micros + {micros} > r.budget_micros, false)"
    day = f"coalesce({_spent('spent_tokens')} > b.tokens, false) OR coalesce({_spent('spent_micros')} + {micros} > b.micros, false)"
    return f"({own} OR EXISTS (SELECT 1 FROM agents_budget b WHERE {_OF_RUN} AND ({day})))"  # noqa: S608


# What a call needs counts only while one can still be made: it may have ended otherwise meanwhile.
_NEEDS = "(CASE WHEN EXISTS (SELECT 1 FROM agents_effect e WHERE e.run_id = r.id AND e.state = 'READY') THEN r.needs_micros ELSE 0 END)"
_WITHIN = f"NOT {over_sql()} AND NOT {beyond_sql(_NEEDS)}"
ANY_WITHIN = f"EXISTS (SELECT 1 FROM agents_run r WHERE r.state = 'PAUSED' AND r.hold = 'budget' AND {_WITHIN})"  # noqa: S608
_RESERVE = """
UPDATE agents_run AS r SET spent_tokens = r.spent_tokens + %(tokens)s, spent_micros = r.spent_micros + %(micros)s
WHERE r.id = %(run)s AND r.fence = %(fence)s AND r.state = 'RUNNING'
RETURNING r.agent_id, r.customer,
    coalesce(r.spent_tokens - %(tokens)s >= r.budget_tokens, false) OR coalesce(r.spent_micros - %(micros)s >= r.budget_micros, false)
"""
# The rows in one order for all, the newest of each: two calls under one budget come one after the other.
_RESERVE_DAY = f"""
UPDATE agents_budget AS b SET spent_tokens = {_spent("spent_tokens")} + %(tokens)s, spent_micros = {_spent("spent_micros")} + %(micros)s, day = {TODAY}
FROM (SELECT b.id FROM agents_budget b WHERE {_MINE.format(agent="%(agent)s", customer="%(customer)s")} AND {_SET} ORDER BY b.scope FOR UPDATE) AS mine
WHERE b.id = mine.id RETURNING b.day,
    coalesce(b.spent_tokens - %(tokens)s >= b.tokens, false) OR coalesce(b.spent_micros - %(micros)s >= b.micros, false),
    coalesce(b.spent_tokens > b.tokens, false) OR coalesce(b.spent_micros > b.micros, false)
"""  # noqa: S608
_SETTLE = """
UPDATE agents_run AS r SET spent_tokens = greatest(0, r.spent_tokens + %(tokens)s), spent_micros = greatest(0, r.spent_micros + %(micros)s),
    unpriced = r.unpriced + %(unpriced)s
WHERE r.id = %(run)s RETURNING coalesce(r.spent_tokens >= r.budget_tokens, false) OR coalesce(r.spent_micros >= r.budget_micros, false)
"""
_SETTLE_DAY = f"""
UPDATE agents_budget AS b SET spent_tokens = greatest(0, b.spent_tokens + %(tokens)s), spent_micros = greatest(0, b.spent_micros + %(micros)s)
FROM (SELECT b.id FROM agents_budget b WHERE {_MINE.format(agent="%(agent)s", customer="%(customer)s")} AND {_SET} AND b.day = %(day)s
    ORDER BY b.scope FOR UPDATE) AS mine
WHERE b.id = mine.id RETURNING coalesce(b.spent_tokens >= b.tokens, false) OR coalesce(b.spent_micros >= b.micros, false)
"""  # noqa: S608
_CHARGE = """
UPDATE agents_run AS r SET spent_micros = r.spent_micros + %(micros)s
WHERE r.id = %(run)s AND NOT (coalesce(r.spent_tokens > r.budget_tokens, false) OR coalesce(r.spent_micros + %(micros)s > r.budget_micros, false))
RETURNING r.agent_id, r.customer
"""
_COUNT = "UPDATE agents_run SET spent_tokens = spent_tokens + %s, spent_micros = spent_micros + %s, unpriced = unpriced + %s WHERE id = %s"
_LEFT_BEHIND = f"SELECT {beyond_sql('%(micros)s')} FROM agents_run r WHERE r.id = %(run)s"  # noqa: S608


@dataclass(frozen=True)
class Reserved:
    """What was taken before a call. `day` None: no budget of a day counts it."""

    used: Used
    agent: str
    customer: str
    day: date | None


class Meter:
    """Counts the model calls of one stretch. `governed` may come true while it runs: an operator set a budget.

    Attributes:
        refuses: whether a call is refused in the middle of a node; else the run stops when the node is over.
    """

    def __init__(self, run: Run, *, on_over: Callable[[str], None]) -> None:
        self._run, self._fence, self._on_over = run.pk, run.fence, on_over
        self._held: dict[str, Reserved] = {}
        self.governed = bool(getattr(run, "budgeted", False))
        self.refuses = True

    def begin(self, key: str, guess: Used) -> bool:
        """Reserve for a call. False: nothing is left, and the call must not be made."""
        if not self.governed:
            return True
        from agents.graphs import desk  # with LangGraph, which only workers have

        try:
            held = desk.do(partial(_by_itself, partial(reserve, self._run, self._fence, guess)))
        except (DatabaseError, InterfaceError) as error:
            logger.warning("not_reserved", error=str(error))
            held = None
        if held is not None:
            self._held[key] = held
            crash("call_reserved")
            return True
        self._on_over("its budget is spent")
        return not self.refuses

    def end(self, key: str, used: Used) -> Used:
        """Settle a call. Gives what is left for the stretch to count."""
        held = self._held.pop(key, None)
        if held is None:
            return used
        crash("call_made")
        from agents.graphs import desk

        try:
            over = desk.do(partial(_by_itself, partial(settle, self._run, held, used)))
        except (DatabaseError, InterfaceError) as error:
            logger.warning("not_settled", error=str(error))
            return used - held.used
        if over:
            self._on_over("its budget is spent")
        return Used()


def _by_itself(work: Callable[[], Any]) -> Any:
    close_old_connections()
    try:
        with transaction.atomic():
            return work()
    except (DatabaseError, InterfaceError):
        connection.close()
        raise


def reserve(run: UUID, fence: int, guess: Used) -> Reserved | None:
    """Count what a call will use at least, in the caller's transaction. None, and nothing is counted: a budget is spent, or another worker has the run."""
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, {"run": run, "fence": fence, "tokens": guess.tokens, "micros": guess.micros})
        if (found := cursor.fetchone()) is None:
            return None
        agent, customer, over = found
        cursor.execute(_RESERVE_DAY, {"agent": agent, "customer": customer, "tokens": guess.tokens, "micros": guess.micros})
        days = cursor.fetchall()
    if over or any(day[1] for day in days):
        transaction.set_rollback(True)
        return None
    return Reserved(guess, agent, customer, days[0][0] if days else None)


def settle(run: UUID, held: Reserved, used: Used) -> bool:
    """Put what a call used in the place of what was reserved. Whether nothing is left now."""
    more = used - held.used
    said: dict[str, Any] = {"run": run, "tokens": more.tokens, "micros": more.micros, "unpriced": used.unpriced}
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, said)
        found = cursor.fetchone()
        over = bool(found and found[0])
        if held.day:
            cursor.execute(_SETTLE_DAY, {**said, "agent": held.agent, "customer": held.customer, "day": held.day})
            over = any([over, *(row[0] for row in cursor.fetchall())])
    return over


def charge(run: UUID, micros: int) -> None:
    """Count what an effect is estimated to cost as it is claimed, in that transaction. Raises OverBudget: it would be more than there is."""
    if not micros:
        return
    with connection.cursor() as cursor:
        cursor.execute(_CHARGE, {"run": run, "micros": micros})
        if (found := cursor.fetchone()) is None:
            raise over_budget(micros)
        cursor.execute(_RESERVE_DAY, {"agent": found[0], "customer": found[1], "tokens": 0, "micros": micros})
        if any(day[2] for day in cursor.fetchall()):
            raise over_budget(micros)


def beyond(run: UUID, micros: int) -> bool:
    """Whether a call that costs this would be more than there is."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT_BEHIND, {"run": run, "micros": micros})
        found = cursor.fetchone()
    return bool(found and found[0])


def over_budget(micros: int) -> OverBudget:
    return OverBudget(kept.BUDGET_SPENT(), micros=micros)


def count(run: UUID, used: Used) -> None:
    """Count what a stretch used that lost its lease: it was spent all the same."""
    if used:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [used.tokens, used.micros, used.unpriced, run])


def now_for(run: Run, customer: str) -> None:
    """A run is found to be for a customer: what it has spent counts against that customer's day."""
    run.customer = customer
    said: dict[str, Any] = {"agent": "", "customer": customer, "tokens": run.spent_tokens, "micros": run.spent_micros}
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE_DAY, said)


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


def spent_today(budget: Budget) -> tuple[int, int]:
    return (budget.spent_tokens, budget.spent_micros) if budget.day == today() else (0, 0)


def today() -> date:
    """By the database's clock, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {TODAY}")
        found: date = cursor.fetchone()[0]
    return found


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
