"""What an Agent Server answered, as values of ours. Nothing in it is trusted to have a shape: whoever calls turns errors into a sentence."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from agents import dialects, kept
from agents.dialects.record import Made
from agents.graphs.driver import Question
from agents.graphs.places import LONGEST

MOST_QUESTIONS = 100
_NO_THREAD = re.compile(r"^Thread\b.* not found", re.IGNORECASE)
_NO_GRAPH = re.compile(r"^Graph '(.+?)' not found")


class Unreadable(Exception):
    """An answer that is none."""


@dataclass(frozen=True)
class Assistant:
    """An agent of a server: a graph with its settings there."""

    id: str
    graph: str
    name: str
    description: str
    drawing: dict[str, Any]


@dataclass(frozen=True)
class Waiting:
    """A thread that a search found: who works on it, what it asks (digests by id), and what it was first told."""

    thread: str
    assistant: str
    asks: Mapping[str, str]
    request: str


@dataclass(frozen=True)
class Standing:
    """Where a thread stands.

    Attributes:
        busy: something runs on it. nodes: what comes next.
        questions: what can be answered; a node that raised keeps its question listed, and that one is dead.
        error: what the last run there failed with. idle: the server says that nothing is left to do.
    """

    busy: bool
    nodes: tuple[str, ...]
    questions: tuple[Question, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    idle: bool = False


def assistant_of(row: Mapping[str, Any], drawing: Mapping[str, Any]) -> Assistant:
    nodes = [{"id": str(n["id"]), "name": str((n.get("data") or {}).get("name", n["id"]))} for n in drawing.get("nodes", [])]
    edges = [
        {"source": str(e["source"]), "target": str(e["target"]), "conditional": bool(e.get("conditional"))}
        for e in drawing.get("edges", [])
    ]
    graph = str(row["graph_id"])
    words = row.get("description")
    return Assistant(_id(row["assistant_id"]), graph, str(row.get("name") or graph), str(words or ""), {"nodes": nodes, "edges": edges})


def waiting_of(row: Mapping[str, Any]) -> Waiting:
    asks = {str(one["id"]): dialects.digest(one.get("value")) for listed in (row.get("interrupts") or {}).values() for one in listed}
    assistant = str((row.get("metadata") or {}).get("assistant_id", ""))
    return Waiting(_id(row["thread_id"]), assistant, asks, _request(row.get("values")))


def standing_of(row: Mapping[str, Any], state: Mapping[str, Any]) -> Standing:
    values = state.get("values")
    found = dict(values) if isinstance(values, Mapping) else {}
    questions = [q for task in state.get("tasks") or [] if not task.get("error") for q in _questions(task, found)]
    nodes = tuple(str(name) for name in state.get("next") or [])
    error = row.get("error")
    failed = row["status"] == "error"
    raised = next((str(task["error"]) for task in state.get("tasks") or [] if task.get("error")), "")
    words = raised or (str(error.get("error") or error.get("message") or error) if isinstance(error, Mapping) else str(error or ""))
    why = (words or "error") if failed else ""
    return Standing(row["status"] == "busy", nodes, tuple(questions[:MOST_QUESTIONS]), found, why, row["status"] == "idle")


def lacking(detail: str) -> str:
    """What a server says it does not have, "thread" or "graph"; "" when it says something else (langgraph-api 0.16.7 and later)."""
    return "thread" if _NO_THREAD.search(detail) else "graph" if _NO_GRAPH.search(detail) else ""


def graph_in(detail: str) -> str:
    """The graph that a server says it does not have."""
    found = _NO_GRAPH.search(detail)
    return found[1] if found else ""


def made_of(values: Mapping[str, Any], call_id: str) -> Made | None:
    """What the thread's own messages say of a call; None when they say nothing."""
    for message in _messages(values) if call_id else ():
        if message.get("type") == "tool" and message.get("tool_call_id") == call_id:
            content = _text(message)
            return Made("failed", error=content) if message.get("status") == "error" else Made("done", content)
    return None


def went_on_before(states: Sequence[Mapping[str, Any]], runs: Sequence[Mapping[str, Any]], ours: str, interrupt: str) -> bool:
    """Whether a run that began before ours wrote a checkpoint after the one that asked. States are the newest first; times are the server's own."""
    began = {str(run["run_id"]): datetime.fromisoformat(str(run["created_at"])) for run in runs}
    asked = next((n for n, state in enumerate(states) if _asks(state, interrupt)), None)
    if asked is None or ours not in began:
        return False
    wrote = {str((state.get("metadata") or {}).get("run_id", "")) for state in states[:asked]} - {ours}
    return any(run in began and began[run] < began[ours] for run in wrote)


def _asks(state: Mapping[str, Any], interrupt: str) -> bool:
    return any(str(one.get("id")) == interrupt for task in state.get("tasks") or [] for one in task.get("interrupts") or [])


def _questions(task: Mapping[str, Any], values: Mapping[str, Any]) -> list[Question]:
    node = str(task.get("name", ""))
    found = []
    for one in task.get("interrupts") or []:
        schema = one.get("response_schema")
        found.append(Question(str(one["id"]), node, one.get("value"), schema if isinstance(schema, dict) else None, _place(node, values)))
    return found


def _place(node: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """As `graphs.places` tells it, from the thread's messages; of a graph inside the graph they say nothing."""
    messages = _messages(values)
    place: dict[str, Any] = {"ns": [], "node": node}
    last = next((m for m in reversed(messages) if m.get("type") == "ai"), None)
    if last is not None:
        calls = last.get("tool_calls") or []
        place["calls"] = [{"id": str(c.get("id") or ""), "name": c.get("name"), "args": c.get("args")} for c in calls]
        place["said"] = _text(last)[:LONGEST]
    read = [m for m in messages if m.get("type") == "tool"]
    if read:
        place["read"] = [{"title": str(kept.RESULT_OF(tool=m.get("name") or "?")), "text": _text(m)[:LONGEST]} for m in read[-20:]]
    return place


def _messages(values: Any) -> Sequence[Mapping[str, Any]]:
    messages = values.get("messages") if isinstance(values, Mapping) else None
    return [m for m in messages if isinstance(m, Mapping)] if isinstance(messages, list) else []


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    return "".join(str(part.get("text", "")) if isinstance(part, Mapping) else str(part or "") for part in parts)


def _request(values: Any) -> str:
    said = next((m for m in _messages(values) if m.get("type") == "human"), None)
    return _text(said)[:500] if said else ""


def _id(value: Any) -> str:
    """An id as servers make them; it goes into paths."""
    return str(UUID(str(value)))
