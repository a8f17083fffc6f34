"""Lists as a page shows them: rows in groups, chips that are links, the sentence of the header.

Belongs here: presenters for inbox and decided, from `approvals.queries` rows to frozen values. No request, no database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.queries import InboxRow
from approvals.queries.urgency import LAST_SOON, LAST_TODAY, WHENEVER
from approvals.web.desks import NoticeLine
from approvals.web.receipts import Receipt, receipt_of, with_undo
from audit.languages import number, told
from audit.sentences import say

HEAVY: dict[str, Callable[[int], str]] = {"critical": lambda n: say("%(n)d critical", n=n), "high": lambda n: say("%(n)d high", n=n)}


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
    pick: bool = False  # may be decided together with others
    held: str = ""
    viewers: tuple[str, ...] = ()  # who else has it open
    urgency: int = 0


@dataclass(frozen=True)
class Nest:
    """Rows that were asked in one turn and are alike, under one header; `first` is what the header shows, the riskiest of them."""

    first: Row
    rows: tuple[Row, ...]
    expires_at: datetime
    url: str
    open: bool


@dataclass(frozen=True)
class Group:
    """Rows under one title; `entries` are these rows, with those of one batch in its place."""

    title: str
    rows: tuple[Row, ...]
    zone: str = ""  # whose day the title speaks of
    entries: tuple[Row | Nest, ...] = ()


@dataclass(frozen=True)
class Chip:
    label: str
    url: str
    current: bool


@dataclass(frozen=True)
class Menu:
    """One filter with many choices; `chosen` is the one in force, `clear_url` the list without it."""

    label: str
    choices: tuple[Chip, ...]
    chosen: str = ""
    clear_url: str = ""


@dataclass(frozen=True)
class List:
    """A list page: what `approvals/inbox.html` calls `inbox` and `decided.html` calls `decided`."""

    url: str
    counts: str
    chips: tuple[Chip, ...]
    sorts: tuple[Chip, ...] = ()
    groups: tuple[Group, ...] = ()
    headed: bool = False  # titles stand over the groups: only where they tell one from another
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
    news_url: str = ""
    menus: tuple[Menu, ...] = ()
    views: tuple[Chip, ...] = ()
    view_query: str = ""
    grants: int = 0
    notices: tuple[NoticeLine, ...] = ()


def row_of(row: InboxRow, *, reader: str, selected: str = "", viewers: Sequence[str] = ()) -> Row:
    """One action as its row. `reader` is the username of who looks, `viewers` are the others who do."""
    alone = row.kind != "tool" or row.level in {"high", "critical"}
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
        quorum=quorum_words(row),
        yours=_("you asked for it") if row.kind == "tool" and row.requested_by == reader else "",
        version=row.version,
        receipt=with_undo(receipt_of(row), row, may=(row.resolution or {}).get("by") == reader),
        selected=row.id == selected,
        pick=row.state == "PENDING" and not alone,
        held=held_words(row, reader),
        viewers=tuple(viewers),
        urgency=row.urgency,
    )


def held_words(row: InboxRow, reader: str) -> str:
    """Who is on it."""
    if not row.reserved_by:
        return ""
    mine = row.reserved_by == reader
    if row.reserved_for:
        said = _("reserved by you for %(whom)s") if mine else _("reserved by %(who)s for %(whom)s")
    else:
        said = _("reserved by you") if mine else _("reserved by %(who)s")
    return said % {"who": row.reserved_by, "whom": row.reserved_for}


def quorum_words(row: InboxRow) -> str:
    """How far it is, where more than one has to approve: approvals given of those needed, the stage when there are several."""
    stage = _("stage %(n)s of %(of)s") % {"n": row.stage, "of": row.stages} if row.stages > 1 else ""
    return ", ".join(filter(None, [stage, approved_words(row.given, row.wanted)]))


def approved_words(given: int, wanted: int) -> str:
    """Approvals given of those needed, "" where one is enough."""
    return _("%(given)s of %(wanted)s approved") % {"given": given, "wanted": wanted} if wanted > 1 else ""


def grouped(rows: Iterable[Row], *, by_due: bool, zone: str = "UTC", batches: Mapping[str, str] | None = None) -> tuple[Group, ...]:
    """Rows of a list that is ordered by due x risk under "Due soon" (within an hour), "Today" and "Later"; otherwise as they come.

    What is critical stands under the first title whenever it ends, which then says so. `zone` is the reader's: today ends there.
    `batches` says which rows were asked in one turn (`queries.batches`).
    """
    rows = tuple(rows)
    if not by_due:
        found = (Group(_("Waiting"), rows),)
        return tuple(replace(group, entries=nested(group.rows, batches or {})) for group in found if group.rows)
    soon = tuple(row for row in rows if row.urgency <= LAST_SOON)
    today = tuple(row for row in rows if LAST_SOON < row.urgency <= LAST_TODAY)
    later = tuple(row for row in rows if row.urgency > LAST_TODAY)
    first = _("Due soon, or critical") if any(row.urgency == WHENEVER for row in soon) else _("Due soon")
    groups = (Group(first, soon), Group(_("Today"), today, zone), Group(_("Later"), later))
    return tuple(replace(group, entries=nested(group.rows, batches or {})) for group in groups if group.rows)


def nested(rows: Sequence[Row], batches: Mapping[str, str]) -> tuple[Row | Nest, ...]:
    """The rows, with those of one batch together where the first of them stands. One that stands elsewhere alone is a row."""
    of: dict[str, list[Row]] = {}
    for row in rows:
        of.setdefault(batches.get(row.id, row.id), []).append(row)
    return tuple(_nest(same) if len(same) > 1 else same[0] for same in of.values())


def _nest(rows: Sequence[Row]) -> Nest:
    url = f"{reverse('bulk')}?{urlencode([('id', row.id) for row in rows])}"
    first = max(rows, key=lambda row: row.score)
    return Nest(first, tuple(rows), min(row.expires_at for row in rows), url, any(row.selected for row in rows))


def news_words(rows: Sequence[InboxRow]) -> str:
    """What the pill says: "3 new, 1 high"; nothing when nothing of it passes the filters."""
    if not rows:
        return ""
    heavy = [(level, sum(row.level == level for row in rows)) for level in ("critical", "high")]
    named = [told(HEAVY[level](count)) for level, count in heavy if count]
    return ", ".join([ngettext("%(n)d new", "%(n)d new", len(rows)) % {"n": len(rows)}, *named])


def waiting_words(counts: Mapping[str, int], *, filtered: bool = False) -> str:
    """The header's sentence: how much waits, and what is urgent about it; above a list of some of it, that this is all there is."""
    waits = _("%(n)s waiting in all") if filtered else _("%(n)s waiting")
    parts = [waits % {"n": number(counts["waiting"])}]
    if counts.get("due"):
        parts.append(_("%(n)s due in 10 min") % {"n": number(counts["due"])})
    if counts.get("high"):
        parts.append(_("%(n)s high or critical") % {"n": number(counts["high"])})
    return ", ".join(parts)


