"""What can be chosen in a schema, and how each choice goes through a form as text and back. Pure.

Belongs here: MCP's and JSON Schema's ways of saying it (`enum`, `enum` with `enumNames`, `oneOf` and `anyOf` of constants with a title, an
array of any of these). What is sent is the constant itself; its title is only what people read.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.sentences import say

FEW = 5  # so many are all in sight as radio buttons; more stand in a menu
_LINES = ("\r", "\n")  # which browsers change in what they send


@dataclass(frozen=True)
class Choice:
    """One of several. `word` is how it goes through a form, never empty and another one for each."""

    value: Any
    word: str
    title: str


def choices(sub: Mapping[str, Any]) -> tuple[Choice, ...]:
    """What can be chosen by this schema, without "nothing"; () when it leaves more open than that."""
    found = [(value, title) for value, title in _listed(sub) if value is not None]
    plain = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value, _ in found]
    if len(set(plain)) < len(plain) or any(not word or any(line in word for line in _LINES) for word in plain):
        plain = [json.dumps(value) for value, _ in found]
    if len(set(plain)) < len(plain):
        return ()
    return tuple(Choice(value, word, title or _plainly(value, word)) for (value, title), word in zip(found, plain, strict=True))


def _plainly(value: Any, word: str) -> str:
    return word if not isinstance(value, bool) else say("Yes") if value else say("No")


def of_items(sub: Mapping[str, Any]) -> tuple[Choice, ...]:
    """What the items of an array can be chosen from."""
    items = sub.get("items")
    return choices(items) if sub.get("type") == "array" and isinstance(items, Mapping) and "prefixItems" not in sub else ()


def _listed(sub: Mapping[str, Any]) -> list[tuple[Any, str]]:
    values = sub.get("enum")
    if isinstance(values, list):
        names = sub.get("enumNames")
        titles = names if isinstance(names, list) and len(names) == len(values) else [""] * len(values)
        return [(value, str(title)) for value, title in zip(values, titles, strict=True)]
    if "const" in sub:
        return [(sub["const"], str(sub.get("title") or ""))]
    each: list[Any] = next((sub[name] for name in ("oneOf", "anyOf") if isinstance(sub.get(name), list)), [])
    parts = [part for part in each if not (isinstance(part, Mapping) and part.get("type") == "null")]
    found = [_listed(part) if isinstance(part, Mapping) else [] for part in parts]
    return [one for some in found for one in some] if all(found) else []


def word_of(options: Sequence[Choice], value: Any) -> str | None:
    """How a value stands in the form, None when it is none of the choices. `1` and `true` are two."""
    return next((one.word for one in options if same(one.value, value)), None)


def same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)


def words_of(options: Sequence[Choice], value: Any) -> list[str] | None:
    """How a list stands as ticked boxes; None when boxes would not show it: something else is in it, or one thing twice."""
    if value is None:
        return []
    words = [word_of(options, item) for item in value] if isinstance(value, list) else [None]
    found = [word for word in words if word is not None]
    return found if len(found) == len(words) == len(set(found)) else None


def chosen(options: Sequence[Choice], words: Sequence[str], before: Any) -> list[Any]:
    """The list that ticked boxes mean: what was there stays in its order, what is new comes after it in the schema's."""
    kept = [item for item in before if word_of(options, item) in words] if isinstance(before, list) else []
    there = {word_of(options, item) for item in kept}
    return [*kept, *(one.value for one in options if one.word in words and one.word not in there)]


def how_many(sub: Mapping[str, Any]) -> str:
    """How many of a list there have to be, in a sentence; "" when nothing says so."""
    low, high = sub.get("minItems") or None, sub.get("maxItems")
    if low is not None and low == high:
        return say("Exactly %(n)d.", n=low)
    if None not in (low, high):
        return say("At least %(low)s and at most %(high)s.", low=low, high=high)
    if low is not None:
        return say("At least %(low)s.", low=low)
    return "" if high is None else say("At most %(high)s.", high=high)
