"""What an agent costs: by model over three windows, what its day may come to, and what its runs cost each. Presenters of `agents.spent`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from agents import budgeted, prices, queries, spent
from agents.spent import Costs, Part
from agents.views.cards import Figure, agent_card
from approvals import permissions
from approvals.web.http import Request
from audit.languages import number


@dataclass(frozen=True)
class Cell:
    money: str
    note: str


@dataclass(frozen=True)
class CostRow:
    """One model, the calls of tools, or all of it, over today, 7 and 30 days."""

    name: str
    cells: tuple[Cell, ...]
    whole: bool = False


@require_safe
def costs(request: Request, slug: str) -> HttpResponse:
    permissions.check_read(request.user)
    row, found = queries.agent(slug), spent.costs_of(slug)
    day = next(iter(budgeted.days(scope="agent", target=slug)), None)
    context: dict[str, Any] = {
        "agent": agent_card(row, halts=(), may_start=False),
        "back_url": reverse("agents"),
        "figures": _figures(found, day),
        "rows": [_row(_name(model), by) for model, by in found.models.items()],
        "total": _row(_("All of it"), found.total, whole=True),
        "runs": CostRow(_("Runs that began then"), tuple(_runs(found, name) for name in spent.WINDOWS)),
        "outside": row.outside,
        "invented": any((price := prices.price_of(model)) and price.demo for model in found.models if model),
    }
    return render(request, "agents/costs.html", context)


def _figures(found: Costs, day: budgeted.Day | None) -> tuple[Figure, ...]:
    today = found.total["today"].micros
    return (
        Figure(_("Spent today"), prices.money(today)),
        Figure(_("Budget of the day"), prices.money(day.most_micros) if day and day.most_micros is not None else _("no limit")),
        Figure(_("The day, as it went until now"), _guess(found.by_hour, day, _("too early to say"))),
        Figure(_("The day, as the last 7 days ended"), _guess(found.by_week, day, _("nothing to go by yet"))),
    )


def _guess(micros: int | None, day: budgeted.Day | None, none: str) -> str:
    if micros is None:
        return none
    if day and day.most_micros is not None and micros > day.most_micros:
        return _("%(money)s: over its budget") % {"money": prices.money(micros)}
    return prices.money(micros)


def _name(model: str) -> str:
    return model or _("Calls of tools, as estimated")


def _row(name: str, by: dict[str, Part], *, whole: bool = False) -> CostRow:
    return CostRow(name, tuple(_cell(by[window]) for window in spent.WINDOWS), whole)


def _cell(part: Part) -> Cell:
    calls = ngettext("%(n)s call", "%(n)s calls", part.calls) % {"n": number(part.calls)}
    note = _("%(tokens)s tokens, %(calls)s") % {"tokens": number(part.tokens), "calls": calls} if part.tokens else calls
    if part.unpriced:
        note += _("; %(n)s without a known price") % {"n": number(part.unpriced)}
    return Cell(prices.money(part.micros), note)


def _runs(found: Costs, name: str) -> Cell:
    one = found.begun[name]
    runs = ngettext("%(n)s run", "%(n)s runs", one.runs) % {"n": number(one.runs)}
    if not one.runs:
        return Cell(runs, "")
    each = {"money": prices.money(one.micros_each), "tokens": number(one.tokens_each)}
    return Cell(runs, _("%(money)s and %(tokens)s tokens each") % each)
