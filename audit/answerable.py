"""Whether any answer at all can fit a JSON Schema of others: asked before people are, who would look for one in vain. Pure.

Says no only where that is certain: a schema that refers to itself before it looks at a part of the value, `false`, a contradiction of kinds,
constants or bounds, or one of these in what has to be there. Of anything else an answer may fit.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any
from urllib.parse import unquote

from audit import schemas

ENDLESS = "its schema refers to itself without end"
NOTHING = "nothing fits its schema"
MOST_STEPS, DEEPEST = 5_000, 60

_KINDS = frozenset({"null", "boolean", "object", "array", "number", "integer", "string"})
_BOUNDS = {
    "string": (("minLength", "maxLength"),),
    "array": (("minItems", "maxItems"),),
    "object": (("minProperties", "maxProperties"),),
    **dict.fromkeys(("number", "integer"), (("minimum", "maximum"), ("exclusiveMinimum", "maximum"), ("minimum", "exclusiveMaximum"))),
}
_Above = frozenset[tuple[frozenset[int], frozenset[int]]]
_ASIDE = frozenset({"const", "enum", "default", "examples", "$defs", "definitions"})


def unanswerable(schema: Any) -> str:
    """Why no answer can be given, "" when one may fit."""
    if why := schemas.unusable(schema):
        return why
    if any("$id" in part for part in _parts(schema) if part is not schema):
        return ""  # what references lead to there is not followed here
    if _endless(schema):
        return ENDLESS
    return NOTHING if _Looking(schema).never([schema]) else ""


def _endless(schema: Any) -> bool:
    """Whether it leads back to itself at the same place of a value: whatever is held against it, that does not end."""
    ways = {id(part): [id(one) for one in _in_place(schema, part)] for part in _parts(schema)}
    looked: set[int] = set()
    for start in ways:
        path, todo = {start}, [(start, iter(ways[start]))]
        while todo and start not in looked:
            at, more = todo[-1]
            further = next(more, None)
            if further is None:
                looked.add(at)
                path.discard(at)
                todo.pop()
            elif further in path:
                return True
            elif further not in looked:
                path.add(further)
                todo.append((further, iter(ways.get(further, ()))))
    return False


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Every schema in it that something is held against, with what references lead to."""
    seen, todo = set(), [schema]
    while todo:
        part = todo.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, list):
            todo += part
        elif isinstance(part, Mapping):
            yield part
            todo += [one for name, one in part.items() if name not in _ASIDE or not isinstance(one, list | Mapping)]
            todo += [one for one in (_referred(schema, part),) if one is not None]


def _in_place(schema: Any, part: Mapping[str, Any]) -> Iterator[Any]:
    """What is held against the same value."""
    yield from (one for one in (_referred(schema, part), part.get("not"), part.get("if"), part.get("then"), part.get("else")) if one)
    for name in ("allOf", "anyOf", "oneOf"):
        yield from part[name] if isinstance(part.get(name), list) else ()
    beside = part.get("dependentSchemas")
    yield from beside.values() if isinstance(beside, Mapping) else ()


def _referred(schema: Any, part: Mapping[str, Any]) -> Any:
    """What its reference points to, None when it has none, or one that is no pointer within the schema."""
    ref = part.get("$ref", part.get("$dynamicRef"))
    if not isinstance(ref, str) or not isinstance(schema, Mapping):
        return None
    own = schema.get("$id")
    if isinstance(own, str) and own:
        ref = ref.removeprefix(own.removesuffix("#")) or "#"
    at: Any = schema
    for name in ref.removeprefix("#").split("/")[1:] if ref.startswith("#") else ():
        name = unquote(name).replace("~1", "/").replace("~0", "~")
        at = at[int(name)] if isinstance(at, list) and name.isdecimal() and int(name) < len(at) else _get(at, name)
    return at if ref == "#" or ref.startswith("#/") else None


def _get(part: Any, name: str) -> Any:
    return part.get(name) if isinstance(part, Mapping) else None


