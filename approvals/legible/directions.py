"""Which way a text runs. Browsers draw characters in an order of their own when letters of both directions meet, and numbers change their place by
it: in `pay 100 AB 200 to 300`, were AB Hebrew, the 200 is drawn before it. Here such a text is cut into runs that are drawn in the order in which they stand. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from typing import Literal

Way = Literal["", "ltr", "rtl"]

# What makes a text of right-to-left letters prose, read from the right, in which words of the other direction are ordinary.
PROSE, OF_EACH, SEVERAL = 12, 2, 3  # letters, so many for each of the other direction, words
ENOUGH = 1_000  # runs of a text that is not prose: it is written out in ASCII instead
_WORDS = re.compile(r"\S+")


@dataclass(frozen=True)
class Directions:
    """How a text is drawn.

    Attributes:
        base: the side it begins on; "" when its letters run one way and a browser draws it right by itself.
        runs: (from, to, way) of the pieces that run against the base or are numbers in it, each drawn by itself.
        turned: a browser would draw it in another order than it is written in and nobody would see; not so in plain prose.
    """

    base: Way = ""
    runs: tuple[tuple[int, int, Way], ...] = ()
    turned: bool = False


ONE_WAY = Directions()


def directions(text: str) -> Directions:
    """Cut a text where its letters change direction."""
    if text.isascii() or not any(map(_turns, set(text))):
        return ONE_WAY
    ways = [_way(char) for char in text]
    right, left = ways.count("R"), ways.count("L")
    if not left and "N" not in ways:
        return ONE_WAY  # one direction only, with its own digits
    first = next(way for way in ways if way in "RLNA")
    if first == "R" and right >= PROSE and right >= OF_EACH * left and _several_words(ways, text):
        runs = (piece for run in _runs(text, ways, against="L") for piece in _numbers_apart(text, ways, run))
        return Directions("rtl", tuple(runs))
    turned = first == "R" or _disturbed(text, ways)
    return Directions("ltr", tuple(islice(_runs(text, ways, against="R"), ENOUGH if turned else None)), turned)


def _several_words(ways: list[str], text: str) -> bool:
    return sum(1 for _ in islice((m for m in _WORDS.finditer(text) if "R" in ways[m.start() : m.end()]), SEVERAL)) == SEVERAL


def _runs(text: str, ways: list[str], *, against: str) -> Iterator[tuple[int, int, Way]]:
    """Pieces from the first to the last character against the base, blanks within them included; digits of either writing go with their neighbours."""
    way: Way = "ltr" if against == "L" else "rtl"
    breaks = {"R"} if against == "L" else {"L", "N"}
    start = end = -1
    for i, kind in enumerate([*ways, "."]):
        if kind in breaks or i == len(ways) or text[i] == "\n":
            if start >= 0:
                yield start, end + 1, way
            start = -1
        elif kind in {against, "A", "N"}:
            start, end = (i, i) if start < 0 else (start, i)


def _numbers_apart(text: str, ways: list[str], run: tuple[int, int, Way]) -> list[tuple[int, int, Way]]:
    """Numbers alone between words of the other direction are read in that direction, one after the other."""
    start, end, way = run
    if "L" in ways[start:end]:
        return [run]
    return [(start + m.start(), start + m.end(), way) for m in _WORDS.finditer(text[start:end])]


def _disturbed(text: str, ways: list[str]) -> bool:
    """Whether a number follows or precedes letters from right to left with nothing but signs between, or both directions share a word."""
    strong = [way for way in ways if way != "."]
    pairs = {frozenset(pair) for pair in pairwise(strong)}
    if frozenset("RN") in pairs or frozenset("RA") in pairs or frozenset("AN") in pairs:
        return True
    return any({"R", "L"} <= (here := set(ways[m.start() : m.end()])) or {"A", "L"} <= here for m in _WORDS.finditer(text))


@lru_cache(maxsize=8192)
def _way(char: str) -> str:
    """L and R: letters; N: digits of Europe; A: digits of Arabic writings; "." whatever goes with its neighbours."""
    kind = unicodedata.bidirectional(char)
    return {"L": "L", "R": "R", "AL": "R", "EN": "N", "AN": "A"}.get(kind, ".")


def _turns(char: str) -> bool:
    return _way(char) in "RA"
