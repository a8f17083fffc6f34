"""Changing what a run does next, from the page of one of its checkpoints: look at what it means first, then order it with a reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from agents import history, operations, queries
from agents.errors import BadInput
from agents.history import Checkpoint
from agents.operations.overriding import Wanted, changed, same_values
from agents.queries import OverrideRow, RunDetail
from agents.states import UNFINISHED, OverrideState, RunState
from agents.views.found import shown_run, title_of
from agents.views.state_fields import as_json, fields_of, touched
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.permissions import Standing
from approvals.render.since import compare
from approvals.web.http import Request
from audit.sentences import say

KINDS = ("edit", "rewind", "skip")
FIELDS = ("kind", "checkpoint", "head", "node", "values", "stay")


def offered(request: Request, run: RunDetail, one: Checkpoint, state: Mapping[str, Any]) -> dict[str, Any]:
    """What an operator may order from this checkpoint, and why not now."""
    if not permissions.can_override(request.user) or run.row.state not in {*UNFINISHED, RunState.FAILED}:
        return {}
    head = history.head(run.thread)
    is_head = one.id == head
    skip = one.next[0] if is_head and len(one.next) == 1 and not one.next[0].startswith("__") else ""
    plain = history.editable(state) if is_head else {}
    return {
        "url": reverse("run-override", args=[run.row.id]),
        "head": head,
        "checkpoint": one.id,
        "moving": run.row.state == RunState.RUNNING,
        "rewind": ", ".join(one.next),
        "gone": ", ".join(queries.gone_nodes(run.row.agent, one.next)),
        "edit": fields_of(plain),
        "fixed": sorted(set(state) - set(plain)) if is_head else [],
        "skip": skip,
        "waits": _to_confirm(run, head, skip) if skip else [],
    }


def _to_confirm(run: RunDetail, head: str, node: str) -> list[dict[str, Any]]:
    """Skips that wait for a second person, with what each writes: nobody confirms what they do not see."""
    return [
        {
            "by": row.by,
            "node": row.node,
            "reason": row.reason,
            "stay": "yes" if row.stay else "",
            "values": json.dumps(row.values, ensure_ascii=False),
            "shown": written(row.values).splitlines(),
        }
        for row in _asked(run, head, node)
    ]


def _asked(run: RunDetail, head: str, node: str) -> list[OverrideRow]:
    return [
        row for row in queries.overrides(run.row.id, state=OverrideState.ASKED) if (row.kind, row.head, row.node) == ("skip", head, node)
    ]


def written(values: Mapping[str, Any]) -> str:
    """What an order puts into the state, for people."""
    return json.dumps(dict(values), ensure_ascii=False, indent=2) if values else ""


@require_POST
def override(request: Request, run_id: UUID) -> HttpResponse:
    """First what it would mean, to be confirmed with a reason; then the order."""
    permissions.check_read(request.user)
    permissions.check_override(permissions.standing(request.user))
    run = shown_run(run_id)
    wanted = _wanted(request, run)
    if request.POST.get("confirmed") != "yes":
        return render(request, "agents/override.html", {"order": _meaning(run, wanted, permissions.standing(request.user))})
    order = operations.override(run_id, wanted, reason=request.POST.get("reason", ""), by=request.user, door="web")
    if order.state == OverrideState.ASKED:
        messages.success(request, _("Asked for. Another operator has to confirm it within an hour; nothing changes before."))
    else:
        messages.success(request, _("Ordered. What was asked is superseded; a worker carries it out."))
    return redirect("run", run_id)


def _wanted(request: Request, run: RunDetail) -> Wanted:
    """The order as the form has it; texts are JSON. Raises BadInput, naming the field."""
    said = {name: request.POST.get(name, "").strip() for name in FIELDS}
    if said["kind"] not in KINDS:
        raise BadInput(say("There is no such order"), fields={"kind": say("edit, rewind or skip")})
    values = as_json("values", said["values"]) if said["values"] else {}
    if not isinstance(values, dict):
        raise BadInput(
            say("What the node would have written is an object: its names and their values"), fields={"values": say("an object")}
        )
    if said["kind"] == "edit":
        begins, state = queries.agent(run.row.agent).input_schema, history.values(run.thread, said["head"])
        values, _before = changed(state, {**values, **touched(state, request.POST)}, begins=begins)
    return Wanted(said["kind"], said["head"], said["checkpoint"], said["node"], values, bool(said["stay"]))


def _first_asked(run: RunDetail, wanted: Wanted, by: str) -> dict[str, str] | None:
    """Who has asked for this very skip and why, where `by` would be the second; then it is carried out at once."""
    same = (
        row
        for row in _asked(run, wanted.head, wanted.node)
        if row.by != by and row.stay == wanted.stay and same_values(row.values, wanted.values or {})
    )
    return next(({"by": row.by, "reason": row.reason} for row in same), None)


def _meaning(run: RunDetail, wanted: Wanted, who: Standing) -> dict[str, Any]:
    """What would be superseded, what has happened and stays, and how the state would differ."""
    start = wanted.checkpoint if wanted.kind == "rewind" and wanted.checkpoint else wanted.head
    state = history.values(run.thread, start)
    one = history.checkpoint(run.thread, start)
    differs = compare(state, {**state, **(wanted.values or {})}).differences if wanted.kind == "edit" else ()
    return {
        "title": title_of(run),
        "kind": wanted.kind,
        "back_url": reverse("run-checkpoint", args=[run.row.id, start]),
        "url": reverse("run-override", args=[run.row.id]),
        "fields": [
            ("kind", wanted.kind), ("head", wanted.head), ("checkpoint", wanted.checkpoint), ("node", wanted.node),
            ("values", json.dumps(dict(wanted.values or {}), ensure_ascii=False)), ("stay", "yes" if wanted.stay else ""),
        ],
        "next": ", ".join(one.next),
        "node": wanted.node,
        "stay": wanted.stay,
        "lines": differs,
        "superseded": [row for row in approvals_queries.run_actions(run.row.id) if row.settled_at is None],
        "done": [(e.tool, reverse("action", args=[e.action_id]), e.finished_at) for e in queries.done_since(run.row.id, one.at)],
        "two": wanted.kind == "skip" and permissions.others_may_halt(who),
        "written": (written(wanted.values or {}) or "{}").splitlines() if wanted.kind == "skip" else (),
        "asked": _first_asked(run, wanted, who.user.get_username()) if wanted.kind == "skip" else None,
    }  # fmt: skip
