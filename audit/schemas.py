"""JSON Schemas that came with a question or a tool, held against what people answer and agents send. Pure.

Belongs here because approvals refuses with it what does not fit, and agents looks again before a graph sees it. Imports nothing of ours.

Whoever writes a schema is not trusted with our processor: its patterns are matched by RE2, in linear time and never by Python's `re`; its
references lead nowhere outside of it; and what asks for too many steps is refused. So this is the only place where schemas are applied.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from itertools import count
from typing import Any
from urllib.parse import unquote

import attrs
import jsonschema
import re2
from jsonschema.exceptions import SchemaError, UnknownType, ValidationError
from jsonschema.validators import extend
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY

MOST = 20  # things wrong with one value that are told
MOST_STEPS = 200_000  # parts of a schema that are held against one value: references can double them again and again

_DEEPEST = 64
_DIGITS = 700  # more than the largest float over the smallest has
_UNUSABLE = "its schema cannot be used: {}"
_DATA = frozenset({"const", "enum", "default", "examples"})
_CODE_POINT = re.compile(r"\\\\|\\u([0-9A-Fa-f]{4})")
_TWO_WAYS = "unevaluatedProperties together with patternProperties is not followed"
_steps: ContextVar[Iterator[int]] = ContextVar("steps")
_whole: ContextVar[Any] = ContextVar("whole")


def broken(schema: Any) -> str:
    """What is wrong with a schema itself, "" when it is one."""
    try:
        jsonschema.Draft202012Validator.check_schema(schema, format_checker=jsonschema.FormatChecker(()))
    except (SchemaError, RecursionError) as wrong:
        return _said(wrong)
    return unmatchable(schema)


def unusable(schema: Any) -> str:
    """Why nothing can be held against it, "" when something can: it is none, or a reference in it certainly leads nowhere."""
    if wrong := broken(schema):
        return wrong
    lost = next((ref for ref in _references(schema, 0) if not _leads_somewhere(schema, ref)), "")
    return _UNUSABLE.format(f"Unresolvable: {lost[:200]}") if lost else ""


def _references(part: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST or not isinstance(part, dict | list):
        return
    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
        yield part["$ref"]
    named = [(name, one) for name, one in part.items()] if isinstance(part, dict) else [("", one) for one in part]
    for name, one in named:
        if name not in _DATA:
            yield from _references(one, depth + 1)


def _leads_somewhere(schema: Any, reference: str) -> bool:
    """Of pointers within it only: what has an anchor or an id may be found by it."""
    if not reference.startswith("#/"):
        return reference.startswith("#") or "$id" in json.dumps(schema, default=str)
    at = schema
    for part in reference[2:].split("/"):
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(at, list) and name.isdecimal() and int(name) < len(at):
            at = at[int(name)]
        elif isinstance(at, dict) and name in at:
            at = at[name]
        else:
            return False
    return True


def unmatchable(schema: Any) -> str:
    """Which pattern in it cannot be used, "" when all can."""
    try:
        _check_patterns(schema)
    except (SchemaError, RecursionError) as wrong:
        return _said(wrong)
    return _UNUSABLE.format(_TWO_WAYS) if _two_ways(schema) else ""


def errors(schema: Mapping[str, Any], value: Any, formats: Any = None) -> list[ValidationError]:
    """Everything in which a value does not fit. A schema that is none, or points to nowhere, refuses everything: nothing passes unchecked.

    Args:
        formats: a checker of what `format` says; without one it says nothing.
    """
    _steps.set(count())
    _whole.set(schema)
    try:
        return list(_Bounded(schema, registry=EMPTY_REGISTRY, format_checker=formats).iter_errors(value))
    except (SchemaError, Unresolvable, RecursionError, UnknownType, TypeError, ValueError, AttributeError) as wrong:
        return [ValidationError(_said(wrong))]


def why_not(schema: Mapping[str, Any], value: Any) -> str:
    """What is wrong with a value, "" when it fits."""
    if wrong := broken(schema):
        return wrong
    error = jsonschema.exceptions.best_match(errors(schema, value))
    return "" if error is None else f"{error.json_path.removeprefix('$').lstrip('.') or 'the answer'}: {error.message[:300]}"


def problems(schema: Mapping[str, Any], value: Any) -> dict[str, str]:
    """What does not fit, by the path of each place; {} when everything does."""
    found = errors(schema, value)[:MOST]
    return {".".join(str(part) for part in error.absolute_path): error.message[:300] for error in found}


def unknown_names(schema: Mapping[str, Any] | None, value: Any) -> list[str]:
    """Names at the top of a value that its schema does not know and does not forbid: whoever takes it is likely to leave them out."""
    names = (schema or {}).get("properties")
    if not isinstance(names, Mapping) or not isinstance(value, Mapping) or (schema or {}).get("additionalProperties"):
        return []
    return [str(name) for name in value if name not in names]


def meant(text: str, schema: Mapping[str, Any] | None, *, as_json: bool = False) -> Any:
    """The value that a person's words mean. Text where text fits; otherwise JSON.

    Without a schema only what is plainly meant as JSON, an object or a list, is taken for it, unless the person says that it is.

    Raises:
        ValueError: it is said to be JSON, and is none.
    """
    if as_json:
        return as_whole(schema, json.loads(text, parse_constant=_no_constant))
    if schema is not None and not why_not(schema, text):
        return text
    if schema is None and not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return as_whole(schema, json.loads(text, parse_constant=_no_constant))
    except (ValueError, RecursionError):
        return text


def as_whole(schema: Any, value: Any) -> Any:
    """The value with 3.0 as 3 where its schema wants a whole number: JSON Schema calls both one, Python does not. By `type`, `properties` and `items`."""
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, float) and value.is_integer():
        kind = schema.get("type")
        kinds = kind if isinstance(kind, list) else [kind]
        return int(value) if "integer" in kinds and "number" not in kinds else value
    if isinstance(value, list):
        return [as_whole(schema.get("items"), one) for one in value]
    names = schema.get("properties")
    if isinstance(value, dict) and isinstance(names, Mapping):
        return {name: as_whole(names.get(name), one) for name, one in value.items()}
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def like(value: Any) -> dict[str, Any]:
    """The schema of other values of the same shape: the same names, the same kinds. For what nobody declared a schema of."""
    if isinstance(value, dict):
        fields = {str(name): like(one) for name, one in value.items()}
        return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    if isinstance(value, list):
        kinds = [like(one) for one in value]
        return {"type": "array", "items": {"anyOf": kinds}} if kinds else {"type": "array"}
    if value is None:
        return {}
    kind = "boolean" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "string"
    return {"type": "integer" if isinstance(value, int) and kind == "number" else kind}


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> Any:
    """Raises SchemaError for what RE2 does not take: looking ahead or behind, and referring back, take time without end."""
    options = re2.Options()
    options.log_errors = False
    try:
        # \\u00e9 is how schemas write a character that RE2 writes \\x{00e9}.
        return re2.compile(_CODE_POINT.sub(lambda m: f"\\x{{{m[1]}}}" if m[1] else m[0], pattern), options)
    except (re2.error, ValueError) as error:
        said = error.args[0] if error.args else ""
        why = said.decode(errors="replace") if isinstance(said, bytes) else str(error)
        raise SchemaError(f"the pattern {pattern[:100]!r} is none that RE2 takes, in which patterns are matched here: {why}") from error


def _matches(pattern: str, text: str) -> bool:
    try:
        return _pattern(pattern).search(text) is not None
    except UnicodeEncodeError:  # half of a character
        return False


def _check_patterns(schema: Any) -> None:
    """Raises SchemaError when a pattern anywhere in it cannot be used."""
    if isinstance(schema, list):
        for one in schema:
            _check_patterns(one)
    elif isinstance(schema, dict):
        own = schema.get("patternProperties")
        for pattern in [schema.get("pattern"), *(own if isinstance(own, dict) else ())]:
            if isinstance(pattern, str):
                _pattern(pattern)
        for name, part in schema.items():
            if name not in _DATA:
                _check_patterns(part)


def _two_ways(schema: Any) -> bool:
    """Whether it says in two ways what else may be there: the library would match its patterns by `re`."""
    text = json.dumps(schema, default=str)
    return '"unevaluatedProperties"' in text and '"patternProperties"' in text


def _said(wrong: Exception) -> str:
    if isinstance(wrong, RecursionError):  # Python's own words would be a riddle
        return _UNUSABLE.format("it refers to itself without end, or is nested too deep")
    return _UNUSABLE.format(str(getattr(wrong, "message", wrong))[:300])


def _of_pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _matches(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _of_pattern_properties(validator: Any, patterns: Mapping[str, Any], value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for pattern, part in patterns.items():
            for name in [name for name in value if _matches(pattern, name)]:
                yield from validator.descend(value[name], part, path=name, schema_path=pattern)


def _of_additional_properties(validator: Any, more: Any, value: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    patterns, known = schema.get("patternProperties", {}), schema.get("properties", {})
    extras = [name for name in value if name not in known and not any(_matches(pattern, name) for pattern in patterns)]
    if isinstance(more, dict):
        for name in extras:
            yield from validator.descend(value[name], more, path=name)
    elif not more and extras:
        names = ", ".join(map(repr, sorted(extras)))
        yield ValidationError(f"Additional properties are not allowed ({names} {'was' if len(extras) == 1 else 'were'} unexpected)")


def _of_unevaluated_properties(validator: Any, more: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if _two_ways(_whole.get()):
        raise SchemaError(_TWO_WAYS)
    yield from jsonschema.Draft202012Validator.VALIDATORS["unevaluatedProperties"](validator, more, value, schema)


def _evolve(self: Any, **changes: Any) -> Any:
    """The validator of a part: always this class, whatever dialect a part says it is in, and never without end."""
    if next(_steps.get()) > MOST_STEPS:
        raise SchemaError("it asks for too many steps")
    return attrs.evolve(self, **changes)


def _of_multiple(validator: Any, step: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """In decimals, as people and Pydantic count: by floats 19.99 is no multiple of 0.01."""
    if not validator.is_type(instance, "number"):
        return
    with localcontext(prec=_DIGITS):
        try:
            fits = not Decimal(repr(instance)) % Decimal(repr(step))
        except InvalidOperation:
            fits = False
    if not fits:
        yield ValidationError(f"{instance!r} is not a multiple of {step!r}")


_Bounded: Any = extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator,
    {
        "pattern": _of_pattern,
        "multipleOf": _of_multiple,
        "patternProperties": _of_pattern_properties,
        "additionalProperties": _of_additional_properties,
        "unevaluatedProperties": _of_unevaluated_properties,
    },
)
_Bounded.evolve = _evolve
