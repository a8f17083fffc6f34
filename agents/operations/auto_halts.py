"""Halts that Countersign gives by itself: an agent whose calls or runs fail, that uses too much, or whose proposals are rejected in a row.

The beat looks every few seconds. What is counted is looked at three times: coarsely for all agents, then from the moment on when a person
last let that agent or run go on (so that nothing counts against it twice), and once more under the lock that orders take alone. The last
look and the order are one transaction; the order is the same that a person gives, so it freezes and is released like one.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from agents.models import Agent, Run
from agents.operations import halting
from agents.states import UNFINISHED, RunState
from agents.tools.registry import RiskClass
from approvals import permissions
from approvals.models.people import User
from approvals.operations import halt_rules as ruling
from approvals.operations import halts, kept
from approvals.operations.clock import database_now
from approvals.queries import halt_rules, troubles
from approvals.queries.halt_rules import Kind, Rule
from approvals.queries.stops import counted_from
from approvals.queries.troubles import Tally
from audit import queries as log
from audit.sentences import Frozen

Counting = Callable[[datetime, int, str], list[Tally]]
ENDED = ("run.succeeded", "run.partial", "run.failed", "run.cancelled")


def look() -> list[Any]:
    """Halt whatever a rule says has to be. Returns the orders it gave."""
    found, given = halt_rules.rules(), []
    for kind in halt_rules.KINDS:
        of = [rule for rule in found if rule.kind == kind and rule.active]
        if not of:
            continue
        widest, least = max(rule.window_s for rule in of), min(rule.most for rule in of)
        for tally in COUNTING[kind](database_now() - timedelta(seconds=widest), least, ""):
            agent = _agent_of(kind, tally.target)
            rule = halt_rules.rule_for(found, kind, agent) if agent else None
            if rule and rule.active and _breach(rule, agent, tally.target) and (order := _halt(rule, agent, tally.target)):
                given.append(order)
    return given


def set_rule(*, kind: str, agent: str = "", by: User, door: str, **figures: Any) -> Rule:
    """Have a rule count otherwise from now on; see `approvals.operations.halt_rules.set_rule`. Raises UnknownAgent as well."""
    permissions.check_operate(permissions.standing(by))  # before anything is looked up
    if agent:
        agent = halting.CHECKS["agent"](agent)
    return ruling.set_rule(kind=kind, agent=agent, by=by, door=door, **figures)


@transaction.atomic
def _halt(rule: Rule, agent: str, target: str) -> Any:
    """Look again where nobody claims or decides meanwhile, and give the order; None when it is not needed any more."""
    halts.nobody_decides()
    tally = _breach(rule, agent, target)
    if tally is None:
        return None
    reason = REASONS[rule.kind](n=tally.n, of=tally.of, most=rule.most, share=rule.share, minutes=rule.window_s // 60)
    return halting.order_by_rule(rule=rule.kind, scope=rule.scope, target=target, reason=reason)


def _breach(rule: Rule, agent: str, target: str) -> Tally | None:
    """What this rule counts of one agent or run that is not halted, since it was last let go on, if that is too much."""
    run = target if rule.scope == "run" else ""
    halted, let_go = counted_from(agent=agent, run=run)
    if halted:
        return None
    window = database_now() - timedelta(seconds=rule.window_s)
    since = max(window, let_go) if let_go else window
    tally = next(iter(COUNTING[rule.kind](since, rule.most, target)), None)
    return tally if tally and tally.n * 100 >= rule.share * tally.of else None


def _agent_of(kind: str, target: str) -> str:
    """Whose it is; "" for a run that has ended, and so cannot be stopped."""
    if kind != Kind.REJECTED_RUN:
        return target
    try:
        live = Run.objects.filter(pk=UUID(target), state__in=UNFINISHED)
    except ValueError:
        return ""
    return live.values_list("agent_id", flat=True).first() or ""


def _failed_calls(since: datetime, least: int, target: str = "") -> list[Tally]:
    versions = Agent.objects.filter(**({"pk": target} if target else {})).values_list("slug", "current__tools")
    reads = [(slug, tool["name"]) for slug, tools in versions for tool in tools or () if tool.get("risk") == RiskClass.READ]
    return troubles.failed_calls(since, least, target, reads=reads)


def _failed_runs(since: datetime, least: int, target: str = "") -> list[Tally]:
    rows = Run.objects.filter(state=RunState.FAILED, finished_at__gt=since)
    rows = rows.filter(agent=target) if target else rows
    found = rows.values_list("agent_id").annotate(n=Count("pk")).filter(n__gte=least)
    return [Tally(agent, n, max(n, log.count(ENDED, since, agent=agent))) for agent, n in found]


def _tokens(since: datetime, least: int, target: str = "") -> list[Tally]:
    spent = log.tokens_since(since)
    whose = Run.objects.filter(pk__in=list(_ids(spent)), **({"agent": target} if target else {}))
    sums: dict[str, int] = {}
    for pk, agent in whose.values_list("pk", "agent_id"):
        sums[agent] = sums.get(agent, 0) + spent[str(pk)]
    return [Tally(agent, n) for agent, n in sums.items() if n >= least]


def _ids(spent: dict[str, int]) -> Iterator[UUID]:
    for run in spent:
        try:
            yield UUID(run)
        except ValueError:
            continue


COUNTING: dict[str, Counting] = {
    Kind.FAILED_CALLS: _failed_calls,
    Kind.FAILED_RUNS: _failed_runs,
    Kind.TOKENS: _tokens,
    Kind.REJECTED_RUN: lambda since, least, target: troubles.rejected("run", since, least, target),
    Kind.REJECTED_AGENT: lambda since, least, target: troubles.rejected("agent", since, least, target),
}
REASONS: dict[str, Frozen] = {
    Kind.FAILED_CALLS: kept.FAILED_CALLS,
    Kind.FAILED_RUNS: kept.FAILED_RUNS,
    Kind.TOKENS: kept.TOKENS,
    Kind.REJECTED_RUN: kept.REJECTED_RUN,
    Kind.REJECTED_AGENT: kept.REJECTED_AGENT,
}
