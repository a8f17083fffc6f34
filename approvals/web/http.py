"""The request as views of signed-in people see it. The login middleware lets nobody else in; this is for the types."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from approvals import queries

if TYPE_CHECKING:
    from approvals.models import User


class Request(HttpRequest):
    """A request of a signed-in person, perhaps by htmx."""

    user: User
    htmx: HtmxDetails


def waiting_counts(request: HttpRequest) -> dict[str, int]:
    """The figures of what waits, asked once per request: the rail and the inbox show the same."""
    found: dict[str, int] | None = request.__dict__.get("_waiting_counts")
    if found is None:
        found = request.__dict__["_waiting_counts"] = queries.counts(cast("User", request.user))
    return found


def preferences_of(request: Request) -> queries.Preferences:
    """What the reader chose, asked once per request."""
    found: queries.Preferences | None = request.__dict__.get("_preferences")
    if found is None:
        found = request.__dict__["_preferences"] = queries.preferences(request.user)
    return found


def is_fragment(request: Request) -> bool:
    """Whether htmx asks, and a part of a page is enough."""
    return bool(getattr(request, "htmx", False))
