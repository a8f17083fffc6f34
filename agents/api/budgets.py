"""Budgets: for people, by the operations that the pages and `manage.py` use."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from agents import budgeted, operations, prices, queries
from agents.api.auth import caller, reader
from agents.api.budget_shapes import Budgeted, BudgetIn, BudgetOf, BudgetOfIn
from agents.api.runs import shown, visible
from agents.api.shapes import PROBLEMS, Page
from agents.budgeted import Against, Day, Default
from agents.errors import BadInput
from agents.states import Hold
from approvals.errors import NotAllowed
from approvals.operations.api_keys import OPERATE
from audit.languages import told
from audit.sentences import say

runs = Router(tags=["runs"])
budgets = Router(tags=["budgets"])


@runs.get("/{run_id}/budget", response={200: Budgeted, **PROBLEMS}, summary="What a run has spent of what it may")
def of_run(request: HttpRequest, run_id: UUID) -> Any:
    """The run as `GET /runs/{id}` gives it, with its figures. Agents see their own."""
    return _run(visible(run_id, reader(request)))


@runs.post("/{run_id}/budget", response={200: Budgeted, **PROBLEMS}, summary="Raise, lower or lift what a run may spend")
def set_of_run(request: HttpRequest, run_id: UUID, body: BudgetIn) -> Any:
    """Operators only, at any time until it ends. One paused for its budget alone goes on if something is left; below what is spent, it pauses at its next
    step. 422: no amount."""
    operations.set_run_budget(run_id, **_limits(body), reason=body.reason, by=caller(request, OPERATE).user, door="api")
    return _run(queries.run_detail(run_id))


@budgets.get("", response={200: Page[BudgetOf], **PROBLEMS}, summary="List budgets")
def list_(request: HttpRequest) -> Any:
    """Those of this day (UTC), the nearest to its end first, then what each new run of an agent may spend."""
    if reader(request).agent:
        raise NotAllowed(say("Budgets are for people; an agent sees those of its runs"))
    return {"items": [*map(_day, budgeted.days()), *map(_default, budgeted.defaults())], "next": None}


@budgets.post("", response={200: Page[BudgetOf], **PROBLEMS}, summary="Set a budget")
def set_(request: HttpRequest, body: BudgetOfIn) -> Any:
    """Operators only. Runs that were paused for it go on if something is left. Answers with all that are set."""
    who, said = caller(request, OPERATE).user, {"reason": body.reason, "door": "api", **_limits(body)}
    if body.scope != "run" and said.pop("seconds", None) is not None:
        raise BadInput(say("Seconds are of a run: name them with the scope run"), fields={"seconds": say("of a run only")})
    if body.scope == "customer":
        operations.set_customer_budget(body.target, by=who, **said)
    elif body.scope == "agent":
        operations.set_agent_budget(body.target, by=who, **said)
    else:
        operations.set_default(body.target, by=who, **said)
    return list_(request)


def _limits(body: BudgetIn) -> dict[str, Any]:
    """What was named: null lifts a limit, what is left out stays."""
    return {
        name: "none" if (value := getattr(body, name)) is None else value
        for name in ("money", "tokens", "seconds")
        if name in body.model_fields_set
    }


def _run(found: queries.RunDetail) -> dict[str, Any]:
    row = found.row
    why = told(row.held_why) if row.hold == Hold.BUDGET else ""
    spent = budgeted.of_runs([row.id]).get(row.id, Against())
    return {**shown(found), "spending": _spending(spent), "unpriced": [told(line) for line in budgeted.unpriced(row.id)], "why": why}


def _spending(found: Against) -> dict[str, Any]:
    most = None if found.most_micros is None else prices.exact(found.most_micros)
    said = {"tokens": found.tokens, "money": prices.exact(found.micros), "currency": prices.prices().currency}
    return {**said, "most_tokens": found.most_tokens, "most_money": most, "percent": found.percent}


def _day(day: Day) -> dict[str, Any]:
    said = {"scope": day.scope, "target": day.target, "by": day.by, "reason": day.reason, "changed_at": day.changed_at}
    return {**_spending(day), **said}


def _default(found: Default) -> dict[str, Any]:
    said = {"scope": "run", "target": found.agent, "by": found.by, "reason": "", "changed_at": None, "most_seconds": found.most_seconds}
    return {**_spending(Against(0, 0, found.most_tokens, found.most_micros)), **said, "percent": 0}
