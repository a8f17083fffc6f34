"""Other arguments for an action: a form from the tool's schema, the difference while one types, and the request.

Lives in this room because the schema of a tool does. A worker tries the arguments with the tool; the answer arrives as a hint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from agents import queries
from agents.operations import waking
from approvals import operations, permissions
from approvals import queries as approvals_queries
from approvals.errors import BadRequest, Checking, Conflict
from approvals.queries import ActionDetail
from approvals.render.changes import changes
from approvals.web.http import Request, is_fragment
from approvals.web.inputs import Posted
from approvals.web.nesting import fields_of, read
from approvals.web.schemaform import completed, guessed, owner
from approvals.web.views.action import card, show_detail
from approvals.web.views.decide import conflict, decided
from audit.sentences import say


def edit(request: Request, action_id: UUID) -> HttpResponse:
    """GET: the form in the place of what will run. POST: ask for the arguments it means."""
    permissions.check_read(request.user)
    detail = approvals_queries.action_detail(action_id, reader=request.user)
    schema, now = _schema(detail), _args(detail)
    if request.method != "POST":
        # After a refusal the form starts from what was tried, not from scratch.
        tried = detail.edit_args if isinstance(detail.edit_args, dict) else now
        return _form(request, detail, schema, now, tried, detail.edit_errors)
    args, errors = read(schema, now, request.POST)
    if errors:
        return _form(request, detail, schema, now, args, errors, posted=request.POST, status=422)
    try:
        wanted = operations.request_edit(
            action_id, by=request.user, seen_digest=request.POST.get("seen_digest", ""), args=args,
            reason=request.POST.get("reason", ""), door="web",
        )  # fmt: skip
    except BadRequest as error:
        fields = error.details.get("fields") or {"": error.message}
        return _form(request, detail, schema, now, args, fields, posted=request.POST, status=422)
    except Conflict as error:
        return conflict(request, action_id, request.POST.get("seen_digest", ""), error, wrote=args)
    if wanted.action.drill:
        return decided(request, action_id, _("It was a test action"), stay=True)
    waking.wake(waking.EDIT, wanted.pk)
    return show_detail(request, approvals_queries.action_detail(action_id, reader=request.user))


@require_POST
def diff(request: Request, action_id: UUID) -> HttpResponse:
    """What the form would change, and what does not fit. Changes nothing."""
    permissions.check_read(request.user)
    detail = approvals_queries.action_detail(action_id, reader=request.user)
    now = _args(detail)
    args, errors = read(_schema(detail), now, request.POST)
    return render(request, "approvals/_edit_diff.html", {"diff": _diff(now, args, errors)})


def _form(
    request: Request, detail: ActionDetail, schema: Mapping[str, Any], now: dict[str, Any], args: dict[str, Any],
    errors: Mapping[str, str], *, posted: Posted | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    shown = card(detail)
    if shown.bar is None or not shown.bar.edit_url:
        return _not_open(request, detail)
    fields = fields_of(schema, args, posted=posted, errors=errors)
    at_fields = {field.key for field in fields if field.error}
    edit = {
        "fields": fields,
        "errors": [why for path, why in errors.items() if not owner(path, at_fields)],
        "reason": request.POST.get("reason", "") if posted is not None else detail.edit_reason,
        "reason_needed": "edit" in detail.reason_for,
        "diff_url": reverse("action-edit-diff", args=[detail.row.id]),
        "diff": _diff(now, args, {}),
    }
    context = {"card": shown, "bar": shown.bar, "edit": edit}
    if not is_fragment(request):
        return render(request, "approvals/action.html", {**context, "alone": True}, status=status)
    answer = render(request, "approvals/_edit_form.html", context, status=status)
    answer["HX-Retarget"] = f"#what-{detail.row.id}"
    return answer


def _not_open(request: Request, detail: ActionDetail) -> HttpResponse:
    """There is nothing to edit here (any more): the action as it is, which says why."""
    if detail.checking:
        raise Checking(say("Edited arguments are being checked; wait a moment and look at the new version"))
    answer = show_detail(request, detail, status=409, focus=True)
    answer["HX-Retarget"] = "#pane"
    return answer


def _diff(now: dict[str, Any], args: dict[str, Any], errors: Mapping[str, str]) -> dict[str, Any]:
    return {
        "changes": changes(now, args),
        "errors": [say("%(path)s: %(why)s", path=path, why=why) if path else why for path, why in errors.items()],
    }


def _schema(detail: ActionDetail) -> Mapping[str, Any]:
    """The tool's own schema, with what it leaves undeclared; one guessed from the values where there is none."""
    tool = queries.tool_of(detail.row.agent, detail.row.tool)
    return completed(tool["schema"], _args(detail)) if tool else guessed(_args(detail))


def _args(detail: ActionDetail) -> dict[str, Any]:
    return dict(detail.args) if isinstance(detail.args, dict) else {}
