"""The Halt button's dialog and its release: counts before confirming, one operation after.

Lives in this room because it counts runs as well as actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from agents import operations as agent_operations
from agents import queries
from approvals import operations, permissions
from approvals import queries as approvals_queries
from approvals.errors import ApprovalError, BadRequest, NotFound
from approvals.queries import Stop
from approvals.web.http import Request, is_fragment
from approvals.web.shell import scope_words
from audit.languages import number, told
from audit.sentences import say

WORD = "HALT"


@dataclass(frozen=True)
class Scope:
    """One choice of the dialog. `everything` asks for the word."""

    value: str
    label: str
    counts: str
    checked: bool = False
    everything: bool = False


def halt(request: Request) -> HttpResponse:
    """GET: the dialog, for the run or agent the reader comes from, or everything. POST: give the order."""
    permissions.check_read(request.user)
    if request.method != "POST":
        return _dialog(request)
    scope, _colon, target = request.POST.get("scope", "").partition(":")
    try:
        if scope == "everything" and request.POST.get("word", "").strip() != WORD:
            raise BadRequest(say("Type %(word)s to stop everything", word=WORD))
        agent_operations.order_halt(scope=scope, target=target, reason=request.POST.get("reason", ""), by=request.user, door="web")
    except BadRequest as error:
        return _dialog(request, error)
    return _back(request, _("Halted. Nothing new starts; the banner says what is frozen."))


def release(request: Request, halt_id: int) -> HttpResponse:
    """GET: what would go on. POST: lift the order."""
    permissions.check_read(request.user)
    stop = next((s for s in approvals_queries.active_halts() if s.id == halt_id), None)
    if request.method != "POST":
        if stop is None:
            raise NotFound(say("This halt is released already"))
        return _release_dialog(request, stop)
    try:
        operations.release(halt_id, reason=request.POST.get("reason", ""), by=request.user, door="web")
    except BadRequest as error:
        if stop is None:
            raise
        return _release_dialog(request, stop, error)
    return _back(request, _("Released. Approvals given before the halt are asked again; runs go on."))


def _dialog(request: Request, error: ApprovalError | None = None) -> HttpResponse:
    asked = {name: (request.GET.get(name) or request.POST.get(name) or "")[:200] for name in ("run", "agent")}
    if asked["run"] and not is_run(asked["run"]):
        raise NotFound(say("There is no such run; open the halt from the run's own page"))
    chosen = request.POST.get("scope") or next((f"{name}:{value}" for name, value in asked.items() if value), "everything")
    context = {
        "post_url": reverse("halt"),
        "scopes": scopes(asked, chosen),
        "asked": [(name, value) for name, value in asked.items() if value],
        "reason": request.POST.get("reason", ""),
        "errors": [error.message] if error else [],
        "button": _("Halt"),
    }
    return _render(request, "dialog", context, error)


def is_run(text: str) -> bool:
    try:
        return queries.run_row(UUID(text)) is not None
    except ValueError:
        return False


def scopes(asked: Mapping[str, str], chosen: str) -> list[Scope]:
    """What can be halted, with what that would stop: the run asked about, its agent or all agents, everything."""
    found: list[Scope] = []
    agent = asked["agent"]
    if asked["run"]:
        row = queries.run_row(asked["run"])
        agent = agent or (row.agent if row else "")
        found.append(_scope(f"run:{asked['run']}", _("Run %(id)s") % {"id": asked["run"][:8]}, chosen, run=asked["run"]))
    agents = [agent] if agent else [row.slug for row in queries.agents()]
    found += [_scope(f"agent:{slug}", _("The agent %(agent)s") % {"agent": slug}, chosen, agent=slug) for slug in agents]
    return [*found, _scope("everything", _("Everything"), chosen)]


def _scope(value: str, label: str, chosen: str, *, agent: str = "", run: str = "") -> Scope:
    live, waiting = queries.live_counts(agent=agent, run=run), approvals_queries.unsettled_counts(agent=agent, run=run)
    parts: list[str] = [
        say("stops %(n)d live run", "stops %(n)d live runs", n=live["live"]),
        say("freezes %(n)d action", "freezes %(n)d actions", n=waiting["pending"] + waiting["approved"]),
    ]
    if waiting["in_flight"]:
        begun = say(
            "%(n)d call has begun and cannot be interrupted", "%(n)d calls have begun and cannot be interrupted", n=waiting["in_flight"]
        )
        parts.append(begun)
    return Scope(value, label, ", ".join(map(told, parts)), checked=value == chosen, everything=value == "everything")


def _release_dialog(request: Request, stop: Stop, error: ApprovalError | None = None) -> HttpResponse:
    covered = {"agent": stop.target if stop.scope == "agent" else "", "run": stop.target if stop.scope == "run" else ""}
    live, waiting = queries.live_counts(**covered), approvals_queries.unsettled_counts(**covered)
    context = {
        "post_url": reverse("halt-release", args=[stop.id]),
        "scope": scope_words(stop),
        "by": stop.by,
        "since": stop.at,
        "reason": stop.reason,
        "consequence": _("Runs that go on: %(n)s. Approvals given before the halt that are asked again: %(m)s.")
        % {"n": number(live["live"]), "m": number(waiting["approved"])},
        "errors": [error.message] if error else [],
        "button": told(say("Release and let %(n)d run go on", "Release and let %(n)d runs go on", n=live["live"])),
    }
    return _render(request, "release", context, error)


def _render(request: Request, name: str, context: dict[str, Any], error: ApprovalError | None) -> HttpResponse:
    fragment = is_fragment(request)
    template = f"halt/_{name}.html" if fragment else f"halt/{name}.html"
    return render(request, template, {"halt": context}, status=422 if error else 200)


def _back(request: Request, sentence: str) -> HttpResponse:
    """Where the reader was; the page is read anew, so that everything on it knows."""
    messages.success(request, sentence)
    if is_fragment(request):
        answer = HttpResponse(status=204)
        answer["HX-Refresh"] = "true"
        return answer
    return redirect("inbox")
