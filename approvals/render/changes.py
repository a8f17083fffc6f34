"""What differs between two versions of arguments, path by path. Pure; shared by edits, stale pages and new versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from approvals.legible.paths import walk
from approvals.render.arguments import Line, key_of, line_of, lines_of
from approvals.render.highlight import languages
from approvals.render.linediff import DiffRow, apart, line_diff
from approvals.render.reveal import Revealed, line, ours, reveal
from audit.sentences import say

NOT_THERE = say("(not there)")
BY_LINES = ours(say("(line by line)"))  # where the rows of the difference tell all of it, nobody reads the two texts beside them


@dataclass(frozen=True)
class Change:
    path: str
    before: Revealed
    after: Revealed
    diff: tuple[DiffRow, ...] = ()
    apart: bool = False  # texts of several lines, but too different for a difference by lines


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every path whose value differs, in the order of the new arguments, then what was taken away."""
    old, new = dict(walk(dict(before))), dict(walk(dict(after)))
    paths = [*new, *(path for path in old if path not in new)]
    return tuple(_change(old, new, path) for path in paths if _text(old, path) != _text(new, path))


def with_before(args: Mapping[str, Any], before: Mapping[str, Any] | None) -> tuple[Line, ...]:
    """All lines, those that changed carrying what stood there before; what was taken away comes last."""
    if before is None:
        return lines_of(dict(args))
    differ = {change.path: change for change in changes(before, args)}
    leaves = list(walk(dict(args)))
    paths = [path for path, _ in leaves]
    written_in = languages(args)
    lines = [line_of(path, value, written_in.get(path, "")) for path, value in leaves]
    marked = [
        replace(shown, before=differ[path].before, diff=differ[path].diff, apart=differ[path].apart) if path in differ else shown
        for path, shown in zip(paths, lines, strict=True)
    ]
    gone = [change for path, change in differ.items() if path not in paths]
    return (*marked, *(Line(line(c.path), say("taken away"), "", c.after, before=c.before, key=key_of(c.path)) for c in gone))


def _change(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Change:
    before, after = old.get(path), new.get(path)
    if not isinstance(before, str) or not isinstance(after, str):
        return Change(path, _shown(old, path), _shown(new, path))
    if diff := line_diff(before, after):
        return Change(path, BY_LINES, BY_LINES, diff)
    return Change(path, _shown(old, path), _shown(new, path), apart=apart(before, after))


def _text(values: Mapping[str, Any], path: str) -> str | None:
    return json.dumps(values[path], sort_keys=True) if path in values else None


def _shown(values: Mapping[str, Any], path: str) -> Revealed:
    if path not in values:
        return ours(NOT_THERE)
    value = values[path]
    return reveal(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
