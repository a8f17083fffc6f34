"""People say what may be spent: by one run, by each run of an agent from now on, by an agent in a day, for a customer in a day.

Orders on rows, each with its event; what a budget does is in `spending`. Needs only the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum
from django.db.models.functions import Now

from agents import prices
from agents.errors import BadInput, UnknownAgent, WrongState
from agents.models import Agent, Budget, Effect, Run
from agents.operations import budget_holds, events, receiving, spending, timing
from agents.operations.found import locked_run
from agents.operations.starting import SLUG
from agents.states import UNFINISHED, Hold, RunState, word
from approvals import permissions
from approvals.errors import Stale
from approvals.models.people import User
from approvals.operations import Hint, tell
from approvals.operations.halts import check_reason
from audit import log
from audit import queries as log_queries
from audit.log import Entry
from audit.sentences import say

MOST_NAME = 200
MOST_SAID = 500  # runs whose reason is written anew at once, the newest of those that stay paused


@dataclass(frozen=True)
class Limits:
    """What may be spent; None: no limit. `seconds` a run may be driven; None: as the setting says, 0: no limit."""

    tokens: int | None = None
    micros: int | None = None
    seconds: int | None = None


def limits(money: Any = None, tokens: Any = None, seconds: Any = None, *, now: Limits | None = None) -> Limits:
    """Limits as doors are given them: None leaves one as it is (`now`), "none" or "" lifts it; of seconds "" is what the setting says.

    Raises:
        BadInput: no amount, no number of tokens, or of seconds.
    """
    found = now or Limits()
    return Limits(
        found.tokens if tokens is None else _tokens(tokens),
        found.micros if money is None else _micros(money),
        found.seconds if seconds is None else _seconds(seconds),
    )


def _as_seen(now: Limits, seen: str | None) -> None:
    shown = (seen or "").split(",")  # of the limits that were shown
    if seen is not None and shown != prices.marked(now.micros, now.tokens, now.seconds).split(",")[: len(shown)]:
        money = say("no limit") if now.micros is None else prices.money(now.micros)
        tokens = say("no limit") if now.tokens is None else str(now.tokens)
        if now.seconds is not None:
            time = say("no limit") if now.seconds == 0 else str(now.seconds)
            raise Stale(
                say(
                    "Somebody changed this budget since you opened it: it is now, in money: %(money)s; in tokens: %(n)s; in seconds of work: "
                    "%(seconds)s",
                    money=money,
                    n=tokens,
                    seconds=time,
                )
            )
        raise Stale(
            say("Somebody changed this budget since you opened it: it is now, in money: %(money)s; in tokens: %(n)s", money=money, n=tokens)
        )


@transaction.atomic
def set_run_budget(
    run_id: Any, *, money: Any = None, tokens: Any = None, seconds: Any = None, seen: str | None = None, reason: str, by: User, door: str
) -> Run:
    """Raise, lower, set or lift what a run may spend. A run paused for that alone goes on if something is left; below what is spent, it pauses.

    `seconds` are what it may be driven in all: below what it was, it ends at its next step with what it has; at once when it waits for people.

    Args:
        seen: the limits whoever asks was shown, as `prices.marked` says them; None: not compared.

    Raises:
        NotAllowed, BadRequest, BadInput, UnknownRun. WrongState: it has ended, or goes on elsewhere. Stale: the limits are not those seen.
    """
    who = permissions.standing(by)
    permissions.check_override(who)
    reason = check_reason(reason)
    if money is None and tokens is None and seconds is None:
        raise _nothing_said()
    run = locked_run(run_id)
    if run.state not in {*UNFINISHED, RunState.FAILED}:
        raise WrongState(say("The run has ended already: %(state)s", state=word(run.state)))
    if not run.agent.project and not (run.agent.server_id and money is None and tokens is None):
        raise WrongState(say("This run's graph goes on elsewhere: what it spends is not counted here"))
    before = Limits(run.budget_tokens, run.budget_micros, run.limit_s)
    _as_seen(before, seen)
    wanted = limits(money, tokens, seconds, now=before)
    run.limit_s = timing.limit_of(run.agent, run.version) if wanted.seconds is None else wanted.seconds
    wanted, before = (replace(one, seconds=None if seconds is None else n) for one, n in ((wanted, run.limit_s), (before, before.seconds)))
    Run.objects.filter(pk=run.pk).update(budget_tokens=wanted.tokens, budget_micros=wanted.micros, limit_s=run.limit_s)
    run.budget_tokens, run.budget_micros = wanted.tokens, wanted.micros
    spent = {"spent": _said(Limits(run.spent_tokens, run.spent_micros))}
    log.append(
        events.entry(
            run,
            "run.budget_set",
            by=who.user.actor,
            door=door,
            reason=reason,
            **_said(wanted),
            before=_said(before),
            **spent,
            currency=prices.prices().currency,
        )
    )
    events.tell_run(run, "run.budget_set")
    if 0 < run.limit_s * 1000 <= run.driven_ms and receiving.end_waiting(run.pk):
        run.state = RunState.READY
    if budget_holds.let_on(run.pk, by=who.user.actor, door=door, why=reason):
        run.refresh_from_db(fields=["state", "hold"])
    else:
        budget_holds.say_anew(run.pk)
    return run


def set_agent_budget(
    agent: str, *, money: Any = None, tokens: Any = None, seen: str | None = None, reason: str, by: User, door: str
) -> Budget:
    """What an agent may spend in a day (UTC), by all its runs together. Raises as `set_run_budget` does, and UnknownAgent."""
    who = permissions.standing(by)
    permissions.check_override(who)
    _agent(agent, locked=False)
    return _let_on(_set_day("agent", agent, money, tokens, reason, who.user, door, seen=seen), reason, who.user, door)


def set_customer_budget(customer: str, *, money: Any = None, tokens: Any = None, reason: str, by: User, door: str) -> Budget:
    """What may be spent in a day (UTC) by runs that are for a customer, as the policy finds whom a call is for."""
    who = permissions.standing(by)
    permissions.check_override(who)
    if not customer or len(customer) > MOST_NAME or not customer.isprintable():
        raise BadInput(say("Name a customer, as actions do"), fields={"customer": say("not a name")})
    return _let_on(_set_day("customer", customer, money, tokens, reason, who.user, door), reason, who.user, door)


@transaction.atomic
def set_default(
    agent: str,
    *,
    money: Any = None,
    tokens: Any = None,
    seconds: Any = None,
    declared: bool = False,
    seen: str | None = None,
    reason: str,
    by: User,
    door: str,
) -> Agent:
    """What each run of an agent may spend that starts from now on, and how long it may be driven.

    Args:
        declared: as its developer says again.
    """
    who = permissions.standing(by)
    permissions.check_override(who)
    reason = check_reason(reason)
    row = _agent(agent, there=money is None and tokens is None)
    declared_now = dict(row.current.budget) if row.current else {}
    as_declared = Limits(declared_now.get("tokens"), declared_now.get("micros"), declared_now.get("seconds"))
    before = Limits(row.run_tokens, row.run_micros, row.run_seconds) if row.run_budget_by else as_declared
    _as_seen(before, seen)
    if not declared and money is None and tokens is None and seconds is None:
        raise _nothing_said()
    wanted = as_declared if declared else limits(money, tokens, seconds, now=before)
    kept = Limits() if declared else wanted
    row.run_tokens, row.run_micros, row.run_seconds = kept.tokens, kept.micros, kept.seconds
    row.run_budget_by = "" if declared else who.user.get_username()
    row.save(update_fields=["run_tokens", "run_micros", "run_seconds", "run_budget_by"])
    data = {
        "scope": "run",
        "target": agent,
        **_said(wanted),
        "before": _said(before),
        "reason": reason,
        "declared": declared,
        "currency": prices.prices().currency,
    }
    log.append(Entry(f"agent:{agent}", "budget.set", who.user.actor, door, agent=agent, data=data))
    tell(Hint("agents", "agent", agent, "budget.set"))
    return row


@transaction.atomic
def _set_day(scope: str, target: str, money: Any, tokens: Any, reason: str, by: User, door: str, *, seen: str | None = None) -> Budget:
    """The guarded change of a row that calls count on meanwhile, with its event. What a day spent before it had a budget counts."""
    reason = check_reason(reason)
    if money is None and tokens is None:
        raise BadInput(say("Say how much money, how many tokens, or both"), fields={"money": say("missing")})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 46))", [f"{scope} {target}"])
    row = Budget.objects.select_for_update().filter(scope=scope, target=target).first()
    before = Limits(row.tokens, row.micros) if row else Limits()
    _as_seen(before, seen)
    wanted = limits(money, tokens, now=before)
    said: dict[str, Any] = {
        "tokens": wanted.tokens,
        "micros": wanted.micros,
        "reason": reason,
        "by_name": by.get_username(),
        "changed_at": Now(),
    }
    if row is None or before == Limits():
        spent = spent_today(scope, target)
        said |= {"day": spending.today(), "spent_tokens": spent.tokens or 0, "spent_micros": spent.micros or 0}
    Budget.objects.update_or_create(scope=scope, target=target, defaults=said)
    data = {
        "scope": scope,
        "target": target,
        **_said(wanted),
        "before": _said(before),
        "reason": reason,
        "currency": prices.prices().currency,
    }
    agent = target if scope == "agent" else ""
    log.append(Entry(f"budget:{scope}:{target}", "budget.set", by.actor, door, agent=agent, data=data))
    tell(Hint("agents", "agent", target, "budget.set"))
    return Budget.objects.get(scope=scope, target=target)


def _let_on(budget: Budget, reason: str, by: User, door: str) -> Budget:
    """What was paused for it goes on, each in a transaction of its own: a claim has a run's row before its budget's. The sweeper does what is left."""
    for run in budget_holds.within():
        with transaction.atomic():
            budget_holds.let_on(run, by=by.actor, door=door, why=reason)
    mine = {"agent": budget.target} if budget.scope == "agent" else {"customer": budget.target}
    still = Run.objects.filter(state=RunState.PAUSED, hold=Hold.BUDGET, **mine).order_by("-changed_at")
    for pk in still.values_list("pk", flat=True)[:MOST_SAID]:
        budget_holds.say_anew(pk)
    return budget


def spent_today(scope: str, target: str) -> Limits:
    """What was spent on this day (UTC) by an agent or for a customer: its model calls and what its effects were estimated to cost."""
    mine = {"agent": target} if scope == "agent" else {"customer": target}
    calls = log_queries.spent_today_by_run()
    runs = {str(pk) for pk in Run.objects.filter(pk__in=[run for run in calls if _is_id(run)], **mine).values_list("pk", flat=True)}
    effects = Effect.objects.filter(claimed_at__date=spending.today(), **{f"run__{name}": value for name, value in mine.items()})
    micros = effects.aggregate(n=Sum("micros"))["n"] or 0
    return Limits(sum(calls[r].tokens for r in runs), sum(calls[r].micros for r in runs) + micros)


def _is_id(run: str) -> bool:
    return len(run) == 36


def _agent(slug: str, *, locked: bool = True, there: bool = False) -> Agent:
    """Raises UnknownAgent. WrongState: nothing of it is counted here; `there`: unless its graph is on an Agent Server, where time is."""
    rows = Agent.objects.select_for_update(of=("self",)) if locked else Agent.objects
    row = rows.select_related("current").filter(pk=slug).first() if SLUG.fullmatch(slug) else None
    if row is None:
        raise UnknownAgent(say("There is no agent %(slug)s; see: .venv/bin/python manage.py agents list", slug=repr(slug[:60])))
    if not row.project and not (there and row.server_id):
        raise WrongState(say("The agent %(slug)s runs elsewhere: what it spends is not counted here", slug=slug))
    return row


def _said(found: Limits) -> Mapping[str, int | None]:
    said = {"tokens": found.tokens, "micros": found.micros}
    return said if found.seconds is None else {**said, "seconds": found.seconds}


def _nothing_said() -> BadInput:
    return BadInput(say("Say how much money, how many tokens, how many seconds, or several of them"), fields={"money": say("missing")})


def _lifted(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower() in {"", "none"}


def _micros(value: Any) -> int | None:
    if _lifted(value):
        return None
    try:
        if isinstance(value, bool):
            raise ValueError("not a number")
        return prices.to_micros(value)
    except ValueError:
        raise BadInput(
            say("%(value)s is no amount of money: write it like 0.50, not below zero, at most six decimals", value=repr(str(value)[:40])),
            fields={"money": say("no amount")},
        ) from None


def _seconds(value: Any) -> int | None:
    text = str(value).strip().lower()
    if text in {"", "none"}:
        return 0 if text else None
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal()) or len(text) > 8 or int(text) > timing.MOST_S:
        raise BadInput(
            say(
                "%(value)s is no number of seconds: a whole number, 0 for no limit, at most %(most)d",
                value=repr(str(value)[:40]),
                most=timing.MOST_S,
            ),
            fields={"seconds": say("no number of seconds")},
        )
    return int(text)


def _tokens(value: Any) -> int | None:
    if _lifted(value):
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal()) or len(text) > 16 or int(text) > prices.MOST_TOKENS:
        raise BadInput(
            say("%(value)s is no number of tokens: a whole number, not below zero", value=repr(str(value)[:40])),
            fields={"tokens": say("no number of tokens")},
        )
    return int(text)
