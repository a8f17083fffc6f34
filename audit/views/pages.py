"""The event log as pages: a list with filters in the address, one event with its bytes and its proof."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from audit import queries
from audit.languages import number, told
from audit.queries import EventRow
from audit.sentences import say
from audit.views.words import ACTOR_KINDS, ACTORS, DOORS, EventLine, actor_of, detail_of, object_of, sentence_of

FILTERS = ("actor", "kind", "object", "door", "from", "to", "agent", "run", "action", "cursor")
KINDS = (
    ("decision.", say("Decisions")), ("action.", say("Actions")), ("effect.", say("Effects")), ("run.", say("Runs")), ("edit.", say("Edits")),
    ("halt.", say("Halts")), ("person.", say("People")), ("group.", say("Groups")), ("pause.", say("Refused questions")), ("agent.", say("Agents")),
    ("drill.", say("Test actions")),
)  # fmt: skip


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Fact:
    """One line of an event's record: a value, a link or a digest."""

    name: str
    value: str = ""
    url: str = ""
    digest: str = ""


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    _check_reader(request)
    query = {name: request.GET.get(name, "").strip()[:200] for name in FILTERS}
    url = reverse("events")
    since, until, errors = _days(query["from"], query["to"])
    run, action = _object(query)
    page = queries.events(
        cursor=query["cursor"], since=since, until=until, actor_name=query["actor"], kind=query["kind"], door=query["door"],
        agent=query["agent"], run=run, action=action, without=hidden_from(request),
    )  # fmt: skip
    filtered = any(value for name, value in query.items() if name != "cursor")
    context = {
        "url": url,
        "counts": _("Every change of state, in the transaction that made it. The table refuses to change or to forget."),
        "filters": query,
        "kinds": [Option(value, told(label), value == query["kind"]) for value, label in KINDS],
        "doors": [Option(value, told(label), value == query["door"]) for value, label in DOORS.items()],
        "rows": [line_of(event) for event in page.rows],
        "errors": errors,
        "next_url": _url(url, query, cursor=page.next) if page.next else "",
        "first_url": _url(url, query, cursor="") if query["cursor"] else "",
        "clear_url": url if filtered else "",
    }
    return render(request, "audit/events.html", {"events": context})


@require_safe
def event(request: HttpRequest, event_id: int) -> HttpResponse:
    _check_reader(request)
    found = queries.event(event_id, without=hidden_from(request))
    if found is None:
        raise Http404
    return render(request, "audit/event.html", {"event": _event(found)})


def _check_reader(request: HttpRequest) -> None:
    """Everybody with a role may read the log; an account without one reads nothing."""
    if not request.user.is_authenticated or not request.user.groups.exists():
        raise PermissionDenied(_("Your account has no role yet; ask an administrator."))


def hidden_from(request: HttpRequest) -> tuple[str, ...]:
    """Kinds of events this reader is not shown."""
    user = request.user
    return queries.hidden_from(set(user.groups.values_list("name", flat=True)) if user.is_authenticated else set())


def line_of(event: EventRow) -> EventLine:
    """An event as its row."""
    name, kind, key = object_of(event)
    return EventLine(
        id=event.id, url=reverse("event", args=[event.id]), at=event.at, actor=actor_of(event), actor_kind=event.actor_kind,
        actor_icon=ACTORS.get(event.actor_kind, "user-round"), sentence=sentence_of(event), detail=detail_of(event), object=name,
        object_url=_link(kind, key), door=told(DOORS.get(event.door, event.door)), leaf=event.leaf,
    )  # fmt: skip


def _event(event: EventRow) -> dict[str, Any]:
    body = event.body.encode()
    # RFC 6962: the leaf is the hash of a zero byte and the body. Recomputed here, from what is shown.
    holds = hashlib.sha256(b"\x00" + body).hexdigest() == event.leaf
    story = [e for e in queries.timeline(action=event.action, limit=100) if e.id != event.id] if event.action else []
    return {
        "id": event.id,
        "at": event.at,
        "sentence": sentence_of(event),
        "detail": detail_of(event),
        "back_url": reverse("events"),
        "holds": holds,
        "holds_title": _("The leaf holds.") if holds else _("The leaf does not hold."),
        "holds_text": _("Its hash was computed again from the bytes below, and is equal.")
        if holds
        else _("The bytes below do not give the stored hash: somebody changed this row. Run manage.py audit verify."),
        "facts": _facts(event),
        "bytes_note": _("%(n)s bytes, exactly these were hashed") % {"n": number(len(body))},
        "canonical": event.body,
        "related": {"rows": [line_of(e) for e in story]} if story else None,
    }


def _facts(event: EventRow) -> list[Fact]:
    actions = [Fact(_("Action"), event.action, _link("action", event.action))] if event.action else []
    runs = [Fact(_("Run"), event.run, _link("run", event.run))] if event.run else []
    agents = [Fact(_("Agent"), event.agent, _link("agent", event.agent))] if event.agent else []
    return [
        Fact(_("Kind"), event.kind),
        Fact(_("Who"), _("%(who)s (%(kind)s)") % {"who": told(event.actor), "kind": told(ACTOR_KINDS.get(event.actor_kind, event.actor_kind))}),
        Fact(_("Door"), told(DOORS.get(event.door, event.door))),
        *actions, *runs, *agents,
        *([Fact(_("Policy"), event.policy)] if event.policy else []),
        Fact(_("Stream"), _("%(stream)s, number %(n)s") % {"stream": event.stream, "n": event.seq}),
        *([Fact(_("Digest of the action"), digest=event.digest)] if event.digest else []),
        Fact(_("Leaf hash"), digest=event.leaf),
        Fact(_("Leaf before"), digest=event.prev) if event.prev else Fact(_("Leaf before"), _("none: the first of its stream")),
    ]  # fmt: skip


def _object(query: dict[str, str]) -> tuple[str, str]:
    """The run and the action asked for. The one field for ids means whichever the log knows."""
    if wanted := query["object"]:
        return ("", wanted) if queries.timeline(action=wanted, limit=1) else (wanted, "")
    return query["run"], query["action"]


def _days(first: str, last: str) -> tuple[datetime | None, datetime | None, list[str]]:
    """Whole days in UTC; what is not a date is said, not guessed."""
    errors: list[str] = []

    def day(text: str, label: str) -> datetime | None:
        try:
            return datetime.fromisoformat(text[:10]).replace(tzinfo=UTC) if text else None
        except ValueError:
            sentence = _("%(field)s: %(text)s is not a date such as 2026-11-20; it was left out")
            errors.append(sentence % {"field": label, "text": repr(text[:40])})
            return None

    since, until = day(first, _("From")), day(last, _("To"))
    return since, datetime.combine(until, time.max, UTC) if until else None, errors


def _link(kind: str, value: str) -> str:
    """The page of an object of another room, by its url's name; empty when that page cannot be named."""
    try:
        return reverse(kind, args=[value]) if kind and value else ""
    except NoReverseMatch:
        return ""


def _url(url: str, query: dict[str, str], **changed: str) -> str:
    kept = {k: v for k, v in {**query, **changed}.items() if v}
    return f"{url}?{urlencode(kept)}" if kept else url
