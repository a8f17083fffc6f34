"""Every leaf of a JSON value by a path that names one place only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

DEEP = 12


def walk(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every leaf with its path. Deeper than `DEEP` the rest is one leaf: its JSON text."""
    if isinstance(value, dict) and value and depth < DEEP:
        for key, item in value.items():
            yield from walk(item, under(path, str(key)), depth + 1)
    elif isinstance(value, list) and value and depth < DEEP:
        for index, item in enumerate(value):
            yield from walk(item, f"{path}[{index}]", depth + 1)
    else:
        yield path, value


def under(path: str, key: str) -> str:
    """Keys that could be mistaken for a path are quoted: every path names one place only."""
    if not key or any(char in key for char in '.[]"'):
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def differing(before: Any, after: Any) -> set[str]:
    """The paths of all leaves that are not the same, or stand in one of the two only."""
    one, other = ({path: json.dumps(leaf, sort_keys=True) for path, leaf in walk(value)} for value in (before, after))
    return {path for path in {*one, *other} if one.get(path) != other.get(path)}
