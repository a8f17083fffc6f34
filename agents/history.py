"""The checkpoints of a run, as LangGraph wrote them: where each stood, after which nodes, and what its state held.

Reads LangGraph's own tables and decodes nothing that could run (`graphs.unpacked`); a checkpoint never changes once it is written, so what
is shown here is what was. `next` is found as LangGraph finds it: the nodes whose trigger is newer than what they have seen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from agents.errors import UnknownCheckpoint, WrongState
from agents.graphs.unpacked import is_plain, unpacked
from audit.sentences import say

PAGE = 100
BRANCH, JOIN, START, SENDS = "branch:to:", "join:", "__start__", "__pregel_tasks"
_ROWS = """
SELECT c.checkpoint_id, c.parent_checkpoint_id, c.checkpoint, c.metadata,
    (SELECT array_agg(DISTINCT w.channel) FROM checkpoints.checkpoint_writes w WHERE w.thread_id = c.thread_id AND w.checkpoint_ns = ''
        AND w.checkpoint_id = c.checkpoint_id AND w.channel IN ('__interrupt__', '__error__'))
FROM checkpoints.checkpoints c WHERE c.thread_id = %(thread)s AND c.checkpoint_ns = ''
    AND (%(before)s = '' OR c.checkpoint_id < %(before)s) AND (%(one)s = '' OR c.checkpoint_id = %(one)s)
ORDER BY c.checkpoint_id DESC LIMIT %(most)s
"""
_BLOBS = """
SELECT b.channel, b.version, b.type, b.blob FROM checkpoints.checkpoint_blobs b
WHERE b.thread_id = %s AND b.checkpoint_ns = '' AND (b.channel, b.version) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
_OF_TASK = "SELECT max(checkpoint_id) FROM checkpoints.checkpoint_writes WHERE thread_id = %s AND checkpoint_ns = '' AND task_id = %s"
_HEAD = "SELECT max(checkpoint_id) FROM checkpoints.checkpoints WHERE thread_id = %s AND checkpoint_ns = ''"


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint of the outermost graph.

    Attributes:
        source: "input", "loop", or "update" and "fork" where somebody changed the state or went back.
        after: nodes that ran to bring it about. next: nodes that run from here; none at the end.
        asked, failed: a node that ran from here asked people, or raised.
        version, fence: of the agent that wrote it, and which stretch of the run; "" and 0 in checkpoints of before this was kept.
    """

    id: str
    parent: str
    at: datetime
    step: int
    source: str
    after: tuple[str, ...]
    next: tuple[str, ...]
    asked: bool = False
    failed: bool = False
    version: str = ""
    fence: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Checkpoints:
    """One page, the newest first; `next` is the following page's cursor."""

    rows: tuple[Checkpoint, ...]
    next: str = ""


def head(thread: str) -> str:
    """The id of the newest checkpoint; "" before there is one."""
    with connection.cursor() as cursor:
        cursor.execute(_HEAD, [thread])
        return cursor.fetchone()[0] or ""


def of_task(thread: str, task: str) -> str:
    """The id of the checkpoint from which a task of the outermost graph ran; "" when none is known."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_TASK, [thread, task])
        return (cursor.fetchone()[0] or "") if task else ""


def checkpoints(thread: str, *, before: str = "", limit: int = PAGE) -> Checkpoints:
    """The checkpoints of a thread, the newest first."""
    found = _fetch(thread, before=before, most=limit + 1)
    parents = {row[0]: row for row in found}
    missing = [row[1] for row in found[:limit] if row[1] and row[1] not in parents]
    parents |= {row[0]: row for one in missing for row in _fetch(thread, one=one)}
    joins = _barriers(thread, list(parents.values()))
    rows = tuple(_checkpoint(row, parents.get(row[1]), joins) for row in found[:limit])
    return Checkpoints(rows, rows[-1].id if len(found) > limit else "")


def checkpoint(thread: str, checkpoint_id: str) -> Checkpoint:
    """One of them. Raises UnknownCheckpoint."""
    found = _fetch(thread, one=checkpoint_id) if checkpoint_id and checkpoint_id.isprintable() else []
    if not found:
        raise UnknownCheckpoint(say("This run has no such checkpoint"))
    parent = _fetch(thread, one=found[0][1]) if found[0][1] else []
    return _checkpoint(found[0], parent[0] if parent else None, _barriers(thread, [*found, *parent]))


def first(thread: str) -> Checkpoint:
    """The first that holds the run's input: in the one before it, the input still waits to be taken, over whatever is put there. Raises WrongState."""
    found = checkpoints(thread, limit=10_000).rows
    if not found:
        raise WrongState(say("This run has no checkpoint yet"))
    return next((one for one in reversed(found) if one.source != "input"), found[-1])


def before_node(thread: str, node: str) -> str:
    """The newest checkpoint at which this node comes next. Raises UnknownCheckpoint when there is none."""
    found = next((one.id for one in checkpoints(thread, limit=10_000).rows if node in one.next), "")
    if not found:
        raise UnknownCheckpoint(say("%(node)s comes next at no checkpoint of this run", node=repr(node[:60])))
    return found


