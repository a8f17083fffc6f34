"""Runs: the list, one run with its steps and graph, starting one, ending one, trying a failed one again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from agents import budgeted, operations, queries
from agents.budgeted import Against
from agents.compensated import reversible
from agents.errors import BadInput, KeyUsed
from agents.queries import RunDetail
from agents.states import UNFINISHED, RunState
from agents.views import budgets, forks, instead, states, stepping
from agents.views.cards import Figure, about_of, agent_card, is_scripted, title_of
from agents.views.drawing import draw
from agents.views.ratings import asked
from agents.views.reversals import card_of, may_order
from agents.views.run_halts import halted_words
from agents.views.run_looks import look_at
from agents.views.states import RUNS, span_of, took
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.covering import version_name
from approvals.render.arguments import lines_of
from approvals.render.reveal import reveal
from approvals.web.http import Request, is_fragment, preferences_of
from approvals.web.nesting import fields_of, read
from approvals.web.rows import Chip, chips, menu, with_query
from approvals.web.schemaform import owner
from approvals.web.views.preferences import kept_query
from audit.languages import number, told
from audit.sentences import say
from audit.spans import Totals, totals

STATES = (
    ("", say("All")), ("live", say("Live")), ("WAITING", say("Waiting")), ("HALTED", say("Halted")), ("PAUSED", say("Paused")), ("FAILED", say("Failed")), ("PARTIAL", say("In part")), ("SUCCEEDED", say("Succeeded")),
)  # fmt: skip
WATCHED = 20  # open actions whose hints refresh the page; the run's own hints come with every step


@require_safe
def runs(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    context = {"runs": _runs(request)}
    return render(request, "agents/_runs.html" if request.GET.get("part") == "list" else "agents/runs.html", context)


def _runs(request: Request) -> dict[str, Any]:
    query = {name: request.GET.get(name, "").strip()[:200] for name in ("agent", "state", "q", "cursor")}
    query["state"] = states.named(query["state"], ("live", *RunState))
    url, kept = reverse("runs"), kept_query(query, "runs")
    page = queries.runs(agent=query["agent"], state=query["state"], q=query["q"], cursor=query["cursor"])
    counts = queries.live_counts(agent=query["agent"])
    return {
        "url": url,
        "place": "runs",
        "counts": _counts(counts, query["agent"]),
        "chips": chips(url, query, "state", STATES),
        "menus": (menu(url, query, "agent", _("Agent"), [row.slug for row in queries.agents()]),),
        "views": tuple(Chip(v.name, f"{url}?{v.query}", v.query == kept) for v in preferences_of(request).views_of("runs")),
        "view_query": kept,
        "q": query["q"],
        "q_hint": _("Words, an agent, a node, a thread, or the id of a run or its trace"),
        "kept": tuple((name, query[name]) for name in ("agent", "state") if query[name]),
        "rows": budgets.run_lines(page.rows),
        "list_url": with_query(url, query, part="list"),
        "next_url": with_query(url, query, cursor=page.next) if page.next else "",
        "first_url": with_query(url, query, cursor="") if query["cursor"] else "",
        "start_url": reverse("run-choose") if permissions.can_start_runs(request.user) else "",
        "clear_url": url if kept else "",
        "empty_title": _("Nothing matches") if kept else _("No run yet"),
        "empty_text": _("Loosen the filters to see other runs.") if kept else _("A run is one execution of an agent's graph."),
        "cut": _("The words were looked for in %(n)s runs; the next page looks through older ones.") % {"n": number(queries.MOST_SEARCHED)}
        if page.cut
        else "",
    }


def _counts(counts: Mapping[str, int], agent: str) -> str:
    said = {"n": number(counts["live"]), "m": number(counts["running"]), "agent": agent}
    if agent:
        return _("%(n)s live, %(m)s of them moving now, of %(agent)s") % said
    return _("%(n)s live, %(m)s of them moving now") % said


@require_safe
@vary_on_headers("HX-Request")
def run(request: Request, run_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    page = "agents/_run_region.html" if is_fragment(request) else "agents/run.html"
    return render(request, page, {"run": _run(request, queries.run_detail(run_id))})


@require_safe
def run_live(request: Request, run_id: UUID) -> HttpResponse:
    """The part of a run's page that moves."""
    permissions.check_read(request.user)
    return render(request, "agents/_run_live.html", {"run": {**_run(request, queries.run_detail(run_id)), "again": True}})


