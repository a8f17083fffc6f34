"""Arguments as rows a person can check one by one: path, type, value, and what cannot be read at a glance.

Belongs here: pure functions from JSON values to `Line`s. Imports `reveal` and nothing of Django. Every leaf of the arguments is
one line; nothing is left out, only folded: lines past `MANY` and the middles of long values must be opened before approving.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from approvals.web.reveal import Revealed, line, reveal

DEEP = 12
MANY = 60
OPAQUE = 200
PREVIEW = 240
COLUMNS = 8
CELL = 400
ROWS = 40
EMPTY = reveal("")

_BASE64 = re.compile(r"^[A-Za-z0-9+/_-]+={0,2}$")
_HEX = re.compile(r"^(0x)?[0-9a-fA-F]+$")


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
    """One argument. `flags` are sentences; `preview` is what an opaque value decodes to; `before` is set in an edit."""

    path: Revealed
    kind: str
    size: str
    value: Revealed
    flags: tuple[str, ...] = ()
    preview: Revealed | None = None
    inspectable: bool = True
    before: Revealed | None = None
    table: Table | None = None

    @property
    def marked(self) -> int:
        """How many of its values hold characters that do not show themselves."""
        own = bool(self.value.chips or self.value.escaped or self.path.chips)
        return own + (self.table.marked if self.table else 0)


def lines_of(args: dict[str, Any]) -> tuple[Line, ...]:
    """All arguments in their own order, nested ones by path, a list of like objects as one table."""
    found: list[Line] = []
    for key, value in args.items():
        path = _under("", str(key))
        if table := table_of(value):
            count = len(table.rows) + len(table.more)
            found.append(Line(line(path), f"list of {count:,}", "", EMPTY, table=table))
        else:
            found += [line_of(inner, item) for inner, item in walk({key: value})]
    return tuple(found)


def table_of(value: Any) -> Table | None:
    """A list of two or more objects with the same short, plain fields, as a table; None for anything else.

    Long and packed texts keep a line of their own, where they can be folded, flagged and decoded.
    """
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(item, dict) and item for item in value):
        return None
    columns = list(value[0])
    if len(columns) > COLUMNS or not all(list(item) == columns and all(map(_plain, item.values())) for item in value):
        return None
    rows = tuple(tuple(_cell(cell) for cell in item.values()) for item in value)
    return Table(tuple(line(name) for name in columns), rows[:ROWS], rows[ROWS:])


def _plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= CELL and not opaque(value)[1]
    return not isinstance(value, (dict, list))


def _cell(value: Any) -> Revealed:
    return line(value if isinstance(value, str) else json.dumps(value))


def walk(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every leaf with its path. Deeper than `DEEP` the rest is one leaf: its JSON text."""
    if isinstance(value, dict) and value and depth < DEEP:
        for key, item in value.items():
            yield from walk(item, _under(path, str(key)), depth + 1)
    elif isinstance(value, list) and value and depth < DEEP:
        for index, item in enumerate(value):
            yield from walk(item, f"{path}[{index}]", depth + 1)
    else:
        yield path, value


def _under(path: str, key: str) -> str:
    """Keys that could be mistaken for a path are quoted: every path names one place only."""
    if not key or any(char in key for char in '.[]"'):
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def line_of(path: str, value: Any) -> Line:
    """One leaf as its row."""
    shown_path = line(path or "(value)")
    if isinstance(value, str):
        return _text_line(shown_path, value)
    deep = isinstance(value, (dict, list)) and bool(value)
    text = json.dumps(value, ensure_ascii=False, indent=2 if deep else None)
    flags = (f"Nested deeper than {DEEP} levels: not inspectable as a table, shown as JSON",) if deep else ()
    return Line(shown_path, _kind(value), "", reveal(text), flags, inspectable=not deep)


def _text_line(path: Revealed, value: str) -> Line:
    shown = reveal(value)
    size = f"{shown.length:,} character{'' if shown.length == 1 else 's'}"
    size += f", {shown.lines:,} lines" if shown.lines > 1 else ""
    preview, what = opaque(value)
    flags = shown.warnings + ((f"Not inspectable: looks like {what}",) if what else ())
    return Line(path, "text", size if value else "empty", shown, flags, preview, inspectable=not what)


def opaque(value: str) -> tuple[Revealed | None, str]:
    """A decoded preview and the name of the encoding, when a long text is really packed bytes."""
    packed = value.replace("\r", "").replace("\n", "")
    if len(packed) <= OPAQUE:
        return None, ""
    if _HEX.match(packed) and len(packed.removeprefix("0x")) % 2 == 0:
        return _preview(bytes.fromhex(packed.removeprefix("0x")[: PREVIEW * 2])), "hexadecimal bytes"
    if _BASE64.match(packed):
        return _preview(_decode(packed)), "base64"
    return None, ""


def _decode(packed: str) -> bytes:
    head = packed[: PREVIEW * 4 // 3 // 4 * 4].replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(head + "=" * (-len(head) % 4))
    except (binascii.Error, ValueError):
        return b""


def _preview(data: bytes) -> Revealed:
    return reveal(data[:PREVIEW].decode("utf-8", "backslashreplace"), whole=True)


def _kind(value: Any) -> str:
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, (int, float)):
        return "number"
    return ("list" if value else "empty list") if isinstance(value, list) else ("object" if value else "empty object")
