"""How a call differs from an earlier one of the same tool, argument by argument and by what each is: numbers by how much, lists by what
came and went, texts by where. Pure.

Unlike `changes`, which compares two versions of one call, the two calls here have nothing to do with each other: an item that moved in a
list is no difference worth a line.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.legible.paths import DEEP, under
from approvals.render.linediff import DiffRow, apart, line_diff
from approvals.render.reveal import Revealed, reveal
from audit.sentences import Sentence, listed, say

MOST_ITEMS = 5  # of a list's, that came or went
SHORT = 200
KINDS: dict[type, Sentence] = {
    bool: say("yes or no"), int: say("a number"), float: say("a number"), str: say("a text"), list: say("a list"), dict: say("an object"),
    type(None): say("nothing"),
}  # fmt: skip
ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """One argument that differs. `before` and `after` are what stands in each, None where it does not stand; `note` says how they differ."""

    path: str
    before: Revealed | None
    after: Revealed | None
    note: str = ""
    diff: tuple[DiffRow, ...] = ()
    apart: bool = False


@dataclass(frozen=True)
class Compared:
    """All differences in the order of the new arguments, and how many arguments are the same."""

    differences: tuple[Difference, ...]
    same: int


def compare(before: Any, after: Any) -> Compared:
    """How the arguments of a call differ from those of an earlier one."""
    old, new = dict(_places(before)), dict(_places(after))
    paths = [*new, *(path for path in old if path not in new)]
    differing = [path for path in paths if _text(old.get(path, ABSENT)) != _text(new.get(path, ABSENT))]
    return Compared(
        tuple(_difference(path, old.get(path, ABSENT), new.get(path, ABSENT)) for path in differing), len(paths) - len(differing)
    )


def _places(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every value by its path; a list is one value, whose items come and go."""
    if isinstance(value, Mapping) and value and depth < DEEP:
        for key, item in value.items():
            yield from _places(item, under(path, str(key)), depth + 1)
    else:
        yield path, value


def _difference(path: str, old: Any, new: Any) -> Difference:
    if isinstance(old, list) and isinstance(new, list):
        return _of_lists(path, old, new)
    shown = (None if old is ABSENT else _shown(old), None if new is ABSENT else _shown(new))
    if old is ABSENT or new is ABSENT:
        return Difference(path, *shown, say("not there before") if old is ABSENT else say("no longer there"))
    if type(old) is not type(new) and not (_is_number(old) and _is_number(new)):
        return Difference(path, *shown, say("it was %(old)s and is %(new)s", old=KINDS[type(old)], new=KINDS[type(new)]))
    if _is_number(old):
        return Difference(path, *shown, _by_how_much(old, new))
    if isinstance(old, str):
        diff = line_diff(old, new)
        return Difference(path, *shown, _where(old, new), diff, not diff and apart(old, new))
    return Difference(path, *shown)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _by_how_much(old: float, new: float) -> str:
    """The distance, and the ratio where that says something."""
    by = new - old
    distance = f"{by:+,}" if isinstance(by, int) else f"{by:+,.6g}"
    if old <= 0 or new <= 0:
        return distance
    ratio = new / old
    if ratio >= 2:
        return say("%(by)s, %(times)s times as much", by=distance, times=f"{ratio:,.3g}" if ratio < 100 else f"{ratio:,.0f}")
    return say("%(by)s, %(percent)s %%", by=distance, percent=f"{100 * (ratio - 1):+.3g}")


def _where(old: str, new: str) -> str:
    """The first place where two short texts part, for what differs in a letter or two; "" where that says nothing."""
    if max(len(old), len(new)) > SHORT or "\n" in old + new:
        return ""
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    end = next(
        (i for i, (a, b) in enumerate(zip(old[start:][::-1], new[start:][::-1], strict=False)) if a != b), min(len(old), len(new)) - start
    )
    gone, came = old[start : len(old) - end], new[start : len(new) - end]
    if start + end < max(3, len(new) // 2):
        return ""
    if not gone or not came:
        return say("“%(what)s” more", what=came) if came else say("“%(what)s” less", what=gone)
    return say("“%(gone)s” became “%(came)s”", gone=gone, came=came)


def _of_lists(path: str, old: list[Any], new: list[Any]) -> Difference:
    before, after = Counter(map(_text, old)), Counter(map(_text, new))
    gone, came = before - after, after - before
    if not gone and not came:
        return Difference(path, None, None, say("the same items in another order"))
    said = [say("%(n)d item more", "%(n)d items more", n=came.total())] if came else []
    said += [say("%(n)d item gone", "%(n)d items gone", n=gone.total())] if gone else []
    return Difference(path, _items(gone), _items(came), listed(said))


def _items(found: Counter[str]) -> Revealed | None:
    """The first few, a line each; that there are more is said in the last line."""
    texts = list(found.elements())
    if not texts:
        return None
    lines = [json.loads(text) if text.startswith('"') else text for text in texts[:MOST_ITEMS]]
    return reveal("\n".join([*lines, *([f"(+{len(texts) - MOST_ITEMS:,})"] if len(texts) > MOST_ITEMS else [])]))


def _shown(value: Any) -> Revealed:
    return reveal(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _text(value: Any) -> str:
    return "" if value is ABSENT else json.dumps(value, sort_keys=True, ensure_ascii=False)
