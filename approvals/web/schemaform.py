"""A form out of a JSON Schema, and arguments out of what was posted. Used for edits and for starting runs.

Belongs here: pure functions between JSON values, `Field`s and posted text; no Django but its QueryDict's shape. Simple values get
a typed control; anything nested is a text area of JSON, so that every schema has a form and nothing is lost on the way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.render.reveal import Revealed, reveal
from audit import canonical, schemas
from audit.sentences import cause, say

PREFIX = "arg-"
LONG_LINE = 60
LONG_TEXT = 1000
_NUMBER = re.compile(r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$")
_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}


# What a form sends: a QueryDict, or a plain dict in a test.
Posted = Mapping[str, Any]


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True)
class Field:
    """One control. `kind`: line, text, integer, number, boolean, enum, list (one item a line) or json.

    `unseen` is the present value revealed, when a control alone would not show all its characters.
    """

    name: str
    key: str
    label: str
    kind: str
    value: Any = ""
    required: bool = False
    help: str = ""
    limits: str = ""
    error: str = ""
    options: tuple[Option, ...] = ()
    rows: int = 3
    unseen: Revealed | None = None

    @property
    def id(self) -> str:
        return f"f-{self.name}"


def fields_of(
    schema: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    posted: Posted | None = None,
    errors: Mapping[str, str] | None = None,
) -> tuple[Field, ...]:
    """One field per property, with the present value or what was just posted, and its error beside it.

    `errors` are by path; an error deeper than a property is shown at the property.
    """
    required = set(schema.get("required", ()))
    by_field: dict[str, str] = {}
    for path, why in (errors or {}).items():
        by_field.setdefault(re.split(r"[.\[]", path, maxsplit=1)[0], why)
    return tuple(
        _field(key, resolved(schema, raw), values.get(key), key in required, posted, by_field.get(key, ""))
        for key, raw in schema.get("properties", {}).items()
    )


def read(schema: Mapping[str, Any], values: Mapping[str, Any], posted: Posted) -> tuple[dict[str, Any], dict[str, str]]:
    """The arguments a form means, and per field what is wrong. Values without a control stay as they are."""
    found: dict[str, Any] = dict(values)
    errors: dict[str, str] = {}
    required = set(schema.get("required", ()))
    for key, raw in schema.get("properties", {}).items():
        sub = resolved(schema, raw)
        if PREFIX + key not in posted and kind_of(sub, values.get(key)) != "boolean":
            continue
        try:
            value = _parse(sub, str(posted.get(PREFIX + key, "")), values.get(key))
        except ValueError as error:
            errors[key] = error.args[0]
            continue
        if key not in values and key not in required and (value is False or value == []) and sub.get("default", value) == value:
            continue  # an untouched control of what was left out leaves it out
        if value is None and key in required and not _nullable(raw):
            errors[key] = say("This needs a value")
        elif value is None and not _nullable(raw):
            found.pop(key, None)
        else:
            found[key] = value
    return found, errors or problems(schema, found)


def may_be_empty(schema: Mapping[str, Any], one: Field) -> bool:
    """Whether nothing may stand in a control: what is not required, may be null, or is empty as it is; a box that is not ticked is a value."""
    raw = _said(schema.get("properties", {}).get(one.key))
    return not one.required or one.kind == "boolean" or one.value == "" or _nullable(raw)


def problems(schema: Mapping[str, Any], args: Any) -> dict[str, str]:
    """What a JSON Schema finds wrong, by path, in a sentence each."""
    found = sorted(schemas.errors(schema, args), key=lambda e: list(map(str, e.absolute_path)))
    return {".".join(str(part) for part in error.absolute_path): _sentence(error.message) for error in found}


def guessed(values: Mapping[str, Any]) -> dict[str, Any]:
    """A schema for arguments nobody declared one for: each value keeps the type it has now."""
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    properties: dict[str, Any] = {}
    for key, value in values.items():
        properties[key] = {"type": kinds[type(value)]} if type(value) in kinds else {}
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            properties[key]["items"] = {"type": "string"}
    return {"type": "object", "properties": properties, "required": list(values)}


def completed(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A schema under which every value has a control: what it does not declare (it need not name a single property) is guessed."""
    declared = schema.get("properties", {})
    there = {
        key: value for key, value in values.items() if key not in declared and value is not None
    }  # a form cannot tell null from nothing
    return {**schema, "properties": {**declared, **guessed(there)["properties"]}}


