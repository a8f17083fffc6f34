"""What a run did, as entries on one line of time: its spans, what it asked of people, its refusals, and when it was held.

Belongs here: pure functions from rows to `Entry`s; which of them stand on a page is said by `Window`. An entry knows nothing of words,
so that thousands cost little: only those shown become rows (`run_rows`). No request, no database.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agents.queries import EffectRow, PauseRow
from approvals.queries import AskRow, InboxRow
from audit.spans import SpanLine

PAGE = 200
HELD = {"run.halted": "HALTED", "run.paused": "PAUSED"}

WAITED = frozenset({"EXPIRED", "SUPERSEDED", "CANCELLED"})  # ended without an answer, by us, not passed


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, or goes on.

    Attributes:
        key: names it on the page, the same when it is drawn again: s<span>, a<action>, q<ask>, p<pause>, h<number>.
        kind: node, model, tool, human (people are waited for), held (halted or paused), refused.
        until: None while it goes on.
        of: the span, action, ask, pause or state it stands for.
        parent: the key of what it happened in, "" at the top.
        merged: the list of steps tells it with another one. aside: so do the timeline and the tree (what policy passed, with its call).
    """

    key: str
    kind: str
    name: str
    status: str
    at: datetime
    until: datetime | None
    of: Any
    parent: str = ""
    merged: bool = False
    aside: bool = False

    @property
    def waits(self) -> bool:
        return self.kind in {"human", "held"}


@dataclass(frozen=True)
class Window:
    """The entries that one page shows: from the one numbered `start` (from 0) of `total`."""

    entries: tuple[Entry, ...]
    start: int
    total: int

    @property
    def end(self) -> int:
        return self.start + len(self.entries)


def window(entries: Sequence[Entry], start: int | None, *, live: bool, size: int = PAGE) -> Window:
    """So many entries from `start`; without it the beginning of a run that is over, the newest of one that goes on."""
    last = max(0, len(entries) - size)
    begins = (last if live else 0) if start is None else min(max(0, start), last)
    return Window(tuple(entries[begins : begins + size]), begins, len(entries))


def entries_of(
    lines: Sequence[SpanLine],
    actions: Sequence[InboxRow],
    effects: Mapping[str, EffectRow],
    pauses: Sequence[PauseRow],
    asks: Sequence[AskRow],
    moments: Sequence[tuple[str, datetime]],
) -> list[Entry]:
    """Everything, the oldest first, each with what it happened in."""
    asked_at = {action: pause for pause in pauses for action in pause.actions}
    nodes = _Nodes(lines)
    called = {line.action for line in lines if line.kind == "tool"}
    running = [e for e in effects.values() if e.claimed_at and e.action_id not in called]
    called |= {e.action_id for e in running}
    asked = {a.id: _action(a, nodes.asking(asked_at.get(a.id), a.created_at), called=a.id in called) for a in actions}
    found = [_span(line, nodes, asked.get(line.action)) for line in lines]
    people, policy = ({e.parent for e in asked.values() if e.kind == kind} for kind in ("human", "policy"))
    # A node that asked what policy passed at once asked nobody.
    found = [replace(e, status="passed") if e.status == "paused" and e.key in policy - people else e for e in found]
    found += asked.values()
    found += [_effect(e, asked[e.action_id]) for e in running if e.action_id in asked]
    found += [Entry(f"q{a.id}", "human", a.by, a.state, a.at, a.done_at, a, f"a{a.action_id}") for a in asks]
    found += [_refused(p, nodes) for p in pauses if p.refusal is not None]
    found += _held(moments)
    return sorted(found, key=lambda entry: (entry.at, not entry.key.startswith("s")))


class _Nodes:
    """Where things happened: the passes through each node, in order of time, by its task, its name, and by time alone."""

    def __init__(self, lines: Sequence[SpanLine]) -> None:
        self.all = [line for line in lines if line.kind == "node"]
        self._by_task: dict[str, list[SpanLine]] = {}
        self._by_name: dict[str, list[SpanLine]] = {}
        for line in self.all:
            self._by_task.setdefault(line.key.removeprefix("node:").rpartition(":")[0], []).append(line)
            self._by_name.setdefault(line.name, []).append(line)
        self._starts = [line.started_at for line in self.all]

    def around(self, line: SpanLine) -> str:
        """The node a span belongs to: the one it names, or, for spans kept from before they did, the innermost that was open."""
        if line.parent:
            return _last(self._by_task.get(line.parent.rpartition("/")[2].rpartition(":")[2], ()), line.started_at)
        return "" if line.kind == "node" else self._open_at(line.started_at)

    def asking(self, pause: PauseRow | None, at: datetime) -> str:
        """The pass that asked: of its own branch, where several of one name ran side by side; of the node of a graph inside, where that asked."""
        if pause is None:
            return ""
        inner = [line for line in self._by_name.get(pause.place.rpartition(":")[2], ()) if pause.task and f":{pause.task}" in line.parent]
        return _last(inner or self._by_task.get(pause.task) or self._by_name.get(pause.node) or (), at)

    def _open_at(self, at: datetime, *, back: int = 50) -> str:
        here = bisect_right(self._starts, at)
        for node in reversed(self.all[max(0, here - back) : here]):
            if node.ended_at is None or node.ended_at >= at:
                return f"s{node.id}"
        return ""


