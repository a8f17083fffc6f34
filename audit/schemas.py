"""JSON Schemas that came with a question, held against what people answer. Pure.

Belongs here because approvals refuses with it what does not fit, and agents looks again before a graph sees it. Imports nothing of ours.
"""

import json
from collections.abc import Mapping
from typing import Any

import jsonschema
from jsonschema.exceptions import SchemaError
from referencing.exceptions import Unresolvable

MOST = 20  # things wrong with one value that are told


_UNUSABLE = "its schema cannot be used: {}"


def broken(schema: Any) -> str:
    """What is wrong with a schema itself, "" when it is one."""
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as wrong:
        return _UNUSABLE.format(str(wrong)[:200])
    return ""


def why_not(schema: Mapping[str, Any], value: Any) -> str:
    """What is wrong with a value, "" when it fits. A schema that is none, or points to nowhere, refuses everything: nothing passes unchecked."""
    if wrong := broken(schema):
        return wrong
    try:
        error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(value))
    except (Unresolvable, RecursionError) as deep:
        return _UNUSABLE.format(str(deep)[:200])
    return "" if error is None else f"{error.json_path.removeprefix('$').lstrip('.') or 'the answer'}: {error.message[:300]}"


def problems(schema: Mapping[str, Any], value: Any) -> dict[str, str]:
    """What does not fit, by the path of each place; {} when everything does."""
    try:
        found = list(jsonschema.Draft202012Validator(schema).iter_errors(value))[:MOST]
    except (SchemaError, Unresolvable, RecursionError) as wrong:
        return {"": _UNUSABLE.format(str(wrong)[:200])}
    return {".".join(str(part) for part in error.absolute_path): error.message[:300] for error in found}


def meant(text: str, schema: Mapping[str, Any] | None, *, as_json: bool = False) -> Any:
    """The value that a person's words mean. Text where text fits; otherwise JSON.

    Without a schema only what is plainly meant as JSON, an object or a list, is taken for it, unless the person says that it is.

    Raises:
        ValueError: it is said to be JSON, and is none.
    """
    if as_json:
        return json.loads(text, parse_constant=_no_constant)
    if schema is not None and not why_not(schema, text):
        return text
    if schema is None and not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


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
