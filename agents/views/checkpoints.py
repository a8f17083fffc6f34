"""The checkpoints of a run: the list, two of them compared, and what the state of one held. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agents import history, queries
from agents.history import Checkpoint
from agents.prices import money
from agents.queries import OverrideRow, RunDetail
from agents.stepped import Made, made
from agents.views import overrides
from agents.views.found import shown_run, title_of
from approvals import permissions
from approvals.render.arguments import lines_of
from approvals.render.since import compare
from approvals.web.http import Request
from audit.languages import decimal, number, told
from audit.sentences import say

SOURCES = {
    "input": say("input"),
    "loop": say("step"),
    "update": say("changed by an operator"),
    "fork": say("gone back to"),
}


ORDERS = {
    "ASKED": say("waits for a second person"),
    "ORDERED": say("waits for a worker"),
    "DONE": say("done"),
    "REFUSED": say("the graph did not take it"),
    "DROPPED": say("not confirmed in time"),
    "OVERTAKEN": say("the run has gone on without it"),
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
    made: tuple[tuple[str, str], ...] = ()
    first: bool = False
    second: bool = False


@require_safe
def checkpoints(request: Request, run_id: UUID) -> HttpResponse:
    """The list, the newest first; with `a` and `b`, how the state of one differs from the other's."""
    permissions.check_read(request.user)
    run = shown_run(run_id)
    picked = [request.GET.get(name, "").strip()[:64] for name in ("a", "b")]
    page = history.checkpoints(run.thread, before=request.GET.get("before", "")[:64])
    url, head = reverse("run-checkpoints", args=[run.row.id]), history.head(run.thread)
    found = made(run.row.id, page.rows)
    context = {
        "title": title_of(run),
        "run_url": reverse("run", args=[run.row.id]),
        "url": url,
        "rows": [line_of(run, one, picked, found[one.id]) for one in page.rows],
        "next_url": f"{url}?before={page.next}" if page.next else "",
        "first_url": url if request.GET.get("before") else "",
        "orders": [_order(run, one, head) for one in queries.overrides(run.row.id)],
        "difference": _difference(run, *sorted(picked)) if all(picked) else None,
    }
    return render(request, "agents/checkpoints.html", {"history": context})


def line_of(run: RunDetail, one: Checkpoint, picked: list[str], how: Made | None = None, *, whole: bool = False) -> CheckpointLine:
    """One row of the list; `how` it came about, and whether `whole`."""
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
        made=tuple(_said_of(how, whole=whole)) if how else (),
        first=one.id == picked[0],
        second=one.id == picked[1],
    )


def _took(how: Made | None) -> str:
    return _("%(n)s ms") % {"n": decimal(how.took_ms, 0)} if how and how.took_ms is not None else ""


def _said_of(how: Made, *, whole: bool) -> Iterator[tuple[str, str]]:
    """What was recorded of the step: names and values, those that say something. In a list the version stands for its digest (not `whole`)."""
    calls = ", ".join(f"{name} ({number(count)})" if count > 1 else name for name, count in how.models.items())
    cost = money(how.micros) if how.models else ""
    tokens = number(how.tokens) if how.tokens else ""
    prompts = ", ".join(sha256[:12] for sha256 in how.prompts)
    policy = str(how.policy) if how.policy else ""
    said = [(_("took"), _took(how)), (_("model"), calls), (_("prompt"), prompts), (_("tokens"), tokens), (_("cost"), cost)]
    said += [(_("policy version"), policy), (_("tools and graph"), how.tools[:12] if whole else ""), (_("error"), how.error)]
    return ((name, value) for name, value in said if value)


def _order(run: RunDetail, one: OverrideRow, head: str) -> dict[str, Any]:
    """What an operator ordered, and what became of it."""
    state = queries.stands(one, head)
    what = {
        "edit": _("Changed the state"),
        "rewind": _("Went back to %(id)s") % {"id": one.checkpoint[-12:]},
        "skip": _("Skipped %(node)s") % {"node": one.node},
        "fork": _("Forked from %(id)s") % {"id": one.checkpoint[-12:]},
        "answer": _("Gave the result of %(tool)s") % {"tool": one.node},
    }
    return {
        "what": what[one.kind],
        "who": ", ".join(filter(None, [one.by, one.confirmed_by])),
        "at": one.created_at,
        "reason": _("%(first)s / %(second)s") % {"first": one.reason, "second": one.confirmed_why} if one.confirmed_why else one.reason,
        "stay": one.stay,
        "state": told(ORDERS[state]),
        "written": overrides.written(one.values).splitlines() if one.kind == "skip" else (),
        "error": one.error,
        "url": reverse("run-checkpoint", args=[run.row.id, one.made]) if one.made else "",
    }


def _difference(run: RunDetail, older: str, newer: str) -> dict[str, Any]:
    """What the newer one's state has that the older one's had not, and the other way round."""
    found = compare(history.values(run.thread, older), history.values(run.thread, newer))
    return {
        "older": line_of(run, history.checkpoint(run.thread, older), [older, newer]),
        "newer": line_of(run, history.checkpoint(run.thread, newer), [older, newer]),
        "lines": [line for line in found.differences if line.path],  # a state that held nothing is one value without a name
        "same": found.same,
    }


@require_safe
def checkpoint(request: Request, run_id: UUID, checkpoint_id: str) -> HttpResponse:
    """One checkpoint: what its state held."""
    permissions.check_read(request.user)
    run = shown_run(run_id)
    one, state = history.checkpoint(run.thread, checkpoint_id), history.values(run.thread, checkpoint_id)
    before = [history.checkpoint(run.thread, one.parent)] if one.parent else []
    context = {
        "title": title_of(run),
        "run_url": reverse("run", args=[run.row.id]),
        "url": reverse("run-checkpoints", args=[run.row.id]),
        "line": line_of(run, one, ["", ""], made(run.row.id, [one, *before])[one.id], whole=True),
        "parent_url": reverse("run-checkpoint", args=[run.row.id, one.parent]) if one.parent else "",
        "since_url": f"{reverse('run-checkpoints', args=[run.row.id])}?a={one.parent}&b={one.id}" if one.parent else "",
        "state": lines_of(state),
        "offer": overrides.offered(request, run, one, state),
        "fork_url": f"{reverse('run-fork', args=[run.row.id])}?from={one.id}"
        if one.next and permissions.can_override(request.user)
        else "",
        "marks": sorted((name, str(value)) for name, value in one.metadata.items() if name in {"version", "model", "fence"}),
    }
    return render(request, "agents/checkpoint.html", {"history": context})
