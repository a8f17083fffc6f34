"""The only writer of the event log. Called inside the transaction that changes the state it records.

Imports `canonical`, `actors` and `gathering`; other rooms call `append`, and `together` around what calls it often.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection

from audit import canonical, leaves
from audit.actors import Actor
from audit.gathering import Gathering

# It also gives the transaction its number, before the insert takes ids: `settled` counts on that.
_HEADS = """
SELECT s.stream, clock_timestamp(), e.seq, e.leaf, pg_current_xact_id()
FROM unnest(%s::text[]) AS s(stream)
LEFT JOIN LATERAL (
    SELECT seq, leaf FROM audit_event WHERE stream = s.stream ORDER BY seq DESC LIMIT 1
) AS e ON true
"""
_COLUMNS = (
    "at", "tenant", "stream", "seq", "kind", "actor_kind", "actor_id", "actor_name", "door", "agent", "run", "action", "digest", "policy",
    "body", "leaf",
)  # fmt: skip
# Written by hand: eleven events in every governed cycle, and building the statement cost more than running it.
_INSERT = f"INSERT INTO audit_event ({', '.join(_COLUMNS)}) VALUES "  # noqa: S608  names of ours only
_ROW = f"({', '.join(['%s'] * len(_COLUMNS))})"
CUT_AT = 4_000
# Events of these streams are written under the lock of the row they tell of; the others take a lock here.
_ROW_LOCKED = ("action:", "run:")


@dataclass(frozen=True)
class Entry:
    """One thing that happened.

    Attributes:
        stream: whose story it belongs to: "action:<id>", "run:<id>", "halt", "policy", "person:<id>", "agent:<slug>".
        kind: what happened, "<object>.<past participle>".
        by: who did it.
        door: where it came in: web, cli, api, slack, worker, beat.
        data: whatever tells the story; must be JSON, long text is cut visibly.
        agent, run, action, digest, policy: what it concerns, to search by; empty when nothing.
    """

    stream: str
    kind: str
    by: Actor
    door: str
    data: Mapping[str, Any] = field(default_factory=dict)
    agent: str = ""
    run: str = ""
    action: str = ""
    digest: str = ""
    policy: str = ""


def append(*entries: Entry) -> None:
    """Write events in order, each chained to the last of its stream, in the caller's transaction.

    Raises:
        RuntimeError: outside a transaction: an event without its state change would be a lie.
    """
    if not entries:
        return
    if not connection.in_atomic_block:
        raise RuntimeError("an event is written in the transaction of the change it records")
    if _gathered.takes(entries):
        return
    heads = _heads(sorted({entry.stream for entry in entries}))
    values: list[Any] = []
    for entry in entries:
        at, seq, previous = heads[entry.stream]
        body = _body(entry, at, seq + 1, previous)
        data = _bytes(body)
        row = {"at": at, "body": data, "leaf": leaf_hash(data), **columns(body)}
        heads[entry.stream] = (at, seq + 1, row["leaf"])
        values += [row[name] for name in _COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT + ", ".join([_ROW] * len(entries)), values)


_gathered: Gathering[Entry] = Gathering("events", append)
# Around an operation made of operations: one look at the heads and one insert instead of one for each.
together = _gathered.together


def _bytes(body: dict[str, Any]) -> bytes:
    """The leaf's bytes. What happened is recorded even when its data is too much for a leaf: cut, with length and hash."""
    try:
        return canonical.dumps(body)
    except canonical.NotCanonical:
        return canonical.dumps({**body, "data": {key: _cut(value) for key, value in body["data"].items()}})


def _cut(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= CUT_AT:
        return value
    return {"cut": f"{text[:CUT_AT]}…", "characters": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def leaf_hash(body: bytes) -> bytes:
    """RFC 6962 section 2.1: SHA-256 of a zero byte and the leaf's data."""
    return hashlib.sha256(b"\x00" + body).digest()


def columns(body: Mapping[str, Any]) -> dict[str, Any]:
    """The searchable columns that belong to a body; `audit.queries.verify` compares them with what the row says."""
    actor = body["actor"]
    return {
        "tenant": body["tenant"],
        "stream": body["stream"],
        "seq": body["seq"],
        "kind": body["kind"],
        "actor_kind": actor["kind"],
        "actor_id": actor["id"],
        "actor_name": actor["name"],
        "door": body["door"],
        "agent": body["agent"],
        "run": body["run"],
        "action": body["action"],
        "digest": body["digest"],
        "policy": body["policy"],
    }


def _heads(streams: list[str]) -> dict[str, tuple[Any, int, bytes]]:
    with connection.cursor() as cursor:
        for stream in streams:
            if not stream.startswith(_ROW_LOCKED):
                # A statement of its own: the next one must see what the last holder of the lock committed.
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", [stream])
        cursor.execute(_HEADS, [streams])
        return {s: (at, seq or 0, bytes(leaf) if leaf else b"") for s, at, seq, leaf, _ in cursor.fetchall()}


def _body(entry: Entry, at: Any, seq: int, previous: bytes) -> dict[str, Any]:
    return {
        "v": 1,
        "tenant": settings.TENANT,
        "stream": entry.stream,
        "seq": seq,
        "prev": previous.hex(),
        "at": at.isoformat(),
        "kind": entry.kind,
        "actor": {"kind": entry.by.kind, "id": entry.by.id, "name": entry.by.name},
        "door": entry.door,
        "agent": entry.agent,
        "run": entry.run,
        "action": entry.action,
        "digest": entry.digest,
        "policy": entry.policy,
        "data": canonical.storable(dict(entry.data), limit=leaves.LIMIT),
    }
