"""Words cut into the items of a list: pieces of base64 or hexadecimal, or bytes as numbers. Each item by itself says nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from approvals.legible.decoding import OPENED, words
from approvals.legible.packed import Packed, said
from approvals.legible.paths import DEEP, under
from audit.sentences import Frozen

LEAST = 8
LETTERS = 0.6
BLANKS = frozenset(b" \t\r\n")
NUMBERS = Frozen("bytes as numbers")()


def split(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Packed]]:
    """Every list, by its path, whose items together say words."""
    if depth >= DEEP:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            yield from split(item, under(path, str(name)), depth + 1)
    elif isinstance(value, list):
        if found := _together(value):
            yield path, found
        for index, item in enumerate(value):
            if isinstance(item, (dict, list)):
                yield from split(item, f"{path}[{index}]", depth + 1)


def _together(items: list[Any]) -> Packed | None:
    if len(items) < 2:
        return None
    if all(isinstance(item, str) for item in items):
        return said("".join(islice(items, OPENED)))
    return _numbers(items) if len(items) >= LEAST else None


def _numbers(items: list[Any]) -> Packed | None:
    """Ages and weights are numbers of letters too: only with blanks among them, and mostly letters, are they words."""
    if not all(isinstance(item, int) and not isinstance(item, bool) and 0 <= item < 256 for item in items):
        return None
    data = bytes(items[:OPENED])
    letters = sum(65 <= byte <= 90 or 97 <= byte <= 122 for byte in data)
    if letters < LETTERS * len(data) or not BLANKS & set(data):
        return None
    return Packed(NUMBERS, len(items), text, cut=len(items) > OPENED) if (text := words(data, least=LEAST)) else None
