"""Marks on letters (accents, dots, strokes): which belong to the writing, and which only make one thing look like another. Pure.

By Unicode's data: the letters that Latin, Greek and Cyrillic are commonly written with are characters of their own (NFC); other scripts put marks
of theirs on letters of theirs (Script_Extensions). A mark outside of both, or one that strikes through what it stands on, is nobody's spelling.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from approvals.legible.alphabets import scripts_of
from approvals.legible.emoji import joined

COMPOSED = frozenset({"Latin", "Greek", "Cyrillic"})
OVERLAY = 1  # Canonical_Combining_Class
FIRST = "\u0300"  # no mark comes before it
MOST = 4  # marks on one letter: none composes of more, and sorting a long row of them takes minutes


def is_mark(char: str) -> bool:
    return char >= FIRST and unicodedata.category(char)[0] == "M"


def has_marks(text: str) -> bool:
    return not text.isascii() and any(map(is_mark, set(text)))


def strange(text: str) -> frozenset[int]:
    """Where marks stand that are no part of how anything is written. Those of emoji are judged by `emoji`."""
    if not has_marks(text):
        return frozenset()
    return frozenset(_strange(text))


def _strange(text: str) -> Iterator[int]:
    parts = joined(text)
    for base, start, end in _marked(text):
        wrong = _wrong(base, text[start:end]) if end - start <= MOST else _foreign(base, text[start:end])
        yield from (start + i for i in wrong if start + i not in parts)


def _marked(text: str) -> Iterator[tuple[str, int, int]]:
    """Each run of marks: (what it stands on, from, to)."""
    start = -1
    for i, char in enumerate(text):
        if is_mark(char):
            start = i if start < 0 else start
        elif start >= 0:
            yield text[start - 1 : start], start, i
            start = -1
    if start >= 0:
        yield text[start - 1 : start], start, len(text)


@lru_cache(maxsize=4096)
def _wrong(base: str, marks: str) -> tuple[int, ...]:
    """Which of the marks do not belong on this letter. When not all of them become one letter with it, none of them does."""
    foreign = _foreign(base, marks)
    if not base or len(unicodedata.normalize("NFC", base + "".join(marks[i] for i in foreign))) > 1:
        return foreign
    return tuple(i for i in foreign if unicodedata.combining(marks[i]) == OVERLAY)


def _foreign(base: str, marks: str) -> tuple[int, ...]:
    """Those that are not of the letter's own script, or of a script whose letters are composed."""
    own = scripts_of(base) - COMPOSED if base.isalnum() else frozenset[str]()
    return tuple(i for i, mark in enumerate(marks) if not own & scripts_of(mark))