def resolved(schema: Mapping[str, Any], part: Any) -> Mapping[str, Any]:
    """The schema of a property with its reference followed and "or nothing" taken off; `true` and `false`, which are schemas, say nothing."""
    sub = _said(part)
    for _ in range(8):
        if ref := sub.get("$ref"):
            name = str(ref).rsplit("/", 1)[-1]
            sub = {**_said(schema.get("$defs", {}).get(name)), **{k: v for k, v in sub.items() if k != "$ref"}}
        elif len(real := [s for s in sub.get("anyOf", ()) if _said(s).get("type") != "null"]) == 1:
            sub = {**_said(real[0]), **{k: v for k, v in sub.items() if k != "anyOf"}}
        else:
            break
    return sub


def _said(schema: Any) -> Mapping[str, Any]:
    return schema if isinstance(schema, Mapping) else {}


def kind_of(sub: Mapping[str, Any], value: Any) -> str:
    """Which control fits a schema (and the value that is there now)."""
    if "enum" in sub:
        return "enum"
    kind = sub.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        return _TYPES[kind]
    if kind == "string":
        if isinstance(value, str) and "\r" in value:
            return "json"  # a browser would turn it into a line feed without saying so
        long = isinstance(value, str) and (len(value) > LONG_LINE or "\n" in value)
        return "text" if long or sub.get("maxLength", 0) > LONG_TEXT else "line"
    if kind == "array" and _said(sub.get("items")).get("type") == "string" and _one_a_line(value):
        return "list"
    return "json"


def _one_a_line(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(v, str) and v and "\n" not in v for v in value))


def _field(key: str, sub: Mapping[str, Any], value: Any, required: bool, posted: Posted | None, error: str) -> Field:
    kind = kind_of(sub, value)
    value = sub.get("default") if value is None else value
    if posted is not None:
        text: Any = str(posted.get(PREFIX + key, ""))
    else:
        text = in_control(kind, value)
    lines = str(text).count("\n") + 1 + len(str(text)) // 80
    return Field(
        name=PREFIX + key,
        key=key,
        label=key,
        kind=kind,
        value=text == "true" if kind == "boolean" else text,
        required=required,
        help=str(sub.get("description", "")),
        limits=_limits(kind, sub),
        error=error,
        options=_options(sub, text),
        rows=max(2, min(16, lines)),
        unseen=_unseen(text),
    )


def _unseen(text: Any) -> Revealed | None:
    shown = reveal(str(text))
    return shown if shown.chips or shown.escaped or shown.warnings else None


def in_control(kind: str, value: Any) -> str:
    """How a value stands in its control."""
    if value is None:
        return "null" if kind == "json" else ""
    if kind == "list":
        return "\n".join(value)
    if kind in {"line", "text"} and isinstance(value, str):
        return value
    if kind == "enum":
        return value if isinstance(value, str) else json.dumps(value)
    return json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, (dict, list)) else None)


def _options(sub: Mapping[str, Any], text: Any) -> tuple[Option, ...]:
    words: Iterable[str] = (in_control("enum", item) for item in sub.get("enum", ()))
    return tuple(Option(word, word, word == text) for word in words)


def _limits(kind: str, sub: Mapping[str, Any]) -> str:
    low, high = sub.get("minimum", sub.get("exclusiveMinimum")), sub.get("maximum", sub.get("exclusiveMaximum"))
    if kind in {"integer", "number"} and (low is not None or high is not None):
        if None not in (low, high):
            return say("From %(low)s to %(high)s.", low=low, high=high)
        return say("At least %(low)s.", low=low) if high is None else say("At most %(high)s.", high=high)
    if kind == "list":
        return say("One a line.")
    return "JSON." if kind == "json" else ""


def _parse(sub: Mapping[str, Any], text: str, before: Any) -> Any:
    """The value a text means in its control. Raises ValueError with a sentence."""
    kind = kind_of(sub, before)
    text = text.replace("\r\n", "\n")
    if kind == "boolean":
        return text == "true"
    if kind in {"line", "text"}:
        return text if text or before is not None else None
    if not text.strip():
        return [] if kind == "list" else None
    if kind == "list":
        return [line for line in text.split("\n") if line]
    if kind == "enum":
        return next((item for item in sub["enum"] if in_control("enum", item) == text), text)
    return _number(kind, text.strip()) if kind in {"integer", "number"} else _json(text)


def _number(kind: str, text: str) -> int | float:
    if not _NUMBER.match(text):
        raise ValueError(say("A whole number, such as 12040") if kind == "integer" else say("A number, such as 120.40"))
    if kind == "integer" and not re.fullmatch(r"-?\d+", text):
        raise ValueError(say("A whole number, without a point"))
    return int(text) if re.fullmatch(r"-?\d{1,20}", text) else float(text)


def _json(text: str) -> Any:
    try:
        return canonical.parse(text)
    except canonical.NotCanonical as error:
        raise ValueError(say("Not usable: %(why)s", why=cause(error))) from None


def _nullable(raw: Any) -> bool:
    return any(_said(s).get("type") == "null" for s in _said(raw).get("anyOf", ()))


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:300]
