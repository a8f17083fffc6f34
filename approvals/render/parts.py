"""Which parts of an action a person has to open before approving it, by name and in words. One list for the page and for the operation.

A part's name comes from the path of the argument it is in, so it says nothing that whoever holds the arguments does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from approvals.render.arguments import MANY, Line, may_fold
from approvals.render.changes import with_before
from approvals.render.preview import PreviewCard, preview_may_fold, preview_of
from approvals.render.reveal import Revealed
from audit.sentences import say

ALL = "all"
REST, PREVIEW_ROWS, PREVIEW_REST = "rest", "xrows", "xrest"


@dataclass(frozen=True)
class Part:
    name: str
    words: str


def parts(args: Any, preview: Mapping[str, Any], *, before: Any = None) -> tuple[Part, ...]:
    """Every part of one version, in the order of the page: the arguments to their end, then whatever is folded.

    Args:
        before: the arguments before an edit made this version; what stood there is shown, and may be folded, too.
    """
    whole = Part(ALL, say("the arguments, to their end"))
    if before is None and not may_fold(as_object(args)) and not preview_may_fold(preview):
        return (whole,)
    lines = with_before(as_object(args), None if before is None else as_object(before))
    return (whole, *folded(lines, preview_of(dict(preview))))


def folded(lines: Sequence[Line], preview: PreviewCard | None) -> tuple[Part, ...]:
    """What is folded away: values, rows of tables, arguments past the first ones; the preview's too."""
    found = [part for line in lines for part in _folds(line)]
    if more := len(lines[MANY:]):
        found.append(Part(REST, say("%(n)d more argument", "%(n)d more arguments", n=more)))
    if preview:
        if more := len(preview.more_rows):
            found.append(Part(PREVIEW_ROWS, say("%(n)d more row of the preview", "%(n)d more rows of the preview", n=more)))
        found += [part for line in (*preview.lines, *preview.more_lines) for part in _folds(line, say("in the preview, "))]
        if more := len(preview.more_lines):
            found.append(Part(PREVIEW_REST, say("%(n)d more line of the preview", "%(n)d more lines of the preview", n=more)))
    return tuple(found)


def as_object(args: Any) -> dict[str, Any]:
    """Arguments are an object; what is none is shown as one with a single field."""
    return args if isinstance(args, dict) else {"value": args}


def _folds(line: Line, where: str = "") -> list[Part]:
    """Names as the page gives them: the line's key and a letter."""
    path, found = _plain(line.path), []
    if line.value.hidden:
        found.append(Part(f"{line.key}v", say("%(where)s%(n)d hidden characters of %(path)s", where=where, n=line.value.hidden, path=path)))
    if line.before and line.before.hidden and not line.diff:
        was = say("%(where)s%(n)d hidden characters of what %(path)s was", where=where, n=line.before.hidden, path=path)
        found.append(Part(f"{line.key}b", was))
    if line.preview and line.preview.hidden:
        found.append(
            Part(
                f"{line.key}d",
                say("%(where)s%(n)d hidden characters of what %(path)s decodes to", where=where, n=line.preview.hidden, path=path),
            )
        )
    if line.table and line.table.more:
        found.append(Part(f"{line.key}t", say("%(where)s%(n)d more rows of %(path)s", where=where, n=len(line.table.more), path=path)))
    return found


def _plain(path: Revealed) -> str:
    """A path in a sentence: what does not show itself by its label."""
    return "".join(segment.label or segment.text for segment in path.head)[:120]
