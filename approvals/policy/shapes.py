"""What a tool's JSON Schema says of one argument: whether it is there at all, and which values it takes. Pure.

Only what is certain: anything this module does not read (`allOf`, `not`, patterns ...) leaves the argument open.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.sentences import Frozen

KINDS = {"string": "text", "integer": "number", "number": "number", "boolean": "bool", "null": "null", "array": "list", "object": "map"}
KIND_SAID = {
    "text": Frozen("text")(), "number": Frozen("a number")(), "bool": Frozen("true or false")(), "null": Frozen("nothing")(),
    "list": Frozen("a list")(), "map": Frozen("fields")(),
}  # fmt: skip
MOST_STEPS = 200
COMBINED = ("allOf", "not", "if", "patternProperties", "$dynamicRef", "dependentSchemas")


@dataclass(frozen=True)
class Shape:
    """What a value may be.

    Attributes:
        kinds: of which kinds; empty when anything.
        whole: numbers among it are whole.
        least, most: bounds of numbers, inclusive.
        values: the only values there are, if those are listed; `fits` further says which of what is named may be.
    """

    kinds: frozenset[str] = frozenset()
    whole: bool = False
    least: float | None = None
    most: float | None = None
    values: tuple[Any, ...] | None = None
    fits: Callable[[Any], bool] | None = None


ANYTHING = Shape()


class Missing(Exception):
    """No such argument; `names` are those that stand in its place."""

    def __init__(self, step: str, names: Sequence[str]) -> None:
        super().__init__(step)
        self.step, self.names = step, tuple(names)


def shape_of(schema: Mapping[str, Any], steps: Sequence[str]) -> Shape:
    """The shape of an argument, by the fields that lead to it. Raises Missing."""
    nodes: list[Any] = [schema]
    for step in steps:
        nodes, names, there = _children(schema, nodes, step)
        if not there:
            raise Missing(step, sorted(names))
        if any(node is None for node in nodes):
            return ANYTHING
    return _shape([alternative for node in nodes for alternative in _alternatives(schema, node)])


def declares(schema: Mapping[str, Any], steps: Sequence[str]) -> bool:
    """Whether it names this argument, rather than leaving open what else there may be. Below what is left open nothing is asked."""
    nodes: list[Any] = [schema]
    for step in steps:
        if any(isinstance(a, Mapping) and not a.keys().isdisjoint(COMBINED) for n in nodes for a in _alternatives(schema, n)):
            return True  # said in a way that is not read here
        nodes, names, _ = _children(schema, nodes, step)
        if step not in names:
            return False
        if any(node is None for node in nodes):
            return True
    return True


def _children(root: Mapping[str, Any], nodes: Sequence[Any], step: str) -> tuple[list[Any], set[str], bool]:
    """The schemas of a field in each of several schemas (None: anything), the names there are, and whether it may be there."""
    found: list[Any] = []
    names: set[str] = set()
    for node in (a for n in nodes for a in _alternatives(root, n)):
        listed = node.get("properties") if isinstance(node, Mapping) else None
        properties = listed if isinstance(listed, Mapping) else None
        if node is None or any(key in node for key in COMBINED):
            found.append(None)
        elif properties is not None and step in properties:
            found.append(properties[step])
        elif isinstance(node.get("additionalProperties"), Mapping):
            found.append(node["additionalProperties"])
        elif node.get("additionalProperties") is True or (properties is None and node.get("type", "object") == "object"):
            found.append(None)
        names |= set(map(str, properties or ()))
    return found, names, bool(found)


def _alternatives(root: Mapping[str, Any], node: Any, depth: int = 0) -> Iterator[Any]:
    """A schema without references, once for each thing it may be; None for what cannot be read."""
    if not isinstance(node, Mapping) or depth > 20:
        yield None
    elif "$ref" in node:
        yield from _alternatives(root, _referred(root, node["$ref"]), depth + 1)
    elif several := node.get("anyOf") or node.get("oneOf"):
        for one in several if isinstance(several, list) else [None]:
            yield from _alternatives(root, one, depth + 1)
    else:
        yield node


def _referred(root: Mapping[str, Any], reference: Any) -> Any:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    found: Any = root
    for step in reference[2:].split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found


def _shape(nodes: Sequence[Any]) -> Shape:
    """What a value may be that fits one of these."""
    if not nodes or any(n is None or any(key in n for key in COMBINED) for n in nodes):
        return ANYTHING
    kinds: set[str] = set()
    for node in nodes:
        named = node.get("type")
        types = named if isinstance(named, list) else [named] if named else []
        if not types and not _listed(node):
            return ANYTHING
        kinds |= {KINDS.get(str(t), "") for t in types} | {kind_of(v) for v in _listed(node) or ()}
    listed = [_listed(node) for node in nodes]
    numbers = [n for n in nodes if n.get("type") in ("integer", "number")]
    return Shape(
        frozenset(kinds) if "" not in kinds else frozenset(),
        whole=all(n.get("type") != "number" and not isinstance(n.get("type"), list) for n in nodes),
        least=_bound([_number(n, "minimum", "exclusiveMinimum") for n in numbers], min),
        most=_bound([_number(n, "maximum", "exclusiveMaximum") for n in numbers], max),
        values=tuple(v for values in listed for v in values or ()) if all(v is not None for v in listed) else None,
    )


def kind_of(value: Any) -> str:
    """The kind of a plain value, "" when it has none here."""
    named = {bool: "bool", int: "number", float: "number", str: "text", type(None): "null", list: "list", dict: "map"}
    return named.get(type(value), "")


def _listed(node: Mapping[str, Any]) -> list[Any] | None:
    """The values a schema lists, None when it lists none."""
    if "const" in node:
        return [node["const"]]
    if isinstance(node.get("enum"), list):
        return list(node["enum"])
    return [None] if node.get("type") == "null" else [True, False] if node.get("type") == "boolean" else None


def _number(node: Mapping[str, Any], *names: str) -> float | None:
    """A bound; an exclusive one counts as inclusive, which forbids less."""
    return next((node[name] for name in names if type(node.get(name)) in (int, float)), None)


def _bound(found: Sequence[float | None], widest: Any) -> float | None:
    return widest(found) if found and None not in found else None
