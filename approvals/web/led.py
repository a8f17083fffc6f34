"""What led to an action: the last model calls, tool results and decisions of its run before it was asked. A pure presenter.

Every text here was written by a model, a tool or a stranger: it is fenced, revealed, and links to the step of the run it came from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from approvals.render.reveal import Revealed, reveal
from audit.languages import number
from audit.queries import SpanRow

MOST = 12_000
ICONS = {"model": "brain", "tool": "wrench", "node": "git-commit-horizontal"}


@dataclass(frozen=True)
class Led:
    """One step; `texts` are its parts by name."""

    icon: str
    title: str
    what: str
    at: datetime
    url: str
    texts: tuple[tuple[str, Revealed], ...]
    failed: bool = False


def led_of(spans: Sequence[SpanRow], *, run_url: str) -> tuple[Led, ...]:
    """The steps, newest last, each with what was said or came back."""
    words = {"model": _("model call"), "tool": _("tool result"), "node": _("step")}
    return tuple(
        Led(
            icon=ICONS.get(span.kind, ICONS["node"]),
            title=span.name,
            what=words.get(span.kind, words["node"]),
            at=span.started_at,
            url=f"{run_url}#step-s{span.id}",
            texts=tuple((name, reveal(_cut(text))) for name, text in _texts(span) if text.strip()),
            failed=bool(span.error),
        )
        for span in spans
    )


def _texts(span: SpanRow) -> Iterator[tuple[str, str]]:
    if span.kind == "model":
        yield _("Last message it was given"), _content(_last_message(span.input))
        yield _("What it answered"), _content(span.output)
        yield _("What it wants to call"), _text(_data(span.output).get("tool_calls") or "")
    else:
        yield _("Came back"), _text(span.output)
    yield _("Error"), span.error


def _last_message(given: Any) -> Any:
    messages = given.get("messages") if isinstance(given, dict) else None
    return messages[-1] if isinstance(messages, list) and messages else ""


def _content(message: Any) -> str:
    return _text(_data(message).get("content", message if isinstance(message, str) else ""))


def _data(message: Any) -> dict[str, Any]:
    """A message's own fields, whether or not it is wrapped with its type."""
    if not isinstance(message, dict):
        return {}
    inner = message.get("data")
    return inner if isinstance(inner, dict) else message


def _text(value: Any) -> str:
    if value in (None, {}, [], ""):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _cut(text: str) -> str:
    return text if len(text) <= MOST else text[:MOST] + "\n" + _("(%(n)s more characters are in the run)") % {"n": number(len(text) - MOST)}
