"""What a browser missed, by plain GET, for when sockets do not get through; and the banner of halts."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from approvals import permissions, queries
from approvals.errors import BadRequest
from approvals.web.http import Request
from approvals.web.shell import banners
from audit.sentences import say


@require_safe
@never_cache
def catchup(request: Request) -> JsonResponse:
    """Hints after `?since=`: the same the socket would have told."""
    permissions.check_read(request.user)
    since = request.GET.get("since", "0")
    if not (since.isascii() and since.isdigit() and len(since) < 19):
        raise BadRequest(say("`since` is the id of the last hint seen, a whole number"))
    missed = queries.catch_up(int(since))
    return JsonResponse({"hints": missed.hints, "last": missed.last, "resync": missed.resync, "now": missed.now.isoformat()})


@require_safe
def banner(request: Request) -> HttpResponse:
    """The halts in force, for pages that are open."""
    permissions.check_read(request.user)
    shown = banners(may_release=permissions.can_halt(request.user))
    return render(request, "halt/_banner.html", {"shell": {"halts": shown}})
