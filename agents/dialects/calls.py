"""Our own dialect for agents that run their own tools: one call, asked by `agents.graphs.loops` as it is about to be made.

The answer says which arguments were approved, and their digest: what is about to be called is compared with that in the statement that begins
the call (`agents.operations.calling`). An answer to another question, or to other arguments, carries another digest and is not taken.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.dialects.record import APPROVE, EDIT, REJECT, RESPOND, Call, Quirks, Record, Said
from audit import canonical

NAME = "countersign_call"
DOMAIN = "hitl/call/v1"
_MARK, _VERSION, _KIND = "countersign", 1, "call"


def value_of(tool: str, args: Any, *, call_id: str, said: str = "", read: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """What is asked. `said`: the model's words beside the call; `read`: results of tools before it, which are text from outside."""
    asked = {_MARK: _VERSION, "kind": _KIND, "tool": tool, "args": args, "tool_call_id": call_id, "digest": digest_of(tool, args)}
    return {**asked, "said": said, "read": list(read)}


def is_call(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get(_MARK) == _VERSION and value.get("kind") == _KIND and isinstance(value.get("tool"), str)


def read(value: Any, response_schema: Mapping[str, Any] | None) -> Record | None:
    """The one call; None when it is something else."""
    if not is_call(value):
        return None
    call = Call(value["tool"], value.get("args"), (APPROVE, EDIT, REJECT, RESPOND))
    return Record(NAME, (call,), shape={"call": str(value.get("tool_call_id") or "")})


def place_of(value: Any) -> dict[str, Any]:
    """What the question itself brings of the place it was asked at: the step it is asked in is given no messages."""
    if not is_call(value):
        return {}
    heard = value.get("read")
    return {"said": str(value.get("said") or ""), "read": [r for r in heard if isinstance(r, Mapping)] if isinstance(heard, list) else []}


def answer(record: Record, said: Sequence[Said], quirks: Quirks) -> dict[str, Any]:
    """What was said of the call. "runs" is the digest of what may be called, there only when something may."""
    call, one = record.calls[0], said[0]
    asked = {"digest": digest_of(call.tool, call.args), "call": record.shape.get("call", "")}
    told = {**asked, "type": one.kind, "message": one.message, "status": one.status, **one.more}
    if one.kind not in (APPROVE, EDIT):
        return told
    args = one.args if one.kind == EDIT else call.args
    return {**told, "status": "approved", "args": args, "runs": digest_of(call.tool, args)}


def digest_of(tool: str, args: Any) -> str:
    """Digest of one call. Arguments without canonical form are asked of nobody; they get one of what can be stored of them."""
    try:
        return canonical.digest(DOMAIN, canonical.dumps([tool, args]))
    except canonical.NotCanonical:
        return canonical.digest(DOMAIN, canonical.dumps(["", canonical.storable([tool, args], limit=1_000)]))
