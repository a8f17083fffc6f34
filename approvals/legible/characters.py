"""Which characters show themselves, by an allow-list over every code point there is.

A code point stands as itself only when it is a letter, number, mark, punctuation or symbol that draws ink, an ordinary space, or a
line feed; and where it stands matters: a mark needs a letter under it that is written with it, a space needs ink after it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import groupby

from approvals.legible.emoji import joined
from approvals.legible.marks import strange

STACK = 2
SPACES = 16
NEWLINES = 3

# Blank or invisible although their category says letter, mark or symbol. The angle brackets are ours: text may not draw a chip.
_BLANK = frozenset(
    [
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0xFFFC, 0x13441, 0x13442, 0x16FE4, 0x1D159),
        *(*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000)),
        *(0x27E8, 0x27E9),
    ]
)
_ALONE = re.compile(r"\r(?!\n)")


@lru_cache(maxsize=8192)
def shows_itself(char: str) -> bool:
    """Whether this single character draws something a reader can recognise, wherever it stands."""
    if char in (" ", "\n"):
        return True
    if ord(char) in _BLANK:
        return False
    return unicodedata.category(char)[0] in "LMNPS"


def name_of(char: str) -> str:
    """`U+202E RIGHT-TO-LEFT OVERRIDE`: what a chip's tooltip says."""
    return f"U+{ord(char):04X} {unicodedata.name(char, _unnamed(char))}"


def stacked(text: str) -> bool:
    """Whether more marks stand on one letter than anybody writes: a tower of them covers the lines around it."""
    marks = 0
    for char in text:
        marks = marks + 1 if char > "\u02ff" and unicodedata.category(char)[0] == "M" else 0
        if marks > STACK:
            return True
    return False


def hides(char: str) -> bool:
    """Whether it cannot be seen, or changes how its neighbours are drawn. Odd spaces and our own brackets are named, but hide nothing."""
    return not (shows_itself(char) or char in "\t\r\u27e8\u27e9" or unicodedata.category(char) == "Zs")


def hides_in(text: str) -> bool:
    """Whether anything in it hides. What makes up an emoji does not, where it does. A carriage return does where no line feed follows: SQL and Python
    end a line there, a comment with it, and a terminal writes over what it has written."""
    if _ALONE.search(text):
        return True
    if not any(map(hides, text)):
        return False
    parts = joined(text)
    return any(hides(char) and i not in parts for i, char in enumerate(text))


def visible(text: str) -> list[bool]:
    """For each character, whether it may stand as itself *here*: marks need a base they belong to, blanks need ink after them."""
    shown, parts, odd = [shows_itself(char) for char in text], joined(text), strange(text)
    marks, based = 0, False
    for i, char in enumerate(text):
        if i in parts:
            shown[i] = True
        elif shown[i] and unicodedata.category(char)[0] == "M":
            marks += 1
            shown[i] = based and marks <= STACK and i not in odd
        else:
            marks, based = 0, shown[i] and char not in " \n"
    _hide_blank_runs(text, shown)
    return shown


def _hide_blank_runs(text: str, shown: list[bool]) -> None:
    at, blank = 0, not text.strip()
    for char, run in groupby(text):
        n = len(list(run))
        after = text[at + n : at + n + 1]
        padding = char == " " and (blank or n > SPACES or after in ("", "\n"))
        if padding or (char == "\n" and n > NEWLINES):
            shown[at : at + n] = [False] * n
        at += n


def _unnamed(char: str) -> str:
    return {
        "Cc": _CONTROLS.get(ord(char), "CONTROL CHARACTER"),
        "Cs": "LONE SURROGATE",
        "Co": "PRIVATE USE",
        "Cn": "UNASSIGNED",
    }.get(unicodedata.category(char), "UNNAMED")


_CONTROLS = {0x00: "NULL", 0x07: "BELL", 0x08: "BACKSPACE", 0x09: "TAB", 0x0A: "LINE FEED", 0x0D: "CARRIAGE RETURN"}
_CONTROLS |= {0x1B: "ESCAPE", 0x7F: "DELETE", 0x85: "NEXT LINE"}
