"""Where a page's live updates begin: noticed before the page reads anything, so that no change falls between.

Read when the frame is rendered, it would be later than what the page shows: a run that ended meanwhile stayed "Running" until the
next hint, and for a run that has ended there is none. Belongs here: the middleware and the two values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpRequest, HttpResponse

from approvals import queries
from approvals.web.http import Request


@dataclass(frozen=True)
class Since:
    """The newest hint when the page began, and the ids below it that were handed out but not committed."""

    last: int
    gaps: str


class LiveSince:
    """Notices where every whole page begins; files, forms, fragments and what programs ask pay nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> None:
        if _is_page(request):
            since_of(request)


def since_of(request: HttpRequest) -> Since:
    """Where this page begins: asked once per request, the first time counts."""
    kept: dict[str, Any] = request.__dict__
    found: Since | None = kept.get("_live_since")
    if found is None:
        last = queries.last_notification()
        found = kept["_live_since"] = Since(last, _gaps(last))
    return found


def _is_page(request: HttpRequest) -> bool:
    if request.method != "GET" or not request.user.is_authenticated or cast(Request, request).htmx:
        return False
    # Browsers say what they want a document for; programs and older browsers only what they accept.
    return request.headers.get("Sec-Fetch-Dest", "document") == "document" and request.accepts("text/html")


def _gaps(last: int) -> str:
    """Ids just below `last` that this page has not seen: handed out, not yet committed when it was made.

    A replay overlaps; what is neither newer nor a gap the page shows already, and the browser drops it.
    """
    if not last:
        return ""
    seen = {int(hint["id"]) for hint in queries.catch_up(last).hints}
    lowest = min(seen, default=last)
    return " ".join(str(i) for i in range(lowest, last) if i not in seen)
