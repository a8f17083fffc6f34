"""The dialects in which agents that nobody wrote for us ask people: detection, one normalised record, an answer in the dialect asked.

record       what was asked and what was said, whatever the dialect
hitl         LangChain's HumanInTheLoopMiddleware: batched, and one question per call
inbox        Agent Inbox and `langgraph.prebuilt.interrupt`, in all their quirks
forms        questions: AG-UI keys, MCP's form, a `response_schema`, anything else
asking       how a question that brings a schema of its answer is shown
calls        our own: one call of an agent with `agents.graphs.loops`
breakpoints  `interrupt_before` and `interrupt_after`, which ask nothing at all

Pure: no LangGraph, no tables. Sources: docs/agents.md names the versions the shapes were read from. Imports only `agents.kept` and `audit`.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agents import kept
from agents.dialects import breakpoints, calls, forms, hitl, inbox
from agents.dialects.forms import no_yes
from agents.dialects.record import Quirks, Record, Said, Unanswerable
from audit import canonical

__all__ = ["Quirks", "Record", "Said", "Unanswerable", "answer", "digest", "no_yes", "read"]

DOMAIN = "hitl/asked/v1"
_HALF = re.compile("[\ud800-\udfff]")
_READERS: Sequence[Callable[[Any, Mapping[str, Any] | None], Record | None]] = (
    breakpoints.read,
    calls.read,
    hitl.read_batched,
    hitl.read_per_call,
    inbox.read,
    forms.read,
)
_WRITERS: Mapping[str, Callable[[Record, Sequence[Said], Quirks], Any]] = {
    calls.NAME: calls.answer,
    hitl.BATCHED: hitl.answer_batched,
    hitl.PER_CALL: hitl.answer_per_call,
    inbox.NAME: inbox.answer,
    breakpoints.NAME: breakpoints.answer,
    forms.MCP_FORM: forms.answer_form,
    **dict.fromkeys((forms.AG_UI, forms.SCHEMA, forms.RAW), forms.answer),
}


def read(value: Any, response_schema: Mapping[str, Any] | None = None) -> Record:
    """The normalised record of an interrupt's value. What fits no dialect is a plain question: nothing is ever unreadable."""
    record = next(record for reader in _READERS if (record := reader(value, response_schema)) is not None)
    return record if record.expires_at else replace(record, expires_at=_until(value))


def _until(value: Any) -> str:
    """AG-UI's `expiresAt`, which any dialect may carry beside its own keys; of several requests, the first that has one."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping) and (until := forms.ag_ui(one).get("expiresAt")):
            return str(until)
    return ""


def answer(record: Record, said: Sequence[Said], quirks: Quirks) -> Any:
    """What the graph is given, in the dialect it asked in: checked here, before the graph sees it.

    Args:
        said: what people said of each call, in order; of a question, one.

    Raises:
        Unanswerable: this dialect cannot say that, or the answer does not fit its schema. Nothing may be delivered.
    """
    if len(said) != max(1, len(record.calls)):
        raise Unanswerable(kept.AS_MANY_ANSWERS(n=len(said), calls=len(record.calls)))
    if mute := next((call for call in record.calls if not call.takes), None):
        raise Unanswerable(kept.TAKES_NOTHING(tool=mute.tool))
    return _WRITERS[record.dialect](record, said, quirks)


def digest(value: Any, response_schema: Mapping[str, Any] | None = None) -> str:
    """Digest of what matters of a question: of calls their tools and arguments, not the words around them, which may hold the time of day.

    Args:
        response_schema: which answers a plain question takes. Part of what was asked, where there is one.
    """
    record = read(value)
    asked: Any = [[call.tool, call.args] for call in record.calls] if record.calls else value
    if response_schema is not None and not record.calls:
        asked = {"asked": value, "response_schema": response_schema}
    try:
        return canonical.digest(DOMAIN, canonical.dumps(asked))
    except canonical.NotCanonical:
        text = json.dumps(canonical.storable(_checkpointed(asked)))
        try:
            return canonical.digest(DOMAIN, canonical.dumps(_checkpointed(asked)))
        except canonical.NotCanonical:
            return canonical.digest(DOMAIN, text.encode("utf-8", "backslashreplace"))


def _checkpointed(value: Any, depth: int = 0) -> Any:
    """A value as a checkpoint gives it back: half a character is shown there (`graphs.halves`), and the node that asks again has it still."""
    if isinstance(value, str):
        return _HALF.sub(lambda half: f"⟨U+{ord(half[0]):04X}⟩", value)
    if depth > canonical.MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return {
            _checkpointed(name, depth + 1) if isinstance(name, str) else name: _checkpointed(one, depth + 1) for name, one in value.items()
        }
    return [_checkpointed(one, depth + 1) for one in value] if isinstance(value, list | tuple) else value
