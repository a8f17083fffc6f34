"""One step of a run whole: the full prompt and answer, the arguments, the raw result, and what policy said of it.

Whoever may see the run's page may see this. Nothing on it but its labels is ours: prompts, answers and results are shown by `reveal`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from agents import prices, queries
from agents.errors import UnknownStep
from agents.queries import EffectRow, RunDetail
from agents.views.effects import said_words
from agents.views.run_rows import KINDS, TONES
from agents.views.states import EFFECTS, SPANS, Look, took
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.render.arguments import Line, lines_of
from approvals.render.reveal import Revealed, reveal
from approvals.web.http import Request, is_fragment
from approvals.web.receipts import STATES as DECIDED
from approvals.web.receipts import Receipt, receipt_of
from approvals.web.scoring import FactorLine, factor_lines
from audit import spans
from audit.languages import number, told
from audit.queries import SpanRow
from audit.sentences import say

ROLES = {
    "system": say("Instructions to the model"),
    "human": say("What the person or program said"),
    "ai": say("What the model had said"),
    "tool": say("What a tool gave back"),
}


@dataclass(frozen=True)
class Part:
    """One piece: a text, or a value of several fields line by line."""

    name: str
    text: Revealed | None = None
    lines: tuple[Line, ...] = ()
    folded: bool = False


@dataclass(frozen=True)
class Assessed:
    """What policy said of the call, as the action keeps it."""

    level: str
    score: int
    factors: tuple[FactorLine, ...]
    policy: str
    policy_url: str
    denied: str
    version: int
    url: str
    receipt: Receipt | None


@dataclass(frozen=True)
class Drawer:
    title: str
    kind: str
    icon: str
    kind_word: str
    at: datetime
    took: str
    look: Look | None
    facts: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    trouble: Revealed | None
    assessed: Assessed | None = None
    said: Revealed | None = None


@require_safe
@vary_on_headers("HX-Request")
def span(request: Request, run_id: UUID, key: str) -> HttpResponse:
    permissions.check_read(request.user)
    detail = queries.run_detail(run_id)
    drawer = _span(request, detail, key) if key[:1] == "s" else _action(request, detail, key) if key[:1] in {"a", "e"} else None
    if drawer is None:
        raise UnknownStep(say("This run has no such step; it may have been cleared after its time"))
    context = {
        "span": drawer,
        "key": key,
        "run_title": f"{detail.agent_title} {detail.row.id[:8]}",
        "run_url": reverse("run", args=[detail.row.id]),
        "url": reverse("run-span", args=[detail.row.id, key]),
    }
    return render(request, "agents/_span.html" if is_fragment(request) else "agents/span.html", context)


def _span(request: Request, detail: RunDetail, key: str) -> Drawer | None:
    number_ = key[1:]
    found = spans.whole(detail.row.id, int(number_)) if number_.isascii() and number_.isdigit() and len(number_) < 19 else None
    if found is None:
        return None
    kind = found.kind if found.kind in {"model", "tool"} else "node"
    action = str(found.attributes.get("action", "")) if kind == "tool" else ""
    effect = next((e for e in detail.effects if action and e.action_id == action), None)
    look = EFFECTS["UNKNOWN"] if effect and effect.state == "UNKNOWN" else SPANS.get(found.status)
    return Drawer(
        title=found.name,
        kind=kind,
        icon=KINDS[kind][0],
        kind_word=told(KINDS[kind][1]),
        at=found.started_at,
        took=took(found.started_at, found.ended_at),
        look=look if look and look.word else None,
        facts=tuple(_facts(found, spans.inside(detail.row.id, found.id) if kind == "node" else spans.Totals())),
        parts=tuple(_model(found) if kind == "model" else _plain(found, kind)),
        trouble=reveal(told(found.error)) if found.error and not (effect and effect.said) else None,
        said=said_words(effect) if effect and effect.said else None,
        assessed=_assessed(request, detail, action) if action else None,
    )


def _action(request: Request, detail: RunDetail, key: str) -> Drawer | None:
    """A question to people, with what came of it."""
    row = next((a for a in approvals_queries.run_actions(detail.row.id) if a.id == key[1:]), None)
    if row is None:
        return None
    effect = next((e for e in detail.effects if e.action_id == row.id), None)
    said = DECIDED.get(row.state)
    kind = "human" if key[0] == "a" else "tool"
    until = (row.resolved_at or row.settled_at) if kind == "human" else effect.finished_at if effect else None
    at = row.created_at if kind == "human" or effect is None else effect.claimed_at or effect.created_at
    return Drawer(
        title=row.tool,
        kind=kind,
        icon=KINDS[kind][0],
        kind_word=told(KINDS[kind][1]),
        at=at,
        took=took(at, until or datetime.now(UTC)),
        look=Look(said.verb, said.icon, TONES.get(said.tone, "quiet")) if said else None,
        facts=((_("Tries"), number(effect.attempts)),) if effect and effect.attempts else (),
        parts=tuple(_call(request, row.id, effect)),
        trouble=reveal(told(effect.error)) if effect and effect.error else None,
        said=said_words(effect) if effect and effect.said else None,
        assessed=_assessed(request, detail, row.id),
    )


def _call(request: Request, action: str, effect: EffectRow | None) -> Iterator[Part]:
    yield from _value(_("Arguments"), approvals_queries.action_detail(action, reader=request.user).args)
    if effect and effect.result is not None:
        yield Part(_("Raw result"), _raw(effect.result))


def _assessed(request: Request, detail: RunDetail, action: str) -> Assessed | None:
    if all(one.id != action for one in approvals_queries.run_actions(detail.row.id)):
        return None
    found = approvals_queries.action_detail(action, reader=request.user)
    return Assessed(
        level=found.row.level,
        score=found.row.score,
        factors=factor_lines(found.factors),
        policy=found.policy,
        policy_url=reverse("policy", args=[found.policy_id]) if found.policy_id else "",
        denied=found.denied,
        version=found.row.version,
        url=reverse("action", args=[found.row.id]),
        receipt=receipt_of(found.row),
    )


def _facts(found: SpanRow, inside: spans.Totals) -> Iterator[tuple[str, str]]:
    usage = found.attributes.get("usage")
    if isinstance(usage, dict):
        for name, word in (("input_tokens", _("Tokens in")), ("output_tokens", _("Tokens out")), ("total_tokens", _("Tokens"))):
            if isinstance(usage.get(name), int):
                yield word, number(usage[name])
    if isinstance(cost := found.attributes.get("cost_micros"), int):  # by the prices of then
        yield _("Cost"), prices.money(cost)
    elif found.attributes.get("no_price"):
        yield _("Cost"), _("no price known for %(model)s") % {"model": found.name}
    if inside.calls:
        yield _("Model calls inside"), number(inside.calls)
        yield _("Tokens inside"), number(inside.tokens) if inside.tokens else _("none counted")
    if isinstance(attempt := found.attributes.get("attempt"), int):
        yield _("Try"), number(attempt)


def _model(found: SpanRow) -> Iterator[Part]:
    """The prompt message by message, then the answer, then all of it as it was kept."""
    given = found.input if isinstance(found.input, dict) else {}
    messages = given.get("messages")
    for place, message in enumerate(messages if isinstance(messages, list) else (), start=1):
        yield Part(_("%(n)s. %(who)s") % {"n": number(place), "who": _role(message)}, _raw(_content(message)))
    answer = _content(found.output)
    if answer not in (None, "", [], {}):
        yield Part(_("The answer"), _raw(answer))
    if calls := _of(found.output, "tool_calls"):
        yield Part(_("The calls it wants"), _raw(calls))
    if given.get("tools"):
        yield Part(_("The tools it was offered"), _raw(given["tools"]), folded=True)
    yield Part(_("The record of the prompt, raw"), _raw(found.input), folded=True)
    yield Part(_("The record of the answer, raw"), _raw(found.output), folded=True)


def _plain(found: SpanRow, kind: str) -> Iterator[Part]:
    yield from _value(_("Arguments") if kind == "tool" else _("The state it was given"), found.input)
    if found.output not in (None, {}, [], ""):
        yield Part(_("Raw result") if kind == "tool" else _("What it gave back"), _raw(found.output))


def _value(name: str, value: Any) -> Iterator[Part]:
    if value in (None, {}, [], ""):
        return
    yield Part(name, lines=lines_of(value if isinstance(value, dict) else {"value": value}))


def _role(message: Any) -> str:
    kind = str(message.get("type", "")) if isinstance(message, dict) else ""
    return told(ROLES[kind]) if kind in ROLES else _("Another message")


def _content(message: Any) -> Any:
    found = _of(message, "content")
    return message if found is None and not isinstance(message, dict) else found


def _of(message: Any, name: str) -> Any:
    """A field of a message, as LangChain's own records nest it or not."""
    data = message.get("data", message) if isinstance(message, dict) else {}
    return data.get(name) if isinstance(data, dict) else None


def _raw(value: Any) -> Revealed:
    return reveal(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2))
