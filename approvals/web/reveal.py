"""What a person must see of a text nobody vouches for: every character that is there.

Belongs here: pure functions from text to *segments*, no Django, no HTML, no clock. The template tags in
`approvals.templatetags.render` turn segments into escaped HTML; nothing else may show an agent's text.

The rule is an allow-list. A code point is shown as itself only when it is a letter, number, mark, punctuation or symbol that
draws ink, an ordinary space, or a line feed. Whatever else is in the text becomes a *chip* that names it. Length is never
hidden: the middle of a long value is a segment of its own that the page keeps closed until it is opened.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Literal

from approvals.web.lookalikes import Odd, odd_letters, warnings_about

HEAD, TAIL = 1200, 400
LONG = 2000
LONG_LINES = 40
STACK = 2
SPACES = 16
NEWLINES = 3
CHIPS = 400
TITLE_NAMES = 3
TIMES = "\N{MULTIPLICATION SIGN}"

Kind = Literal["text", "chip", "odd"]

# Blank or invisible although their category says letter, mark or symbol. The angle brackets are ours: text may not draw a chip.
_BLANK = frozenset(
    [
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0xFFFC, 0x13441, 0x13442, 0x16FE4, 0x1D159),
        *(*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000)),
        *(0x27E8, 0x27E9),
    ]
)


@dataclass(frozen=True)
class Segment:
    """A piece of the text: `text` is shown as it is, a `chip` by its label, `odd` as itself but marked."""

    kind: Kind
    text: str
    label: str = ""
    title: str = ""


@dataclass(frozen=True)
class Revealed:
    """One value, ready to draw. `middle` is empty unless the value is long; `head + middle + tail` is all of it."""

    head: tuple[Segment, ...]
    middle: tuple[Segment, ...] = ()
    tail: tuple[Segment, ...] = ()
    warnings: tuple[str, ...] = ()
    length: int = 0
    lines: int = 1
    hidden: int = 0
    escaped: bool = False
    chips: int = field(default=0, compare=False)

    @property
    def plain(self) -> bool:
        return not (self.warnings or self.chips or self.hidden or self.escaped)


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


def reveal(text: str, *, whole: bool = False, inline: bool = False) -> Revealed:
    """Segments for one value.

    Args:
        whole: show all of it in one piece (titles, names, short fields).
        inline: it stands inside a line of ours, where a line feed would not show: it becomes a chip too.
    """
    lines = text.count("\n") + 1
    shown, spots = _visible(text), odd_letters(text)
    if inline:
        shown = [own and char != "\n" for own, char in zip(shown, text, strict=True)]
    chips = sum(1 for _ in groupby(shown) if not _[0])
    if chips > CHIPS or len(spots) > CHIPS:
        return _escaped(text, lines, whole=whole)
    cuts = (len(text), len(text)) if whole else _cuts(text, lines)
    parts = [_segments(text, shown, spots, a, b) for a, b in ((0, cuts[0]), cuts, (cuts[1], len(text)))]
    return Revealed(
        head=parts[0],
        middle=parts[1],
        tail=parts[2],
        warnings=warnings_about(text, spots),
        length=len(text),
        lines=lines,
        hidden=cuts[1] - cuts[0],
        chips=chips,
    )


def line(text: str) -> Revealed:
    """A text that stands inside a line: whole, and with its line feeds named."""
    return reveal(text, whole=True, inline=True)


def _escaped(text: str, lines: int, *, whole: bool) -> Revealed:
    """So many unusual characters that chips would bury the rest: every one is written out in ASCII instead."""
    ascii_text = text.encode("unicode_escape", "surrogatepass").decode("ascii")
    a, b = (len(ascii_text),) * 2 if whole or len(ascii_text) <= LONG else (HEAD, len(ascii_text) - TAIL)
    head, middle, tail = ((Segment("text", part),) if part else () for part in (ascii_text[:a], ascii_text[a:b], ascii_text[b:]))
    note = "Too many unusual characters to mark one by one: the value is written in escaped form"
    return Revealed(
        head,
        middle,
        tail,
        warnings=(note,),
        length=len(text),
        lines=lines,
        hidden=b - a,
        escaped=True,
    )


def _cuts(text: str, lines: int) -> tuple[int, int]:
    """Where the middle begins and ends. Cut on length, and on lines, so that padding with newlines hides nothing either."""
    if len(text) <= LONG and lines <= LONG_LINES:
        return len(text), len(text)
    start, end = min(HEAD, len(text)), max(len(text) - TAIL, 0)
    if lines > LONG_LINES:
        start = min(start, _nth_newline(text, LONG_LINES // 2))
        end = max(end, len(text) - _nth_newline(text[::-1], LONG_LINES // 4))
    return (start, end) if start < end else (len(text), len(text))


def _nth_newline(text: str, n: int) -> int:
    at = -1
    for _ in range(n):
        at = text.find("\n", at + 1)
        if at < 0:
            return len(text)
    return at + 1


def _visible(text: str) -> list[bool]:
    """For each character, whether it may stand as itself *here*: marks need a base, blanks need ink after them."""
    shown = [shows_itself(char) for char in text]
    marks, based = 0, False
    for i, char in enumerate(text):
        if shown[i] and unicodedata.category(char)[0] == "M":
            marks += 1
            shown[i] = based and marks <= STACK
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


def _segments(text: str, shown: list[bool], spots: dict[int, Odd], start: int, end: int) -> tuple[Segment, ...]:
    return tuple(_runs(text, shown, spots, start, end))


def _runs(text: str, shown: list[bool], spots: dict[int, Odd], start: int, end: int) -> Iterator[Segment]:
    def kind(i: int) -> Kind:
        if not shown[i]:
            return "chip"
        return "odd" if i in spots else "text"

    for what, group in groupby(range(start, end), key=kind):
        where = list(group)
        piece = text[where[0] : where[-1] + 1]
        if what == "chip":
            yield chip(piece)
        elif what == "odd":
            yield Segment("odd", piece, title="; ".join(f"{name_of(text[i])}, {spots[i]}" for i in where[:TITLE_NAMES]))
        else:
            yield Segment("text", piece)


def chip(piece: str) -> Segment:
    """One chip for a run of characters that do not show themselves; a line feed keeps breaking the line."""
    runs = [(char, len(list(group))) for char, group in groupby(piece)]
    labels = [f"U+{ord(char):04X}" + (f" {TIMES}{n}" if n > 1 else "") for char, n in runs]
    names = list(dict.fromkeys(name_of(char) for char, _ in runs))
    more = f" and {len(names) - TITLE_NAMES} more" if len(names) > TITLE_NAMES else ""
    return Segment("chip", piece, "⟨" + " ".join(labels) + "⟩", ", ".join(names[:TITLE_NAMES]) + more)


def _unnamed(char: str) -> str:
    return {
        "Cc": _CONTROLS.get(ord(char), "CONTROL CHARACTER"),
        "Cs": "LONE SURROGATE",
        "Co": "PRIVATE USE",
        "Cn": "UNASSIGNED",
    }.get(unicodedata.category(char), "UNNAMED")


_CONTROLS = {0x00: "NULL", 0x07: "BELL", 0x08: "BACKSPACE", 0x09: "TAB", 0x0A: "LINE FEED", 0x0D: "CARRIAGE RETURN"}
_CONTROLS |= {0x1B: "ESCAPE", 0x7F: "DELETE", 0x85: "NEXT LINE"}
