"""LangChain's HumanInTheLoopMiddleware, both its modes (langchain 1.4.7 to 1.5.0, `langchain.agents.middleware.human_in_the_loop`).

Batched: one interrupt per model turn, a list of calls, answered by a list of the same length and order. Per call: one interrupt per call
with a `response_schema` of its own, answered by one decision. Early pre-releases wrote `arguments`; both are read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.dialects.record import APPROVE, EDIT, REJECT, RESPOND, Call, Quirks, Record, Said, check, in_words, not_taken

BATCHED, PER_CALL = "hitl_batched", "hitl_per_call"
_ALL = (APPROVE, EDIT, REJECT, RESPOND)
_MARK = "tool_approval"


def read_batched(value: Any, response_schema: Mapping[str, Any] | None) -> Record | None:
    """A `HITLRequest`; None when it is none."""
    if not isinstance(value, Mapping) or "action_requests" not in value or "review_configs" not in value:
        return None
    requests, configs = value["action_requests"], value["review_configs"]
    if not isinstance(requests, list) or not requests or not isinstance(configs, list):
        return None
    if not all(isinstance(r, Mapping) and isinstance(r.get("name"), str) for r in requests):
        return None
    calls = tuple(_call(request, _config(request["name"], index, configs)) for index, request in enumerate(requests))
    return Record(BATCHED, calls, answer_schema=response_schema)


def read_per_call(value: Any, response_schema: Mapping[str, Any] | None) -> Record | None:
    """A `ToolApprovalRequest`; None when it is none."""
    if not isinstance(value, Mapping) or value.get("type") != _MARK or not isinstance(value.get("name"), str):
        return None
    branches = _branches(response_schema)
    takes = tuple(kind for kind in _ALL if kind in branches) if branches else _ALL
    edit = branches.get(EDIT, {}).get("properties", {}).get("edited_action", {})
    schema = _at(response_schema, edit).get("properties", {}).get("args") if edit else None
    call = Call(value["name"], _args(value), _no(takes), str(value.get("description") or ""), _whole(schema, response_schema))
    return Record(PER_CALL, (call,), answer_schema=response_schema, shape={"kinds": list(takes)})


def answer_batched(record: Record, said: Sequence[Said], quirks: Quirks) -> dict[str, Any]:
    """A `HITLResponse`: as many decisions as calls, in their order."""
    return {"decisions": [_decision(call, one, call.takes) for call, one in zip(record.calls, said, strict=True)]}


def answer_per_call(record: Record, said: Sequence[Said], quirks: Quirks) -> dict[str, Any]:
    """One bare decision, which its own schema takes."""
    decision = _decision(record.calls[0], said[0], tuple(record.shape["kinds"]))
    check(record.answer_schema, decision)
    return decision


def _call(request: Mapping[str, Any], config: Mapping[str, Any]) -> Call:
    allowed = config.get("allowed_decisions", [APPROVE, REJECT])  # an asker who says nothing of it wants a yes or a no
    takes = tuple(kind for kind in _ALL if kind in allowed) if isinstance(allowed, list) else ()
    schema = config.get("args_schema") or config.get("arguments_schema")
    words = str(request.get("description") or "")
    return Call(request["name"], _args(request), _no(takes), words, schema if isinstance(schema, Mapping) else None)


def _config(name: str, index: int, configs: list[Any]) -> Mapping[str, Any]:
    """What may be decided: one entry per request in their order; or one per tool, found by its name. Nothing when there is none."""
    named = [config for config in configs if isinstance(config, Mapping) and config.get("action_name") == name]
    here = configs[index] if index < len(configs) else None
    return here if here in named else (named[0] if named else {})


def _args(value: Mapping[str, Any]) -> Any:
    return value["args"] if "args" in value else value.get("arguments", {})


def _no(takes: tuple[str, ...]) -> tuple[str, ...]:
    """A rejection can be told in words where there is no other way to say no."""
    return (*takes, REJECT) if RESPOND in takes and REJECT not in takes else takes


def _decision(call: Call, said: Said, kinds: Sequence[str]) -> dict[str, Any]:
    if said.by_nobody:
        return {"type": RESPOND, "message": in_words(call, said)}
    if said.kind not in call.takes:
        raise not_taken(call, said.kind)
    if said.kind == EDIT:
        check(call.schema, said.args)
        return {"type": EDIT, "edited_action": {"name": call.tool, "args": said.args}}
    if (said.kind == REJECT and REJECT not in kinds) or said.kind == RESPOND:
        return {"type": RESPOND, "message": said.message or said.status}
    if said.kind == REJECT:
        return {"type": REJECT, **({"message": said.message} if said.message else {})}
    return {"type": APPROVE}


def _branches(schema: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    """The decisions a response schema allows, by their type: a discriminated union, or the one decision by itself."""
    if not isinstance(schema, Mapping):
        return {}
    options = schema.get("oneOf") or schema.get("anyOf") or [schema]
    found = {}
    for option in options if isinstance(options, list) else []:
        branch = _at(schema, option)
        kind = branch.get("properties", {}).get("type", {})
        name = kind.get("const") or next(iter(kind.get("enum", ())), None) if isinstance(kind, Mapping) else None
        if isinstance(name, str):
            found[name] = branch
    return found


def _at(schema: Mapping[str, Any] | None, part: Any) -> Mapping[str, Any]:
    """A part of a schema, or what its `$ref` points to."""
    for _ in range(5):
        ref = part.get("$ref") if isinstance(part, Mapping) else None
        if not (isinstance(ref, str) and ref.startswith("#/")):
            break
        part = schema
        for name in ref[2:].split("/"):
            part = part.get(name, {}) if isinstance(part, Mapping) else {}
    return part if isinstance(part, Mapping) else {}


def _whole(part: Any, schema: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A part that stands by itself: with the definitions that its references point to."""
    found = _at(schema, part)
    if not found:
        return None
    return {**found, **({"$defs": schema["$defs"]} if schema and "$defs" in schema else {})}
