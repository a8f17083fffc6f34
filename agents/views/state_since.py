"""Evidence of an action: what changed in the state of its run since people last approved something in it.

Both states are those from which the graph asked: found by the task that asked, not by clocks of workers. Bounded, for a state may be large.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents import history, queries
from agents.queries import RunDetail
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.errors import NotFound
from approvals.queries import InboxRow
from approvals.queries.precedents import approved_in_run
from approvals.render.since import compare
from approvals.web.http import Request
from audit.sentences import say

MOST = 12
MOST_TEXT = 400_000  # characters of a state: more is compared on the run's own page
ELSEWHERE = say("The agent runs elsewhere, and so does its state.")
NOTHING = say("Nobody had approved anything in this run before.")
UNKNOWN = say("Which state it was asked from is not on record.")
SAME = say("Both were asked from the very same state.")
LARGE = say("The state is too large to be compared here.")


@require_safe
def state(request: Request, action_id: UUID) -> HttpResponse:
    """Read when the page is there already."""
    permissions.check_read(request.user)
    row = approvals_queries.inbox_row(action_id)
    if row is None:
        raise NotFound(say("There is no such action"))
    return render(request, "agents/_state_since.html", {"since": _since(row)})


def _since(row: InboxRow) -> dict[str, Any]:
    last = approved_in_run(row.run, before=row.created_at) if row.run else None
    if last is None:
        return {"why": NOTHING}
    found = {"last": last, "url": reverse("action", args=[last.id])}
    run = queries.run_detail(row.run)
    if not run.here:
        return {**found, "why": ELSEWHERE}
    older, newer = _checkpoint_of(run, last.id), _checkpoint_of(run, row.id)
    if not older or not newer:
        return {**found, "why": UNKNOWN}
    if older == newer:
        return {**found, "why": SAME}
    whole = f"{reverse('run-checkpoints', args=[row.run])}?a={older}&b={newer}"
    before, after = history.values(run.thread, older), history.values(run.thread, newer)
    if max(len(json.dumps(one, default=str)) for one in (before, after)) > MOST_TEXT:
        return {**found, "whole_url": whole, "why": LARGE}
    compared = compare(before, after)
    lines = [line for line in compared.differences if line.path]
    return {**found, "whole_url": whole, "lines": lines[:MOST], "more": max(0, len(lines) - MOST), "same": compared.same}


def _checkpoint_of(run: RunDetail, action_id: str) -> str:
    task = next((pause.task for pause in run.pauses if action_id in pause.actions), "")
    return history.of_task(run.thread, task)
