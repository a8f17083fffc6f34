"""One run as a list of steps: what the graph did, what the model said, what was asked of people and what was done.

Belongs here: pure presenters from spans, actions and effects to `Step`s in order of time. No request, no database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from agents.queries import EffectRow, PauseRow
from agents.views.effects import said_words
from agents.views.run_entries import Entry
from agents.views.states import EFFECTS, RUNS, SPANS, Look, took
from approvals.queries import AskRow, InboxRow
from approvals.render.reveal import Revealed, reveal
from approvals.web.receipts import Receipt, receipt_of
from audit.languages import number, told
from audit.queries import SpanRow
from audit.sentences import say
from audit.spans import Cut, SpanLine

KINDS = {
    "node": ("node", "git-commit-horizontal", say("step")),
    "model": ("model", "brain", say("model call")),
    "tool": ("tool", "wrench", say("tool call")),
}
CUT = 1_000  # characters of a text that the list shows: a step opens whole


@dataclass(frozen=True)
class Asked:
    """The action a step asked for."""

    url: str
    summary: str
    level: str
    score: int
    waiting: str
    receipt: Receipt | None
    effect: Look | None = None
    effect_at: datetime | None = None


@dataclass(frozen=True)
class Step:
    """One line of the run's story; `key` stays the same when it is drawn again.

    `resolve_url` is set where an operator must say what became of a call; `opens`: it has a page of its own, with all of it.
    """

    key: str
    kind: str
    icon: str
    kind_word: str
    title: str
    at: datetime
    took: str
    current: bool = False
    look: Look | None = None
    asked: Asked | None = None
    details: tuple[tuple[str, Revealed], ...] = ()
    trouble: Revealed | None = None
    said: Revealed | None = None
    resolve_url: str = ""
    opens: bool = False


def steps_of(
    spans: Sequence[SpanRow],
    actions: Sequence[InboxRow],
    effects: Mapping[str, EffectRow],
    pauses: Sequence[PauseRow],
    *,
    nodes: Mapping[str, str],
    calls: Mapping[str, SpanLine],
    may_resolve: bool,
    asks: Sequence[AskRow] = (),
    held: Sequence[Entry] = (),
) -> tuple[Step, ...]:
    """Everything given, oldest first.

    Args:
        spans: without those that are told with something else: a call that an action stands for, a node that stopped to ask.
        nodes, calls: of each action, the node that asked for it and the call that was made.
    """
    steps = [_span(s) for s in spans]
    steps += [_action(a, effects.get(a.id), calls.get(a.id), nodes.get(a.id, ""), may_resolve=may_resolve) for a in actions]
    steps += [_ask(ask) for ask in asks]
    steps += [_refused(p) for p in pauses if p.refusal is not None]
    steps += [_held(e) for e in held]
    return tuple(sorted(steps, key=lambda step: step.at))


def _span(span: SpanRow) -> Step:
    kind, icon, word = KINDS.get(span.kind, KINDS["node"])
    look = SPANS.get(span.status)
    return Step(
        key=f"s{span.id}",
        kind=kind,
        icon=icon,
        kind_word=told(word),
        title=span.name,
        at=span.started_at,
        took=took(span.started_at, span.ended_at),
        current=span.status == "running",
        look=look if look and look.word else None,
        details=_details((_("In"), span.input), (_("Out"), span.output)),
        trouble=reveal(told(span.error)) if span.error else None,
        opens=True,
    )


def _action(row: InboxRow, effect: EffectRow | None, call: SpanLine | None, node: str, *, may_resolve: bool) -> Step:
    question = row.kind == "question"
    waits = row.state == "PENDING"
    asked = Asked(
        url=reverse("action", args=[row.id]),
        summary=row.summary,
        level=row.level,
        score=row.score,
        waiting=_("Waits for people") if waits else "",
        receipt=receipt_of(row),
        effect=EFFECTS.get(effect.state) if effect else None,
        effect_at=(effect.finished_at or effect.claimed_at) if effect else None,
    )
    unknown = effect is not None and effect.state == "UNKNOWN"
    return Step(
        key=f"a{row.id}",
        kind="human" if waits or row.level != "low" else "tool",
        icon="message-circle-question-mark" if question else "hand" if row.level != "low" else "wrench",
        kind_word=_kind_word(question, node),
        title=row.tool,
        at=row.created_at,
        took=took(call.started_at, call.ended_at) if call else "",
        current=waits,
        asked=asked,
        details=_details((_("Result"), effect.result)) if effect and effect.result is not None else (),
        trouble=reveal(told(effect.error)) if effect and effect.error else None,
        said=said_words(effect) if effect and effect.said else None,
        resolve_url=reverse("effect-resolve", args=[row.id]) if unknown and may_resolve else "",
        opens=True,
    )


def _kind_word(question: bool, node: str) -> str:
    if node:
        return (_("question at %(node)s") if question else _("action at %(node)s")) % {"node": node}
    return _("question") if question else _("action")


def _ask(ask: AskRow) -> Step:
    """A reviewer's question to the agent: beside the graph, which it does not move."""
    answer = (_("The agent's own words"), ask.answer) if ask.state == "ANSWERED" else ("", None)
    return Step(
        key=f"q{ask.id}",
        kind="human",
        icon="message-circle-question-mark",
        kind_word=_("question to the agent"),
        title=_("%(who)s asked") % {"who": ask.by},
        at=ask.at,
        took=took(ask.at, ask.done_at),
        current=ask.state == "WANTED",
        details=_details((_("Question"), ask.question), answer),
        trouble=reveal(told(ask.answer)) if ask.state == "FAILED" else None,
    )


def _refused(pause: PauseRow) -> Step:
    refusal = pause.refusal or {}
    return Step(
        key=f"p{pause.interrupt_id}",
        kind="node",
        icon="shield-x",
        kind_word=_("refused at %(node)s") % {"node": pause.node} if pause.node else _("refused"),
        title=str(refusal.get("code") or _("Nothing was asked of people")),
        at=pause.created_at,
        took="",
        look=Look(say("the agent was told why"), "reply", "quiet") if pause.state == "ANSWERED" else None,
        trouble=reveal(told(str(refusal.get("reason", "")))),
    )


def _held(entry: Entry) -> Step:
    return Step(
        key=entry.key,
        kind="held",
        icon="octagon-pause",
        kind_word=_("stopped by order"),
        title=told(RUNS[entry.name].word),
        at=entry.at,
        took=took(entry.at, entry.until),
        current=entry.until is None,
    )


def _details(*parts: tuple[str, Any]) -> tuple[tuple[str, Revealed], ...]:
    return tuple((name, reveal(_text(value))) for name, value in parts if value not in (None, {}, [], ""))


def _text(value: Any) -> str:
    if isinstance(value, Cut):
        more = _("(%(n)s more characters: open the step)") % {"n": number(value.length - len(value.text))}
        return f"{value.text}\n{more}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= CUT else _text(Cut(text[:CUT], len(text)))
