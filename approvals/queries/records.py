"""Whether what the tables say was decided is what the log says happened: for the claim and for `manage.py audit verify`. Reads only."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from audit import leaves

# The leaf that names a Decision d: found by its nonce, which nobody knew before it was written.
LEAF = """(SELECT e.body FROM audit_event e WHERE e.stream = 'action:' || d.action_id AND e.kind = 'decision.recorded'
    AND position(convert_to(d.nonce, 'UTF8') in e.body) > 0 ORDER BY e.seq LIMIT 1)"""
_NEXT = f"""
SELECT d.id, d.action_id::text, d.by_name, d.reason, d.response, d.door, d.details::text, d.instead_of_id IS NOT NULL,
    d.nonce, d.verdict, d.digest, d.by_id, d.grant_id, {LEAF}
FROM approvals_decision d WHERE d.id > %s ORDER BY d.id LIMIT %s
"""  # noqa: S608  text of ours only


@dataclass(frozen=True)
class Said:
    """What a row of a Decision says; `by` is the account, None when policy decided, and `grant` what spoke for it."""

    nonce: str
    verdict: str
    digest: str
    by: int | None
    grant: int | None


@dataclass(frozen=True)
class Unrecorded:
    """A decision nobody recorded: its row was written by hand, or, where `changed`, says other words than were recorded."""

    decision: int
    action: str
    by: str
    changed: bool = False


def leaf_of(said: Said, leaf: bytes | None) -> dict[str, Any] | None:
    """The leaf's data, if this very decision is what it records: by the same hand, over the same digest. None when it is another's."""
    if leaf is None:
        return None
    body = json.loads(bytes(leaf))
    data: dict[str, Any] = body["data"]
    same = (data.get("nonce"), data.get("verdict"), body["digest"]) == (said.nonce, said.verdict, said.digest)
    return data if same and _same_hand(said, body["actor"]) else None


def _same_hand(said: Said, actor: dict[str, str]) -> bool:
    if said.grant is not None:
        return (actor["kind"], actor["id"]) == ("grant", str(said.grant))
    if said.by is not None:
        return (actor["kind"], actor["id"]) == ("human", str(said.by))
    return actor["kind"] not in {"human", "grant"}


def decisions_on_record(*, batch: int = 5_000) -> Iterator[int | Unrecorded]:
    """Look for the leaf of every decision, oldest first. Yields how many have one, after each batch; an Unrecorded ends it."""
    last = count = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [last, batch])
            rows = cursor.fetchall()
        for last, action, by, reason, response, door, details, instead_of, *said, leaf in rows:
            data = leaf_of(Said(*said), leaf)
            if data is None:
                yield Unrecorded(last, action, by)
                return
            logged = [
                data.get("reason"),
                data.get("response"),
                data.get("details") or {},
                bool(data.get("instead_of")),
                json.loads(bytes(leaf))["door"],
            ]
            if not leaves.agrees(logged, [reason, response, json.loads(details), instead_of, door]):
                yield Unrecorded(last, action, by, changed=True)
                return
        count += len(rows)
        yield count
        if len(rows) < batch:
            return
