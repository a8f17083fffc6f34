"""What Unicode says of characters that Python does not: their scripts, whether they are in general use, and what of ASCII they are drawn like.

The table (`alphabets.txt`, made by `scripts/alphabets` from the official files) is read when the first text outside of ASCII is looked at. The
rules are those of UTS #39, Unicode Security Mechanisms: script sets with Han joined by the scripts it is written with, restriction levels, and
confusable skeletons, of which only those matter here that are plain ASCII: that is what names, amounts and addresses are made of.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

TABLE = Path(__file__).with_name("alphabets.txt")
EAST_ASIAN = frozenset({"Han", "Hiragana", "Katakana", "Hangul", "Bopomofo"})
# Recommended scripts (UAX #31, table 5) that may stand beside Latin; Cyrillic and Greek may not: too much of them is drawn the same.
BESIDE_LATIN = EAST_ASIAN | {
    "Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Hebrew", "Kannada", "Khmer", "Lao",
    "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thaana", "Thai", "Tibetan",
}  # fmt: skip
# Written together (UTS #39 section 5.1): a Han character is Japanese beside kana and Korean beside Hangul.
_TOGETHER = {
    "Han": frozenset({"Japanese", "Korean", "Bopomofo and Han"}),
    "Hiragana": frozenset({"Japanese"}),
    "Katakana": frozenset({"Japanese"}),
    "Hangul": frozenset({"Korean"}),
    "Bopomofo": frozenset({"Bopomofo and Han"}),
}
# Not among the confusables, yet read as dots in host names (UTS #46).
_DOTS = {"\u3002": ".", "\uff61": "."}


class Mix(IntEnum):
    """Restriction levels of UTS #39 section 5.2, by the scripts of a text alone."""

    SINGLE_SCRIPT = 1
    HIGHLY = 2  # Latin with Japanese, Korean or Chinese
    MODERATELY = 3  # Latin with one other script that is not drawn like it
    MINIMALLY = 4


@dataclass(frozen=True)
class _Table:
    starts: list[int]
    ends: list[int]
    scripts: list[frozenset[str]]
    used_from: list[int]
    used_to: list[int]
    like_ascii: dict[str, str]


@lru_cache(maxsize=1)
def _table() -> _Table:
    table = _Table([], [], [], [], [], {})
    part = ""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith(("#", "[")):
            part = line if line.startswith("[") else part
            continue
        first, _, rest = line.partition(" ")
        if part == "[like ascii]":
            table.like_ascii[chr(int(first, 16))] = rest
            continue
        last, _, names = rest.partition(" ")
        if part == "[scripts]":
            table.starts.append(int(first, 16))
            table.ends.append(int(last, 16))
            table.scripts.append(frozenset(names.split()))
        else:
            table.used_from.append(int(first, 16))
            table.used_to.append(int(last, 16))
    return table


@lru_cache(maxsize=8192)
def scripts_of(char: str) -> frozenset[str]:
    """The scripts this character is written in; none for what all of them share (digits, punctuation, marks)."""
    table, point = _table(), ord(char)
    at = bisect_right(table.starts, point) - 1
    return table.scripts[at] if at >= 0 and point <= table.ends[at] else frozenset()


@lru_cache(maxsize=8192)
def in_use(char: str) -> bool:
    """Whether it is in general use in names (Identifier_Status Allowed): letters of phonetics, dead scripts and special forms are not."""
    table, point = _table(), ord(char)
    at = bisect_right(table.used_from, point) - 1
    return at >= 0 and point <= table.used_to[at]


@lru_cache(maxsize=8192)
def twin_of(char: str) -> str:
    """The ASCII this character is drawn like, or is only another form of; "" for ASCII itself and for whatever is drawn like nothing in it."""
    if char.isascii():
        return ""
    plain = unicodedata.normalize("NFKC", char)
    if len(plain) == 1 and plain.isascii() and plain != " ":
        return plain
    return _table().like_ascii.get(char) or _DOTS.get(char, "")


def skeleton(text: str) -> str:
    """The text with everything that is drawn like ASCII written in ASCII: two that give the same cannot be told apart."""
    return "".join(twin_of(char) or char for char in text)


def mixed(letters: Iterable[str]) -> Mix:
    """How far these letters mix scripts."""
    sets = {found for char in letters if (found := scripts_of(char))}
    if _one(sets):
        return Mix.SINGLE_SCRIPT
    others = {found for found in sets if "Latin" not in found}
    if _one(others) and len(others) < len(sets):
        names = frozenset().union(*others)
        if names <= EAST_ASIAN:
            return Mix.HIGHLY
        if names <= BESIDE_LATIN:
            return Mix.MODERATELY
    return Mix.MINIMALLY


def _one(sets: set[frozenset[str]]) -> bool:
    """Whether one script, or one way of writing several together, covers them all."""
    wide = [frozenset().union(names, *(_TOGETHER.get(name, frozenset()) for name in names)) for names in sets]
    return not wide or bool(frozenset.intersection(*wide))
