"""Dry runs of a run: replay it, or take it on otherwise, without anything being done; and what came of each (`trial_words`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from agents import operations, queries
from agents.operations.trials import Wanted
from agents.queries import RunDetail
from agents.states import TrialKind
from agents.views.found import shown_run, title_of
from agents.views.state_fields import as_json, state_values
from agents.views.trial_words import forked, line_of, policy_word, replayed
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.queries import policies
from approvals.web.http import Request
from audit.languages import told
from audit.sentences import say

ANSWER, TOOL = "answer:", "tool:"  # before the id of an action, and the name of a tool, as a form has them
MOST_POLICIES = 20
MOST_ANSWERS = 100
MODELS = {
    "recorded": say("Recorded answers only"),
    "new": say("Recorded answers, and the agent's own model where there is none"),
    "anew": say("The model named here answers everything"),
}


@require_http_methods(["GET", "HEAD", "POST"])
def trials(request: Request, run_id: UUID) -> HttpResponse:
    """Those of a run, the newest first; POST orders another (`kind`)."""
    permissions.check_read(request.user)
    run = shown_run(run_id)
    if request.method == "POST":
        kind = TrialKind.FORK if request.POST.get("kind") == TrialKind.FORK else TrialKind.REPLAY
        made = operations.order_trial(run.row.id, kind, _wanted(run, request.POST), by=request.user, door="web")
        return redirect("run-trial", run.row.id, made.pk)
    context = {
        **_base(run),
        "rows": [line_of(one) for one in queries.trials(run.row.id)],
        "replay_url": reverse("run-trials", args=[run.row.id]) if permissions.can_replay(request.user) else "",
        "fork_url": reverse("run-fork", args=[run.row.id]) if permissions.can_override(request.user) else "",
    }
    return render(request, "agents/trials.html", {"trials": context})


@require_safe
def trial(request: Request, run_id: UUID, trial_id: UUID) -> HttpResponse:
    """What came of one; `part=live` is what a page that waits asks for again."""
    permissions.check_read(request.user)
    run = shown_run(run_id)
    found = queries.trial(run.row.id, trial_id)
    context = {**_base(run), **line_of(found), "list_url": reverse("run-trials", args=[run.row.id])}
    context["again_url"] = f"{context['url']}?part=live" if found.ended_at is None else ""
    if found.result is not None:
        context |= (
            {"replay": replayed(found.result)} if found.kind == TrialKind.REPLAY else {"fork": forked(run, found.wanted, found.result)}
        )
    page = "agents/_trial.html" if request.GET.get("part") == "live" else "agents/trial.html"
    return render(request, page, {"trial": context})


def trial_form(run: RunDetail) -> dict[str, Any]:
    """What the form of a fork offers for a dry run besides the state."""
    own = set(queries.asked_of(run.row.id))
    asked = [row for row in approvals_queries.run_actions(run.row.id) if row.id in own][:MOST_ANSWERS]
    versions = [one for one in policies.versions(limit=MOST_POLICIES) if one.number or one.state == "PROPOSED"]
    return {
        "trials_url": reverse("run-trials", args=[run.row.id]),
        "answers": [(ANSWER + row.id, row.tool, row.summary) for row in asked],
        "policies": [(one.id, policy_word(one)) for one in versions],
        "models": [(name, told(words)) for name, words in MODELS.items()],
        "tools": [
            (TOOL + str(tool["name"]), tool["name"], tool["what_if"]) for tool in queries.agent(run.row.agent).tools if tool.get("what_if")
        ],
    }


def _wanted(run: RunDetail, said: Mapping[str, str]) -> Wanted:
    """What the form says. A result left empty is the recorded one."""
    given = {name: text.strip() for name, text in said.items() if name.startswith(ANSWER) and text.strip()}
    policy, at, models = said.get("policy", ""), said.get("checkpoint", "")[:64], said.get("models", "recorded")[:20]
    return Wanted(
        checkpoint=at,
        values=state_values(run, at, said) if at else {},
        answers={name.removeprefix(ANSWER): as_json(_("A result"), text) for name, text in given.items()},
        assume=said.get("assume", "")[:20],
        policy=int(policy) if policy.isascii() and policy.isdecimal() and len(policy) < 10 else 0,
        models=models,
        model=said.get("model", "").strip()[:200] if models == "anew" else "",
        tools={name.removeprefix(TOOL): text for name, text in said.items() if name.startswith(TOOL) and text},
    )


def _base(run: RunDetail) -> dict[str, Any]:
    return {"title": title_of(run), "run_url": reverse("run", args=[run.row.id])}
