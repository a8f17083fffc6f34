"""The only reader of events and spans: lists with keyset pages, one story in order, and the proof of every leaf."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Count, Q

from audit import canonical, settled
from audit.log import columns, leaf_hash
from audit.models import Event, Span

T = TypeVar("T")
PAGE = 50
FILTERS = ("kind", "actor_name", "agent", "run", "action", "door", "stream")
# Which of the waiting actions is a test is said in the log, and not to those it is to test (docs/reviewing.md).
NOT_FOR_ALL, FOR = ("drill.placed",), frozenset({"auditors", "admins"})


@dataclass(frozen=True)
class EventRow:
    """One event as lists and pages show it; `data` and `prev` come from the canonical body."""

    id: int
    at: datetime
    kind: str
    actor_kind: str
    actor: str
    door: str
    agent: str
    run: str
    action: str
    digest: str
    policy: str
    stream: str
    seq: int
    leaf: str
    prev: str
    data: dict[str, Any]
    body: str


@dataclass(frozen=True)
class Events:
    """One page, newest first; `next` is the following page's cursor, empty on the last."""

    rows: list[EventRow]
    next: str = ""


@dataclass(frozen=True)
class SpanRow:
    """One step, model call or tool call of a run."""

    id: int
    kind: str
    name: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    input: Any
    output: Any
    error: str
    attributes: dict[str, Any]
    parent: str


@dataclass(frozen=True)
class Spent:
    """What model calls used, as their providers counted it; `partly` when there were more calls than are added up. `micros` is money, in
    millionths; `unpriced` counts the calls of which no price was known."""

    calls: int
    tokens: int
    partly: bool = False
    micros: int = 0
    unpriced: int = 0


@dataclass(frozen=True)
class Broken:
    """The first event that does not hold, and why."""

    id: int
    stream: str
    why: str


def hidden_from(groups: Collection[str]) -> tuple[str, ...]:
    """Kinds of events that a reader of these groups is not shown, whatever they read the log by."""
    return NOT_FOR_ALL if FOR.isdisjoint(groups) else ()


def events(
    *,
    cursor: str = "",
    limit: int = PAGE,
    since: datetime | None = None,
    until: datetime | None = None,
    without: Sequence[str] = (),
    **filters: str,
) -> Events:
    """Events newest first.

    Args:
        without: kinds that are left out.
        filters: exact values of kind, actor_name, agent, run, action, door or stream; a kind ending in
            "." matches all that begin so ("action." ...).
    """
    rows = Event.objects.all()
    for name, value in filters.items():
        if name not in FILTERS or not value:
            continue
        rows = rows.filter(kind__startswith=value) if name == "kind" and value.endswith(".") else rows.filter(**{name: value})
    if without:
        rows = rows.exclude(kind__in=without)
    if since:
        rows = rows.filter(at__gte=since)
    if until:
        rows = rows.filter(at__lte=until)
    if cursor.isascii() and cursor.isdigit() and len(cursor) < 19:
        rows = rows.filter(pk__lt=int(cursor))
    found = list(rows.order_by("-pk")[: limit + 1])
    return Events([_row(e) for e in found[:limit]], str(found[limit - 1].pk) if len(found) > limit else "")


def event(event_id: int, *, without: Sequence[str] = ()) -> EventRow | None:
    """One event; None where its kind is left out."""
    found = Event.objects.filter(pk=event_id).exclude(kind__in=without).first() if 0 < event_id < 2**63 else None
    return _row(found) if found else None


def last_of(kinds: Sequence[str], *, run: str) -> EventRow | None:
    """The newest event of a run that is of one of these kinds."""
    found = Event.objects.filter(run=run, kind__in=kinds).order_by("-pk").first()
    return _row(found) if found else None


def timeline(*, run: str = "", action: str = "", limit: int = 500) -> list[EventRow]:
    """The story of a run (with its actions), or of one action, in order."""
    rows = Event.objects.filter(Q(run=run) if run else Q(action=action))
    return [_row(e) for e in rows.order_by("pk")[:limit]]


def story(run: str, *, after: int = 0, limit: int = 500) -> list[EventRow]:
    """What happened in a run after the event with this id, in order."""
    return [_row(e) for e in Event.objects.filter(run=run, pk__gt=after).order_by("pk")[:limit]]


def said_of_effects(actions: Sequence[str]) -> dict[str, tuple[bool, str, str]]:
    """Of these calls those whose outcome a person said: whether it was done, who said so, and how they know."""
    if not actions:
        return {}
    found = Event.objects.filter(action__in=list(actions), kind__in=["effect.done", "effect.failed"]).order_by("pk")
    rows = [_row(event) for event in found]
    return {e.action: (e.kind == "effect.done", e.actor, str(e.data.get("reason", ""))) for e in rows if e.data.get("said_by_person")}


