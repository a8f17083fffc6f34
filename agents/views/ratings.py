"""Whether a run's outcome was useful: asked on the page of an ended run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agents import operations, queries
from agents.queries import RunRow
from agents.satisfaction import Satisfaction, ratings
from agents.states import UNFINISHED
from approvals import permissions
from approvals.errors import BadRequest
from approvals.render.reveal import Revealed, reveal
from approvals.web.http import Request
from audit.languages import number
from audit.sentences import say


@dataclass(frozen=True)
class Said:
    """One line below the question."""

    who: str
    useful: bool
    words: Revealed | None
    at: datetime


@dataclass(frozen=True)
class Asked:
    """The question, what this person said before, and what all said."""

    url: str
    ended: bool = False
    useful: bool | None = None
    words: str = ""
    lines: tuple[Said, ...] = ()


@require_http_methods(["GET", "POST"])
def rate(request: Request, run_id: UUID) -> HttpResponse:
    """The question by itself, for a page that is open as its run ends; a POST answers it."""
    permissions.check_read(request.user)
    if request.method == "GET":
        row = queries.run_detail(run_id).row
        return render(request, "agents/_rating.html", {"run": {"id": row.id, "rating": asked(row, by=request.user.pk)}})
    useful = request.POST.get("useful")
    if useful not in {"yes", "no"}:
        raise BadRequest(say("Say whether it was useful: yes or no"))
    operations.rate_run(run_id, useful=useful == "yes", words=request.POST.get("words", ""), by=request.user, door="web")
    messages.success(request, _("Thank you: it counts in the figures of the agent."))
    return redirect("run", run_id)


def asked(row: RunRow, *, by: int | None) -> Asked:
    """What the page of a run asks, once it has ended."""
    url = reverse("run-rate", args=[row.id])
    if row.state in UNFINISHED:
        return Asked(url)
    found = ratings(row.id)
    own = next((r for r in found if r.by_id == by and not r.said_by), None)
    lines = tuple(
        Said(
            who=_("%(user)s, as %(agent)s reports") % {"user": r.said_by, "agent": r.by} if r.said_by else r.by,
            useful=r.useful,
            words=reveal(r.words) if r.words else None,
            at=r.said_at,
        )
        for r in found
    )
    return Asked(url, True, own.useful if own else None, own.words if own else "", lines)


def told_of(found: Satisfaction) -> str:
    """The figure on the agent's page: the last 30 days."""
    if not found.people and not found.reported:
        return _("nobody said")
    people = _("%(n)s of %(of)s") % {"n": number(found.useful), "of": number(found.people)} if found.people else ""
    users = _("%(n)s of %(of)s users, as reported") % {"n": number(found.useful_reported), "of": number(found.reported)}
    return "; ".join(filter(None, (people, users if found.reported else "")))
