"""What a tool found out about a call without making it: warnings, figures, a table of before and after, the rest as lines.

Belongs here: a pure presenter from the preview's JSON (`summary`, `facts`, `details`) to values a template shows. The shape is the
tool author's; whatever is not understood is shown as plain rows, never left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from approvals.render.arguments import MANY, Line, lines_of, prefixed
from approvals.render.reveal import Revealed, line
from audit.sentences import say

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
    more: str = ""
    lines: tuple[Line, ...] = ()
    more_lines: tuple[Line, ...] = ()


def preview_of(preview: dict[str, Any]) -> PreviewCard | None:
    """None when the tool has no preview."""
    details = preview.get("details")
    if not preview.get("summary") and not details:
        return None
    rest = dict(details) if isinstance(details, dict) else {"details": details} if details else {}
    warnings = rest.pop("warnings", None) or []
    columns, rows, more = _table(rest)
    lines = prefixed(lines_of(rest), "x")
    return PreviewCard(
        summary=_cell(preview.get("summary", "")),
        warnings=tuple(_cell(w) for w in (warnings if isinstance(warnings, list) else [warnings])),
        columns=columns,
        rows=rows,
        more=more,
        lines=lines[:MANY],
        more_lines=lines[MANY:],
    )


def _table(details: dict[str, Any]) -> tuple[tuple[Revealed, ...], tuple[TableRow, ...], str]:
    """Take a table out of the details: {"columns", "before", "after"}, or the first list of flat objects."""
    columns, before, after = details.get("columns"), details.get("before"), details.get("after")
    if _is_rows(columns, before) or _is_rows(columns, after):
        for key in ("columns", "before", "after"):
            details.pop(key, None)
        return tuple(_cell(c) for c in columns or []), *_pairs(list(before or []), list(after or []))
    for key, value in details.items():
        if isinstance(value, list) and len(value) > 1 and all(_flat(item) for item in value):
            del details[key]
            names = list(dict.fromkeys(name for item in value for name in item))
            rows = tuple(TableRow("", "", tuple((_cell(item.get(n, "")), False) for n in names)) for item in value[:ROWS])
            return tuple(_cell(n) for n in names), rows, _more(len(value), key)
    return (), (), ""


def _pairs(before: list[list[Any]], after: list[list[Any]]) -> tuple[tuple[TableRow, ...], str]:
    rows: list[TableRow] = []
    for i in range(min(max(len(before), len(after)), ROWS)):
        old, new = before[i] if i < len(before) else None, after[i] if i < len(after) else None
        if old is not None:
            rows.append(_side("before", old, new))
        if new is not None:
            rows.append(_side("after", new, old))
    return tuple(rows), _more(max(len(before), len(after)), "")


def _side(side: str, row: list[Any], other: list[Any] | None) -> TableRow:
    differs = [other is not None and (i >= len(other) or other[i] != cell) for i, cell in enumerate(row)]
    return TableRow(side, MARKS[side], tuple((_cell(cell), changed) for cell, changed in zip(row, differs, strict=True)))


def _more(total: int, key: str) -> str:
    if total <= ROWS:
        return ""
    if key:
        return say("The first %(shown)d of %(total)d rows of %(key)s; the rest is in what will run", shown=ROWS, total=total, key=key)
    return say("The first %(shown)d of %(total)d rows; the rest is in what will run", shown=ROWS, total=total)


def _is_rows(columns: Any, rows: Any) -> bool:
    return isinstance(columns, list) and isinstance(rows, list) and bool(rows) and all(isinstance(r, list) for r in rows)


def _flat(item: Any) -> bool:
    return isinstance(item, dict) and bool(item) and not any(isinstance(v, (dict, list)) for v in item.values())


def _cell(value: Any) -> Revealed:
    return line(value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False))