def _last(nodes: Sequence[SpanLine], at: datetime) -> str:
    """The last of these passes that had begun."""
    here = bisect_right(nodes, at, key=lambda node: node.started_at)
    return f"s{nodes[here - 1].id}" if here else ""


def _span(line: SpanLine, nodes: _Nodes, asked: Entry | None) -> Entry:
    kind = line.kind if line.kind in {"model", "tool"} else "node"
    mine = kind == "tool" and asked is not None
    return Entry(
        f"s{line.id}", kind, line.name, line.status, line.started_at, line.ended_at, line,
        parent=_in(asked) if mine and asked else nodes.around(line),
        merged=mine or (kind == "node" and line.status == "paused"),
    )  # fmt: skip


def _in(asked: Entry) -> str:
    """What a call happened in: the question that was asked of it, if it was."""
    return asked.parent if asked.aside else asked.key


def _action(row: InboxRow, parent: str, *, called: bool) -> Entry:
    """From the question to its answer. What policy passed at once waited for nobody: its call says all. What ran out, or was let go, had waited."""
    until = None if row.state == "PENDING" else row.resolved_at or row.settled_at or row.created_at
    by = str((row.resolution or {}).get("by", ""))
    passed = by.startswith("policy ") or (by.startswith("Countersign") and row.state not in WAITED)
    return Entry(
        f"a{row.id}", "policy" if passed else "human", row.tool, row.state, row.created_at, until, row, parent, aside=passed and called
    )


def _effect(effect: EffectRow, asked: Entry) -> Entry:
    """A call that runs now, or whose end nobody heard: its span is written when it ends."""
    until = effect.finished_at if effect.state != "CLAIMED" else None
    at = effect.claimed_at or effect.created_at
    key, over = f"e{effect.action_id}", until or (None if effect.state == "CLAIMED" else at)
    return Entry(key, "tool", effect.tool, effect.state, at, over, effect, parent=_in(asked), merged=True)


def _refused(pause: PauseRow, nodes: _Nodes) -> Entry:
    refusal = pause.refusal or {}
    parent = nodes.asking(pause, pause.created_at)
    return Entry(f"p{pause.interrupt_id}", "refused", str(refusal.get("code") or ""), "", pause.created_at, pause.created_at, pause, parent)


def _held(moments: Sequence[tuple[str, datetime]]) -> list[Entry]:
    """The times in which the run was halted or paused: until whatever came next."""
    found: list[Entry] = []
    for number, (kind, at) in enumerate(moments):
        if (
            found
            and found[-1].until is None
            and kind not in {"run.rated", "run.override_asked", "run.override_dropped", "run.answer_asked"}
        ):
            found[-1] = replace(found[-1], until=at)
        if kind in HELD:
            found.append(Entry(f"h{number}", "held", HELD[kind], HELD[kind], at, None, None))
    return found


def matching(entries: Sequence[Entry], words: str, spans: set[int]) -> list[Entry]:
    """Those that hold the text: spans as the database found them, the rest by what a row says. A question and its calls are found together."""
    low = words.casefold()
    hit = {e.key for e in entries if _holds(e, low, spans)}
    together = {_question(e) for e in entries if e.key in hit} - {""}
    return [e for e in entries if e.key in hit or _question(e) in together]


def _question(entry: Entry) -> str:
    """The action an entry belongs to, "" for none."""
    if isinstance(entry.of, SpanLine):
        return entry.of.action
    return entry.key[1:] if entry.key[0] in "ae" else ""


def _holds(entry: Entry, low: str, spans: set[int]) -> bool:
    if isinstance(entry.of, SpanLine):
        return entry.of.id in spans
    said: tuple[object, ...] = (entry.kind, entry.name, entry.status)
    match entry.of:
        case InboxRow() as row:
            said += (row.summary, row.level, row.kind, row.outcome)
        case EffectRow() as effect:
            said += (effect.result, effect.error)
        case AskRow() as ask:
            said += (ask.question, ask.answer)
        case PauseRow() as pause:
            said += (pause.node, pause.refusal)
    return any(low in str(part).casefold() for part in said if part)
