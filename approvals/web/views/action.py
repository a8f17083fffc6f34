"""One action: its page, the fragments that keep it true, and the sheets that ask before a decision."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from approvals import permissions, queries
from approvals.errors import NotFound
from approvals.queries import ActionDetail, desks, switches
from approvals.queries.desks import Desk
from approvals.queries.detail import is_checking
from approvals.queries.opinions import opinions
from approvals.queries.sign_ins import has_passkey
from approvals.web import confirming
from approvals.web.answers import answer_form
from approvals.web.card import Card, card_of
from approvals.web.http import Request, is_fragment
from approvals.web.ladder import PRESETS, Confirm, confirm_of
from approvals.web.led import led_of
from approvals.web.opinions import note_of
from approvals.web.story import stood
from audit.queries import spans_before, timeline
from audit.sentences import say


def show(request: Request, action_id: UUID, *, status: int = 200, focus: bool = False, **context: Any) -> HttpResponse:
    """The action as a pane (htmx) or as its own page, read anew."""
    detail = queries.action_detail(action_id, reader=request.user)
    return show_detail(request, detail, status=status, focus=focus, **context)


def show_detail(request: Request, detail: ActionDetail, *, status: int = 200, focus: bool = False, **context: Any) -> HttpResponse:
    """As `show`, for a detail in hand."""
    fragment = is_fragment(request)
    name = "approvals/_pane.html" if fragment else "approvals/action.html"
    desk = desks.desk(detail.row.id, reader=request.user)
    return render(request, name, {"card": card(detail, focus=focus, desk=desk), "alone": _alone(request), **context}, status=status)


def _alone(request: Request) -> bool:
    """Whether the pane is the page (and carries its h1), not a column of the inbox."""
    try:
        asked_from = getattr(getattr(request, "htmx", None), "current_url_abs_path", None) or ""
    except ValueError:  # the header is whatever was sent
        asked_from = ""
    return not is_fragment(request) or asked_from.startswith("/actions/")


def card(detail: ActionDetail, *, focus: bool = False, desk: Desk | None = None) -> Card:
    story, held = (
        timeline(action=detail.row.id, limit=60),
        [] if detail.row.settled_at else switches.over(detail.row.agent, [detail.row.tool]),
    )
    return card_of(detail, halts=queries.active_halts(), switches=held, story=story, focus=focus, desk=desk)


@require_safe
def page(request: Request, action_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    return show(request, action_id)


@require_safe
def what(request: Request, action_id: UUID) -> HttpResponse:
    """What will run, alone: where an edit was dropped."""
    permissions.check_read(request.user)
    detail = queries.action_detail(action_id, reader=request.user)
    return render(request, "approvals/_what.html", {"card": card(detail)})


@require_safe
def led(request: Request, action_id: UUID) -> HttpResponse:
    """What the run did before it asked: read when the page is there already, because it may be long."""
    permissions.check_read(request.user)
    row = queries.inbox_row(action_id)
    if row is None:
        raise NotFound(say("There is no such action"))
    steps = led_of(spans_before(row.run, row.created_at), run_url=reverse("run", args=[row.run])) if row.run else ()
    return render(request, "approvals/_led.html", {"steps": steps})


@require_safe
def opinion(request: Request, action_id: UUID) -> HttpResponse:
    """What a second model thinks of it, when that comes in."""
    permissions.check_read(request.user)
    if queries.inbox_row(action_id) is None:
        return HttpResponse(status=204)
    note = note_of(str(action_id), opinions(action_id))
    return render(request, "approvals/_opinion.html", {"opinion": note, "opinion_of": action_id})


@require_safe
def changed(request: Request, action_id: UUID) -> HttpResponse:
    """Whether what a reader has open is still so. Decided: the page is told to show the receipt. A new version: a sentence
    and a link, because nothing moves under the cursor. A vote, or another deadline: how far it is, in place; else nothing.
    Whoever waits for an edit to be checked (`checking`) is shown what came of it at once: that is what they wait for."""
    permissions.check_read(request.user)
    row = queries.inbox_row(action_id)
    if row is None:
        return HttpResponse(status=204)
    if row.state != request.GET.get("state"):
        answer = HttpResponse(status=204)
        answer["HX-Trigger"] = json.dumps({"settled": {"id": row.id, "url": reverse("action", args=[row.id])}})
        return answer
    if str(row.version) != request.GET.get("version"):
        return _newer(request, row.id)
    if "checking" in request.GET:
        answer = HttpResponse(status=204)
        if not is_checking(action_id):
            answer["HX-Trigger"] = _reopened(row.id)
        return answer
    if "stands" in request.GET:
        detail = queries.action_detail(action_id, reader=request.user)
        if str(detail.row.version) != request.GET.get(
            "version"
        ):  # it came after the row was read: half of a page is not of another version
            return _newer(request, row.id)
        if "bar" in request.GET:  # somebody halted something, or lifted it
            return _bar(request, card(detail))
        if text := stood(request.GET["stands"], detail):
            url = request.path.removesuffix("changed")
            return render(request, "approvals/_stands.html", {"card": card(detail), "text": text, "url": url})
    return HttpResponse(status=204)


def _bar(request: Request, now: Card) -> HttpResponse:
    """What can be decided of it now, alone."""
    if now.bar is None:
        return HttpResponse(status=204)
    answer = render(request, "approvals/_decision_bar.html", {"card": now, "bar": now.bar, "oob": True})
    answer["HX-Reswap"] = "none"  # what is told above it stays
    return answer


def _newer(request: Request, action_id: str) -> HttpResponse:
    if "checking" in request.GET:
        answer = HttpResponse(status=204)
        answer["HX-Trigger"] = _reopened(action_id)
        return answer
    url = request.path.removesuffix("changed")
    return render(request, "approvals/_changed.html", {"text": _("This action has a new version."), "url": url})


def _reopened(action_id: str) -> str:
    """The event on which a page draws the open action anew."""
    return json.dumps({"reopened": {"id": action_id, "url": reverse("action", args=[action_id])}})


@require_safe
def approve_sheet(request: Request, action_id: UUID) -> HttpResponse:
    """High and critical: say again what it is, and at critical ask for its name."""
    permissions.check_read(request.user)
    return _sheet(request, action_id, "approvals/_confirm_form.html", confirm=True)


@require_safe
def reject_sheet(request: Request, action_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    return _sheet(request, action_id, "approvals/_reject_form.html", presets=PRESETS)


@require_safe
def respond_sheet(request: Request, action_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    kept = confirming.kept_words(request, str(action_id))
    response = kept.get("response", "")
    detail = queries.action_detail(action_id, reader=request.user)
    return _sheet(
        request,
        action_id,
        "approvals/_respond_form.html",
        response=response,
        answer=answer_form(detail.answer_schema, response=response, given=kept.get("given", "")),
    )


@require_safe
def take_over_sheet(request: Request, action_id: UUID) -> HttpResponse:
    permissions.check_read(request.user)
    kept = confirming.kept_words(request, str(action_id))
    return _sheet(request, action_id, "approvals/_take_over_form.html", confirm=True, said=kept, response=kept.get("response", ""))


def _sheet(request: Request, action_id: UUID, template: str, *, confirm: bool = False, **context: Any) -> HttpResponse:
    """A sheet over the bar; without htmx the page itself, with the sheet in it. What is decided already shows its receipt."""
    detail = queries.action_detail(action_id, reader=request.user)
    shown = card(detail)
    if shown.bar is None or shown.bar.blocked:
        answer = show_detail(request, detail, focus=True)
        answer["HX-Retarget"] = "#pane"
        return answer
    context |= {"card": shown, "bar": shown.bar, **({"confirm": _confirm(request, detail)} if confirm else {})}
    if not is_fragment(request):
        return render(request, "approvals/action.html", {**context, "alone": True, "sheet": template})
    return render(request, template, context)


def _confirm(request: Request, detail: ActionDetail) -> Confirm:
    """The sheet, with what this person had written before they went to confirm that it is they."""
    kept = confirming.kept_words(request, detail.row.id)
    return confirm_of(detail, given=kept.get("typed", ""), reason=kept.get("reason", ""), passkey=has_passkey(request.user))
