"""A question that brings the schema of its answer, as people read it: what is asked for by each field, not the schema's own words.

Belongs here: only how it is shown. What an answer has to fit is the schema itself, frozen with the question and drawn as its form.
"""

from collections.abc import Mapping
from typing import Any

from agents.dialects.record import Record, one_line

KINDS = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "yes or no", "null": "nothing"}
BOUNDS = {
    "minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than", "exclusiveMaximum": "less than",
    "minLength": "characters at least", "maxLength": "characters at most", "minItems": "how many at least", "maxItems": "how many at most",
}  # fmt: skip
BETWEEN = " · "


def as_asked(value: Any, record: Record) -> Any:
    """The value with its schema's fields as `questions`, in the schema's place where it stands in there; as it is where no schema has fields."""
    schema = record.schema
    fields = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(schema, Mapping) or not isinstance(fields, Mapping) or not fields:
        return value
    if not isinstance(value, Mapping):  # `interrupt("How much?", response_schema=Amount)`
        value = {"message": value}
    if "questions" in value:
        return value
    key = next((name for name in ("requestedSchema", "responseSchema", "response_schema") if value.get(name) == schema), "")
    required = schema.get("required")
    needed = set(map(str, required)) if isinstance(required, list) else set()
    left_out = {key, "mode"} if key == "requestedSchema" else {key}
    rest = {name: one for name, one in value.items() if name not in left_out}
    return {**rest, "questions": {str(name): _words(sub, name in needed) for name, sub in fields.items()}}


def _words(sub: Any, needed: bool) -> str:
    found: Mapping[str, Any] = sub if isinstance(sub, Mapping) else {}
    parts: list[Any] = next((found[name] for name in ("anyOf", "oneOf") if isinstance(found.get(name), list)), [])
    real = [part for part in parts if isinstance(part, Mapping) and part.get("type") != "null"]
    if len(real) == 1 < len(parts):
        return f"{_words({**real[0], **{k: v for k, v in found.items() if v is not parts}}, needed)}{BETWEEN}or nothing"
    said = [one_line(found[name], 500) for name in ("title", "description") if isinstance(found.get(name), str)]
    bounds = [f"{words} {found[name]}" for name, words in BOUNDS.items() if name in found]
    form = [f"as {found['format']}"] if isinstance(found.get("format"), str) else []
    default = [f"{_plainly(found['default'])} unless said otherwise"] if "default" in found else []
    return BETWEEN.join([*said, _kind(found), *form, *bounds, *default, "has to be answered" if needed else "may be left out"])


def _plainly(value: Any) -> Any:
    """As its control says it."""
    return ("yes" if value else "no") if isinstance(value, bool) else value


def _kind(sub: Mapping[str, Any]) -> str:
    if choices := _choices(sub):
        return f"one of: {', '.join(choices)}"
    items = sub.get("items")
    if sub.get("type") == "array" and isinstance(items, Mapping):
        choices = _choices(items)
        return f"any of: {', '.join(choices)}" if choices else f"a list, each {_kind(items)}"
    kinds = sub.get("type")
    named = kinds if isinstance(kinds, list) else [kinds]
    return " or ".join(KINDS.get(str(one), "a value of its own form") for one in named)


def _choices(sub: Mapping[str, Any]) -> list[str]:
    """What can be chosen, MCP's three ways: a list, a list with names beside it, or one schema per choice with its title."""
    if isinstance(values := sub.get("enum"), list):
        names = sub.get("enumNames")
        listed = names if isinstance(names, list) and len(names) == len(values) else [None] * len(values)
        return [_choice(value, name) for value, name in zip(values, listed, strict=True)]
    parts: list[Any] = next((sub[name] for name in ("oneOf", "anyOf") if isinstance(sub.get(name), list)), [])
    each = [one for one in parts if not (isinstance(one, Mapping) and one.get("type") == "null")]
    if each and all(isinstance(one, Mapping) and "const" in one for one in each):
        return [_choice(one["const"], one.get("title")) for one in each]
    return []


def _choice(value: Any, name: Any) -> str:
    return one_line(f"{value} ({name})" if name and name != value else value)
