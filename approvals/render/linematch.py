"""Which lines of two texts are the same ones, in a time that whoever waits for the page does not notice. Pure.

1. What both begin and end with is cut off.
2. Lines that stand once in each of the two, in the same order, hold them together (Cohen's "patience"): between each two it begins anew.
3. What is left is compared as Myers does: quick where little changed, however often lines are repeated. All such comparisons of one pair
   share a number of steps; where they are used up the rest counts as changed, which is true, if more than need be.

Not `difflib`: it has no such bound (5,000 lines that repeat, 1,000 of them changed: 2.5 s, here 34 ms), and an agent chooses the texts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

STEPS = 150_000
DEEPEST = 20


class Block(NamedTuple):
    """`size` lines that are the same: from `old` on in the one text, from `new` on in the other."""

    old: int
    new: int
    size: int


class _Part(NamedTuple):
    """What of the two texts is looked at: from a to b in the old one, from c to d in the new one."""

    a: int
    b: int
    c: int
    d: int


@dataclass
class _Left:
    """Steps that may still be made."""

    steps: int


def matches(old: Sequence[str], new: Sequence[str]) -> list[Block]:
    """The same lines, in order; neighbours are one block."""
    found: list[Block] = []
    for block in _matches(old, new, _Part(0, len(old), 0, len(new)), _Left(STEPS), 0):
        last = found[-1] if found else None
        if last and (last.old + last.size, last.new + last.size) == (block.old, block.new):
            found[-1] = last._replace(size=last.size + block.size)
        elif block.size:
            found.append(block)
    return found


def _matches(old: Sequence[str], new: Sequence[str], part: _Part, left: _Left, depth: int) -> Iterator[Block]:
    a, b, c, d = part
    while a < b and c < d and old[a] == new[c]:
        a, c = a + 1, c + 1
    yield Block(part.a, part.c, a - part.a)
    while a < b and c < d and old[b - 1] == new[d - 1]:
        b, d = b - 1, d - 1
    if a < b and c < d:
        held = _held(old, new, _Part(a, b, c, d)) if depth < DEEPEST else []
        if held:
            for (i, j), (k, m) in pairwise([(a - 1, c - 1), *held, (b, d)]):
                yield from _matches(old, new, _Part(i + 1, k, j + 1, m), left, depth + 1)
                yield Block(k, m, 1 if k < b else 0)
        else:
            yield from _compared(old, new, _Part(a, b, c, d), left)
    yield Block(b, d, part.b - b)


def _held(old: Sequence[str], new: Sequence[str], part: _Part) -> list[tuple[int, int]]:
    """The longest run of lines that stand once in each and in the same order in both."""
    once, there = Counter(old[part.a : part.b]), Counter(new[part.c : part.d])
    where = {new[j]: j for j in range(part.c, part.d) if there[new[j]] == 1}
    pairs = [(i, where[old[i]]) for i in range(part.a, part.b) if once[old[i]] == 1 and old[i] in where]
    ends: list[int] = []  # of the runs of each length the one that ends earliest
    last: list[int] = []
    before: list[int] = []
    for n, (_, j) in enumerate(pairs):
        at = bisect_left(ends, j)
        before.append(last[at - 1] if at else -1)
        ends[at : at + 1], last[at : at + 1] = [j], [n]
    found, n = [], last[-1] if last else -1
    while n >= 0:
        found.append(pairs[n])
        n = before[n]
    return found[::-1]


def _compared(old: Sequence[str], new: Sequence[str], part: _Part, left: _Left) -> Iterator[Block]:
    """Lines that stand in one only are none of the other's; the rest by Myers."""
    mine, theirs = set(old[part.a : part.b]), set(new[part.c : part.d])
    rows = [i for i in range(part.a, part.b) if old[i] in theirs]
    columns = [j for j in range(part.c, part.d) if new[j] in mine]
    for i, j in _greedy([old[i] for i in rows], [new[j] for j in columns], left):
        yield Block(rows[i], columns[j], 1)


def _greedy(old: list[str], new: list[str], left: _Left) -> list[tuple[int, int]]:
    """Pairs of the same lines with the fewest changes between them; none when the steps are used up."""
    n, m = len(old), len(new)
    reached, walked = {1: 0}, []
    for edits in range(n + m + 1):
        walked.append(dict(reached))
        left.steps -= edits + 1
        if left.steps < 0:
            return []
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reached[k - 1] < reached[k + 1])
            x = reached[k + 1] if down else reached[k - 1] + 1
            while x < n and x - k < m and old[x] == new[x - k]:
                x += 1
            reached[k] = x
            if x >= n and x - k >= m:
                return _back(walked, n, m)
    return []


def _back(walked: list[dict[int, int]], n: int, m: int) -> list[tuple[int, int]]:
    """The way that was walked, from its end: its diagonals are the same lines."""
    found, x, y = [], n, m
    for edits in range(len(walked) - 1, -1, -1):
        reached, k = walked[edits], x - y
        down = k == -edits or (k != edits and reached[k - 1] < reached[k + 1])
        before = reached[k + 1] if down else reached[k - 1]
        start = before if down else before + 1  # at the very first, it walks down to the corner
        found += [(i, i - k) for i in range(x - 1, start - 1, -1)]
        x, y = before, before - (k + 1 if down else k - 1)
    return found[::-1]
