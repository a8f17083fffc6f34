"""What was really done for an action: the fragment on its page, and a person's word on a call nobody knows the outcome of."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agents import operations, overview, queries
from agents.errors import BadInput, UnknownEffect
from agents.queries import EffectRow
from agents.views.instead import read_result
from agents.views.states import EFFECTS
from agents.views.unknown import said
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.errors import BadRequest
from approvals.queries.results import lacking
from approvals.render.reveal import Revealed, reveal
from approvals.web.http import Request, is_fragment
from approvals.web.receipts import Fate, fate_of
from audit.languages import told
from audit.sentences import say

NOTES = {"done": "note-good", "failed": "note-bad", "waiting": "note-warn", "running": "note-info"}


@require_safe
def effect(request: Request, action_id: UUID) -> HttpResponse:
    """The note under the receipt, as it is now."""
    permissions.check_read(request.user)
    row, found = approvals_queries.inbox_row(action_id), queries.effect(action_id)
    fate = fate_of_effect(found) if found and not (row and row.held) else fate_of(row) if row else None
    if row is None or fate is None:
        return HttpResponse(status=204)
    # What was fetched just now is not fetched once more when it is drawn: until the action is settled that would never end.
    context: dict[str, Any] = {"fate": fate, "fetched": True, "card": {"id": row.id, "effect_url": "" if row.settled_at else request.path}}
    if found and found.state == "UNKNOWN" and permissions.can_halt(request.user):
        context["resolve_url"] = reverse("effect-resolve", args=[row.id])
    return render(request, "approvals/_fate.html", context)


def fate_of_effect(found: EffectRow) -> Fate:
    look = EFFECTS[found.state]
    title = told(look.word)
    if found.attempts > 1:
        title = _("%(what)s, attempt %(n)s") % {"what": title, "n": found.attempts}
    at = found.finished_at or found.claimed_at or found.created_at
    return Fate(title, look.icon, NOTES.get(look.tone, ""), at, _detail(found))


def _detail(found: EffectRow) -> Revealed | None:
    if found.said:
        return said_words(found)
    if found.error:
        return reveal(told(found.error))
    return reveal(json.dumps(found.result, ensure_ascii=False, indent=2)) if found.result is not None else None


def said_words(found: EffectRow) -> Revealed:
    """What a person said of a call of unknown outcome, and what stood there until then."""
    return reveal(_("%(said)s. Until then: %(was)s") % {"said": told(found.said), "was": told(found.was)})


@require_safe
def resolve_form(request: Request, action_id: UUID) -> HttpResponse:
    """Ask an operator what became of a call: done, or not done."""
    permissions.check_read(request.user)
    return _resolving(request, action_id)


def _resolving(request: Request, action_id: UUID, *, lacks: tuple[str, ...] = (), error: str = "", status: int = 200) -> HttpResponse:
    """The form; of what was sent, with what its result lacks or why it is none."""
    found, row = queries.effect(action_id), approvals_queries.inbox_row(action_id)
    if found is None or row is None:
        raise UnknownEffect(say("There is no such effect"))
    context = {
        "effect": found,
        "row": row,
        "saids": [said(check) for check in overview.checks_of([found.action_id]).get(found.action_id, [])[:3]],
        "error": reveal(told(found.error)) if found.error else None,
        "always": lacking(agent=row.agent, tool=row.tool, result={}),
        "lacks": lacks,
        "bad_result": told(error),
        "given": {name: request.POST.get(name, "") for name in ("done", "reason", "result")},
    }
    fragment = is_fragment(request)
    return render(request, "agents/_resolve.html" if fragment else "agents/resolve.html", context, status=status)


@require_POST
def resolve(request: Request, action_id: UUID) -> HttpResponse:
    done = request.POST.get("done")
    if done not in {"yes", "no", "undo"}:
        raise BadRequest(say("Say whether it was done: yes or no, or that it is to be undone"))
    said_by: dict[str, Any] = {"reason": request.POST.get("reason", ""), "by": request.user, "door": "web"}
    if done == "undo":
        found = operations.resolve_undone(action_id, **said_by)
        messages.success(request, _("Recorded. The run is over, and what it did is being reversed; its page says how far."))
    else:
        try:
            given = read_result(text) if (text := request.POST.get("result", "").strip()) and done == "yes" else None
        except BadInput as error:
            return _resolving(request, action_id, error=error.message, status=422)
        row = approvals_queries.inbox_row(action_id)
        lacks = lacking(agent=row.agent, tool=row.tool, result=given or {}) if row and done == "yes" else ()
        if lacks and request.POST.get("anyway") != "yes":
            return _resolving(request, action_id, lacks=lacks)
        found = operations.resolve_unknown(action_id, done=done == "yes", result=given, **said_by)
        messages.success(request, _("Recorded; the run goes on with it."))
    return redirect("run", found.run_id)
