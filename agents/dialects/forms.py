"""Questions: the keys of AG-UI, MCP's elicitation form, a `response_schema`, and whatever else a graph puts into `interrupt`.

AG-UI's LangGraph bridge lifts `reason`, `message`, `tool_call_id`, `response_schema` and `expires_at` out of any payload; they are honoured
in every one. The answer is the bare value: text, or JSON where the schema or the person says so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agents import kept
from agents.dialects.record import RESPOND, Quirks, Record, Said, Unanswerable, check, one_line
from audit import schemas

AG_UI, MCP_FORM, SCHEMA, RAW = "agui", "mcp_form", "json_schema", "raw"
KEYS = ("reason", "message", "tool_call_id", "response_schema", "expires_at")
REFUSED = {"approved": False, "status": "rejected", "reason": "because"}  # as a refusal is told, where its schema has room
_WORDS = ("message", "question", "prompt", "query", "reason", "text")


def read(value: Any, response_schema: Mapping[str, Any] | None) -> Record:
    """Anything at all, as a question."""
    keys: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    if keys.get("mode") == "form" and isinstance(keys.get("message"), str) and isinstance(keys.get("requestedSchema"), Mapping):
        return Record(MCP_FORM, question=_question(value, keys), schema=keys["requestedSchema"])
    inside = keys.get("response_schema")
    schema = response_schema if isinstance(response_schema, Mapping) else inside if isinstance(inside, Mapping) else None
    lifted = isinstance(inside, Mapping) or (isinstance(keys.get("reason"), str) and sum(key in keys for key in KEYS) > 1)
    dialect = AG_UI if lifted else SCHEMA if schema is not None else RAW
    return Record(dialect, question=_question(value, keys), schema=schema)


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
    refusal = {"approved": False, "status": one.status, "reason": one.message, **one.more}
    if record.schema is not None and schemas.why_not(record.schema, refusal):
        if one.by_nobody:
            raise Unanswerable(one.message)
        raise Unanswerable(kept.ONLY_ANSWERS(status=one.status))
    return refusal


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
    refused = isinstance(answer, dict) and answer.get("approved") is False and {"status", "reason"} <= answer.keys()
    return Refusal(answer) if refused else answer


def _question(value: Any, keys: Mapping[str, Any]) -> str:
    if isinstance(value, str):
        return one_line(value)
    return next((one_line(keys[name]) for name in _WORDS if isinstance(keys.get(name), str) and keys[name].strip()), "")
