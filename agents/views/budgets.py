"""Budgets on pages: what a run, an agent's day or a customer's day has spent of what it may, in words and as a bar, and the forms that change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from agents import budgeted, operations, prices
from agents.budgeted import Against, Day, Default
from agents.queries import RunDetail, RunRow
from agents.states import UNFINISHED, RunState
from agents.views.cards import Bar, RunLine, run_line
from approvals import permissions
from approvals.web.http import Request
from audit.languages import number, told

SCRIPTED = "scripted-demo-model"  # planner.scripted, which web does not load


@dataclass(frozen=True)
class Form:
    """Fields of a budget as it stands, and where to send them."""

    url: str
    money: str
    tokens: str
    currency: str
    seen: str
    seconds: str | None = None  # None: of a day, which has no such limit


def bar_of(found: Against | None) -> Bar | None:
    """In a line: what is limited, the nearest to its end first, else the money or the tokens that were spent; None where nothing was."""
    if found is None or not (found.tokens or found.micros or found.limited):
        return None
    parts = []
    if found.most_micros is not None:
        words = _("%(spent)s of %(most)s") % {"spent": prices.amount(found.micros), "most": prices.money(found.most_micros)}
        parts.append((_share_of(found.micros, found.most_micros), words))
    if found.most_tokens is not None:
        words = _("%(spent)s of %(most)s tokens") % {"spent": number(found.tokens), "most": number(found.most_tokens)}
        parts.append((_share_of(found.tokens, found.most_tokens), words))
    if parts:
        words = ", ".join(said for _near, said in sorted(parts, key=lambda part: -part[0]))
    else:
        words = prices.money(found.micros) if found.micros else _("%(n)s tokens") % {"n": number(found.tokens)}
    return Bar(words, found.percent if found.limited else None)


def _share_of(spent: int, most: int) -> float:
    return spent / most if most else 1.0


def run_lines(rows: Sequence[RunRow]) -> list[RunLine]:
    """Rows of runs, each with what it has spent."""
    spent = budgeted.of_runs([row.id for row in rows])
    return [replace(run_line(row), cost=bar_of(spent.get(row.id))) for row in rows]


def money_words(found: Against) -> str:
    if found.most_micros is None:
        return prices.money(found.micros)
    return _("%(spent)s of %(most)s") % {"spent": prices.amount(found.micros), "most": prices.money(found.most_micros)}


def tokens_words(found: Against) -> str:
    if found.most_tokens is None:
        return number(found.tokens) if found.tokens else _("none counted")
    return _("%(spent)s of %(most)s") % {"spent": number(found.tokens), "most": number(found.most_tokens)}


def day_words(day: Day) -> str:
    """A budget of a day: whose, and how much of it is spent."""
    bar = bar_of(day)
    said = {"name": day.target, "words": bar.words if bar else "", "percent": number(day.percent)}
    if day.scope == "customer":
        return _("customer %(name)s: %(words)s (%(percent)s %%)") % said
    return _("%(name)s: %(words)s (%(percent)s %%)") % said


def default_words(found: Default | None) -> str:
    if found is None or (found.most_micros is None and found.most_tokens is None):
        return _("no limit")
    parts = [prices.money(found.most_micros)] if found.most_micros is not None else []
    if found.most_tokens is not None:
        parts.append(_("%(n)s tokens") % {"n": number(found.most_tokens)})
    return ", ".join(parts)


def time_words(found: Default) -> str:
    """How long each run of an agent may be driven."""
    seconds = settings.RUN_LIMIT_S if found.most_seconds is None else found.most_seconds
    return _("%(n)s s of work") % {"n": number(seconds)} if seconds else _("any time")


def notes(row: RunRow, model: str) -> list[str]:
    """What has to be known of a run's cost: calls that have no price, and a price that is invented."""
    price = prices.price_of(model)
    invented = [_("The price of the scripted model is invented, so that the demo shows figures.")] if price and price.demo else []
    return [*(told(line) for line in budgeted.unpriced(row.id)), *invented]