def oldest(
    *,
    after: int = 0,
    limit: int = PAGE,
    since: datetime | None = None,
    until: datetime | None = None,
    agent: str = "",
    run: str = "",
    without: Sequence[str] = (),
) -> list[EventRow]:
    """Events after the one with this id, oldest first, but for kinds left out: for whoever takes the log away. None that commits later is left
    out by going on after the last of these. Raises Unsettled."""
    rows = Event.objects.filter(pk__gt=after, pk__lte=settled.last_id()).exclude(kind__in=without)
    for name, value in {"agent": agent, "run": run, "at__gte": since, "at__lte": until}.items():
        rows = rows.filter(**{name: value}) if value else rows
    return [_row(e) for e in rows.order_by("pk")[:limit]]


def spans(run: str, *, limit: int = 500) -> list[SpanRow]:
    """What a run did, in order."""
    return [_span(s) for s in Span.objects.filter(run=run).order_by("started_at", "pk")[:limit]]


def spans_before(run: str, at: datetime, *, limit: int = 8) -> list[SpanRow]:
    """The last model calls and tool calls a run had finished at a moment, in order; its nodes where it had neither."""
    rows = Span.objects.filter(run=run, started_at__lte=at).exclude(status="running").order_by("-started_at", "-pk")
    found = list(rows.filter(kind__in=["model", "tool"])[:limit]) or list(rows.filter(kind="node").exclude(status="paused")[:limit])
    return [_span(s) for s in reversed(found)]


# Of model calls `s`: also for what agents spent (`agents.spent`), which knows whose runs these are.
TOKENS_SQL = """coalesce(sum(CASE WHEN jsonb_typeof(s.attributes #> '{usage,total_tokens}') = 'number'
    THEN (s.attributes #>> '{usage,total_tokens}')::numeric END), 0)::bigint"""
MICROS_SQL = "CASE WHEN jsonb_typeof(s.attributes -> 'cost_micros') = 'number' THEN (s.attributes ->> 'cost_micros')::numeric END"
MONEY_SQL = f"coalesce(sum({MICROS_SQL}), 0)::bigint"
UNPRICED_SQL = "count(*) FILTER (WHERE s.attributes ? 'no_price')"
_COST = f"{MONEY_SQL}, {UNPRICED_SQL}"
MOST_CALLS = 20_000
_TODAY = f"""
SELECT count(*), {TOKENS_SQL}, {_COST} FROM (SELECT attributes FROM audit_span WHERE kind = 'model' AND started_at >= date_trunc('day', now(), 'UTC')
    ORDER BY started_at DESC LIMIT {MOST_CALLS}) AS s
"""  # noqa: S608  names of ours only
_OF_RUNS = f"SELECT s.run, count(*), {TOKENS_SQL}, {_COST} FROM audit_span s WHERE s.run = ANY(%s) AND s.kind = 'model' GROUP BY s.run"  # noqa: S608


def spent_today() -> Spent:
    """By the newest model calls of this day (UTC)."""
    with connection.cursor() as cursor:
        cursor.execute(_TODAY)
        calls, tokens, micros, unpriced = cursor.fetchone()
    return Spent(calls, tokens, calls == MOST_CALLS, micros, unpriced)


_SINCE = f"""
SELECT s.run, {TOKENS_SQL} FROM (SELECT run, attributes FROM audit_span WHERE kind = 'model' AND started_at > %s
    ORDER BY started_at DESC LIMIT {MOST_CALLS}) AS s GROUP BY s.run
"""  # noqa: S608  names of ours only


def tokens_since(since: datetime) -> dict[str, int]:
    """Tokens of each run since then, by the newest model calls: of more than so many the oldest are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_SINCE, [since])
        return dict(cursor.fetchall())


_ALL_SINCE = f"""
SELECT s.run, count(*), {TOKENS_SQL}, {_COST} FROM audit_span s WHERE s.kind = 'model' AND s.started_at >= date_trunc('day', now(), 'UTC') GROUP BY s.run
"""  # noqa: S608  names of ours only


def spent_today_by_run() -> dict[str, Spent]:
    """What each run used on this day (UTC), by all of its model calls: for a budget that begins in the middle of a day."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL_SINCE)
        return {run: Spent(calls, tokens, micros=micros, unpriced=n) for run, calls, tokens, micros, n in cursor.fetchall()}


def count(kinds: Sequence[str], since: datetime, *, agent: str) -> int:
    """How many events of these kinds an agent has since then; read from the first event since, not from the agent's first."""
    first = Event.objects.filter(at__gt=since).order_by("at", "pk").values_list("pk", flat=True).first()
    # An id is given out before its time is taken: some a little before the first are as young.
    return Event.objects.filter(agent=agent, pk__gte=first - 1_000, kind__in=kinds, at__gt=since).count() if first else 0


def spent_by(runs: Sequence[str]) -> dict[str, Spent]:
    """What each of these runs used; those without a model call are left out."""
    if not runs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_OF_RUNS, [list(runs)])
        return {run: Spent(calls, tokens, micros=micros, unpriced=n) for run, calls, tokens, micros, n in cursor.fetchall()}


