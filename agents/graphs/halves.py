"""Half a character (a lone surrogate) in what a checkpoint keeps: written as people see it, ⟨U+D83D⟩.

msgpack writes "?" in its place and says nothing, so people would be shown another text than the agent wrote; PostgreSQL refuses it in the texts
LangGraph keeps as JSON. What is kept is what the graph goes on with and what people are shown: one text, in which nothing is hidden.
"""

import copy
import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Send
from pydantic import BaseModel

from agents import kept
from agents.graphs.unkept import Unkept, too_large

_HALF = re.compile("[\ud800-\udfff]")
_DEPTH = 64


@dataclasses.dataclass(frozen=True)
class Whole:
    """A value that is to be kept by the serializer, although it is a text or a number."""

    value: Any


class Serializer(JsonPlusSerializer):
    """LangGraph's own, which loses nothing unsaid, and says what it cannot keep."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        if isinstance(obj, Whole):
            obj = obj.value
        try:
            kind, data = super().dumps_typed(obj)
        except TypeError as error:
            raise too_large(obj) or Unkept(kept.NOT_TO_KEEP(why=str(error)[:200])) from error
        if kind != "msgpack" or b"?" not in data:  # where half a character was lost, there is one
            return kind, data
        shown = visible(obj)
        return (kind, data) if shown is obj else super().dumps_typed(shown)


def visible(value: Any, depth: int = 0) -> Any:
    """The very same value where it holds no half character; else a copy that shows each."""
    if isinstance(value, str):
        return value if value.isascii() or not _HALF.search(value) else _HALF.sub(lambda half: f"⟨U+{ord(half[0]):04X}⟩", str(value))
    if value is None or isinstance(value, int | float | bytes) or depth > _DEPTH:
        return value
    if isinstance(value, dict):
        shown = {visible(name, depth + 1): visible(one, depth + 1) for name, one in value.items()}
        same = all(a is b and value[a] is shown[a] for a, b in zip(value, shown, strict=False)) and len(shown) == len(value)
        return value if same else shown
    if type(value) in (list, tuple, set, frozenset):
        parts = list(value)
        seen = [visible(one, depth + 1) for one in parts]
        return value if all(a is b for a, b in zip(parts, seen, strict=True)) else type(value)(seen)
    if isinstance(value, BaseModel):
        changed = _changed(value.__dict__, depth)
        return value.model_copy(update=changed) if changed else value
    if isinstance(value, Send):
        arg = visible(value.arg, depth + 1)
        if arg is not value.arg:
            value = copy.copy(value)
            value.arg = arg
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _copied(value, depth)
    return value


def _copied(value: Any, depth: int) -> Any:
    """A dataclass, whose constructor may want something else than its fields (`Interrupt`)."""
    changed = _changed({one.name: getattr(value, one.name, None) for one in dataclasses.fields(value)}, depth)
    if not changed:
        return value
    made = object.__new__(type(value))
    for one in dataclasses.fields(value):
        if hasattr(value, one.name):
            object.__setattr__(made, one.name, changed.get(one.name, getattr(value, one.name)))
    return made


def _changed(fields: Mapping[str, Any], depth: int) -> dict[str, Any]:
    seen = {name: visible(one, depth + 1) for name, one in fields.items()}
    return {name: one for name, one in seen.items() if one is not fields[name]}
