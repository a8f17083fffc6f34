"""Groups of people for administrators: the list, one group with its members, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from approvals import permissions
from approvals.errors import ApprovalError
from approvals.operations import groups as operations
from approvals.operations import policies, publishing
from approvals.policy.checking import Finding, Known
from approvals.policy.rosters import groups_named
from approvals.policy.rules import line_of
from approvals.queries import groups as queries
from approvals.queries.policies import rosters
from approvals.web.http import Request
from approvals.web.sign_ins import may_manage, to_confirm


@require_safe
@never_cache
def groups(request: Request) -> HttpResponse:
    """Every group, how many people it has, and where the policy in force names it."""
    return _list(request)


@require_safe
@never_cache
def group(request: Request, group_id: int) -> HttpResponse:
    """One group: its members, and putting somebody in."""
    return _one(request, group_id)


@require_POST
def create(request: Request) -> HttpResponse:
    """A new group."""
    permissions.check_groups(permissions.standing(request.user))
    if not may_manage(request):
        return to_confirm(reverse("groups"))
    try:
        made = operations.create(name=request.POST.get("name", "").strip(), by=request.user, door="web")
    except ApprovalError as error:
        return _list(request, error)
    messages.success(request, _("%(group)s is there. Nobody is in it yet.") % {"group": made.name})
    return redirect("group", made.pk)


@require_POST
def add(request: Request, group_id: int) -> HttpResponse:
    """Put somebody into a group."""
    return _changed(request, group_id, operations.add, _("%(name)s is in %(group)s. They are told, and it is in the log."))


@require_POST
def remove(request: Request, group_id: int) -> HttpResponse:
    """Take somebody out of a group."""
    said = _("%(name)s is no longer in %(group)s. What they approved and is not done yet counts without them.")
    return _changed(request, group_id, operations.remove, said)


@require_POST
def delete(request: Request, group_id: int) -> HttpResponse:
    """Delete a group that nothing names."""
    permissions.check_groups(permissions.standing(request.user))
    name = queries.group_detail(group_id).row.name
    if not may_manage(request):
        return to_confirm(reverse("group", args=[group_id]))
    try:
        operations.delete(group=name, by=request.user, door="web")
    except ApprovalError as error:
        return _one(request, group_id, error)
    messages.success(request, _("%(group)s is deleted.") % {"group": name})
    return redirect("groups")


def _changed(request: Request, group_id: int, change: Callable[..., Any], said: str) -> HttpResponse:
    permissions.check_groups(permissions.standing(request.user))
    name, username = queries.group_detail(group_id).row.name, request.POST.get("username", "").strip()
    if not may_manage(request):
        return to_confirm(reverse("group", args=[group_id]))
    try:
        change(group=name, username=username, by=request.user, door="web")
    except ApprovalError as error:
        return _one(request, group_id, error)
    messages.success(request, said % {"name": username, "group": name})
    return redirect("group", group_id)


def _list(request: Request, error: ApprovalError | None = None) -> HttpResponse:
    permissions.check_groups(permissions.standing(request.user))
    lines = _lines()
    context = {
        "groups": [(row, lines.get(row.name, 0)) for row in queries.groups()],
        "unmanned": _unmanned(),
        "error": error.message if error else "",
        "name": request.POST.get("name", "")[:80],
    }
    return render(request, "security/groups.html", context, status=error.status if error else 200)


def _one(request: Request, group_id: int, error: ApprovalError | None = None) -> HttpResponse:
    permissions.check_groups(permissions.standing(request.user))
    detail = queries.group_detail(group_id)
    context = {
        "group": detail.row, "detail": detail, "me": request.user.get_username(), "line": _lines().get(detail.row.name, 0),
        "unmanned": _unmanned(), "error": error.message if error else "", "username": request.POST.get("username", "")[:150],
    }  # fmt: skip
    return render(request, "security/group.html", context, status=error.status if error else 200)


def _lines() -> dict[str, int]:
    """The line of the policy in force that names a group first."""
    current = policies.in_force()
    return {name: line_of(current.source, *path) for name, path in groups_named(current.data).items()}


def _unmanned() -> tuple[Finding, ...]:
    there = rosters()
    return publishing.unmanned_now(Known(rosters=there.groups, names=there.names))
