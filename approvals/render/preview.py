"""What a tool found out about a call without making it: warnings, figures, a table of before and after, the rest as lines.

Belongs here: a pure presenter from the preview's JSON (`summary`, `facts`, `details`) to values a template shows. The shape is the
tool author's; whatever is not understood is shown as plain rows, never left out. Rows of the table past `ROWS` are folded, as lines past `MANY` are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from approvals.render.arguments import MANY, Line, lines_of, may_fold, prefixed
from approvals.render.reveal import Revealed, line

ROWS = 20
MARKS = {"before": "\N{MINUS SIGN}", "after": "+", "": ""}


@dataclass(frozen=True)
class TableRow:
    """One row of the sample; `side` is before, after or empty, `changed` says which cells differ."""

    side: str
    mark: str
    cells: tuple[tuple[Revealed, bool], ...]


@dataclass(frozen=True)
class PreviewCard:
    summary: Revealed
    warnings: tuple[Revealed, ...] = ()
    columns: tuple[Revealed, ...] = ()
    rows: tuple[TableRow, ...] = ()
    more_rows: tuple[TableRow, ...] = ()
    lines: tuple[Line, ...] = ()
    more_lines: tuple[Line, ...] = ()


def preview_of(preview: dict[str, Any]) -> PreviewCard | None:
    """None when the tool has no preview."""
    details = preview.get("details")
    if not preview.get("summary") and not details:
        return None
    rest = _as_object(details)
    warnings = rest.pop("warnings", None) or []
    columns, rows, more_rows = _table(rest)
    lines = prefixed(lines_of(rest), "x")
    return PreviewCard(
        summary=_cell(preview.get("summary", "")),
        warnings=tuple(_cell(w) for w in (warnings if isinstance(warnings, list) else [warnings])),
        columns=columns,
        rows=rows,
        more_rows=more_rows,
        lines=lines[:MANY],
        more_lines=lines[MANY:],
    )


def preview_may_fold(preview: Mapping[str, Any]) -> bool:
    """Whether any part of this preview could be folded: a quick look that errs on the side of yes."""
    return may_fold(_as_object(preview.get("details")), rows=ROWS)


def _as_object(details: Any) -> dict[str, Any]:
    return dict(details) if isinstance(details, dict) else {"details": details} if details else {}


def _table(details: dict[str, Any]) -> tuple[tuple[Revealed, ...], tuple[TableRow, ...], tuple[TableRow, ...]]:
    """Take a table out of the details, its first rows and the rest: {"columns", "before", "after"}, or the first list of flat objects."""
    columns, before, after = details.get("columns"), details.get("before"), details.get("after")
    if isinstance(columns, list) and (before or after) and _are_rows(before) and _are_rows(after):
        for key in ("columns", "before", "after"):
            details.pop(key, None)
        pairs = list(zip_longest(before or [], after or []))
        return tuple(_cell(c) for c in columns or []), _sides(pairs[:ROWS]), _sides(pairs[ROWS:])
    for key, value in details.items():
        if isinstance(value, list) and len(value) > 1 and all(_flat(item) for item in value):
            del details[key]
            names = list(dict.fromkeys(name for item in value for name in item))
            rows = tuple(TableRow("", "", tuple((_cell(item.get(n, "")), False) for n in names)) for item in value)
            return tuple(_cell(n) for n in names), rows[:ROWS], rows[ROWS:]
    return (), (), ()


def _sides(pairs: Iterable[tuple[list[Any] | None, list[Any] | None]]) -> tuple[TableRow, ...]:
    """What was and what would be, one under the other; one of the two may be missing."""
    rows: list[TableRow] = []
    for old, new in pairs:
        if old is not None:
            rows.append(_side("before", old, new))
        if new is not None:
            rows.append(_side("after", new, old))
    return tuple(rows)


def _side(side: str, row: list[Any], other: list[Any] | None) -> TableRow:
    differs = [other is not None and (i >= len(other) or other[i] != cell) for i, cell in enumerate(row)]
    return TableRow(side, MARKS[side], tuple((_cell(cell), changed) for cell, changed in zip(row, differs, strict=True)))


def _are_rows(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(row, list) for row in value))


def _flat(item: Any) -> bool:
    return isinstance(item, dict) and bool(item) and not any(isinstance(v, (dict, list)) for v in item.values())


def _cell(value: Any) -> Revealed:
    return line(value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False))
