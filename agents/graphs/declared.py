"""Whether a value that a person gives is of the type that a graph's author wrote down for it. Pure."""

from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError


def unlike(kind: Any, value: Any) -> str:
    """Why a value is certainly not what its author wrote down of it, "" where it may be: only types that JSON has itself are looked at."""
    if not _is_json(kind):
        return ""
    try:
        TypeAdapter(kind, config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{first['msg']}{' at ' + '.'.join(map(str, first['loc'])) if first['loc'] else ''}"
    return ""


def _is_json(kind: Any) -> bool:
    if get_origin(kind) in {Union, UnionType, list, dict}:
        return all(map(_is_json, get_args(kind)))
    return kind in {int, float, str, bool, type(None), list, dict, Any}
