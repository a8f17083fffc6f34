"""Lists as a page shows them: rows in groups, chips that are links, the sentence of the header.

Belongs here: presenters for inbox and decided, from `approvals.queries` rows to frozen values. No request, no database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse

from approvals.queries import InboxRow
from approvals.web.receipts import Receipt, receipt_of

SOON = timedelta(minutes=10)
LATER = timedelta(hours=24)


@dataclass(frozen=True)
class Row:
    """One action in a list."""

    id: str
    url: str
    row_url: str
    summary: str
    level: str
    score: int
    tool: str
    agent: str
    requester: str
    created_at: datetime
    expires_at: datetime
    quorum: str
    yours: str
    version: int
    receipt: Receipt | None
    selected: bool = False


@dataclass(frozen=True)
class Group:
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Chip:
    label: str
    url: str
    current: bool


@dataclass(frozen=True)
class List:
    """A list page: what `approvals/inbox.html` calls `inbox` and `decided.html` calls `decided`."""

    url: str
    counts: str
    chips: tuple[Chip, ...]
    sorts: tuple[Chip, ...] = ()
    groups: tuple[Group, ...] = ()
    rows: tuple[Row, ...] = ()
    q: str = ""
    kept: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = ()
    list_url: str = ""
    next_url: str = ""
    first_url: str = ""
    clear_url: str = ""
    empty_title: str = ""
    empty_text: str = ""
    pane_title: str = ""
    pane_text: str = ""
    counts_url: str = ""


def row_of(row: InboxRow, *, reader: str, selected: str = "") -> Row:
    """One action as its row. `reader` is the username of who looks."""
    risky = row.level in {"high", "critical"}
    return Row(
        id=row.id,
        url=reverse("action", args=[row.id]),
        row_url=reverse("inbox-row", args=[row.id]),
        summary=row.summary,
        level=row.level,
        score=row.score,
        tool=row.tool,
        agent=row.agent,
        requester=row.requested_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        quorum=f"{row.given} approved so far" if row.given else "",
        yours="you asked for it" if risky and row.requested_by == reader else "",
        version=row.version,
        receipt=receipt_of(row),
        selected=row.id == selected,
    )


def grouped(rows: Iterable[Row], *, now: datetime, by_due: bool) -> tuple[Group, ...]:
    """Rows under "Due soon", "Today" and "Later" when they are sorted by deadline; else in one group."""
    rows = tuple(rows)
    if not by_due:
        return (Group("Waiting", rows),) if rows else ()
    soon = tuple(r for r in rows if r.expires_at <= now + SOON)
    today = tuple(r for r in rows if now + SOON < r.expires_at <= now + LATER)
    later = tuple(r for r in rows if r.expires_at > now + LATER)
    named = (("Due soon", soon), ("Within a day", today), ("Later", later))
    return tuple(Group(title, members) for title, members in named if members)


def waiting_words(counts: Mapping[str, int]) -> str:
    """The header's sentence: how much waits, and what is urgent about it."""
    parts = [f"{counts['waiting']:,} waiting"]
    if counts.get("due"):
        parts.append(f"{counts['due']:,} due in 10 min")
    if counts.get("high"):
        parts.append(f"{counts['high']:,} high or critical")
    return ", ".join(parts)


def chips(url: str, query: Mapping[str, str], name: str, choices: Sequence[tuple[str, str]]) -> tuple[Chip, ...]:
    """One chip per choice of one filter; the other filters stay as they are, pages start anew."""
    now = query.get(name, "")
    return tuple(Chip(label, with_query(url, query, **{name: value, "cursor": ""}), value == now) for value, label in choices)


def with_query(url: str, query: Mapping[str, str], **changed: str) -> str:
    """An address with its filters; empty ones are left out."""
    kept = {k: v for k, v in {**query, **changed}.items() if v}
    return f"{url}?{urlencode(kept)}" if kept else url
