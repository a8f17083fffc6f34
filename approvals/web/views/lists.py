"""The inbox, its rows and its figure; the list of what was decided. Filters live in the address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals import permissions, queries
from approvals.queries import Page
from approvals.web.card import card_of
from approvals.web.http import Request, waiting_counts
from approvals.web.rows import List, chips, grouped, row_of, waiting_words, with_query

LEVELS = (("", "All"), ("high", "High and up"), ("critical", "Critical"), ("medium", "Medium"))
WANTED = {"high": ["high", "critical"], "critical": ["critical"], "medium": ["medium"]}
SORTS = (("", "Due first"), ("newest", "Newest"), ("oldest", "Oldest"))
STATES = (
    ("", "All"), ("APPROVED", "Approved"), ("REJECTED", "Rejected"), ("ANSWERED", "Answered"), ("EXPIRED", "Expired"),
)  # fmt: skip


@require_safe
def home(request: Request) -> HttpResponse:
    return redirect("inbox")


@require_safe
def inbox(request: Request) -> HttpResponse:
    """The three panes; `?item=` opens one action beside the list."""
    permissions.check_read(request.user)
    item = _uuid(request.GET.get("item", ""))
    context: dict[str, Any] = {"inbox": _inbox(request, item)}
    if item and queries.inbox_row(item):
        detail = queries.action_detail(item, reader=request.user)
        context["card"] = card_of(detail, halts=queries.active_halts())
    return render(request, "approvals/inbox.html", context)


@require_safe
def inbox_list(request: Request) -> HttpResponse:
    """The rows alone: what is new, or the next page."""
    permissions.check_read(request.user)
    return render(request, "approvals/_list.html", {"inbox": _inbox(request, "")})


@require_safe
def inbox_row(request: Request, action_id: UUID) -> HttpResponse:
    """One row as it is now: a decided action shows its receipt."""
    permissions.check_read(request.user)
    found = queries.inbox_row(action_id)
    if found is None:
        raise Http404
    return render(request, "approvals/_row.html", {"row": row_of(found, reader=request.user.get_username())})


@require_safe
def inbox_count(request: Request) -> HttpResponse:
    """The figure in the rail; with `?words=1` the sentence over the list."""
    permissions.check_read(request.user)
    counts = waiting_counts(request)
    if "words" in request.GET:
        return HttpResponse(waiting_words(counts))
    return HttpResponse(str(counts["waiting"] or ""))


@require_safe
def decided(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    query = _query(request, "q", "state", "cursor")
    url = reverse("decided")
    page = _named(query["q"], lambda **names: queries.decided(state=query["state"], cursor=query["cursor"], **names))
    shown = List(
        url=url,
        counts="What people decided, and what ended without them. Calls the policy passes by itself are in the log.",
        chips=chips(url, query, "state", STATES),
        rows=tuple(row_of(r, reader=request.user.get_username()) for r in page.rows),
        q=query["q"],
        kept=tuple((k, v) for k, v in query.items() if k == "state" and v),
        names=_names(page),
        next_url=with_query(url, query, cursor=page.next) if page.next else "",
        first_url=with_query(url, query, cursor="") if query["cursor"] else "",
        clear_url=url if query["q"] or query["state"] else "",
        empty_title="Nothing matches" if query["q"] or query["state"] else "Nothing decided yet",
        empty_text="Decisions appear here the moment they are recorded.",
    )
    return render(request, "approvals/decided.html", {"decided": shown})


def _inbox(request: Request, item: str) -> List:
    query = _query(request, "q", "level", "sort", "cursor")
    url, list_url = reverse("inbox"), reverse("inbox-list")
    page = _named(
        query["q"],
        lambda **names: queries.inbox(sort=query["sort"] or "due", levels=WANTED.get(query["level"]), cursor=query["cursor"], **names),
    )
    rows = [row_of(r, reader=request.user.get_username(), selected=item) for r in page.rows]
    counts = waiting_counts(request)
    filtered = bool(query["q"] or query["level"])
    return List(
        url=url,
        counts=waiting_words(counts),
        chips=chips(url, query, "level", LEVELS),
        sorts=chips(url, query, "sort", SORTS),
        groups=grouped(rows, now=datetime.now(UTC), by_due=query["sort"] in {"", "due"}),
        q=query["q"],
        kept=tuple((k, v) for k, v in query.items() if k in {"level", "sort"} and v),
        names=_names(page),
        counts_url=f"{reverse('inbox-count')}?words=1",
        list_url=with_query(list_url, query, cursor=""),
        next_url=with_query(list_url, query, cursor=page.next) if page.next else "",
        clear_url=url if filtered else "",
        empty_title="Nothing matches" if filtered and counts["waiting"] else "Nothing needs you",
        empty_text="Other actions wait: loosen the filters."
        if filtered and counts["waiting"]
        else "New actions appear here by themselves.",
        pane_title=f"{counts['waiting']:,} actions wait for a person" if counts["waiting"] else "The desk is clear",
        pane_text=waiting_words(counts) if counts["waiting"] else "What was decided stays under Decided and in the log.",
    )


def _named(q: str, read: Callable[..., Page]) -> Page:
    """The page for a typed name: an agent's if there is one of that name, else a tool's."""
    if not q:
        return read()
    page = read(agent=q)
    return page if page.rows else read(tool=q)


def _names(page: Page) -> tuple[str, ...]:
    """Suggestions for the filter; a name that does not show itself is not suggested."""
    return tuple(sorted(name for name in {r.agent for r in page.rows} | {r.tool for r in page.rows} if name.isprintable()))


def _query(request: Request, *names: str) -> dict[str, str]:
    return {name: request.GET.get(name, "").strip()[:200] for name in names}


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""
