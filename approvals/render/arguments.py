"""Arguments as rows a person can check one by one: path, type, value, and what cannot be read at a glance.

Belongs here: pure functions from JSON values to `Line`s. Imports `reveal`, `highlight` and `approvals.legible`, and nothing of Django. Every leaf of the arguments is
one line; nothing is left out, only folded: lines past `MANY` and the middles of long values must be opened before approving.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from typing import Any

from approvals.legible.decoding import OPENED
from approvals.legible.packed import MANY as MOST_PACKED
from approvals.legible.packed import Packed, packed
from approvals.legible.paths import DEEP, under, walk
from approvals.legible.split import split
from approvals.render.highlight import languages, painted
from approvals.render.linediff import DiffRow
from approvals.render.reveal import LONG, LONG_LINES, Revealed, line, ours, reveal
from audit.sentences import chain, say

MANY = 60
COLUMNS = 8
CELL = 400
ROWS = 40
EMPTY = reveal("")
THE_VALUE = say("(value)")

_BREAKS = re.compile(r"[\r\n]+")


@dataclass(frozen=True)
class Table:
    """Like objects in rows. `more` is folded."""

    columns: tuple[Revealed, ...]
    rows: tuple[tuple[Revealed, ...], ...]
    more: tuple[tuple[Revealed, ...], ...] = ()

    @property
    def marked(self) -> int:
        """How many cells hold characters that do not show themselves."""
        return sum(bool(cell.chips or cell.escaped) for row in (*self.rows, *self.more) for cell in row)

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(w for row in (*self.rows, *self.more) for cell in row for w in cell.warnings))


@dataclass(frozen=True)
class Line:
    """One argument. `flags` are sentences; `preview` is what an opaque value decodes to; `before` is set in an edit,
    and `diff` when both are texts of several lines, or else `apart`. `key` names it in the page, by its path."""

    path: Revealed
    kind: str
    size: str
    value: Revealed
    flags: tuple[str, ...] = ()
    preview: Revealed | None = None
    inspectable: bool = True
    before: Revealed | None = None
    table: Table | None = None
    diff: tuple[DiffRow, ...] = ()
    apart: bool = False
    key: str = ""
    unseen: str = ""  # what of an opaque value is not decoded

    @property
    def marked(self) -> int:
        """How many of its values hold characters that do not show themselves."""
        own = bool(self.value.chips or self.value.escaped or self.path.chips)
        return own + (self.table.marked if self.table else 0)


def lines_of(args: dict[str, Any]) -> tuple[Line, ...]:
    """All arguments in their own order, nested ones by path, a list of like objects as one table."""
    found: list[Line] = []
    written_in = languages(args)
    for key, value in args.items():
        path = under("", str(key))
        if table := table_of(value):
            count = len(table.rows) + len(table.more)
            found.append(Line(line(path), say("list of %(n)d", n=count), "", EMPTY, table=table, key=key_of(path)))
        else:
            found += [line_of(inner, item, written_in.get(inner, "")) for inner, item in walk({key: value})]
        found += [_split_line(inner, blob) for inner, blob in split({key: value})]
    return tuple(found)


def _split_line(path: str, blob: Packed) -> Line:
    """A row for a whole list, after those of its items: what they say together."""
    flags = (say("Not inspectable: together its items are %(what)s", what=blob.what),)
    unseen = _unseen((blob,))
    return Line(
        line(path), say("list"), "", EMPTY, flags, reveal(blob.preview), inspectable=False, key=key_of(f"{path} together"), unseen=unseen
    )


def key_of(path: str) -> str:
    """A short name for a path that can stand in markup and in a form, whatever the path holds."""
    return "p" + sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def may_fold(value: Any, *, rows: int = ROWS) -> bool:
    """Whether any part of these arguments could be folded: a quick look that errs on the side of yes. Of a table `rows` are shown."""
    leaves = list(islice(walk(value), MANY + 1))
    return len(leaves) > MANY or any(_long(leaf) for _, leaf in leaves) or _many_rows(value, rows)


def _long(leaf: Any) -> bool:
    if isinstance(leaf, str):
        # Written out in ASCII a character takes up to ten places.
        long = len(leaf) > (LONG if leaf.isascii() and leaf.isprintable() else LONG // 10) or leaf.count("\n") >= LONG_LINES
        return long or sum(len(blob.preview) for blob in packed(leaf)) > LONG // 10
    return isinstance(leaf, (dict, list)) and bool(leaf)


def _many_rows(value: Any, rows: int) -> bool:
    return isinstance(value, dict) and any(isinstance(item, list) and len(item) > rows for item in value.values())


def prefixed(lines: Iterable[Line], prefix: str) -> tuple[Line, ...]:
    """The same rows under names of their own, for a second list on the same page."""
    return tuple(replace(row, key=prefix + row.key) for row in lines)


def table_of(value: Any) -> Table | None:
    """A list of two or more objects with the same short, plain fields, as a table; None for anything else.

    Long and packed texts keep a line of their own, where they can be folded, flagged and decoded.
    """
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(item, dict) and item for item in value):
        return None
    columns = list(value[0])
    if len(columns) > COLUMNS or any(opaque(name)[1] for name in columns):
        return None
    if not all(list(item) == columns and all(map(_plain, item.values())) for item in value):
        return None
    rows = tuple(tuple(_cell(cell) for cell in item.values()) for item in value)
    return Table(tuple(line(name) for name in columns), rows[:ROWS], rows[ROWS:])


def _plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= CELL and not opaque(value)[1]
    return not isinstance(value, (dict, list))


def _cell(value: Any) -> Revealed:
    return line(value if isinstance(value, str) else json.dumps(value))


def line_of(path: str, value: Any, language: str = "") -> Line:
    """One leaf as its row."""
    made = _leaf(path, value, language)
    preview, what, unseen = opaque(path)
    if not what:
        return made
    named = say("Not inspectable: its name %(what)s", what=what)
    # What the value says is shown by its own row where it stands alone; both together where both are packed.
    both = reveal("\n".join(blob.preview for text in (path, value) if isinstance(text, str) for blob in packed(text)[:MOST_PACKED]))
    return replace(
        made, flags=(named, *made.flags), preview=both if made.preview else preview, inspectable=False, unseen=made.unseen or unseen
    )


def _leaf(path: str, value: Any, language: str) -> Line:
    shown_path, key = line(path) if path else ours(THE_VALUE), key_of(path)
    if isinstance(value, str):
        return replace(_text_line(shown_path, value, language), key=key)
    deep = isinstance(value, (dict, list)) and bool(value)
    text = json.dumps(value, ensure_ascii=False, indent=2 if deep else None)
    flags = (say("Nested deeper than %(n)d levels: not inspectable as a table, shown as JSON", n=DEEP),) if deep else ()
    return Line(shown_path, _kind(value), "", reveal(text), flags, inspectable=not deep, key=key)


def _text_line(path: Revealed, value: str, language: str) -> Line:
    shown = painted(reveal(value), language)
    size: str = say("%(n)d character", "%(n)d characters", n=shown.length)
    if shown.lines > 1:
        size = say("%(size)s, %(n)d lines", size=size, n=shown.lines)
    preview, what, unseen = opaque(value)
    flags = shown.warnings + ((say("Not inspectable: %(what)s", what=what),) if what else ())
    return Line(path, language or say("text"), size if value else say("empty"), shown, flags, preview, inspectable=not what, unseen=unseen)


def opaque(value: str) -> tuple[Revealed | None, str, str]:
    """What it decodes to, the name of the encoding, and what of it is not decoded, when a text, or a piece of it, is really packed bytes."""
    found = packed(value)
    if not found:
        return None, "", ""
    shown = found[:MOST_PACKED]
    whole = found[0].length >= len(_BREAKS.sub("", value).strip())
    what = say("looks like %(what)s", what=found[0].what) if whole else say("holds %(what)s", what=_counted(found))
    return reveal("\n".join(blob.preview for blob in shown)), what, _unseen(found)


def _unseen(found: tuple[Packed, ...]) -> str:
    """What a person is not shown of packed bytes, so that they know."""
    binary, cut = sum(not blob.text for blob in found), sum(blob.cut and blob.text for blob in found)
    parts: list[str] = []
    if binary:
        parts.append(
            say(
                "%(n)d piece is no text: only its first bytes stand here",
                "%(n)d pieces are no text: only their first bytes stand here",
                n=binary,
            )
        )
    if cut:
        parts.append(
            say(
                "%(n)d piece goes on: only its first %(most)d bytes are decoded",
                "%(n)d pieces go on: only their first %(most)d bytes are decoded",
                n=cut,
                most=OPENED,
            )
        )
    if len(found) > MOST_PACKED:
        parts.append(say("more than %(most)d pieces: the others are not decoded", most=MOST_PACKED))
    return chain("%(a)s; %(b)s", parts)


def _counted(found: tuple[Packed, ...]) -> str:
    one = say("%(what)s of %(n)d characters", what=found[0].what, n=found[0].length)
    return say("%(what)s and %(n)d more", what=one, n=len(found) - 1) if len(found) > 1 else one


def _kind(value: Any) -> str:
    if value is None:
        return say("nothing (null)")
    if isinstance(value, bool):
        return say("yes or no")
    if isinstance(value, (int, float)):
        return say("number")
    if isinstance(value, list):
        return say("list") if value else say("empty list")
    return say("object") if value else say("empty object")
