"""What an edit does to a text of several lines: the lines that went, came and stand around them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from approvals.render.reveal import Revealed, line

CONTEXT = 3
MOST_LINES = 1_000
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
    """Rows of a difference by lines. Empty when both are one line, or so long that comparing them would keep the reader waiting."""
    old, new = before.split("\n"), after.split("\n")
    if max(len(old), len(new)) < 2 or len(old) + len(new) > MOST_LINES or len(before) + len(after) > MOST or before == after:
        return ()
    return tuple(_rows(old, new))


def _rows(old: list[str], new: list[str]) -> Iterator[DiffRow]:
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for n, (tag, a, b, c, d) in enumerate(steps):
        if tag == "equal":
            yield from _same(new[c:d], first=n == 0, last=n == len(steps) - 1)
        else:
            yield from (DiffRow("gone", line(text)) for text in old[a:b])
            yield from (DiffRow("new", line(text)) for text in new[c:d])


def _same(lines: list[str], *, first: bool, last: bool) -> Iterator[DiffRow]:
    head, tail = (0 if first else CONTEXT), (0 if last else CONTEXT)
    gap = len(lines) - head - tail
    if gap <= 1:
        yield from (DiffRow("same", line(text)) for text in lines)
        return
    yield from (DiffRow("same", line(text)) for text in lines[:head])
    yield DiffRow("gap", line(""), gap)
    yield from (DiffRow("same", line(text)) for text in lines[len(lines) - tail :])