def _run(request: Request, detail: RunDetail) -> dict[str, Any]:
    row = detail.row
    spent = totals(row.id)
    actions = approvals_queries.run_actions(row.id)
    effects = {effect.action_id: effect for effect in detail.effects}
    version = version_name(row.agent, detail.version)
    stop = next((s for s in approvals_queries.active_halts() if s.covers(agent=row.agent, run=row.id, version=version)), None)
    live = row.state in UNFINISHED
    asks = approvals_queries.asks(run=row.id)
    entered = sum(spent.visits.values())
    against = budgeted.of_runs([row.id]).get(row.id, Against())
    against = replace(against, tokens=against.tokens or spent.tokens)  # of runs from before it was counted with the run
    return {
        "id": row.id,
        "title": f"{detail.agent_title} {row.id[:8]}",
        "about": title_of(row.input),
        "back_url": reverse("runs"),
        "agent": row.agent,
        "agent_url": reverse("agent", args=[row.agent]),
        "version": detail.version,
        "by": row.started_by,
        "started_at": row.created_at,
        "scripted": is_scripted(detail.model),
        "model": detail.model,
        **_orders(request, detail, actions),
        "held": stepping.held_words(row, steps=entered),
        "history_url": reverse("run-checkpoints", args=[row.id]) if detail.here else "",
        "trials_url": reverse("run-trials", args=[row.id]),
        "forked": forks.forked_words(detail),
        "compare_url": f"{reverse('runs-compare')}?a={row.id}",
        "log_url": f"{reverse('events')}?run={row.id}",
        "figures": _figures(detail, spent, actions, against),
        "budget": budgets.offered(request, detail, against),
        "over_budget": row.hold == "budget",
        "cost_notes": budgets.notes(row, detail.model) if spent.calls and detail.here else (),
        "halted": halted_words(stop, row, detail.effects, steps=entered, alone=queries.stoppable_tools(row.id)) if stop else "",
        "trouble": reveal(told(row.error)) if row.error else None,
        "cancelled": row.state == "CANCELLED",
        "timed_out": row.state == "PARTIAL" and bool(detail.limit_s) and detail.driven_s >= detail.limit_s,
        "result": lines_of(detail.output if isinstance(detail.output, dict) else {"result": detail.output})
        if detail.output is not None
        else (),
        "look": look_at(request, detail, actions, effects, asks, may_resolve=permissions.can_halt(request.user)),
        "unknown": _unknown(detail, actions) if permissions.can_halt(request.user) else (),
        "rating": asked(row, by=request.user.pk),
        "watch": [f"live:action:{action.id} from:body" for action in actions if action.state == "PENDING"][:WATCHED],
        "graph": draw(
            detail.drawing, visits=spent.visits, now=[*row.nodes, *(p.place for p in detail.pauses if p.state == "OPEN")] if live else ()
        ),
        "graph_note": _("at %(nodes)s") % {"nodes": ", ".join(row.nodes)} if live and row.nodes else "",
        "input": lines_of(row.input if isinstance(row.input, dict) else {"input": row.input}),
    }


