"""What was spent, and what may be: figures for the console, the pages of runs and agents, the alerts and the commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, Sum
from django.db.models.expressions import RawSQL
from django.db.models.fields import BooleanField

from agents import prices
from agents.models import Agent, Budget, Effect, Run
from agents.states import UNFINISHED, Hold
from audit import queries as log
from audit.sentences import say

MOST_NEAR = 500
LIVE = tuple(sorted(str(s) for s in UNFINISHED))


@dataclass(frozen=True)
class Against:
    """What was spent of what may be; None: no limit, both None: nothing is limited."""

    tokens: int = 0
    micros: int = 0
    most_tokens: int | None = None
    most_micros: int | None = None

    @property
    def limited(self) -> bool:
        return self.most_tokens is not None or self.most_micros is not None

    @property
    def percent(self) -> int:
        """Of whichever is nearer to its end; of a budget of nothing, all of it."""
        pairs = ((self.tokens, self.most_tokens), (self.micros, self.most_micros))
        return max((100 * spent // most if most else 100 for spent, most in pairs if most is not None), default=0)

    @property
    def words(self) -> str:
        """As a terminal says it: money first."""
        parts = []
        if self.most_micros is not None:
            parts.append(f"{prices.amount(self.micros)} of {prices.money(self.most_micros)}")
        if self.most_tokens is not None:
            parts.append(f"{self.tokens} of {self.most_tokens} tokens")
        return ", ".join(parts) or "no limit"


@dataclass(frozen=True)
class Day(Against):
    """A budget of a day (UTC)."""

    scope: str = ""
    target: str = ""
    by: str = ""
    reason: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True)
class Default:
    """What each run of an agent may spend; `by` "": as its developer says."""

    agent: str
    most_tokens: int | None
    most_micros: int | None
    by: str = ""
    most_seconds: int | None = None  # None: as the setting says

    @property
    def words(self) -> str:
        parts = [prices.money(self.most_micros)] if self.most_micros is not None else []
        parts += [f"{self.most_tokens} tokens"] if self.most_tokens is not None else []
        parts += ["any time"] if self.most_seconds == 0 else [f"{self.most_seconds} s of work"] if self.most_seconds else []
        return ", ".join(parts) or "no limit"


def today() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT (statement_timestamp() AT TIME ZONE 'utc')::date")
        return cursor.fetchone()[0]


def spent_today() -> log.Spent:
    """Model calls of this day (UTC), by the newest of them, with what effects were estimated to cost."""
    calls = log.spent_today()
    effects = Effect.objects.filter(claimed_at__date=today(), micros__gt=0).aggregate(n=Sum("micros"))["n"] or 0
    return log.Spent(calls.calls, calls.tokens, calls.partly, calls.micros + effects, calls.unpriced)


def days(*, scope: str = "", target: str = "") -> list[Day]:
    """Budgets of a day that are set, the nearest to its end first."""
    rows = Budget.objects.filter(Q(tokens__isnull=False) | Q(micros__isnull=False))
    rows = rows.filter(scope=scope, target=target) if scope else rows
    now = today()
    return sorted((_day(b, b.day == now) for b in rows), key=lambda d: -d.percent)


def _day(b: Budget, counts: bool) -> Day:
    spent = (b.spent_tokens, b.spent_micros) if counts else (0, 0)
    return Day(*spent, b.tokens, b.micros, b.scope, b.target, b.by_name, b.reason, b.changed_at)


def defaults() -> list[Default]:
    """What each run of an agent may spend, of those that have a limit or had it changed."""
    found = [default_of(a) for a in Agent.objects.exclude(project="", server=None).select_related("current").order_by("pk")]
    return [d for d in found if d.by or d.most_tokens is not None or d.most_micros is not None or d.most_seconds is not None]


def default(agent: str) -> Default | None:
    found = Agent.objects.exclude(project="").select_related("current").filter(pk=agent).first()
    return default_of(found) if found else None


def default_of(agent: Agent) -> Default:
    if agent.run_budget_by:
        return Default(agent.pk, agent.run_tokens, agent.run_micros, agent.run_budget_by, agent.run_seconds)
    said = agent.current.budget if agent.current else {}
    return Default(agent.pk, said.get("tokens"), said.get("micros"), most_seconds=said.get("seconds"))


def of_runs(runs: Sequence[str]) -> dict[str, Against]:
    """What these runs have spent of what they may."""
    rows = Run.objects.filter(pk__in=list(runs)).values_list("pk", "spent_tokens", "spent_micros", "budget_tokens", "budget_micros")
    return {str(pk): Against(tokens, micros, most, money) for pk, tokens, micros, most, money in rows}


@dataclass(frozen=True)
class Near:
    """A budget of which much is spent: whose, in words, and how much in percent."""

    key: str
    about: str
    percent: int


# So much of a run's own budget is spent, in percent.
_NEAR = """(coalesce(agents_run.spent_tokens * 100 >= agents_run.budget_tokens * %s, false)
    OR coalesce(agents_run.spent_micros * 100 >= agents_run.budget_micros * %s, false))"""


def near(*, percent: int = 50) -> list[Near]:
    """Budgets of this day of which so much is spent, and all unfinished runs of which it is, as one: a message for each would be many."""
    found = [Near(f"{d.scope}:{d.target}", f"{d.scope} {d.target}: {d.words}", d.percent) for d in days() if d.percent >= percent]
    much = RawSQL(_NEAR, [percent, percent], output_field=BooleanField())  # noqa: S611  a number
    rows = Run.objects.filter(Q(budget_tokens__isnull=False) | Q(budget_micros__isnull=False), state__in=LIVE).filter(much)
    figures = rows.values_list("pk", "agent_id", "spent_tokens", "spent_micros", "budget_tokens", "budget_micros")[:MOST_NEAR]
    runs = [(Against(tokens, micros, most, money), pk, agent) for pk, agent, tokens, micros, most, money in figures]
    if runs:
        one, pk, agent = max(runs, key=lambda r: r[0].percent)
        more = f", and {len(runs) - 1} more runs" if len(runs) > 1 else ""
        found.append(Near("runs", f"run {pk} of {agent}: {one.words}{more}", one.percent))
    return sorted(found, key=lambda n: -n.percent)


def paused() -> int:
    """How many runs are paused because what they may spend is spent."""
    return Run.objects.filter(state="PAUSED", hold=Hold.BUDGET).count()


def unpriced(run: str) -> list[str]:
    """Sentences on models of a run's calls that have no known price: their money is not counted."""
    return [say("no price known for %(model)s: %(n)d calls are not counted in money", model=model, n=n) for model, n in log.unpriced(run)]


def spent_words(run: str) -> str:
    """As a terminal says what a run has spent, with what could not be counted."""
    one = of_runs([run]).get(run, Against())
    limit = f" ({one.words})" if one.limited else ", no budget"
    return "; ".join([f"{prices.money(one.micros)}, {one.tokens} tokens{limit}", *unpriced(run)])
