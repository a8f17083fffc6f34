"""Where a proposal's arguments hold something that cannot be seen, misleads, or cannot be read: facts the policy scores.

Asked once per version, in the transaction that opens or edits an action, so plain text must cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from approvals.legible.characters import hides_in, shows_itself, stacked
from approvals.legible.directions import directions
from approvals.legible.lookalikes import misleading
from approvals.legible.marks import strange
from approvals.legible.packed import packed
from approvals.legible.paths import DEEP, under, walk
from approvals.legible.split import split
from audit.sentences import Frozen

SHOWN = 12
# What is found, as it is frozen among the facts of a version.
AT = Frozen("%(path)s (%(why)s)", parts=["path", "why"], only={"path": "the value|[^ ]+"})
MORE = Frozen("%(n)d more")
THE_VALUE = Frozen("the value")()
DEEPER = Frozen("nested deeper than %(n)d")
UNSEEN = Frozen("characters nobody can see")()
STACKED = Frozen("stacked marks")()
MARKED = Frozen("marks on letters that are written without them")()
TURNED = Frozen("letters of both directions")()


def unreadable(args: Any) -> tuple[str, ...]:
    """Paths of arguments (and keys) a person cannot take at face value, each with why. At most `SHOWN`, then how many more."""
    found = list(dict.fromkeys(str(AT(path=path or THE_VALUE, why=why)) for path, why in _findings(args)))
    return (*found[:SHOWN], str(MORE(n=len(found) - SHOWN))) if len(found) > SHOWN else tuple(found)


def _findings(args: Any) -> Iterator[tuple[str, str]]:
    for path, text in _keys(args):
        if why := faults(text):
            yield _plain(path), why
    for path, value in walk(args):
        if isinstance(value, str):
            if why := faults(value):
                yield _plain(path), why
        elif value and isinstance(value, (dict, list)):
            yield _plain(path), DEEPER(n=DEEP)
    for path, blob in split(args):
        yield _plain(path), blob.what


def faults(text: str) -> str:
    """What is wrong with one text, in a few words; empty when it reads as it is."""
    said: list[str] = []
    if not (text.isascii() and text.isprintable()):
        if hides_in(text):
            said.append(UNSEEN)
        if stacked(text):
            said.append(STACKED)
        if strange(text):
            said.append(MARKED)
        if directions(text).turned:
            said.append(TURNED)
    if blobs := packed(text):
        said.append(blobs[0].what)
    said.extend(misleading(text))
    return ", ".join(said)


def _keys(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every key of every object, by the path it makes; as deep as `walk` goes."""
    if depth >= DEEP:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            here = under(path, str(name))
            yield here, str(name)
            yield from _keys(item, here, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _keys(item, f"{path}[{index}]", depth + 1)


def _plain(path: str) -> str:
    """A path as the log and the score may carry it: what does not show itself is written out."""
    return "".join(char if char.isprintable() and shows_itself(char) else f"\\u{ord(char):04x}" for char in path)[:120]
