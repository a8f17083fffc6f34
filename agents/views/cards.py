"""Runs and agents as pages show them. Presenters from `agents.queries` to frozen values; no request, no database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from agents.queries import AgentRow, RunRow, ServerRow
from agents.tools.guessing import why_guessed
from agents.views.drawing import Drawing, draw
from agents.views.states import HALTED, OFF, RUNS, Look, took
from approvals.covering import version_name
from approvals.queries import Stop
from audit.languages import number, told
from audit.sentences import chain, say

SCRIPTED = "scripted"
MOST_ABOUT = 300  # characters of a description that stand on a page by themselves
PEOPLE = ("user", "human")
TITLE_KEYS = ("title", "request", "question", "goal", "task", "directory", "ticket", "tickets")


@dataclass(frozen=True)
class About:
    """What an agent or a tool says of itself: its beginning, and the whole where there is more, which buries a page."""

    head: str
    whole: str = ""


@dataclass(frozen=True)
class Bar:
    """What was spent in words; `percent` of what may be, None where nothing is limited."""

    words: str
    percent: int | None = None

    @property
    def full(self) -> int:
        return min(100, self.percent or 0)


@dataclass(frozen=True)
class Figure:
    """One cell of a summary strip: a value, a state, a moment or a digest."""

    name: str
    value: str = ""
    state: Look | None = None
    moment: datetime | None = None
    bar: Bar | None = None
    code: str = ""  # an id, to be copied


@dataclass(frozen=True)
class RunLine:
    id: str
    state: Look
    url: str
    agent: str
    short: str
    title: str
    node: str
    waiting: str
    by: str
    started_at: datetime
    took: str
    cost: Bar | None = None
    thread: str = ""  # where it has another name than its run


@dataclass(frozen=True)
class ToolLine:
    name: str
    about: About
    risk_class: str
    reversible: str
    args: tuple[tuple[str, str], ...]
    why: str = ""
    waits: tuple[str, ...] = ()
    declared_by: str = ""


@dataclass(frozen=True)
class AgentCard:
    slug: str
    name: str
    url: str
    version: int
    about: About
    facts: tuple[tuple[str, str], ...]
    tools: tuple[ToolLine, ...]
    start_url: str
    runs_url: str
    scripted: bool
    state: Look | None
    server: ServerRow | None = None
    server_error: str = ""
    server_notes: tuple[str, ...] = ()


WAITS_FOR = {
    "WAITING": say("people"),
    "READY": say("a worker"),
    "CREATED": say("a worker"),
    "HALTED": say("a release"),
    "PAUSED": say("an operator"),
}


def run_line(row: RunRow) -> RunLine:
    return RunLine(
        id=row.id,
        state=RUNS[row.state],
        url=reverse("run", args=[row.id]),
        agent=row.agent,
        short=row.id[:8],
        title=title_of(row.input),
        node=", ".join(row.nodes),
        waiting=told(WAITS_FOR.get(row.state, "")),
        by=row.started_by,
        started_at=row.created_at,
        took=took(row.created_at, row.finished_at),
        thread="" if row.thread == row.id else row.thread,
    )


def title_of(value: Any) -> str:
    """A run's input in a few words: its most telling field, what a person said last in its messages, else its first field."""
    if not isinstance(value, dict) or not value:
        return ""
    key = next((k for k in TITLE_KEYS if value.get(k)), "")
    if not key and (said := last_said(value.get("messages"))):
        return _short(said)
    key = key or next(iter(value))
    found = value[key]
    return f"{key} {_short(found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, default=str))}"


def last_said(messages: Any) -> str:
    """The text of the last message of a person, in any form in which LangChain takes messages; "" where there is none."""
    found: list[Any] = messages if isinstance(messages, list) else [messages]
    for message in reversed(found):
        if isinstance(message, str):
            return message
        kwargs = message.get("kwargs") if isinstance(message, dict) else None  # as LangChain writes its own objects
        said = kwargs if isinstance(kwargs, dict) else message
        if isinstance(said, dict):
            who, content = said.get("role") or said.get("type"), said.get("content")
        elif isinstance(said, list) and len(said) == 2:
            who, content = said
        else:
            continue
        if who in PEOPLE and (text := _text_of(content)):
            return text
    return ""


def _text_of(content: Any) -> str:
    """Of a message's content: itself, or its blocks of text."""
    blocks = content if isinstance(content, list) else [content]
    return " ".join(part for block in blocks if isinstance(part := block.get("text") if isinstance(block, dict) else block, str))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else f"{text[:77]}…"


def agent_card(row: AgentRow, *, halts: Sequence[Stop], may_start: bool) -> AgentCard:
    halted = any(stop.covers(agent=row.slug, run="", version=version_name(row.slug, row.version)) for stop in halts)
    asking = sum(str(tool.get("risk")) != "read" for tool in row.tools)
    return AgentCard(
        slug=row.slug,
        name=row.title or row.slug,
        url=reverse("agent", args=[row.slug]),
        version=row.version,
        about=about_of(row.description),
        facts=(
            (
                _("Tools"),
                _("on its server") if row.server else _("%(n)s, %(m)s of them change something") % {"n": len(row.tools), "m": asking},
            ),
            (_("Live runs"), number(row.running)),
            (_("Environment"), row.environment),
            (_("Owner"), row.owner or _("nobody")),
        ),
        tools=tuple(tool_line(tool) for tool in row.tools),
        start_url=reverse("run-start", args=[row.slug]) if may_start and row.enabled and not row.outside else "",
        runs_url=f"{reverse('runs')}?agent={row.slug}",
        scripted=is_scripted(row.model),
        state=HALTED if halted else None if row.enabled else OFF,
        server=row.server,
        server_error=told(row.server.error) if row.server else "",
        server_notes=tuple(map(told, row.server.note.splitlines())) if row.server else (),
    )


def about_of(text: str) -> About:
    """Cut between words, where there are any; nothing of the beginning is left out."""
    if len(text) <= MOST_ABOUT:
        return About(text)
    head = text[:MOST_ABOUT]
    return About(head[: head.rfind(" ")] if " " in head[MOST_ABOUT // 2 :] else head, text)


def is_scripted(model: str) -> bool:
    return SCRIPTED in model.lower()


def tool_line(tool: dict[str, Any]) -> ToolLine:
    properties = (tool.get("schema") or {}).get("properties") or {}
    return ToolLine(
        name=str(tool.get("name", "")),
        about=about_of(str(tool.get("description") or tool.get("summary") or "")),
        risk_class=_("%(kind)s (suggested)") % {"kind": tool["risk"]}
        if tool.get("suggested")
        else str(tool.get("risk") or _("not declared")),
        reversible=_("yes") if tool.get("reversible") else _("no"),
        args=tuple((name, _type(sub)) for name, sub in properties.items()),
        why=told(why_guessed(str(tool.get("name", "")))) if tool.get("suggested") else "",
        waits=tuple(told(why) for why in (tool.get("kept") or {}).get("why", ())),
        declared_by=str((tool.get("kept") or {}).get("name", "")),
    )


def _type(sub: dict[str, Any]) -> str:
    if "enum" in sub:
        return _("one of %(values)s") % {"values": ", ".join(str(v) for v in sub["enum"][:6])}
    if "anyOf" in sub:
        return told(chain("%(a)s or %(b)s", [_type(part) for part in sub["anyOf"][:3]]))
    if "$ref" in sub:
        return str(sub["$ref"]).rsplit("/", 1)[-1]
    return str(sub.get("type", "any"))


def plain_drawing(row: AgentRow) -> Drawing:
    return draw(row.drawing)
