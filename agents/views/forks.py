"""A fork that goes on for real, from the page of a run or of one of its checkpoints: look at what it means, then begin it with a reason."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from agents import history, operations, queries
from agents.operations.branching import Branch
from agents.queries import RunDetail
from agents.views.checkpoints import line_of
from agents.views.found import shown_run, title_of
from agents.views.state_fields import fields_of, state_values
from agents.views.trials import trial_form
from approvals import permissions
from approvals.render.since import compare
from approvals.web.http import Request

MOST = 200  # checkpoints to choose from; from others, the page of the checkpoint leads here


def fork(request: Request, run_id: UUID) -> HttpResponse:
    """GET: the checkpoint and its state. POST: what it would mean, to be confirmed with a reason; then the fork."""
    permissions.check_read(request.user)
    run = shown_run(run_id)
    permissions.check_override(permissions.standing(request.user))
    said = request.POST if request.method == "POST" else request.GET
    at = said.get("checkpoint", said.get("from", ""))[:64] or history.first(run.thread).id
    if request.method != "POST":
        return render(request, "agents/fork.html", {"fork": _form(run, at)})
    values = state_values(run, at, request.POST)
    if said.get("confirmed") != "yes":
        return render(request, "agents/fork.html", {"fork": _meaning(run, at, values)})
    made = operations.branch_run(
        run.row.id, Branch(at, values), reason=said.get("reason", ""), by=request.user, door="web", idempotency_key=said.get("key", "")[:64] or None
    )  # fmt: skip
    messages.success(request, _("Begun. Everything it wants done is asked anew."))
    return redirect("run", made.pk)


def forked_words(detail: RunDetail) -> dict[str, Any]:
    """Where a run comes from, and what was forked from it, for its page."""
    return {
        "parent": {"short": detail.parent[:8], "url": reverse("run", args=[detail.parent]), "at": detail.parent_checkpoint[-12:]}
        if detail.parent
        else None,
        "forks": [(one[:8], reverse("run", args=[one])) for one in detail.forks],
    }


def _base(run: RunDetail, at: str) -> dict[str, Any]:
    return {
        "title": title_of(run),
        "run_url": reverse("run", args=[run.row.id]),
        "url": reverse("run-fork", args=[run.row.id]),
        "line": line_of(run, history.checkpoint(run.thread, at), ["", ""]),
        "checkpoint": at,
    }


def _form(run: RunDetail, at: str) -> dict[str, Any]:
    state = history.values(run.thread, at)
    plain = history.editable(state)
    rows = [line_of(run, one, ["", ""]) for one in history.checkpoints(run.thread, limit=MOST).rows if one.next]
    return {
        **_base(run, at),
        "choices": [(row, row.id == at) for row in rows],
        "edit": fields_of(plain),
        "fixed": sorted(set(state) - set(plain)),
        **trial_form(run),
    }


def _meaning(run: RunDetail, at: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What comes next, how the state differs, and what has happened already, which the fork may propose again."""
    state = history.values(run.thread, at)
    done = [effect for effect in run.effects if effect.state in {"CLAIMED", "DONE", "UNKNOWN", "COMPENSATED"}]
    return {
        **_base(run, at),
        "means": True,
        "key": secrets.token_hex(16),
        "values": json.dumps(dict(values), ensure_ascii=False),
        "lines": compare(state, {**state, **values}).differences if values else (),
        "done": [(e.tool, reverse("action", args=[e.action_id]), e.finished_at or e.claimed_at) for e in done],
        "back_url": f"{reverse('run-fork', args=[run.row.id])}?from={at}",
        "version": queries.agent(run.row.agent).version,
        "version_then": history.checkpoint(run.thread, at).version or run.version,
    }
