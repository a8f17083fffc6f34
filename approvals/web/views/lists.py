"""The inbox, its rows and its figure; the list of what was decided. Filters live in the address."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from approvals import permissions, queries
from approvals.queries import Filters, Page, desks, searching
from approvals.queries.batches import batches
from approvals.queries.grants import open_count
from approvals.queries.urgency import SOON
from approvals.web.card import card_of
from approvals.web.desks import notice_lines
from approvals.web.http import Request, preferences_of, waiting_counts
from approvals.web.rows import Chip, List, Row, chips, grouped, menu, news_words, row_of, toggle, waiting_words, with_query
from approvals.web.views.preferences import FILTERS, kept_query
from audit.languages import number
from audit.sentences import say

WANTED = {"high": ("high", "critical"), "critical": ("critical",), "medium": ("medium",), "low": ("low",)}
SORTS = (("", say("Due, riskiest first")), ("newest", say("Newest")), ("oldest", say("Oldest")))
INBOX = (*FILTERS, "cursor")
MOST_NEWS = 100
STATES = (
    ("", say("All")), ("APPROVED", say("Approved")), ("REJECTED", say("Rejected")), ("ANSWERED", say("Answered")), ("EXPIRED", say("Expired")),
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
        context["card"] = card_of(detail, halts=queries.active_halts(), desk=desks.desk(item, reader=request.user))
    return render(request, "approvals/inbox.html", context)


@require_safe
def inbox_list(request: Request) -> HttpResponse:
    """The rows alone: what is new, or the next page."""
    permissions.check_read(request.user)
    return render(request, "approvals/_list.html", {"inbox": _inbox(request, "")})


@require_safe
def inbox_news(request: Request) -> HttpResponse:
    """What the pill says of actions that arrived: only what passes the filters of the page counts."""
    permissions.check_read(request.user)
    wanted = [found for text in request.GET.get("ids", "").split(",")[:MOST_NEWS] if (found := _uuid(text))]
    query = _query(request, *INBOX)
    page = queries.inbox(filters=_filters(request, query, ids=tuple(wanted)), limit=MOST_NEWS)
    return HttpResponse(news_words(page.rows))


@require_safe
def inbox_row(request: Request, action_id: UUID) -> HttpResponse:
    """One row as it is now: a decided action shows its receipt."""
    permissions.check_read(request.user)
    found = queries.inbox_row(action_id)
    if found is None:
        raise Http404
    others = queries.viewers(str(action_id), but=request.user)
    return render(request, "approvals/_row.html", {"row": row_of(found, reader=request.user.get_username(), viewers=others)})


@require_safe
def inbox_count(request: Request) -> HttpResponse:
    """The figure in the rail; with `?words=1` the sentence over the list."""
    permissions.check_read(request.user)
    counts = waiting_counts(request)
    if "words" in request.GET:
        return HttpResponse(waiting_words(counts, filtered=request.GET["words"] == "all"))
    return HttpResponse(str(counts["waiting"] or ""))


@require_safe
def decided(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    query = _query(request, "q", "state", "cursor")
    url = reverse("decided")
    page = queries.decided(state=query["state"], q=query["q"], cursor=query["cursor"])
    shown = List(
        url=url,
        counts=_("What people decided, and what ended without them. Calls the policy passes by itself are in the log.")
        if not query["q"]
        else _("Words are looked for in the newest %(n)s, an id in all.") % {"n": number(searching.LOOKED_THROUGH)},
        chips=chips(url, query, "state", STATES),
        rows=tuple(row_of(r, reader=request.user.get_username()) for r in page.rows),
        q=query["q"],
        kept=tuple((k, v) for k, v in query.items() if k == "state" and v),
        names=_names(page),
        next_url=with_query(url, query, cursor=page.next) if page.next else "",
        first_url=with_query(url, query, cursor="") if query["cursor"] else "",
        clear_url=url if query["q"] or query["state"] else "",
        empty_title=_("Nothing matches") if query["q"] or query["state"] else _("Nothing decided yet"),
        empty_text=_("Decisions appear here the moment they are recorded."),
    )
    return render(request, "approvals/decided.html", {"decided": shown})


def _inbox(request: Request, item: str) -> List:
    query = _query(request, *INBOX)
    url, list_url = reverse("inbox"), reverse("inbox-list")
    zone, sort = preferences_of(request).zone, query["sort"] or "due"
    page = queries.inbox(filters=_filters(request, query), sort=sort, cursor=query["cursor"], zone=zone)
    reader, others = request.user.get_username(), queries.all_viewers(but=request.user)
    rows = [row_of(r, reader=reader, selected=item, viewers=others.get(r.id, ())) for r in page.rows]
    counts = waiting_counts(request)
    kept = kept_query(query)
    filtered = any(query[name] for name in FILTERS if name != "sort")
    agents, tools = queries.waiting_names()
    hidden = filtered and counts["waiting"]
    by_due = sort not in {"newest", "oldest"}
    groups = grouped(rows, by_due=by_due, zone=zone, batches=batches(page.rows))
    return List(
        url=url,
        counts=waiting_words(counts, filtered=filtered),
        chips=(
            toggle(url, query, "mine", "1", _("Mine")),
            toggle(url, query, "level", "high", _("High +")),
            toggle(url, query, "due", "1", _("Expiring")),
            toggle(url, query, "others", "1", _("All turns")),
            *((toggle(url, query, "snoozed", "1", _("Snoozed")),) if query["snoozed"] or desks.snoozed_count(request.user) else ()),
        ),
        notices=notice_lines(desks.notices(request.user)),
        menus=(menu(url, query, "agent", _("Agent"), agents), menu(url, query, "tool", _("Tool"), tools)),
        views=tuple(Chip(view.name, f"{url}?{view.query}", view.query == kept) for view in preferences_of(request).views_of("inbox")),
        view_query=kept,
        grants=open_count(),
        sorts=chips(url, query, "sort", SORTS),
        groups=groups,
        headed=by_due and bool(len(groups) > 1 or page.next or query["cursor"]),
        q=query["q"],
        kept=tuple((k, v) for k, v in query.items() if k not in {"q", "cursor"} and v),
        names=tuple(name for name in (*agents, *tools) if name.isprintable()),
        counts_url=f"{reverse('inbox-count')}?words={'all' if filtered else '1'}",
        news_url=with_query(reverse("inbox-news"), query, cursor=""),
        list_url=with_query(list_url, query, cursor=""),
        next_url=with_query(list_url, query, cursor=page.next) if page.next else "",
        clear_url=url if filtered else "",
        empty_title=_("Nothing matches") if hidden else _("Nothing needs you"),
        empty_text=_("Other actions wait: loosen the filters.") if hidden else _("New actions appear here by themselves."),
        # No figures here: those of the list's head follow what happens, and two of one page must not say different things.
        pane_title=_("Nothing is open") if counts["waiting"] else _("The desk is clear"),
        pane_text=_("Choose an action from the list.") if counts["waiting"] else _("What was decided stays under Decided and in the log."),
        rows=() if counts["waiting"] else _last_decision(request),
    )


def _last_decision(request: Request) -> tuple[Row, ...]:
    """An empty desk shows what was decided last."""
    return tuple(row_of(r, reader=request.user.get_username()) for r in queries.decided(limit=1).rows)


def _filters(request: Request, query: dict[str, str], *, ids: tuple[str, ...] | None = None) -> Filters:
    return Filters(
        levels=tuple(dict.fromkeys(level for name in query["level"].split(",") for level in WANTED.get(name.strip(), ()))),
        agent=query["agent"],
        tool=query["tool"],
        q=query["q"],
        mine=request.user if query["mine"] else None,
        due_within=SOON if query["due"] else None,
        ids=ids,
        reader=request.user,
        others=bool(query["others"]),
        snoozed=bool(query["snoozed"]),
    )


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
