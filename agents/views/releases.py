"""Lifting a halt: what is frozen is looked at first; then one run, an agent, or all of it goes on, with a second person where it takes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from agents import operations, queries
from agents.errors import AgentError
from agents.views import halts
from agents.views.cards import run_line
from agents.views.states import RUNS
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.errors import ApprovalError, BadRequest, Conflict, NotFound
from approvals.queries import Stop
from approvals.web.http import Request
from approvals.web.shell import given_by, scope_words
from audit.languages import number, told
from audit.sentences import say

MOST = 12  # runs that are offered one by one; the list of runs has them all


@dataclass(frozen=True)
class Step:
    """One choice: what goes on, and what is known of it."""

    value: str
    label: str
    note: str
    url: str = ""
    checked: bool = False
    asked: str = ""  # by whom, where it only has to be confirmed


def release(request: Request, halt_id: int) -> HttpResponse:
    """GET: what is frozen, and what may go on first. POST: let it go on, or ask somebody to confirm that."""
    permissions.check_read(request.user)
    stop = next((s for s in approvals_queries.active_halts() if s.id == halt_id), None)
    if request.method != "POST":
        if stop is None:
            raise NotFound(say("This halt is released already"))
        permissions.check_halt(permissions.standing(request.user))
        return _dialog(request, stop)
    scope, _colon, target = request.POST.get("step", "all").partition(":")
    reason = request.POST.get("reason", "")
    try:
        done = operations.order_release(halt_id, scope=scope, target=target, reason=reason, by=request.user, door="web")
    except (AgentError, BadRequest, Conflict) as error:
        if stop is None:
            raise
        return _dialog(request, stop, error)
    if done.waits:
        return halts.back(request, _("Asked for. Somebody else who may release has to confirm it within an hour; nothing goes on before."))
    if scope == "all":
        return halts.back(request, _("Released. Approvals given before the halt are asked again; runs go on."))
    return halts.back(request, _("It goes on; the halt stands for the rest. Approvals given before the halt are asked again."))


def _dialog(request: Request, stop: Stop, error: AgentError | ApprovalError | None = None) -> HttpResponse:
    waiting = approvals_queries.unsettled_counts(scope=stop.scope, target=stop.target)
    live = queries.live_counts(**{stop.scope: stop.target})["live"] if stop.scope in {"agent", "version", "run"} else 0
    live = live or (
        waiting["runs"] if stop.scope in {"tool", "customer"} else queries.live_counts()["live"] if stop.scope == "everything" else 0
    )
    context: dict[str, Any] = {
        "post_url": reverse("halt-release", args=[stop.id]),
        "scope": scope_words(stop),
        "by": given_by(stop),
        "since": stop.at,
        "reason": stop.reason,
        "consequence": _("Runs that go on: %(n)s. Approvals given before the halt that are asked again: %(m)s.")
        % {"n": number(live), "m": number(waiting["approved"])},
        "steps": _steps(stop, request.POST.get("step", "") or _first(stop)),
        "two": stop.scope == "everything",
        "said": request.POST.get("reason", ""),
        "errors": [error.message] if error else [],
        "runs_url": f"{reverse('runs')}?state=live",
        "actions_url": f"{reverse('inbox')}",
        "button": _("Release"),
    }
    return halts.shown(request, "release", context, error)


def _first(stop: Stop) -> str:
    """What is chosen to begin with: what somebody else waits for, else all of it."""
    asked = stop.waits[-1] if stop.waits else None
    return "all" if asked is None or asked.scope == "all" else f"{asked.scope}:{asked.target}"


def _steps(stop: Stop, chosen: str) -> list[Step]:
    asked = {f"{w.scope}:{w.target}" if w.target else w.scope: w.by for w in stop.waits}
    found: list[Step] = []
    if stop.scope != "run":
        runs = queries.stopped_runs(scope=stop.scope, target=stop.target, most=MOST)
        found += [_run_step(run, chosen) for run in runs if run.id not in stop.runs_on and run.agent not in stop.agents_on]
    if stop.scope in {"everything", "tool", "customer"}:
        found += [
            _agent_step(row.slug, row.running, chosen, asked) for row in queries.agents() if row.running and row.slug not in stop.agents_on
        ]
    whole = Step(
        "all", _("All of it"), _("asked for by %(who)s") % {"who": asked["all"]} if "all" in asked else "", checked=chosen == "all"
    )
    return [*found, whole]


def _run_step(run: Any, chosen: str) -> Step:
    value, line = f"run:{run.id}", run_line(run)
    note = "; ".join(filter(None, [told(RUNS[run.state].word), ", ".join(run.nodes)]))
    return Step(value, _("Only run %(id)s of %(agent)s") % {"id": run.id[:8], "agent": run.agent}, note, line.url, checked=value == chosen)


def _agent_step(slug: str, live: int, chosen: str, asked: dict[str, str]) -> Step:
    value = f"agent:{slug}"
    note = told(say("%(n)d live run", "%(n)d live runs", n=live))
    if value in asked:
        note = _("asked for by %(who)s") % {"who": asked[value]}
    return Step(value, _("Only the agent %(agent)s") % {"agent": slug}, note, reverse("agent", args=[slug]), checked=value == chosen)
