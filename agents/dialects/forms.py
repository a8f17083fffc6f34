"""Questions: the keys of AG-UI, MCP's elicitation form, a `response_schema`, and whatever else a graph puts into `interrupt`.

AG-UI's LangGraph bridge lifts `reason`, `message`, `toolCallId`, `responseSchema` and `expiresAt` out of any payload, spelled so or as Python
does (`tool_call_id`); they are honoured in every one. It gives the graph the `payload` of the resume entry as it is: the answer is the bare
value, text, or JSON where the schema or the person says so; a denial stands inside of it, as `approved: false`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agents import kept
from agents.dialects.record import RESPOND, Quirks, Record, Said, Unanswerable, check, one_line
from audit import schemas

AG_UI, MCP_FORM, SCHEMA, RAW = "agui", "mcp_form", "json_schema", "raw"
KEYS = ("reason", "message", "toolCallId", "responseSchema", "expiresAt")
_SPELLED = {"tool_call_id": "toolCallId", "response_schema": "responseSchema", "expires_at": "expiresAt"}
REFUSED = {"status": "rejected", "reason": "because"}  # what is told of a refusal, where its schema has room
_WORDS = ("message", "question", "prompt", "query", "reason", "text")


def read(value: Any, response_schema: Mapping[str, Any] | None) -> Record:
    """Anything at all, as a question."""
    keys: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    form = keys.get("mode") in ("form", None)  # until 2025-11-25 there was no other, and no word for it
    if form and isinstance(keys.get("message"), str) and isinstance(keys.get("requestedSchema"), Mapping):
        return Record(MCP_FORM, question=_question(value, keys), schema=keys["requestedSchema"])
    lifted = ag_ui(keys)
    inside = _schema(lifted.get("responseSchema"))
    schema = _schema(response_schema) if response_schema is not None else inside
    own = inside is not None or (isinstance(keys.get("reason"), str) and len(lifted) > 1)
    dialect = AG_UI if own else SCHEMA if schema is not None else RAW
    return Record(dialect, question=_question(value, keys), schema=schema, expires_at=str(lifted.get("expiresAt") or ""))


def ag_ui(keys: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of AG-UI in a payload, by its own spelling, which goes before Python's where both are there."""
    python = {name: keys[spelled] for spelled, name in _SPELLED.items() if keys.get(spelled) is not None}
    return {**python, **{name: keys[name] for name in KEYS if keys.get(name) is not None}}


def refusal(schema: Mapping[str, Any] | None, said: Mapping[str, Any]) -> "Refusal | None":
    """How a refusal is told where a schema has room for it: with why, or else AG-UI's bare `approved: false`; None where it has none."""
    told = {"approved": False, **said}
    if schema is None or not schemas.why_not(schema, told):
        return Refusal(told)
    asks = schema.get("properties")
    bare = isinstance(asks, Mapping) and "approved" in asks and not schemas.why_not(schema, {"approved": False})
    return Refusal(approved=False) if bare else None


def answer(record: Record, said: Sequence[Said], quirks: Quirks) -> Any:
    """The person's words, or the JSON they mean. That there is no answer is told as a `Refusal`, where the schema has room for it.

    A graph elsewhere that states no schema is told `False`: there a dict, whatever it says, would be taken for a yes.
    """
    one = said[0]
    if one.kind == RESPOND:
        value = schemas.meant(one.message, record.schema, as_json=bool(one.more.get("json")))
        check(record.schema, value)
        return value
    if record.schema is None and quirks.far:
        return False
    told = refusal(record.schema, {"status": one.status, "reason": one.message, **one.more})
    if told is None or (one.status != "rejected" and "status" not in told):  # a bare no would be one that nobody said
        raise Unanswerable(one.message if one.by_nobody else kept.ONLY_ANSWERS(status=one.status))
    return dict(told)


def answer_form(record: Record, said: Sequence[Said], quirks: Quirks) -> dict[str, Any]:
    """MCP's `ElicitResult` (2025-11-25): accepted with what its schema asks for, declined by a person, or cancelled by anything else."""
    one = said[0]
    if one.kind != RESPOND:
        return {"action": "decline" if one.status == "rejected" else "cancel"}
    content = schemas.meant(one.message, record.schema, as_json=bool(one.more.get("json")))
    check(record.schema, content)
    return {"action": "accept", "content": content}


class Refusal(dict[str, Any]):
    """What a graph gets where a plain question was refused, expired or withdrawn. No yes: LangGraph's own example goes on where the answer is true,
    `if interrupt(...): proceed`, and a dict would be."""

    def __bool__(self) -> bool:
        return False


def no_yes(answer: Any) -> Any:
    """The answer as a graph may have it: a refusal that came out of a checkpoint is false again."""
    refused = isinstance(answer, dict) and answer.get("approved") is False
    return Refusal(answer) if refused and (len(answer) == 1 or {"status", "reason"} <= answer.keys()) else answer


def _schema(said: Any) -> Mapping[str, Any] | None:
    """A schema as an object; `false`, which nothing fits, too."""
    return {"not": {}} if said is False else said if isinstance(said, Mapping) else None


def _question(value: Any, keys: Mapping[str, Any]) -> str:
    if isinstance(value, str):
        return one_line(value)
    return next((one_line(keys[name]) for name in _WORDS if isinstance(keys.get(name), str) and keys[name].strip()), "")
