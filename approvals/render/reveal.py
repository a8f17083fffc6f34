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
from approvals.legible.lookalikes import Odd, odd_letters, warnings_about
from audit.sentences import chain, say

HEAD, TAIL = 1200, 400
LONG = 2000
LONG_LINES = 40
CHIPS = 400
TITLE_NAMES = 3
TIMES = "\N{MULTIPLICATION SIGN}"

Kind = Literal["text", "chip", "odd"]


@dataclass(frozen=True)
class Segment:
    """A piece of the text: `text` is shown as it is, a `chip` by its label, `odd` as itself but marked; `css` is its colour in code."""

    kind: Kind
    text: str
    label: str = ""
    title: str = ""
    css: str = ""


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
    said: str = ""  # no value at all but a word of ours: a door tells it instead
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
    shown, spots = visible(text), odd_letters(text)
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
            yield Segment(
                "odd",
                piece,
                title=chain("%(a)s; %(b)s", [say("%(name)s, %(why)s", name=name_of(text[i]), why=spots[i]) for i in where[:TITLE_NAMES]]),
            )
        else:
            yield Segment("text", piece)


def chip(piece: str) -> Segment:
    """One chip for a run of characters that do not show themselves; a line feed keeps breaking the line."""
    runs = [(char, len(list(group))) for char, group in groupby(piece)]
    labels = [f"U+{ord(char):04X}" + (f" {TIMES}{n}" if n > 1 else "") for char, n in runs]
    names = list(dict.fromkeys(name_of(char) for char, _ in runs))
    title = ", ".join(names[:TITLE_NAMES])
    if len(names) > TITLE_NAMES:
        title = say("%(what)s and %(n)d more", what=title, n=len(names) - TITLE_NAMES)
    return Segment("chip", piece, "⟨" + " ".join(labels) + "⟩", title)
