"""How a call differs from the last one that people approved, as the action's page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from approvals.queries import ActionDetail
from approvals.render.linediff import DiffRow
from approvals.render.reveal import Revealed, line
from approvals.render.since import Difference, compare
from audit.languages import told

MOST = 12


@dataclass(frozen=True)
class SinceLine:
    """One argument: what stood there, what stands there now, and how they differ. `path` is empty for arguments that are one value."""

    path: Revealed
    before: Revealed | None
    after: Revealed | None
    note: str
    diff: tuple[DiffRow, ...]
    apart: bool


@dataclass(frozen=True)
class SinceLast:
    """The comparison; `more` arguments differ beside those that are listed, `same` do not."""

    url: str
    summary: str
    by: str
    at: datetime | None
    lines: tuple[SinceLine, ...]
    more: int
    same: int


def since_last(detail: ActionDetail) -> SinceLast | None:
    """None when people have approved no such call yet."""
    last = detail.approved
    if last is None:
        return None
    found = compare(last.args, detail.args)
    lines = tuple(_line(difference) for difference in found.differences[:MOST])
    return SinceLast(
        reverse("action", args=[last.id]), last.summary, last.by, last.at, lines, max(0, len(found.differences) - MOST), found.same
    )


def _line(difference: Difference) -> SinceLine:
    return SinceLine(line(difference.path), difference.before, difference.after, told(difference.note), difference.diff, difference.apart)
