"""What an edit does to a text of several lines: the lines that went, came and stand around them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from approvals.render.linematch import Block, matches
from approvals.render.reveal import Revealed, line

CONTEXT = 3
MOST_ROWS = 2_000
MOST = 200_000
MARKS = {"same": "", "gone": "\N{MINUS SIGN}", "new": "+", "gap": ""}


@dataclass(frozen=True)
class DiffRow:
    """One line; a "gap" stands for `count` lines that are the same and are all in the new value."""

    kind: Literal["same", "gone", "new", "gap"]
    text: Revealed
    count: int = 0

    @property
    def mark(self) -> str:
        return MARKS[self.kind]


def line_diff(before: str, after: str) -> tuple[DiffRow, ...]:
    """Rows of a difference by lines. Empty when both are one line, or when so much changed that nobody would read it (see `apart`)."""
    if before == after or not _several(before, after):
        return ()
    old, new = before.split("\n"), after.split("\n")
    blocks = [*matches(old, new), Block(len(old), len(new), 0)]
    gone, came = _between(old, blocks, 0), _between(new, blocks, 1)
    if len(gone) + len(came) > MOST_ROWS or sum(map(len, gone)) + sum(map(len, came)) > MOST:
        return ()
    return tuple(_rows(old, new, blocks))


def apart(before: str, after: str) -> bool:
    """Whether two texts without such rows are of several lines: that they are shown whole, one after the other, is then said in words."""
    return before != after and _several(before, after)


def _several(before: str, after: str) -> bool:
    return "\n" in before or "\n" in after


def _between(lines: list[str], blocks: list[Block], side: int) -> list[str]:
    """The lines of one side that no block holds."""
    found, at = [], 0
    for block in blocks:
        found += lines[at : block[side]]
        at = block[side] + block.size
    return found


def _rows(old: list[str], new: list[str], blocks: list[Block]) -> Iterator[DiffRow]:
    a = b = 0
    for block in blocks:
        yield from (DiffRow("gone", line(text)) for text in old[a : block.old])
        yield from (DiffRow("new", line(text)) for text in new[b : block.new])
        a, b = block.old + block.size, block.new + block.size
        if block.size:
            yield from _same(new[block.new : b], first=block.old == block.new == 0, last=(a, b) == (len(old), len(new)))


def _same(lines: list[str], *, first: bool, last: bool) -> Iterator[DiffRow]:
    head, tail = (0 if first else CONTEXT), (0 if last else CONTEXT)
    gap = len(lines) - head - tail
    if gap <= 1:
        yield from (DiffRow("same", line(text)) for text in lines)
        return
    yield from (DiffRow("same", line(text)) for text in lines[:head])
    yield DiffRow("gap", line(""), gap)
    yield from (DiffRow("same", line(text)) for text in lines[len(lines) - tail :])