def form_of(url: str, micros: int | None, tokens: int | None, seconds: int | None = None, *, run: bool = False) -> Form:
    currency = prices.prices().currency
    seen = prices.marked(micros, tokens, seconds)
    form = Form(url, "" if micros is None else prices.exact(micros), "" if tokens is None else str(tokens), currency, seen)
    return replace(form, seconds="" if seconds is None else str(seconds)) if run else form


def offered(request: Request, detail: RunDetail, found: Against) -> Form | None:
    """The form of a run's budget, for whoever may change it."""
    row = detail.row
    if not (permissions.can_override(request.user) and detail.here and row.state in {*UNFINISHED, RunState.FAILED}):
        return None
    return form_of(reverse("run-budget", args=[row.id]), found.most_micros, found.most_tokens, detail.limit_s, run=True)


def spent_today() -> tuple[str, str]:
    """The console's figure: what was spent today, and against what."""
    spent, days = budgeted.spent_today(), budgeted.days()
    note = _("%(tokens)s tokens in %(n)s model calls") % {"tokens": number(spent.tokens), "n": number(spent.calls)}
    if spent.partly:
        note = _("%(tokens)s tokens in the newest %(n)s model calls: there were more") % {
            "tokens": number(spent.tokens),
            "n": number(spent.calls),
        }
    if spent.unpriced:
        note += ngettext("; %(n)s call has no known price", "; %(n)s calls have no known price", spent.unpriced) % {
            "n": number(spent.unpriced)
        }
    against = _("budgets of the day: %(nearest)s") % {"nearest": day_words(days[0])} if days else _("no budget of a day is set")
    if len(days) > 1:
        against += _(", and %(n)s more") % {"n": number(len(days) - 1)}
    if (price := prices.price_of(settings.MODEL or SCRIPTED)) and price.demo and spent.micros:
        note += _("; the price of the scripted model is invented")
    return prices.money(spent.micros), f"{against}. {note} (UTC)."


def of_agent(request: Request, slug: str) -> dict[str, Any]:
    """What an agent may spend: in words, and the forms for whoever may change it."""
    default = budgeted.default(slug)
    if default is None:
        return {}
    day = next(iter(budgeted.days(scope="agent", target=slug)), None)
    bar = bar_of(day)
    may = permissions.can_override(request.user)
    url = reverse("agent-budget", args=[slug])
    return {
        "a_run": default_words(default),
        "time": time_words(default),
        "by": default.by,
        "a_day": bar or Bar(_("no limit")),
        "run_form": form_of(url, default.most_micros, default.most_tokens, default.most_seconds, run=True) if may else None,
        "day_form": form_of(url, day.most_micros if day else None, day.most_tokens if day else None) if may else None,
    }


def _limits(request: Request) -> dict[str, Any]:
    """What was sent; a field left empty lifts its limit, one that was not sent leaves it."""
    names = ("money", "tokens", "seen", *(["seconds"] if "seconds" in request.POST else []))
    return {name: request.POST.get(name) for name in names} | {"reason": request.POST.get("reason", "")}


@require_POST
def run_budget(request: Request, run_id: UUID) -> HttpResponse:
    run = operations.set_run_budget(run_id, **_limits(request), by=request.user, door="web")
    done = _("The budget is changed, and the run goes on.") if run.state == RunState.READY else _("The budget is changed.")
    messages.success(request, done)
    return redirect("run", run_id)


@require_POST
def agent_budget(request: Request, slug: str) -> HttpResponse:
    said = _limits(request) | {"by": request.user, "door": "web"}
    if request.POST.get("of") == "run":
        operations.set_default(slug, **said)
    else:
        operations.set_agent_budget(slug, **{name: value for name, value in said.items() if name != "seconds"})
    messages.success(request, _("The budget is changed."))
    return redirect("agent", slug)
