"""Two runs compared, place by place; by default only what differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agents import prices, queries
from agents.compared import Compared, Row, Totals, Visit, both, compare_runs
from agents.queries import RunDetail
from agents.views.cards import title_of as words_of
from agents.views.found import title_of
from agents.views.states import RUNS, Look
from approvals import permissions
from approvals.render.since import compare
from approvals.web.http import Request
from approvals.web.rows import with_query
from audit.languages import decimal, number, told
from audit.sentences import say

PARTS = {
    "args": say("arguments"), "level": say("risk"), "decision": say("decision"), "outcome": say("what came of it"),
    "result": say("result"), "output": say("what the step gave"), "status": say("how the step ended"),
}  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One run in a place: what it is there, how long it took, where to look."""

    title: str
    took: str
    url: str


@dataclass(frozen=True)
class Place:
    """One place of both runs."""

    where: str
    left: Side | None
    right: Side | None
    parts: tuple[str, ...]
    lines: tuple[Any, ...]
    same: bool


@dataclass(frozen=True)
class Column:
    """One run in all."""

    title: str
    url: str
    state: Look
    facts: tuple[tuple[str, str], ...]


@require_safe
def comparing(request: Request) -> HttpResponse:
    """`a` and `b` are runs; `all=1` shows what is the same as well."""
    permissions.check_read(request.user)
    query = {name: request.GET.get(name, "").strip()[:64] for name in ("a", "b", "all")}
    url = reverse("runs-compare")
    if query["a"] and not query["b"]:
        return render(request, "agents/compare.html", {"compare": {"pick": _pick(query["a"]), "a": query["a"], "url": url}})
    if not query["a"]:
        return redirect("runs")
    if query["a"] == query["b"]:
        return redirect(with_query(url, {"a": query["a"], "b": "", "all": ""}))
    left, right = both(query["a"], query["b"])
    found = compare_runs(left, right)
    inputs = compare(left.row.input, right.row.input).differences if left.row.agent == right.row.agent else ()
    context = {
        "left": _column(left, found.left),
        "right": _column(right, found.right),
        "summary": _summary(found, bool(inputs)),
        "inputs": inputs,
        "places": [_place(row) for row in (found.rows if query["all"] else found.differing)],
        "same": len(found.rows) - len(found.differing),
        "toggle_url": with_query(url, query, all="" if query["all"] else "1"),
        "all": bool(query["all"]),
        "swap_url": with_query(url, {"a": query["b"], "b": query["a"], "all": query["all"]}),
    }
    return render(request, "agents/compare.html", {"compare": context})


def _pick(run_id: str) -> list[tuple[str, str]]:
    """Other runs of the same agent, the newest first: what to compare it with."""
    row = queries.run_detail(run_id).row
    found = queries.runs(agent=row.agent).rows
    return [
        (other.id, ", ".join(filter(None, [other.id[:8], told(RUNS[other.state].word), words_of(other.input)])))
        for other in found
        if other.id != row.id
    ][:50]


def _column(run: RunDetail, totals: Totals) -> Column:
    facts = (
        (_("Took"), _("%(n)s s") % {"n": decimal(totals.took_s)} if totals.took_s is not None else _("not over")),
        (_("Model calls"), number(totals.model_calls)),
        (_("Tokens"), number(totals.tokens)),
        (_("Asked people"), number(totals.asked)),
        (_("Cost"), prices.money(totals.micros)),
    )
    return Column(title_of(run), reverse("run", args=[run.row.id]), RUNS[run.row.state], facts)


def _summary(found: Compared, other_input: bool) -> str:
    said = [told(say("%(n)d place differs", "%(n)d places differ", n=len(found.differing)))]
    for more, less, name in (
        (found.right.asked, found.left.asked, say("%(n)d call asked of people", "%(n)d calls asked of people", n=abs(found.right.asked - found.left.asked))),
        (found.right.tokens, found.left.tokens, say("%(n)d token", "%(n)d tokens", n=abs(found.right.tokens - found.left.tokens))),
    ):  # fmt: skip
        if more != less:
            said.append((_("%(what)s more") if more > less else _("%(what)s fewer")) % {"what": told(name)})
    if cost := found.right.micros - found.left.micros:
        said.append((_("%(money)s dearer") if cost > 0 else _("%(money)s cheaper")) % {"money": prices.money(abs(cost))})
    if other_input:
        said.append(_("they began with different inputs"))
    return ", ".join(said)


def _place(row: Row) -> Place:
    where = (_("%(node)s, call %(n)s") if row.call else _("%(node)s, visit %(n)s")) % {"node": row.node, "n": number(row.visit)}
    lines: tuple[Any, ...] = ()
    if row.left and row.right:
        of = [{part: side.parts.get(part) for part in row.differing} for side in (row.left, row.right)]
        lines = compare(*of).differences
    return Place(where, _side(row.left), _side(row.right), tuple(told(PARTS[part]) for part in row.differing), lines, row.same)


def _side(visit: Visit | None) -> Side | None:
    if visit is None:
        return None
    took = _("%(n)s ms") % {"n": decimal(visit.took_ms, 0)} if visit.took_ms is not None else ""
    return Side(visit.title, took, reverse("action", args=[visit.action]) if visit.action else "")
