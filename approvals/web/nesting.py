"""Objects in objects as one form: `address.street` is a field of its own. Pure, over `schemaform`, which knows one level.

An object is taken apart where it is there or has to be, names its properties and cannot be nothing; any other stays one field of JSON.
What it holds beyond its properties stays as it is.
"""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from approvals.web import schemaform
from approvals.web.choosing import choices
from approvals.web.inputs import PREFIX, Posted
from approvals.web.schemaform import Field
from approvals.web.subschemas import nullable, resolved, said

DEEPEST = 4  # names in a path
_PLAIN = re.compile(r"[^.\[\]]+")
_BOX = re.compile(r"pick-\d+-")


@dataclass(frozen=True)
class _Leaf:
    """One field: where it stands, its schema, whether it has to be there."""

    path: tuple[str, ...]
    part: Any
    required: bool

    @property
    def key(self) -> str:
        return ".".join(self.path)


def fields_of(
    schema: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    posted: Posted | None = None,
    errors: Mapping[str, str] | None = None,
) -> tuple[Field, ...]:
    """As `schemaform.fields_of`; the key of a field is its path."""
    leaves = list(_leaves(schema, values, posted))
    return schemaform.fields_of(_flat(schema, leaves), _values(leaves, values), posted=posted, errors=errors)


def read(schema: Mapping[str, Any], values: Mapping[str, Any], posted: Posted) -> tuple[dict[str, Any], dict[str, str]]:
    """As `schemaform.read`; errors are by path."""
    leaves = list(_leaves(schema, values, posted))
    found, errors = schemaform.read(_flat(schema, leaves), _values(leaves, values), posted)
    args = deepcopy(dict(values))
    for leaf in leaves:
        *above, name = leaf.path
        holder = args
        for step in above:
            holder = holder.setdefault(step, {})
        if leaf.key in found:
            holder[name] = found[leaf.key]
        else:
            holder.pop(name, None)
    return args, errors or schemaform.problems(schema, args, values)


def _leaves(
    schema: Mapping[str, Any], values: Mapping[str, Any], posted: Posted | None, above: tuple[str, ...] = (), of: Mapping[str, Any] | None = None
) -> Iterator[_Leaf]:  # fmt: skip
    """The fields of an object (`of`, at `above`), those of the objects in it among them."""
    needed = set((schema if of is None else of).get("required", ()))
    for name, part in said((schema if of is None else of).get("properties")).items():
        leaf, inner, value = _Leaf((*above, name), part, name in needed), resolved(schema, part), values.get(name)
        if _apart(schema, leaf, inner, value, posted):
            yield from _leaves(schema, value if isinstance(value, Mapping) else {}, posted, leaf.path, inner)
        else:
            yield leaf


def _apart(schema: Mapping[str, Any], leaf: _Leaf, inner: Mapping[str, Any], value: Any, posted: Posted | None) -> bool:
    names = said(inner.get("properties"))
    if not names or len(leaf.path) >= DEEPEST or nullable(schema, leaf.part) or choices(inner):
        return False
    if not all(_PLAIN.fullmatch(name) for name in (leaf.path[-1], *names)):
        return False
    if posted is not None and PREFIX + leaf.key in posted:
        return False
    if posted is not None and any(_BOX.sub("", name.removeprefix(PREFIX)).startswith(f"{leaf.key}.") for name in posted):
        return True
    return isinstance(value, Mapping) or (value is None and leaf.required)


def _flat(schema: Mapping[str, Any], leaves: list[_Leaf]) -> dict[str, Any]:
    shared = {name: schema[name] for name in ("$defs", "definitions") if name in schema}
    return {
        "type": "object",
        "properties": {leaf.key: leaf.part for leaf in leaves},
        "required": [leaf.key for leaf in leaves if leaf.required],
        **shared,
    }


def _values(leaves: list[_Leaf], values: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for leaf in leaves:
        holder: Any = values
        for step in leaf.path[:-1]:
            holder = holder.get(step) if isinstance(holder, Mapping) else None
        if isinstance(holder, Mapping) and leaf.path[-1] in holder:
            found[leaf.key] = holder[leaf.path[-1]]
    return found
