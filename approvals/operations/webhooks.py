"""Endpoints of programs, and what is posted to them: claim, post, record, each a step of its own (as `delivering` does for people).

Nothing is written where things happen: the log already says what happened, in the transaction that made it so. `spread` looks through it, up to
the oldest transaction still open, so that nothing is skipped that commits late, and makes a Post for each endpoint that wants to hear of it.
At least once, and signed: whoever receives tells repetitions by `webhook-id`.
"""

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import BadRequest, Conflict, NotAllowed, NotFound
from approvals.models import Endpoint, Looked, Post, User
from approvals.notify import sealing, webhooks
from approvals.notify.alerts import runbook
from approvals.notify.errors import NotSent
from approvals.operations.clock import database_now
from approvals.permissions import ADMINS, Standing
from approvals.queries import stops
from approvals.states import DeliveryState
from audit import canonical, log, settled
from audit.actors import SYSTEM, Actor
from audit.log import Entry
from audit.sentences import Frozen, listed, say

KINDS = (
    "action.opened", "action.edited", "action.reopened", "action.approved", "action.rejected", "action.answered", "action.expired",
    "action.cancelled", "action.superseded", "action.claimed", "action.settled", "action.unheard", "run.waiting", "run.succeeded", "run.partial", "run.failed",
    "run.cancelled", "run.halted", "halt.ordered", "halt.released", "alert.raised", "alert.reminded",
    "alert.recovered",
)  # fmt: skip
TEST = "test"
FOR = timedelta(hours=24)
# After so many tries the next comes so much later; the last goes on until the day is over.
PAUSES_S = (5, 30, 120, 600, 1_800, 3_600, 7_200, 10_800)
LEASE = timedelta(minutes=2)
WINDOW = timedelta(minutes=10)  # no transaction of ours writes an event and stays open for so long
MOST = 50
DIED = Frozen("The worker died while it was posting this")
TOO_LONG = Frozen("Given up after a day: %(why)s")
IS_OFF = Frozen("It is switched off, so nothing is posted there: switch it on first")
SAID_GONE = Frozen("The address said that it is gone (410)")

_NEW = """
SELECT id, kind, agent, run, action, at, body FROM audit_event e
WHERE at > %(after)s AND xid >= %(since)s::text::xid8 AND xid < %(until)s::text::xid8 AND kind = ANY(%(kinds)s)
    AND NOT EXISTS (SELECT 1 FROM approvals_action a WHERE a.id = NULLIF(e.action, '')::uuid AND a.drill)
    AND id > %(past)s ORDER BY id LIMIT %(most)s
"""
# Each endpoint's next by an index: of messages that wait there may be hundreds of thousands.
_DUE = """
SELECT e.id, next.id FROM approvals_endpoint e CROSS JOIN LATERAL (
    SELECT p.id, p.next_at FROM approvals_post p WHERE p.endpoint_id = e.id AND p.state = 'WAITING' AND p.next_at <= statement_timestamp()
    ORDER BY p.next_at, p.id LIMIT 1) AS next
WHERE e.off_at IS NULL AND (e.alone_until IS NULL OR e.alone_until <= statement_timestamp())
    AND NOT EXISTS (SELECT 1 FROM approvals_post s WHERE s.endpoint_id = e.id AND s.state = 'SENDING')
    AND NOT (%(sound)s AND EXISTS (SELECT 1 FROM approvals_post t
        WHERE t.endpoint_id = e.id AND t.state = 'WAITING' AND t.attempts > 0 AND t.error <> %(died)s))
ORDER BY next.next_at, next.id LIMIT 1 FOR UPDATE OF e SKIP LOCKED
"""
EVENTS, POSTS = (
    500,
    1_000,
)  # at once; a statement takes 65,535 values, and those who wait for what is being written wait for a transaction of ours, too


@dataclass(frozen=True)
class Letter:
    """A claimed Post, in the hand of the worker that posts it."""

    id: int
    url: str
    sealed: str
    message: str
    body: str
    attempts: int
    at: datetime