def _orders(request: Request, detail: RunDetail, actions: Any) -> dict[str, Any]:
    """What this reader may order the run to do, "" or empty for what they may not, or what would make no sense now."""
    row = detail.row
    live = row.state in UNFINISHED
    may_start = permissions.can_start_runs(request.user)
    lost = any(pause.state == "ORPHANED" for pause in detail.pauses)
    unsaid = any(effect.state == "UNKNOWN" for effect in detail.effects)  # what came of it is said first, at its step
    reversal = card_of(row.id, may_say=permissions.can_halt(request.user))
    return {
        "halt_url": f"{reverse('halt')}?run={row.id}" if live and permissions.can_halt(request.user) else "",
        **stepping.offered(request, detail),
        "results": instead.offered(request, detail) if live else (),
        "cancel_url": reverse("run-cancel", args=[row.id])
        if (live or row.state == "FAILED") and permissions.can_cancel(request.user, own=row.started_by == request.user.get_username())
        else "",
        "retry_url": reverse("run-retry", args=[row.id])
        if row.state == "FAILED" and may_start and not (lost or unsaid or reversal)
        else "",
        "reversal": reversal,
        "reverse_url": reverse("run-reverse", args=[row.id]) if may_order(row.id, row.state, request) else "",
        "cancel_reverses": _cancel_reverses(request, row.id, detail),
        "anew_url": reverse("run-start", args=[row.agent]) if lost and may_start else "",
        "again_url": reverse("run-ask-again", args=[row.id]) if may_start and _could_ask_again(detail, actions) else "",
        "fork_url": reverse("run-fork", args=[row.id])
        if detail.here and row.state != "CREATED" and permissions.can_override(request.user)
        else "",
    }


def _cancel_reverses(request: Request, run_id: str, detail: RunDetail) -> dict[str, bool] | None:
    """The choice beside cancelling, where there is one: whether what was done is reversed; as the agent declares it to begin with."""
    declared = "cancelled" in detail.compensate_on
    if not (declared or permissions.can_halt(request.user)) or not any(call.compensates for call in reversible(run_id)):
        return None
    return {"checked": declared}


def _could_ask_again(detail: RunDetail, actions: Any) -> bool:
    """Whether it failed over a question that people are done with; whether asking again is safe, the operation says."""
    decided = {action.id for action in actions if action.state != "PENDING"}
    begun = {effect.action_id for effect in detail.effects if effect.state in {"UNKNOWN", "DONE"}}
    others = [p for p in detail.pauses if p.dialect != "countersign" and p.state == "OPEN" and not begun & set(p.actions)]
    lost = any(pause.state == "ORPHANED" for pause in detail.pauses)
    return detail.row.state == "FAILED" and not lost and any(set(p.actions) <= decided for p in others)


def _result(output: Any) -> dict[str, Any]:
    """What the graph returned: plain values first, the rest folded."""
    values = output if isinstance(output, dict) else {} if output is None else {"result": output}
    plain = {k: v for k, v in values.items() if not isinstance(v, (dict, list)) and v not in ("", None)}
    rest = {k: v for k, v in values.items() if isinstance(v, (dict, list)) and v}
    return {"result": lines_of(plain), "result_rest": lines_of(rest)}


def _unknown(detail: RunDetail, actions: Any) -> tuple[tuple[str, str], ...]:
    """Calls of which somebody has to say what became of them, each with where to say it: however one looks at the run."""
    asked = {action.id: action.summary for action in actions}
    lost = [effect.action_id for effect in detail.effects if effect.state == "UNKNOWN" and effect.action_id in asked]
    return tuple((asked[one], reverse("effect-resolve", args=[one])) for one in lost[:WATCHED])


def _figures(detail: RunDetail, spent: Totals, actions: Any, against: Against) -> tuple[Figure, ...]:
    row = detail.row
    settled = sum(action.settled_at is not None for action in actions)
    return (
        Figure(_("State"), state=RUNS[row.state]),
        Figure(_("Started"), moment=row.created_at),
        Figure(_("Took"), took(row.created_at, row.finished_at)) if row.finished_at else Figure(_("Last moved"), moment=row.changed_at),
        Figure(_("Actions settled"), _("%(n)s of %(of)s") % {"n": settled, "of": len(actions)}),
        Figure(_("Driven"), _driven(detail)),
        Figure(_("Model calls"), number(spent.calls)),
        Figure(_("Tool calls"), number(spent.tools + queries.made_by_agent(row.id))),
        Figure(_("Tokens"), budgets.tokens_words(against) if detail.here else number(spent.tokens) if spent.tokens else _("none counted")),
        *([Figure(_("Cost"), budgets.money_words(against), bar=budgets.bar_of(against))] if detail.here else []),
        Figure(_("Trace"), code=detail.trace),
    )


