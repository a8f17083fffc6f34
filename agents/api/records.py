"""The log: events in pages, one event, and its export with the bytes and leaves that prove it."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.params.functions import Path, Query

from agents.api import pages
from agents.api.auth import reader
from agents.api.run_shapes import Event
from agents.api.shapes import PROBLEMS, Page
from approvals import permissions
from approvals.errors import ApprovalError, NotAllowed, NotFound
from audit import queries
from audit.queries import EventRow
from audit.sentences import say
from audit.settled import Unsettled

router = Router(tags=["events"])
NAMES = ("id", "at", "kind", "actor", "actor_kind", "door", "agent", "run", "action", "digest", "policy", "leaf", "data")
NDJSON = "application/x-ndjson"
MOST = 10_000
RETRY_S = 5


class StillWritten(ApprovalError):
    """Details: `retry_after`, in seconds."""

    code, status = "unsettled", 503


@router.get("/events", response={200: Page[Event], **PROBLEMS}, summary="List events")
def list_(
    request: HttpRequest,
    kind: str = Query("", max_length=60, description='Exact, or ending in "." for all that begin so'),
    actor: str = Query("", max_length=150),
    agent: str = Query("", max_length=60),
    run: str = Query("", max_length=40),
    action: str = Query("", max_length=40),
    door: str = Query("", max_length=20),
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str = Query("", max_length=200),
    limit: int = Query(50, ge=1, le=pages.LIMIT),
) -> Any:
    """The log, newest first."""
    without = _hidden_from(request)
    by = {"kind": kind, "actor_name": actor, "agent": agent, "run": run, "action": action, "door": door}
    found = queries.events(
        cursor=pages.number(cursor, of="events"), limit=limit, since=_aware(since), until=_aware(until), without=without, **by
    )
    return {"items": [event_of(e) for e in found.rows], "next": pages.opaque(found.next, of="events")}


@router.get("/events/{event_id}", response={200: Event, **PROBLEMS}, summary="One event")
def one(request: HttpRequest, event_id: int = Path(..., ge=1, lt=2**63)) -> Any:
    """One event."""
    found = queries.event(event_id, without=_hidden_from(request))
    if found is None:
        raise NotFound(say("There is no such event"))
    return event_of(found)


@router.get("/export/events", response={200: None, **PROBLEMS}, summary="Export events as lines of JSON")
def export(
    request: HttpRequest,
    after: int = Query(0, ge=0, lt=2**63, description="The id of the last event one has"),
    since: datetime | None = None,
    until: datetime | None = None,
    agent: str = Query("", max_length=60),
    run: str = Query("", max_length=40),
    limit: int = Query(1_000, ge=1, le=MOST),
) -> Any:
    """Oldest first, one event a line: its id, its leaf (SHA-256 of a zero byte and the body) and the body as it was hashed, as text. The
    header `Link` names the rest when there is more. Going on after the last one misses nothing: what is just being written is waited for, or,
    where that takes long, refused with 503."""
    without = _hidden_from(request)
    try:
        found = queries.oldest(after=after, limit=limit, since=_aware(since), until=_aware(until), agent=agent, run=run, without=without)
    except Unsettled as error:
        raise StillWritten(say("Events before these are just being written; ask again in a few seconds"), retry_after=RETRY_S) from error
    lines = [json.dumps({"id": e.id, "leaf": e.leaf, "body": e.body}, ensure_ascii=False, separators=(",", ":")) for e in found]
    answer = HttpResponse("".join(f"{line}\n" for line in lines), content_type=NDJSON)
    if len(found) == limit:
        rest = {**request.GET.dict(), "after": str(found[-1].id)}
        answer["Link"] = f'<{request.path}?{urlencode(rest)}>; rel="next"'
    return answer


def event_of(row: EventRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in NAMES}


def _hidden_from(request: HttpRequest) -> tuple[str, ...]:
    """Kinds of events this reader is not shown. Raises NotAllowed: an agent reads none of the log."""
    found = reader(request)
    if found.agent:
        raise NotAllowed(say("The log is for people to read; an agent reads its own actions and runs"))
    return queries.hidden_from(permissions.roles(found.user))


def _aware(at: datetime | None) -> datetime | None:
    """A moment without a zone is meant as UTC."""
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at
