"""Arguments made up from a JSON Schema, so that what one pastes is taken: the smallest value that each rule allows, always the same.

Pure: a schema in, a value out. A schema is somebody else's text, so what is made of it has an end. Rules between fields are left to the
reader: `audit.schemas.why_not` says whether it fits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from agents.views.patterns import matching
from audit import schemas

MOST_GUESSED = 8
DEEPEST, MOST, LONGEST = 8, 100, 200  # levels; values in all; letters of a text
FORMATS = {
    "date-time": "2030-01-31T12:00:00Z",
    "date": "2030-01-31",
    "time": "12:00:00Z",
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
}


def made_up(schema: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """An object with a value for all that is required, and whether it could be finished; {} of what is no schema."""
    if schemas.broken(schema):
        return {}, True
    maker = _Maker(schema)
    return maker.object(schema, 0), maker.left > 0


def begin_with(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An input that starts the agent: a conversation begins with what somebody says; where nothing is required, as LangGraph has it of a
    state that is a plain `TypedDict`, the first few fields are given, since nodes read them."""
    names = list(schema.get("properties") or {}) if not schemas.broken(schema) else []
    if "messages" in names:
        return {**made_up(schema)[0], "messages": [{"role": "user", "content": "Hello"}]}
    return made_up(schema if schema.get("required") else {**schema, "required": names[:MOST_GUESSED]})[0]


class _Maker:
    """Makes values by the rules of one schema, until it has made enough."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.left = MOST

    def object(self, sub: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties, required = sub.get("properties") or {}, dict.fromkeys(sub.get("required") or ())
        names = dict.fromkeys([*(name for name in properties if name in required), *required])
        return {name: self.value(properties.get(name) or {}, depth + 1) for name in names if self.left > 0}

    def value(self, sub: Any, depth: int) -> Any:
        self.left -= 1
        if not isinstance(sub, Mapping) or depth > DEEPEST or self.left < 0:
            return "example"
        for name in ("default", "const"):
            if name in sub:
                return sub[name]
        if given := sub.get("examples") or sub.get("enum"):
            return given[0]
        if "$ref" in sub:
            return self.value(self.referred(str(sub["$ref"])), depth + 1)
        if either := sub.get("anyOf") or sub.get("oneOf"):
            return self.value(either[0], depth + 1)
        if parts := sub.get("allOf"):
            rest = {name: said for name, said in sub.items() if name != "allOf"}
            return self.value({name: said for part in [*parts, rest] for name, said in part.items()}, depth + 1)
        return self.of_kind(sub, depth)

    def of_kind(self, sub: Mapping[str, Any], depth: int) -> Any:
        kind = sub.get("type", "object" if "properties" in sub else "string")
        kind = kind[0] if isinstance(kind, list) and kind else kind
        if kind in {"integer", "number"}:
            return _number(sub, whole=kind == "integer")
        if kind == "object":
            return self.object(sub, depth)
        if kind == "array":
            return [
                self.value(sub.get("items") or {}, depth + 1) for _ in range(int(min(sub.get("minItems", 0), self.left))) if self.left > 0
            ]
        return {"boolean": True, "null": None}[kind] if kind in {"boolean", "null"} else _text(sub)

    def referred(self, ref: str) -> Any:
        found: Any = self.root
        for name in ref.removeprefix("#").split("/")[1:]:
            found = found.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        return found


def _number(sub: Mapping[str, Any], *, whole: bool) -> int | float:
    """1 or 1.5 where they may be, else what lies nearest to the least, or the most, that may be."""
    step = sub.get("multipleOf") or (1 if whole else 0.5)
    over, under = sub.get("exclusiveMinimum", -math.inf), sub.get("exclusiveMaximum", math.inf)
    least, most = max(sub.get("minimum", -math.inf), over), min(sub.get("maximum", math.inf), under)
    usual = 1 if whole else 1.5
    near = usual if least <= usual <= most else least if least > -math.inf else most
    if not near / step < 1e15:  # a step that fits as often as nobody can count
        return near
    times = math.ceil(near / step)
    if times * step > most or times * step == under:
        times -= 1
    return (times + 1) * step if times * step == over else times * step


def _text(sub: Mapping[str, Any]) -> str:
    if pattern := sub.get("pattern"):
        with suppress(ValueError):
            return matching(str(pattern))
    found = FORMATS.get(str(sub.get("format")), "example")
    return found.ljust(int(min(sub.get("minLength", 0), LONGEST)), "e")[: int(min(sub.get("maxLength", LONGEST), LONGEST))]
