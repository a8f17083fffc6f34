"""What a person must see of a text nobody vouches for: every character that is there.

Belongs here: pure functions from text to *segments*, no Django, no HTML, no clock. The template tags in
`approvals.templatetags.render` turn segments into escaped HTML; nothing else may show an agent's text.

The rule is an allow-list. A code point is shown as itself only when it is a letter, number, mark, punctuation or symbol that
draws ink, an ordinary space, or a line feed. Whatever else is in the text becomes a *chip* that names it. Length is never
hidden: the middle of a long value is a segment of its own that the page keeps closed until it is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal

from approvals.legible.characters import name_of, visible
from approvals.legible.directions import Directions, Way, directions
from approvals.legible.lookalikes import Odd, odd_letters, warnings_about
from audit.sentences import chain, say

HEAD, TAIL = 1200, 400
LONG = 2000
LONG_LINES = 40
CHIPS = 400
TITLE_NAMES = 3
ISOLATES = {"ltr": "\u2066", "rtl": "\u2067"}
TIMES = "\N{MULTIPLICATION SIGN}"

Kind = Literal["text", "chip", "odd"]


@dataclass(frozen=True)
class Segment:
    """A piece of the text: `text` is shown as it is, a `chip` by its label, `odd` as itself but marked; `css` is its colour in code.

    `way` is set when it is drawn by itself, in that direction, so that its place among its neighbours is the one it has in the text.
    """

    kind: Kind
    text: str
    label: str = ""
    title: str = ""
    css: str = ""
    way: Way = ""


@dataclass(frozen=True)
class Revealed:
    """One value, ready to draw. `middle` is empty unless the value is long; `head + middle + tail` is all of it.

    `way` is the side it begins on, when that is not to be left to a browser.
    """

    head: tuple[Segment, ...]
    middle: tuple[Segment, ...] = ()
    tail: tuple[Segment, ...] = ()
    warnings: tuple[str, ...] = ()
    length: int = 0
    lines: int = 1
    hidden: int = 0
    escaped: bool = False
    said: str = ""  # no value at all but a word of ours: a door tells it instead
    way: Way = ""
    chips: int = field(default=0, compare=False)

    @property
    def plain(self) -> bool:
        return not (self.warnings or self.chips or self.hidden or self.escaped)


def reveal(text: str, *, whole: bool = False, inline: bool = False) -> Revealed:
    """Segments for one value.

    Args:
        whole: show all of it in one piece (titles, names, short fields).
        inline: it stands inside a line of ours, where a line feed would not show: it becomes a chip too.
    """
    lines = text.count("\n") + 1
    turns = directions(text)
    if turns.turned and len(turns.runs) > CHIPS:
        return _escaped(text, lines, whole=whole)
    shown, spots = visible(text), odd_letters(text)
    if inline:
        shown = [own and char != "\n" for own, char in zip(shown, text, strict=True)]
    chips = sum(1 for _ in groupby(shown) if not _[0])
    if chips > CHIPS or len(spots) > CHIPS:
        return _escaped(text, lines, whole=whole)
    cuts = (len(text), len(text)) if whole else _cuts(text, lines)
    looks = _Looks(text, shown, spots, turns)
    parts = [tuple(looks.segments(a, b)) for a, b in ((0, cuts[0]), cuts, (cuts[1], len(text)))]
    return Revealed(
        head=parts[0],
        middle=parts[1],
        tail=parts[2],
        warnings=warnings_about(text, spots) + _about_ways(turns),
        way=turns.base,
        length=len(text),
        lines=lines,
        hidden=cuts[1] - cuts[0],
        chips=chips,
    )


def line(text: str) -> Revealed:
    """A text that stands inside a line: whole, and with its line feeds named."""
    return reveal(text, whole=True, inline=True)


def ours(sentence: str) -> Revealed:
    """A word of ours where a value would stand."""
    return replace(reveal(sentence), said=sentence)


def _escaped(text: str, lines: int, *, whole: bool) -> Revealed:
    """So many unusual characters that chips would bury the rest: every one is written out in ASCII instead."""
    ascii_text = text.encode("unicode_escape", "surrogatepass").decode("ascii")
    a, b = (len(ascii_text),) * 2 if whole or len(ascii_text) <= LONG else (HEAD, len(ascii_text) - TAIL)
    head, middle, tail = ((Segment("text", part),) if part else () for part in (ascii_text[:a], ascii_text[a:b], ascii_text[b:]))
    note = say("Too many unusual characters to mark one by one: the value is written in escaped form")
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


def _about_ways(turns: Directions) -> tuple[str, ...]:
    if not turns.base:
        return ()
    if turns.turned:
        return (
            say("Letters from right to left stand among others: drawn here in the order in which they are written, from left to right"),
        )
    return (say("Letters from right to left and from left to right: each part is drawn in its own direction"),)


class _Looks:
    """How each character of a text looks, for cutting it into segments."""

    def __init__(self, text: str, shown: list[bool], spots: dict[int, Odd], turns: Directions) -> None:
        self.text, self.shown, self.spots = text, shown, spots
        self.ways: list[Way] = [""] * len(text) if turns.runs else []
        for start, end, way in turns.runs:
            self.ways[start:end] = [way] * (end - start)
        self.turned = turns.turned

    def segments(self, start: int, end: int) -> Iterator[Segment]:
        for (what, way), group in groupby(range(start, end), key=self._look):
            where = list(group)
            piece = self.text[where[0] : where[-1] + 1]
            if what == "chip":
                yield chip(piece)
            elif what == "odd":
                yield Segment("odd", piece, title=self._why(where), way=way)
            else:
                yield Segment("text", piece, way=way)

    def _look(self, i: int) -> tuple[Kind, Way]:
        way = self.ways[i] if self.ways else ""
        if not self.shown[i]:
            return "chip", ""
        return ("odd" if i in self.spots or (way and self.turned) else "text"), way

    def _why(self, where: list[int]) -> str:
        odd = [i for i in where if i in self.spots][:TITLE_NAMES]
        said = [say("%(name)s, %(why)s", name=name_of(self.text[i]), why=self.spots[i].says) for i in odd]
        return chain("%(a)s; %(b)s", said) or say("Runs from right to left")


def chip(piece: str) -> Segment:
    """One chip for a run of characters that do not show themselves; a line feed keeps breaking the line."""
    runs = [(char, len(list(group))) for char, group in groupby(piece)]
    labels = [f"U+{ord(char):04X}" + (f" {TIMES}{n}" if n > 1 else "") for char, n in runs]
    names = list(dict.fromkeys(name_of(char) for char, _ in runs))
    title = ", ".join(names[:TITLE_NAMES])
    if len(names) > TITLE_NAMES:
        title = say("%(what)s and %(n)d more", what=title, n=len(names) - TITLE_NAMES)
    return Segment("chip", piece, "⟨" + " ".join(labels) + "⟩", title)


def written_out(shown: Revealed) -> str:
    """A revealed text where no markup can stand (a title, an attribute, a message): chips are written out, what is marked is named behind it,
    and the isolates of Unicode keep each run in its place."""
    text = "".join(_turned(_spelled(part), part.way) for part in (*shown.head, *shown.middle, *shown.tail))
    return _turned(text, shown.way)


def _spelled(part: Segment) -> str:
    if part.kind != "odd" or part.way:
        return part.label or part.text
    return part.text + chip(part.text).label


def _turned(text: str, way: Way) -> str:
    return f"{ISOLATES[way]}{text}\u2069" if way else text
