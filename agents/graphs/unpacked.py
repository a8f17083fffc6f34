"""What LangGraph's checkpoints hold, read as plain JSON. Nothing is imported or built of what stands in them.

LangGraph's own reader makes objects of what it finds, for which it imports the agent's code and costs two seconds and 60 MB (CVE-2026-28277
was there). A page needs neither: an object is shown as its fields beside the name of its type. Imports ormsgpack only, so that web may use it.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import ormsgpack

TYPE = "(type)"  # beside the fields of an object
SINGLE, POSITIONAL, KEYWORDS, METHOD, PYDANTIC_V1, PYDANTIC_V2, NUMPY, DELTA = range(8)  # langgraph.checkpoint.serde.jsonplus
MESSAGES = frozenset({"human", "ai", "tool", "system", "developer", "function", "chat", "AIMessageChunk"})
NEW_EACH_TIME = frozenset({"id", "usage_metadata"})  # of a message: what comes out of a cache has cost nothing
_OPTIONS = ormsgpack.OPT_NON_STR_KEYS
# Objects that read like the value they hold.
_VALUES = {"UUID", "Decimal", "date", "datetime", "time", "Path", "PosixPath", "set", "frozenset", "deque"}


def unpacked(kind: str, blob: bytes | None) -> Any:
    """A stored value as plain JSON. What cannot be read is said to be so, in words."""
    if kind in {"null", "empty"} or blob is None:
        return None
    blob = bytes(blob)
    try:
        if kind == "msgpack":
            return plain(ormsgpack.unpackb(blob, ext_hook=_read, option=_OPTIONS))
        if kind == "json":
            return plain(json.loads(blob))
    except (ValueError, TypeError, RecursionError):
        return {TYPE: "unreadable", "bytes": len(blob)}
    return {TYPE: kind, "bytes": len(blob)}


def plain(value: Any, depth: int = 0) -> Any:
    """JSON has no bytes, no tuples and only texts as keys."""
    if depth > 200:
        return str(value)[:1_000]
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, bytes):
        return {TYPE: "bytes", "base64": base64.b64encode(value).decode()}
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def neutral(value: Any) -> Any:
    """Without what messages are given anew in every run: two runs are compared without it. Messages as objects, or in any of LangChain's dicts."""
    if isinstance(value, Mapping):
        dropped = NEW_EACH_TIME if _is_message(value) else ()
        return {str(key): neutral(item) for key, item in value.items() if key not in dropped}
    return [neutral(item) for item in value] if isinstance(value, list | tuple) else value


def _is_message(value: Mapping[Any, Any]) -> bool:
    kind = value.get("type")
    return str(value.get(TYPE, "")).endswith(("Message", "MessageChunk")) or (
        "content" in value and isinstance(kind, str) and kind in MESSAGES
    )


def is_plain(value: Any) -> bool:
    """Whether it is JSON all through, and not an object of the agent's code shown as such."""
    if isinstance(value, Mapping):
        return TYPE not in value and all(is_plain(item) for item in value.values())
    return all(map(is_plain, value)) if isinstance(value, list) else True


def _read(code: int, data: bytes) -> Any:
    found = ormsgpack.unpackb(data, ext_hook=_read, option=_OPTIONS)
    if code == DELTA:
        return found
    if code == NUMPY:
        return {TYPE: f"numpy {found[0]}", "shape": list(found[1])}
    name, held = f"{found[0]}.{found[1]}", found[2]
    if str(found[1]) in _VALUES:
        return _value(str(found[1]), held)
    if isinstance(held, Mapping):
        return {TYPE: name, **held}
    return {TYPE: name, "value": held}


def _value(name: str, held: Any) -> Any:
    if name in {"date", "time"} and isinstance(held, list | tuple):
        return "-".join(map(str, held))
    if name in {"Path", "PosixPath"} and isinstance(held, list | tuple):
        return "/".join(map(str, held)).replace("//", "/")
    if name in {"set", "frozenset"} and isinstance(held, list | tuple):
        return sorted(held, key=str)
    return held