def chips(url: str, query: Mapping[str, str], name: str, choices: Sequence[tuple[str, object]]) -> tuple[Chip, ...]:
    """One chip per choice of one filter; the other filters stay as they are, pages start anew."""
    now = query.get(name, "")
    return tuple(Chip(told(str(label)), with_query(url, query, **{name: value, "cursor": ""}), value == now) for value, label in choices)


def toggle(url: str, query: Mapping[str, str], name: str, value: str, label: str) -> Chip:
    """A chip that switches one filter on, and off again."""
    on = query.get(name) == value
    return Chip(label, with_query(url, query, **{name: "" if on else value, "cursor": ""}), on)


def menu(url: str, query: Mapping[str, str], name: str, label: str, choices: Sequence[str]) -> Menu:
    """A filter by name; a name that does not show itself is not offered."""
    offered = tuple(Chip(c, with_query(url, query, **{name: c, "cursor": ""}), query.get(name) == c) for c in choices if c.isprintable())
    return Menu(label, offered, query.get(name, ""), with_query(url, query, **{name: "", "cursor": ""}))


def with_query(url: str, query: Mapping[str, str], **changed: str) -> str:
    """An address with its filters; empty ones are left out."""
    kept = {k: v for k, v in {**query, **changed}.items() if v}
    return f"{url}?{urlencode(kept)}" if kept else url