class _Looking:
    """One look for something that fits: several schemas held against one value together, each choice of theirs by itself."""

    def __init__(self, whole: Any) -> None:
        self.whole, self.steps = whole, count()

    def never(self, together: Sequence[Any], above: _Above = frozenset(), made: frozenset[int] = frozenset()) -> bool:
        """Whether certainly nothing fits all of them. What needs itself again inside of itself has no end, so nothing is it.

        Args:
            above: what this place is inside of. made: the choices made at this place, which references lead to again.
        """
        if next(self.steps) > MOST_STEPS or len(above) > DEEPEST:
            return False
        parts = self._flat(together)
        if any(part is False or _get(part, "not") in (True, {}) for part in parts):
            return True
        schemas_of: list[Mapping[str, Any]] = [part for part in parts if isinstance(part, Mapping)]
        here = (frozenset(map(id, schemas_of)), made)
        if here in above:
            return True
        above = above | {here}
        if (found := self._constants(schemas_of)) is not None:
            return found
        if all(self._impossible(kind, schemas_of, above) for kind in _left(schemas_of)):
            return True
        either = [part[name] for part in schemas_of for name in ("anyOf", "oneOf") if isinstance(part.get(name), list)]
        left = [one for one in either if id(one) not in made]
        return any(all(self.never([*schemas_of, branch], above, made | {id(one)}) for branch in one) for one in left)

    def _flat(self, together: Sequence[Any]) -> list[Any]:
        found: list[Any] = []
        todo = list(together)
        while todo:
            part = todo.pop(0)
            if any(part is one for one in found):
                continue
            found.append(part)
            if isinstance(part, Mapping):
                referred = _referred(self.whole, part)
                todo += [*(part["allOf"] if isinstance(part.get("allOf"), list) else ()), *(() if referred is None else (referred,))]
        return found

    def _constants(self, parts: Sequence[Mapping[str, Any]]) -> bool | None:
        """Where only some values are taken, whether none of them fits; None where others are, too."""
        lists = [part["enum"] if "enum" in part else [part["const"]] for part in parts if {"enum", "const"} & part.keys()]
        if not lists:
            return None
        against = [self.whole] if any(part is self.whole for part in parts) else [part for part in parts if "$ref" not in str(part)]
        return all(any(schemas.why_not(part, value) for part in against) for value in min(lists, key=len))

    def _impossible(self, kind: str, parts: Sequence[Mapping[str, Any]], above: _Above) -> bool:
        """Whether certainly no value of this kind fits."""
        for low, high in _BOUNDS.get(kind, ()):
            lowest, highest = [p[low] for p in parts if low in p], [p[high] for p in parts if high in p]
            if lowest and highest and (max(lowest) > min(highest) or (max(lowest) == min(highest) and "exclusive" in low + high)):
                return True
        if kind == "object":
            needed = {str(name) for part in parts for name in part.get("required", ())}
            return any(self.never(_of_name(parts, name), above) for name in needed)
        if kind == "array" and (least := max((part.get("minItems", 0) for part in parts), default=0)) > 0:
            return any(self.never(_of_item(parts, n), above) for n in range(int(min(least, 20))))
        return False


def _left(parts: Sequence[Mapping[str, Any]]) -> set[str]:
    """The kinds of value that all of them take."""
    left = set(_KINDS)
    for part in parts:
        if "type" in part:
            kinds = {part["type"]} if isinstance(part["type"], str) else set(part["type"])
            left &= kinds | ({"integer"} if "number" in kinds else set())
    return left


def _of_name(parts: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    found: list[Any] = []
    for part in parts:
        own = part.get("properties", {})
        if name in own:
            found.append(own[name])
        elif not part.get("patternProperties") and "additionalProperties" in part:
            found.append(part["additionalProperties"])
    return found


def _of_item(parts: Sequence[Mapping[str, Any]], n: int) -> list[Any]:
    found: list[Any] = []
    for part in parts:
        first = part.get("prefixItems", [])
        found += [first[n]] if n < len(first) else [part["items"]] if "items" in part else []
    return found
