"""Agent Inbox and the legacy of `langgraph.prebuilt.interrupt`: `HumanInterrupt` in, a list holding `HumanResponse` out.

What is tolerated: one request or a list of them, one list deeper, or JSON text of any of these. Graphs read `response[0]`, so the answer is
always a list. Native JSON types are kept on an edit; graphs written against the old inbox may want text (`Quirks.stringify`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agents.dialects.record import APPROVE, EDIT, REJECT, RESPOND, Call, Quirks, Record, Said, in_words, not_taken

NAME = "agent_inbox"


def read(value: Any, response_schema: Mapping[str, Any] | None) -> Record | None:
    """One or several `HumanInterrupt`; None when it is something else."""
    requests = _requests(value)
    if not requests:
        return None
    return Record(NAME, tuple(_call(r) for r in requests), shape={"allow": [dict(r["config"]) for r in requests]})


def answer(record: Record, said: Sequence[Said], quirks: Quirks) -> list[dict[str, Any]]:
    """A list with one `HumanResponse` per request, in their order."""
    allowed = record.shape["allow"]
    return [_response(call, one, allow, quirks) for call, one, allow in zip(record.calls, said, allowed, strict=True)]


def _requests(value: Any, depth: int = 0) -> list[Mapping[str, Any]]:
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list | str) and depth < 2:
        return _requests(value[0], depth + 1)
    found = value if isinstance(value, list) else [value]
    return found if found and all(_is_request(one) for one in found) else []


def _is_request(value: Any) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("config"), Mapping):
        return False
    request = value.get("action_request")
    return isinstance(request, Mapping) and isinstance(request.get("action"), str)


def _call(value: Mapping[str, Any]) -> Call:
    request, config = value["action_request"], value["config"]
    no = config.get("allow_ignore") or config.get("allow_respond")
    kinds = ((APPROVE, config.get("allow_accept")), (EDIT, config.get("allow_edit")), (REJECT, no), (RESPOND, config.get("allow_respond")))
    takes = tuple(kind for kind, allowed in kinds if allowed)
    words, deaf = str(value.get("description") or ""), bool(config.get("allow_ignore"))  # `ignore` carries nothing
    return Call(request["action"], request.get("args", request.get("arguments", {})), takes, words, deaf=deaf)


def _response(call: Call, said: Said, allow: Mapping[str, Any], quirks: Quirks) -> dict[str, Any]:
    if said.by_nobody:
        return {"type": "response", "args": in_words(call, said)}
    if said.kind not in call.takes:
        raise not_taken(call, said.kind)
    if said.kind == APPROVE:
        return {"type": "accept", "args": {"action": call.tool, "args": call.args}}
    if said.kind == EDIT:
        return {"type": "edit", "args": {"action": call.tool, "args": _texts(said.args) if quirks.stringify else said.args}}
    if said.kind == REJECT and allow.get("allow_ignore"):
        return {"type": "ignore", "args": None}
    return {"type": "response", "args": said.message or said.status}


def _texts(args: Any) -> Any:
    """Values as text, as the old inbox sent them."""
    if not isinstance(args, Mapping):
        return args
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for name, value in args.items()}
