"""The checkpoints of a run: the list, two of them compared, and what the state of one held. Nothing here changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agents import history, queries
from agents.errors import WrongState
from agents.history import Checkpoint
from agents.queries import RunDetail
from approvals import permissions
from approvals.render.arguments import lines_of
from approvals.render.since import compare
from approvals.web.http import Request
from audit.languages import number
from audit.sentences import say

SOURCES = {
    "input": say("input"),
    "loop": say("step"),
    "update": say("changed by an operator"),
    "fork": say("gone back to"),
}


@dataclass(frozen=True)
class CheckpointLine:
    """One checkpoint as a row. `first` and `second`: it is the older, the newer one of those compared."""

    id: str
    short: str
    step: str
    at: Any
    source: str
    after: str
    next: str
    parent: str
    said: str
    version: str
    url: str
    first: bool = False
    second: bool = False


@require_safe
def checkpoints(request: Request, run_id: UUID) -> HttpResponse:
    """The list, the newest first; with `a` and `b`, how the state of one differs from the other's."""
    permissions.check_read(request.user)
    run = shown_run(run_id)
    picked = [request.GET.get(name, "").strip()[:64] for name in ("a", "b")]
    page = history.checkpoints(run.thread, before=request.GET.get("before", "")[:64])
    url = reverse("run-checkpoints", args=[run.row.id])
    context = {
        "title": title_of(run),
        "run_url": reverse("run", args=[run.row.id]),
        "url": url,
        "rows": [line_of(run, one, picked) for one in page.rows],
        "next_url": f"{url}?before={page.next}" if page.next else "",
        "first_url": url if request.GET.get("before") else "",
        "difference": _difference(run, *sorted(picked)) if all(picked) else None,
    }
    return render(request, "agents/checkpoints.html", {"history": context})


def shown_run(run_id: UUID) -> RunDetail:
    """A run whose graph is driven here. Raises WrongState: what runs elsewhere keeps its checkpoints there."""
    run = queries.run_detail(run_id)
    if not run.here:
        raise WrongState(say("This agent runs elsewhere, and so do its checkpoints: look there, or at the steps on the run's page"))
    return run


def title_of(run: RunDetail) -> str:
    return f"{run.agent_title} {run.row.id[:8]}"


def line_of(run: RunDetail, one: Checkpoint, picked: list[str]) -> CheckpointLine:
    """One row of the list."""
    said = [_("asked people")] if one.asked else []
    said += [_("failed")] if one.failed else []
    return CheckpointLine(
        id=one.id,
        short=one.id[-12:],
        step=number(one.step),
        at=one.at,
        source=str(SOURCES.get(one.source, one.source)),
        after=", ".join(one.after),
        next=", ".join(one.next),
        parent=one.parent[-12:],
        said=", ".join(said),
        version=one.version,
        url=reverse("run-checkpoint", args=[run.row.id, one.id]),
        first=one.id == picked[0],
        second=one.id == picked[1],
    )


def _difference(run: RunDetail, older: str, newer: str) -> dict[str, Any]:
    """What the newer one's state has that the older one's had not, and the other way round."""
    found = compare(history.values(run.thread, older), history.values(run.thread, newer))
    return {
        "older": line_of(run, history.checkpoint(run.thread, older), [older, newer]),
        "newer": line_of(run, history.checkpoint(run.thread, newer), [older, newer]),
        "lines": found.differences,
        "same": found.same,
    }


@require_safe
def checkpoint(request: Request, run_id: UUID, checkpoint_id: str) -> HttpResponse:
    """One checkpoint: what its state held."""
    permissions.check_read(request.user)
    run = shown_run(run_id)
    one = history.checkpoint(run.thread, checkpoint_id)
    context = {
        "title": title_of(run),
        "run_url": reverse("run", args=[run.row.id]),
        "url": reverse("run-checkpoints", args=[run.row.id]),
        "line": line_of(run, one, ["", ""]),
        "parent_url": reverse("run-checkpoint", args=[run.row.id, one.parent]) if one.parent else "",
        "since_url": f"{reverse('run-checkpoints', args=[run.row.id])}?a={one.parent}&b={one.id}" if one.parent else "",
        "state": lines_of(history.values(run.thread, one.id)),
        "marks": sorted((name, str(value)) for name, value in one.metadata.items() if name in {"version", "model", "fence"}),
    }
    return render(request, "agents/checkpoint.html", {"history": context})
