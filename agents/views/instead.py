"""An operator gives a call's result instead of the call being made: the form, what it would mean, and the order with its reason."""

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

from agents import operations, queries
from agents.errors import BadInput
from agents.operations.instead import check_result
from agents.queries import RunDetail
from agents.states import OverrideState
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.errors import NotFound
from approvals.queries import ActionDetail
from approvals.queries.results import check_takes, lacking, last_result, taking
from approvals.render.arguments import lines_of
from approvals.render.since import compare
from approvals.web.http import Request
from audit import canonical
from audit.languages import told
from audit.sentences import say

MAX_TEXT = 200_000
MOST = 20


def offered(request: Request, detail: RunDetail) -> list[tuple[str, str]]:
    """The calls of a run that wait and whose agents take a result, and where an operator may give it."""
    if not permissions.can_override(request.user):
        return []
    waits = [row for row in approvals_queries.run_actions(detail.row.id) if _open(row)]
    takes = taking([row.id for row in waits]) if waits else frozenset()
    return [(row.summary, reverse("action-answer-for", args=[row.id])) for row in waits if row.id in takes][:MOST]


def answer_for(request: Request, action_id: UUID) -> HttpResponse:
    """GET: the form. POST: first how it differs from what the tool gave last and what it means, then, with a reason, the order."""
    permissions.check_read(request.user)
    detail = approvals_queries.action_detail(action_id, reader=request.user)
    if not detail.row.run:
        raise NotFound(say("There is no such call of a run"))
    check_takes(detail.agent_takes)  # before anything is explained: nobody writes a result that could never be given
    if request.method != "POST":
        return _form(request, detail, "{}")
    text = request.POST.get("result", "")[:MAX_TEXT]
    try:
        result = read_result(text)
    except BadInput as error:
        return _form(request, detail, text, error=error.message, status=422)
    if request.POST.get("confirmed") != "yes":
        return _meaning(request, detail, result)
    seen, reason = request.POST.get("seen_digest", ""), request.POST.get("reason", "")
    given = operations.answer_for(action_id, result, seen_digest=seen, reason=reason, by=request.user, door="web")
    if given.state == OverrideState.ASKED:
        messages.success(request, _("Asked for. Another operator has to give the same result within an hour; nothing changes before."))
    else:
        messages.success(request, _("Given. The call is never made; the run goes on with this result."))
    return redirect("run", detail.row.run)


def _open(row: Any) -> bool:
    return row.kind == "tool" and row.state in {"PENDING", "APPROVED"} and not row.claimed_at and not row.settled_at


def read_result(text: str) -> dict[str, Any]:
    """What was written as a result. Raises BadInput."""
    try:
        return check_result(canonical.parse(text[:MAX_TEXT].encode()))
    except (canonical.NotCanonical, UnicodeEncodeError) as error:
        raise BadInput(say("The result is not JSON: %(why)s", why=str(error)), fields={"result": str(error)}) from error


def _call(detail: ActionDetail) -> dict[str, Any]:
    row = detail.row
    return {
        "id": row.id,
        "title": row.summary,
        "tool": row.tool,
        "digest": row.digest,
        "open": _open(row),
        "args": lines_of(detail.args if isinstance(detail.args, dict) else {"arguments": detail.args}),
        "url": reverse("action-answer-for", args=[row.id]),
        "action_url": reverse("action", args=[row.id]),
        "run_url": reverse("run", args=[row.run]),
        "run": row.run[:8],
        "two": row.level == "critical" or sum(need.count for need in detail.needs) > 1,
    }


def _form(request: Request, detail: ActionDetail, text: str, *, error: str = "", status: int = 200) -> HttpResponse:
    last = last_result(agent=detail.row.agent, tool=detail.row.tool)
    waits = [_asked(one, last.result if last else {}) for one in queries.answers_asked(detail.row.run, detail.row.id)]
    context = {
        **_call(detail),
        "text": text,
        "error": told(error),
        "last": json.dumps(last.result, ensure_ascii=False, indent=2) if last else "",
        "last_url": reverse("action", args=[last.action_id]) if last else "",
        "last_at": last.at if last else None,
        "waits": waits,
        "may": permissions.can_override(request.user),
    }
    return render(request, "agents/answer_for.html", {"call": context}, status=status)


def _asked(one: queries.AnswerRow, last: Any) -> dict[str, Any]:
    return {
        "by": one.by, "reason": one.reason, "at": one.created_at, "result": json.dumps(one.result, ensure_ascii=False),
        "lines": _differences(last, one.result),
    }  # fmt: skip


def _meaning(request: Request, detail: ActionDetail, result: Mapping[str, Any]) -> HttpResponse:
    last = last_result(agent=detail.row.agent, tool=detail.row.tool)
    context = {
        **_call(detail),
        "lines": _differences(last.result if last else {}, result),
        "compared": bool(last),
        "same": bool(last) and not _differences(last.result if last else {}, result),
        "lacks": lacking(agent=detail.row.agent, tool=detail.row.tool, result=result),
        "result": json.dumps(dict(result), ensure_ascii=False),
        "digest": request.POST.get("seen_digest", ""),
        "last_url": reverse("action", args=[last.action_id]) if last else "",
    }
    return render(request, "agents/answer_for_means.html", {"call": context})


def _differences(last: Any, result: Any) -> Any:
    return [line for line in compare(last, result).differences if line.path]