def unpriced(run: str) -> list[tuple[str, int]]:
    """The models of a run's calls of which no price was known, and how many calls."""
    rows = Span.objects.filter(run=run, kind="model", attributes__has_key="no_price").values_list("name").annotate(n=Count("pk"))
    return sorted(rows.values_list("name", "n"))


def prompt(sha256: str) -> SpanRow | None:
    """The model call whose prompt has this hash: from a log line to the full text (row R8)."""
    found = Span.objects.filter(kind="model", attributes__prompt_sha256=sha256).order_by("-pk").first()
    return _span(found) if found else None


def last_event_id() -> int:
    """The newest event's id; 0 when there is none."""
    return Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


@contextmanager
def one_moment() -> Iterator[None]:
    """Whatever is read in this block is read as it was at its first statement: what ends meanwhile must not look like two stories. Nothing is written in it.

    Inside a transaction that has begun already, nothing changes.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def verify(*, batch: int = 5_000) -> Iterator[int | Broken]:
    """Recompute every leaf in order. Yields how many held, after each batch; a Broken ends it.

    Each leaf must be the hash of its body, each column must say what the body says, and each body must
    name the leaf before it in its stream, without a gap.
    """
    heads: dict[str, tuple[int, bytes]] = {}
    last, count = 0, 0
    while True:
        rows = list(Event.objects.filter(pk__gt=last).order_by("pk")[:batch])
        # Streams are lines, but ids are given out before commit: read each stream of the batch by its own order.
        for row in sorted(rows, key=lambda e: (e.stream, e.seq)):
            why = _fault(row, heads.get(row.stream, (0, b"")))
            if why:
                yield Broken(row.pk, row.stream, why)
                return
            heads[row.stream] = (row.seq, bytes(row.leaf))
            count += 1
        yield count
        if len(rows) < batch:
            return
        last = rows[-1].pk


def proofs_logged() -> dict[str, str]:
    """How people proved themselves when they decided, as the log has it: from a decision's nonce to the fingerprint of what was kept."""
    rows = map(_row, Event.objects.filter(kind="decision.recorded").order_by("pk").iterator())
    return {str(row.data["nonce"]): str(row.data["proof"]["sha256"]) for row in rows if row.data.get("proof")}


def of_kinds(*kinds: str) -> Iterator[EventRow]:
    """Every event of these kinds, oldest first."""
    return map(_row, Event.objects.filter(kind__in=kinds).order_by("pk").iterator())


def starters() -> dict[str, str]:
    """By run, the id of whoever the log says created it."""
    return dict(Event.objects.filter(kind="run.created").values_list("run", "actor_id").iterator())


def streams(prefix: str) -> Iterator[str]:
    """The names of every stream of a sort ("action:"), without it."""
    found = Event.objects.filter(seq=1, stream__startswith=prefix).order_by("pk").values_list("stream", flat=True).iterator()
    return (stream.removeprefix(prefix) for stream in found)


def missing(streams: Sequence[str]) -> str:
    """The first of these streams of which the log has no event; "" when it has one of each."""
    there = set(Event.objects.filter(seq=1, stream__in=streams).values_list("stream", flat=True))
    return next((stream for stream in streams if stream not in there), "")


def batches(found: Iterator[T], size: int) -> Iterator[list[T]]:
    """So many at once, to be looked up together. (`itertools.batched` came with Python 3.12.)"""
    while some := list(islice(found, size)):
        yield some


def _fault(row: Event, head: tuple[int, bytes]) -> str:
    body_bytes = bytes(row.body)
    if leaf_hash(body_bytes) != bytes(row.leaf):
        return "its body does not give its leaf hash: the body or the leaf was changed"
    try:
        body = canonical.parse(body_bytes)
        said = columns(body)
    except (canonical.NotCanonical, KeyError, TypeError) as error:
        return f"its body cannot be read: {error}"
    for name, value in said.items():
        if getattr(row, name) != value:
            return f"its column {name} says something else than its body"
    if datetime.fromisoformat(body["at"]) != row.at:
        return "its column at says something else than its body"
    seq, leaf = head
    if row.seq != seq + 1:
        return f"event {seq + 1} of its stream is missing"
    if body["prev"] != leaf.hex():
        return "it does not follow the event before it in its stream"
    return ""


def _row(e: Event) -> EventRow:
    body = canonical.parse(bytes(e.body))
    return EventRow(
        e.pk,
        e.at,
        e.kind,
        e.actor_kind,
        e.actor_name,
        e.door,
        e.agent,
        e.run,
        e.action,
        e.digest,
        e.policy,
        e.stream,
        e.seq,
        e.leaf_hex,
        body.get("prev", ""),
        body.get("data", {}),
        bytes(e.body).decode(),
    )


def _span(s: Span) -> SpanRow:
    return SpanRow(s.pk, s.kind, s.name, s.status, s.started_at, s.ended_at, s.input, s.output, s.error, s.attributes, s.parent)
