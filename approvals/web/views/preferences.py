"""A person's own desk: the page of preferences, saved views, and the heartbeat of who has an action open."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals import permissions, queries
from approvals.errors import BadRequest, NotFound
from approvals.operations import preferences as operations
from approvals.web.http import Request, is_fragment
from approvals.web.keys import COMMANDS, wanted_keys
from approvals.web.views.desks import away_context
from audit.sentences import say

FILTERS = ("q", "mine", "level", "due", "agent", "tool", "others", "snoozed", "sort")
# Where views can be saved, by the name of its url, with its filters in one order.
PLACES = {"inbox": FILTERS, "console": ("agent", "state", "who", "q"), "runs": ("agent", "state", "q")}


def page(request: Request) -> HttpResponse:
    """GET: what is chosen. POST: choose all of it."""
    permissions.check_read(request.user)
    if request.method != "POST":
        return _page(request, queries.preferences(request.user), {})
    keys = wanted_keys(request.POST)
    try:
        operations.choose(
            by=request.user,
            choices={
                "theme": request.POST.get("theme", "system"),
                "density": request.POST.get("density", "comfortable"),
                "keys_off": "keys_on" not in request.POST,
                "keys": keys,
            },
        )
    except BadRequest as error:
        tried = queries.Preferences(
            theme=request.POST.get("theme", ""), density=request.POST.get("density", ""), keys_off="keys_on" not in request.POST, keys=keys,
            views=queries.preferences(request.user).views,
        )  # fmt: skip
        return _page(request, tried, error.details.get("fields") or {"": error.message}, status=422)
    messages.success(request, _("Your preferences are kept. They hold on every machine you sign in on."))
    return redirect("preferences")


def _page(request: Request, chosen: queries.Preferences, errors: dict[str, str], *, status: int = 200) -> HttpResponse:
    keys = [(c.name, c.label, c.usual, chosen.keys.get(c.name, c.usual), errors.get(c.name, "")) for c in COMMANDS]
    context = {
        "chosen": chosen, "themes": operations.THEMES, "densities": operations.DENSITIES, "keys": keys, "error": errors.get("", ""),
        "views": [(view.name, f"{reverse(view.place)}?{view.query}", view.place) for view in chosen.views if view.place in PLACES],
        **away_context(request),
    }  # fmt: skip
    return render(request, "approvals/preferences.html", context, status=status)


@require_POST
def theme(request: Request) -> HttpResponse:
    """The menu's three buttons. The page has changed its look already; this makes it last."""
    operations.choose(by=request.user, choices={"theme": request.POST.get("theme", "")})
    return HttpResponse(status=204) if is_fragment(request) else redirect(_back(request))


@require_POST
def save_view(request: Request) -> HttpResponse:
    """Keep the filters of the inbox, of the console or of the runs under a name, and go there."""
    permissions.check_read(request.user)
    place = _place(request)
    query = kept_query(QueryDict(request.POST.get("query", "")[:1_000]), place)
    if operations.save_view(by=request.user, name=request.POST.get("name", ""), query=query, place=place):
        messages.info(request, _("The view of that name is this one now; the one before is gone"))
    return redirect(f"{reverse(place)}?{query}" if query else reverse(place))


@require_POST
def remove_view(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    operations.remove_view(by=request.user, name=request.POST.get("name", ""), place=_place(request))
    return redirect("preferences")


@require_POST
def viewing(request: Request, action_id: UUID) -> HttpResponse:
    """I have this open; who else has? Told every 15 s by pages that are looked at. Never in anybody's way."""
    permissions.check_read(request.user)
    if queries.inbox_row(action_id) is None:
        raise NotFound(say("There is no such action"))
    operations.look_at(action_id, by=request.user)
    names = queries.viewers(str(action_id), but=request.user)
    return render(request, "approvals/_viewing.html", {"names": names})


@require_safe
def viewers(request: Request, action_id: UUID) -> HttpResponse:
    """Who else has it open, for its row in the list: asked for when somebody comes or goes, and while somebody is there."""
    permissions.check_read(request.user)
    if queries.inbox_row(action_id) is None:
        return HttpResponse(status=204)
    names = queries.viewers(str(action_id), but=request.user)
    return render(request, "approvals/_row_viewers.html", {"viewed": action_id, "names": names})


def kept_query(query: QueryDict | dict[str, Any], place: str = "inbox") -> str:
    """Only the place's own filters, in one order: the same view has the same address."""
    return urlencode([(name, query[name]) for name in PLACES[place] if query.get(name)])


def _place(request: Request) -> str:
    """Where a view belongs: the inbox, unless one of the others is named."""
    named = request.POST.get("place", "")
    return named if named in PLACES else "inbox"


def _back(request: Request) -> str:
    """The page it was pressed on: its path only, so that nobody can be sent elsewhere."""
    path = urlsplit(request.META.get("HTTP_REFERER", "")).path
    return path if path.startswith("/") and not path.startswith("//") else "/"
