"""A part of a schema made plain: its reference followed, "or nothing" taken off. Pure."""

from collections.abc import Mapping
from typing import Any

_UNIONS = ("anyOf", "oneOf")


def resolved(schema: Mapping[str, Any], part: Any) -> Mapping[str, Any]:
    """The schema of a property with its reference followed and "or nothing" taken off; `true` and `false`, which are schemas, say nothing."""
    sub, empty = said(part), nullable(schema, part)
    for _ in range(8):
        union = next((name for name in _UNIONS if len(_real(sub.get(name))) == 1), "")
        if sub.get("$ref"):
            sub = {**_referred(schema, sub), **{k: v for k, v in sub.items() if k != "$ref"}}
        elif union:
            sub = {**said(_real(sub[union])[0]), **{k: v for k, v in sub.items() if k != union}}
        elif (
            isinstance(whole := sub.get("allOf"), list) and len(whole) == 1 and said(whole[0])
        ):  # how Pydantic 1 gives a reference a default
            sub = {**whole[0], **{k: v for k, v in sub.items() if k != "allOf"}}
        else:
            break
    if isinstance(kinds := sub.get("type"), list) and len(real := [kind for kind in kinds if kind != "null"]) == 1:
        sub = {**sub, "type": real[0]}
    if empty and sub.get("type") == "boolean" and "enum" not in sub:
        sub = {**sub, "enum": [True, False]}  # a box has no third way
    if sub.get("type") == "array" and said(sub.get("items")):
        sub = {**sub, "items": _items(schema, sub["items"])}
    return sub


def nullable(schema: Mapping[str, Any], part: Any) -> bool:
    """Whether nothing (null) is a value of its own there."""
    sub = said(part)
    for _ in range(8):
        values, kinds = sub.get("enum"), sub.get("type")
        if isinstance(values, list):
            return None in values
        if "null" in (kinds if isinstance(kinds, list) else [kinds]):
            return True
        each: list[Any] = [one for name in _UNIONS for one in (sub.get(name) or ()) if isinstance(sub.get(name), list)]
        if any(said(one).get("type") == "null" for one in each):
            return True
        if not sub.get("$ref"):
            return False
        sub = _referred(schema, sub)
    return False


def _items(schema: Mapping[str, Any], items: Any) -> Mapping[str, Any]:
    """Of an array's items, what can be chosen: with nothing taken off, which boxes cannot show."""
    return items if nullable(schema, items) else resolved(schema, items)


def _referred(schema: Mapping[str, Any], sub: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(sub["$ref"]).rsplit("/", 1)[-1]
    return said({**said(schema.get("definitions")), **said(schema.get("$defs"))}.get(name))


def _real(parts: Any) -> list[Any]:
    return [one for one in parts if said(one).get("type") != "null"] if isinstance(parts, list) else []


def said(schema: Any) -> Mapping[str, Any]:
    return schema if isinstance(schema, Mapping) else {}