@transaction.atomic
def add(*, url: str, agent: str, about: str, kinds: Sequence[str], by: User, door: str, answers_for: bool = False) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which is shown this once. Raises NotAllowed, BadRequest, Conflict."""
    who = _may(by, answers_for and bool(agent))
    if why := webhooks.refuses(url):
        raise BadRequest(why)
    if unknown := set(kinds) - set(KINDS):
        raise BadRequest(say("There is no kind %(kind)s; there are %(kinds)s", kind=repr(min(unknown)[:40]), kinds=listed(KINDS)))
    if agent and kinds and all(kind.startswith("alert.") for kind in kinds):
        raise BadRequest(say("Alerts are about the whole installation: an endpoint of one agent hears of none; choose every agent"))
    canonical.dumps(about)
    _room()
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    made = Endpoint.objects.create(
        url=url, agent=agent, about=about[:200], kinds=list(kinds), secret=sealing.seal(secret), created_by=who.user
    )  # fmt: skip
    Looked.objects.get_or_create(pk=1, defaults={"xid": settled.horizon()})
    log.append(_entry(made, "webhook.added", who.user.actor, door))
    return made, secret


@transaction.atomic
def switch(endpoint_id: int, *, on: bool, by: User, door: str, answers_for: bool = False) -> Endpoint:
    """Switch an endpoint off, or on again: what happened meanwhile is not posted. Raises NotFound, NotAllowed, Conflict where too many are on."""
    who = _may(by, answers_for)
    found = Endpoint.objects.select_for_update().filter(pk=endpoint_id).first()
    if found is None:
        raise NotFound(say("There is no such endpoint"))
    if on and found.off_at:
        _room()
    since = {"on_at": Now()} if on and found.off_at else {}  # one that is on already hears on: what was logged just now is owed
    Endpoint.objects.filter(pk=found.pk).update(off_at=None if on else Now(), off_why="", alone_until=None, **since)
    log.append(_entry(found, "webhook.switched_on" if on else "webhook.switched_off", who.user.actor, door))
    return found


@transaction.atomic
def test(endpoint_id: int, *, by: User, answers_for: bool = False) -> Post:
    """Owe an endpoint a message of no meaning, to see whether it arrives. Raises NotFound, NotAllowed, Conflict while it is off."""
    _may(by, answers_for)
    found = Endpoint.objects.filter(pk=endpoint_id).first()
    if found is None:
        raise NotFound(say("There is no such endpoint"))
    if found.off_at:
        raise Conflict(IS_OFF())
    _at_once(found)
    body = _body(TEST, database_now(), {"endpoint": found.pk, "by": by.get_username()})
    return Post.objects.create(endpoint=found, message=f"msg_test_{secrets.token_hex(12)}", kind=TEST, body=body)


@transaction.atomic
def send_again(post_id: int, *, by: User, answers_for: bool = False) -> Post:
    """Owe a message once more, under the same id. Raises NotFound, NotAllowed, Conflict while it is still being tried, or its endpoint is off."""
    _may(by, answers_for)
    row = Post.objects.select_for_update(of=("self",)).select_related("endpoint").filter(pk=post_id).first()
    if row is None:
        raise NotFound(say("There is no such message; old ones are forgotten after 30 days"))
    if row.endpoint.off_at:
        raise Conflict(IS_OFF())
    _at_once(row.endpoint)
    if row.state in {DeliveryState.WAITING, DeliveryState.SENDING}:
        Post.objects.filter(pk=row.pk, state=DeliveryState.WAITING).update(next_at=Now())
        return row
    last = Post.objects.filter(endpoint=row.endpoint_id, message=row.message).order_by("-round").first() or row
    if last.pk != row.pk and last.state in {DeliveryState.WAITING, DeliveryState.SENDING}:
        raise Conflict(say("It is being sent again already"))
    return Post.objects.create(
        endpoint_id=row.endpoint_id, message=row.message, round=last.round + 1, kind=row.kind, about=row.about, body=row.body
    )  # fmt: skip


def spread() -> int:
    """Owe endpoints what has happened since the last look. Returns how many messages that made.

    However much that is, in one transaction after the other: what was owed before one that failed is owed, and is not owed twice.
    """
    at, until, past, made = database_now(), settled.horizon(), 0, 0
    while True:
        with transaction.atomic():
            looked = Looked.objects.select_for_update(skip_locked=True).first()
            if looked is None:
                return made
            endpoints = list(Endpoint.objects.filter(off_at=None))
            rows = _happened(looked, until, past) if endpoints else []
            posts = [post for row in rows for post in _posts(endpoints, row)]
            Post.objects.bulk_create(posts, ignore_conflicts=True, batch_size=POSTS)
            made += len(posts)
            if len(rows) < EVENTS:
                Looked.objects.filter(pk=1, xid__lte=until).update(xid=until, at=at)
                return made
            past = rows[-1][0]


@transaction.atomic
def claim(*, sound: bool = False) -> Letter | None:
    """Take the message that is due longest, of an endpoint that is on and that nobody posts to just now. It is committed before anything is sent.

    One whose server asked to be left alone is, whatever is due to it. `sound`: so are endpoints with a message that waits for another try.
    """
    Post.objects.filter(state=DeliveryState.SENDING, changed_at__lte=Now() - LEASE).update(
        state=DeliveryState.WAITING, changed_at=Now(), error=DIED()
    )
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"sound": sound, "died": DIED()})
        due = cursor.fetchone()
    # Looked at again with its endpoint locked: another worker may have begun to post there since this statement began.
    if due is None or Post.objects.filter(endpoint=due[0], state=DeliveryState.SENDING).exists():
        return None
    row = Post.objects.select_for_update(of=("self",)).select_related("endpoint").filter(pk=due[1], state=DeliveryState.WAITING).first()
    if row is None:
        return None
    Post.objects.filter(pk=row.pk).update(state=DeliveryState.SENDING, attempts=F("attempts") + 1, changed_at=Now())
    return Letter(row.pk, row.endpoint.url, row.endpoint.secret, row.message, row.body, row.attempts + 1, database_now())


def post(letter: Letter) -> tuple[int | None, NotSent | None]:
    """Send one letter; its status, or what went wrong. Asks nothing of the database: it is done in a thread of its own."""
    try:
        secret = sealing.unseal(letter.sealed)
    except sealing.Unsealable as error:
        return None, NotSent(str(error), permanent=True)
    try:
        return webhooks.send(letter.url, secret=secret, message=letter.message, at=letter.at, body=letter.body), None
    except NotSent as failure:
        return None, failure


@transaction.atomic
def record(letter: Letter, status: int | None, failure: NotSent | None) -> None:
    """Write down what became of a letter: sent, tried again later, or given up after a day."""
    row = Post.objects.select_for_update().filter(pk=letter.id, state=DeliveryState.SENDING).first()
    if row is None:
        return
    if failure is None:
        _move(row, DeliveryState.SENT, status=status, error="")
        return
    if failure.gone:
        _gone(row.endpoint_id)
    over = database_now() - row.created_at > FOR
    if failure.permanent or over:
        _move(row, DeliveryState.FAILED, error=TOO_LONG(why=failure.why) if over and not failure.permanent else failure.why)
    else:
        alone = timedelta(seconds=failure.wait_s)
        if alone:
            Endpoint.objects.filter(pk=row.endpoint_id).update(alone_until=Now() + alone)
        _move(row, DeliveryState.WAITING, error=failure.why, next_at=Now() + max(alone, pause(letter.attempts)))


def _at_once(endpoint: Endpoint) -> None:
    """Somebody asks for it, however long its server wanted to be left alone."""
    Endpoint.objects.filter(pk=endpoint.pk).exclude(alone_until=None).update(alone_until=None)


def _room() -> None:
    if Endpoint.objects.filter(off_at=None).count() >= MOST:
        raise Conflict(say("There are %(n)d endpoints already; switch those off that nobody uses", n=MOST))


def _gone(endpoint_id: int) -> None:
    """Nobody is there any more: it is switched off."""
    why = SAID_GONE()
    if Endpoint.objects.filter(pk=endpoint_id, off_at=None).update(off_at=Now(), off_why=why):
        log.append(_entry(Endpoint.objects.get(pk=endpoint_id), "webhook.switched_off", SYSTEM, "worker", why=why))


def pause(tries: int) -> timedelta:
    """How long after so many tries the next one comes."""
    return timedelta(seconds=PAUSES_S[min(tries, len(PAUSES_S)) - 1])


def forget_old(*, limit: int = 5_000) -> int:
    """Messages older than thirty days go. Returns how many."""
    old = Post.objects.filter(created_at__lt=Now() - timedelta(days=30)).order_by("created_at").values_list("pk", flat=True)[:limit]
    return Post.objects.filter(pk__in=list(old)).delete()[0]


def _happened(looked: Looked, until: int, past: int) -> list[tuple[Any, ...]]:
    bounds: dict[str, Any] = {"after": looked.at - WINDOW, "since": str(looked.xid), "until": str(until), "past": past, "most": EVENTS}
    with connection.cursor() as cursor:
        cursor.execute(_NEW, {**bounds, "kinds": list(KINDS)})
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _posts(endpoints: Sequence[Endpoint], row: tuple[Any, ...]) -> list[Post]:
    event_id, kind, agent, run, action, at, raw = row
    # The look goes back to the oldest transaction that was open when the first endpoint came, which may be long before this one did.
    data = canonical.parse(bytes(raw)).get("data", {})
    heard = [e for e in endpoints if e.on_at <= at and (not e.kinds or kind in e.kinds) and _about(e.agent, kind, agent, data)]
    if not heard or data.get("webhook") is False:  # a rule of alerts that goes elsewhere
        return []
    about = {"event": event_id, "agent": agent, "run": run or None, "action": action or None}
    if action:
        about |= {name: data.get(name) for name in ("tool", "version", "state")}
        about["url"] = f"{settings.PUBLIC_URL.rstrip('/')}/api/v1/actions/{action}"
    elif kind.startswith("halt."):
        about |= {name: data.get(name) for name in ("halt", "scope", "target")}
    elif kind.startswith("alert."):
        about |= {name: data.get(name) for name in ("alert", "rule", "about", "value", "most")}
        about["runbook"] = f"{settings.PUBLIC_URL.rstrip('/')}/alerts/runbooks/{runbook(str(data.get('rule')))}/"
    body = _body(kind, at, about)
    what = action or run or str(data.get("halt") or data.get("alert") or "")
    return [Post(endpoint=e, message=f"msg_{event_id}_{e.pk}", kind=kind, about=what, body=body) for e in heard]


def _about(mine: str, kind: str, agent: str, data: dict[str, Any]) -> bool:
    """Whether an endpoint of this agent ("": of all) hears of what happened: what is its own, and orders that stop it or something of it."""
    if not mine or mine == agent:
        return True
    return kind.startswith("halt.") and stops.concerns(str(data.get("scope")), str(data.get("target")), mine)


def _body(kind: str, at: datetime, data: dict[str, Any]) -> str:
    """What happened and where to look: never arguments, which are for whoever may read them."""
    return json.dumps({"type": kind, "timestamp": at.isoformat(), "data": data}, separators=(",", ":"))


def _move(row: Post, state: DeliveryState, **more: Any) -> None:
    Post.objects.filter(pk=row.pk, state=DeliveryState.SENDING).update(state=state, changed_at=Now(), **more)


def _may(by: User, answers_for: bool) -> Standing:
    who = permissions.standing(by)
    if not answers_for and ADMINS not in who.groups:
        raise NotAllowed(say("Only administrators, and the owner of an agent for it, say where webhooks go"))
    return who


def _entry(endpoint: Endpoint, kind: str, by: Actor, door: str, **more: str) -> Entry:
    data = {"endpoint": endpoint.pk, "url": endpoint.url, "of": endpoint.agent, "kinds": endpoint.kinds, **more}
    return Entry(stream=f"webhook:{endpoint.pk}", kind=kind, by=by, door=door, agent=endpoint.agent, data=data)