def _driven(detail: RunDetail) -> str:
    """How long workers have driven it, of what they may."""
    if not detail.limit_s:
        return span_of(detail.driven_s)
    return _("%(spent)s of %(n)s s") % {"spent": span_of(detail.driven_s), "n": number(detail.limit_s)}


@require_safe
def choose(request: Request) -> HttpResponse:
    """Which agent should work."""
    permissions.check_read(request.user)
    halts = approvals_queries.active_halts()
    cards = [agent_card(a, halts=halts, may_start=permissions.can_start_runs(request.user)) for a in queries.agents() if not a.outside]
    return render(request, "agents/choose_agent.html", {"agents": {"cards": cards, "back_url": reverse("runs")}})


def start(request: Request, slug: str) -> HttpResponse:
    """The start form, made from the agent's input schema; a POST starts the run."""
    permissions.check_read(request.user)
    agent = queries.agent(slug)
    if request.method != "POST":
        sample = agent.sample_inputs[0] if agent.sample_inputs else {}
        return _form(request, agent, fields_of(agent.input_schema, sample), ())
    value, errors = read(agent.input_schema, {}, request.POST)
    key = request.POST.get("key", "")
    if not errors:
        try:
            begun = operations.start_run(agent=slug, input=value, by=request.user, door="web", idempotency_key=key)
            return redirect("run", begun.pk)
        except (BadInput, KeyUsed) as error:
            errors = dict(error.details.get("fields") or {"": error.message})
    fields = fields_of(agent.input_schema, {}, posted=request.POST, errors=errors)
    shown = {field.key for field in fields if field.error}
    rest = tuple(why for path, why in errors.items() if not owner(path, shown))
    return _form(request, agent, fields, rest or (_("Some fields need another value"),), status=422)


def _form(request: Request, agent: queries.AgentRow, fields: Any, errors: tuple[str, ...], status: int = 200) -> HttpResponse:
    values = {
        "agent": agent.title or agent.slug,
        "about": about_of(agent.description),
        "back_url": reverse("agent", args=[agent.slug]),
        "back_label": agent.title or agent.slug,
        "post_url": reverse("run-start", args=[agent.slug]),
        "idempotency_key": secrets.token_hex(16),
        "fields": fields,
        "errors": errors,
        "scripted": is_scripted(agent.model),
        "promise": _("What the policy passes runs by itself and is recorded; everything else waits in the inbox for a person."),
    }
    return render(request, "agents/start_run.html", {"start": values}, status=status)


@require_POST
def cancel(request: Request, run_id: UUID) -> HttpResponse:
    asked_for = request.POST.get("compensate") == "yes" if "compensate_asked" in request.POST else None
    reason = request.POST.get("reason", "")
    operations.cancel_run(run_id, reason=reason, by=request.user, door="web", compensate=asked_for)
    messages.success(request, _("The run is cancelled: what it asked for is cancelled too."))
    return redirect("run", run_id)


@require_POST
def retry(request: Request, run_id: UUID) -> HttpResponse:
    operations.retry_run(run_id, by=request.user, door="web")
    messages.success(request, _("The run is taken up again at the step that failed."))
    return redirect("run", run_id)


@require_POST
def ask_again(request: Request, run_id: UUID) -> HttpResponse:
    operations.ask_again(run_id, by=request.user, door="web")
    messages.success(request, _("The question is asked again: it comes back to the inbox in a moment, with what went wrong."))
    return redirect("run", run_id)
