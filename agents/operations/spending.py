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

from agents import kept
from agents.crashpoints import crash
from agents.errors import OverBudget
from agents.models import Budget, Run
from agents.prices import Used

logger = structlog.get_logger("agents.spending")

TODAY = "(statement_timestamp() AT TIME ZONE 'utc')::date"


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


def give_back(run: UUID, micros: int, day: date) -> None:
    """Count no more what was charged on a day for an effect that was certainly not begun."""
    if not micros:
        return
    said: dict[str, Any] = {"run": run, "tokens": 0, "micros": -micros, "unpriced": 0, "day": day}
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, said)
        cursor.execute("SELECT agent_id, customer FROM agents_run WHERE id = %s", [run])
        agent, customer = cursor.fetchone()
        cursor.execute(_SETTLE_DAY, {**said, "agent": agent, "customer": customer})


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


def spent_today(budget: Budget) -> tuple[int, int]:
    return (budget.spent_tokens, budget.spent_micros) if budget.day == today() else (0, 0)


def today() -> date:
    """By the database's clock, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {TODAY}")
        found: date = cursor.fetchone()[0]
    return found