def values(thread: str, checkpoint_id: str) -> dict[str, Any]:
    """What the state held there, channel by channel, as plain JSON. Raises UnknownCheckpoint."""
    found = _fetch(thread, one=checkpoint_id) if checkpoint_id and checkpoint_id.isprintable() else []
    if not found:
        raise UnknownCheckpoint(say("This run has no such checkpoint"))
    kept = found[0][2]
    inline = {name: value for name, value in (kept.get("channel_values") or {}).items() if is_state(name)}
    versions = {name: version for name, version in kept["channel_versions"].items() if is_state(name)}
    blobs = {channel: unpacked(kind, blob) for (channel, _), (kind, blob) in _blobs(thread, versions.items()).items() if kind != "empty"}
    return dict(sorted({**inline, **blobs}.items()))


def editable(state: Mapping[str, Any]) -> dict[str, Any]:
    """The channels a person can write anew: those that hold plain JSON."""
    return {name: value for name, value in state.items() if is_plain(value)}


def is_state(name: str) -> bool:
    return not name.startswith(("__", BRANCH, JOIN))


def _fetch(thread: str, *, before: str = "", one: str = "", most: int = 1) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"thread": thread, "before": before, "one": one, "most": most})
        return [(row[0], row[1], _json(row[2]), _json(row[3]), set(row[4] or ())) for row in cursor.fetchall()]


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _blobs(thread: str, wanted: Any) -> dict[tuple[str, str], tuple[str, bytes]]:
    pairs = list(dict.fromkeys((str(channel), str(version)) for channel, version in wanted))
    if not pairs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_BLOBS, [thread, [c for c, _ in pairs], [v for _, v in pairs]])
        return {(channel, version): (kind, blob) for channel, version, kind, blob in cursor.fetchall()}


def _barriers(thread: str, found: Sequence[Any]) -> dict[tuple[str, str], Any]:
    """What joins have seen, which sends wait and whether the input does: those lie in blobs, and say what runs next."""
    versions = [(n, v) for row in found for n, v in row[2]["channel_versions"].items() if n.startswith(JOIN) or n in {SENDS, START}]
    return {key: unpacked(kind, blob) for key, (kind, blob) in _blobs(thread, versions).items() if kind != "empty"}


def _checkpoint(row: Any, parent: Any, barriers: Mapping[tuple[str, str], Any]) -> Checkpoint:
    checkpoint_id, parent_id, kept, metadata, flags = row
    seen, before = kept.get("versions_seen") or {}, ((parent[2].get("versions_seen") or {}) if parent else {})
    ran = [node for node, triggers in seen.items() if not node.startswith("__") and triggers != before.get(node)]
    ran += _sent(parent[2], barriers) if parent else []
    return Checkpoint(
        id=checkpoint_id,
        parent=parent_id or "",
        at=datetime.fromisoformat(kept["ts"]),
        step=int(metadata.get("step", -1)),
        source=str(metadata.get("source", "")),
        after=tuple(dict.fromkeys(ran)) if metadata.get("source") == "loop" else (),
        next=_next(kept, barriers),
        asked="__interrupt__" in flags,
        failed="__error__" in flags,
        version=str(metadata.get("version", "")),
        fence=int(metadata.get("fence") or 0),
        metadata=metadata,
    )


def _sent(kept: Mapping[str, Any], barriers: Mapping[tuple[str, str], Any]) -> list[str]:
    """Nodes for which something was sent to run from here (`Send`): they are triggered by nothing else, and see no channel."""
    sends = barriers.get((SENDS, str(kept["channel_versions"].get(SENDS)))) or []
    return [str(one["value"][0]) for one in sends if isinstance(one, Mapping) and isinstance(one.get("value"), list)]


def _next(kept: Mapping[str, Any], barriers: Mapping[tuple[str, str], Any]) -> tuple[str, ...]:
    """Nodes whose trigger holds something newer than they have seen."""
    held, seen = kept.get("channel_values") or {}, kept.get("versions_seen") or {}
    found: list[str] = []
    for channel, version in kept["channel_versions"].items():
        if channel == SENDS:
            found += _sent(kept, barriers)
        elif channel.startswith(BRANCH):
            node = channel.removeprefix(BRANCH)
            if channel in held and _newer(version, seen, node, channel):
                found.append(node)
        elif channel.startswith(JOIN):
            names, _, node = channel.removeprefix(JOIN).rpartition(":")
            if set(barriers.get((channel, str(version))) or ()) >= set(names.split("+")) and _newer(version, seen, node, channel):
                found.append(node)
        elif channel == START and (channel in held or (channel, str(version)) in barriers) and _newer(version, seen, START, channel):
            found.append(START)
    return tuple(dict.fromkeys(found))


def _newer(version: Any, seen: Mapping[str, Any], node: str, channel: str) -> bool:
    last = (seen.get(node) or {}).get(channel)
    return last is None or str(version) > str(last)
