"""Standing approvals: the list, one grant, the form that tries bounds on the past before it gives them, revoking."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import is_naive
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals import permissions, queries
from approvals.errors import ApprovalError, BadRequest, NotViewed, Stale, StepUp
from approvals.operations import granting, revoking
from approvals.operations.clock import database_now
from approvals.operations.granting import Draft, Wanted
from approvals.operations.step_up import Proof
from approvals.policy.granting import words
from approvals.queries import ActionDetail
from approvals.queries import grants as read
from approvals.resolution import Need
from approvals.web import confirming
from approvals.web import grants as cards
from approvals.web.http import Request, is_fragment, preferences_of
from approvals.web.receipts import STATES
from approvals.web.sign_ins import sign_in_of
from audit.languages import number, told
from audit.sentences import say

BOUNDS = ("scope", "uses", "figure", "each", "total", "until", "reason")
ALSO = "also-"  # and the name of a figure


@require_safe
def grants_page(request: Request) -> HttpResponse:
    """What may let something through now, what did, and after which tools one can be given."""
    permissions.check_read(request.user)
    context = {
        "open": [cards.line_of(row) for row in read.open_grants()],
        "may_revoke": permissions.can_revoke(request.user),
    }
    if is_fragment(request):
        return render(request, "grants/_open.html", context)
    ended = [cards.line_of(row) for row in read.ended_grants()]
    return render(request, "grants/grants.html", {**context, "ended": ended, "examples": read.examples()})


@require_safe
def grant_page(request: Request, grant_id: int) -> HttpResponse:
    permissions.check_read(request.user)
    return _grant(request, grant_id)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Request, action_id: UUID) -> HttpResponse:
    """The form after one action. Every answer but the last shows what the bounds in it would have let through."""
    permissions.check_read(request.user)
    detail = queries.action_detail(action_id, reader=request.user)
    bounds = (*BOUNDS, *(f"{ALSO}{name}" for name in sorted(detail.facts.figures)))
    if request.method != "POST":
        if kept := confirming.kept_words(request, f"grant:{action_id}", names=bounds):
            return _kept(request, detail, kept)
        wanted = cards.first_wanted(
            dict(detail.facts.figures), run=bool(detail.row.run), now=database_now(), zone=preferences_of(request).zone
        )
        return _form(request, detail, _said(wanted), wanted)
    said = {name: request.POST.get(name, "").strip() for name in bounds}
    try:
        wanted = _wanted(said)
        # What the page asks by itself, while bounds are changed, only tries: htmx sends along the button that was pressed last.
        if is_fragment(request) or request.POST.get("do") != "give":
            return _form(request, detail, said, wanted)
        given = granting.give(
            action_id,
            wanted,
            seen=request.POST.get("seen", ""),
            reason=said["reason"],
            by=request.user,
            proof=Proof(sign_in_of(request)),
            door="web",
        )
    except StepUp as error:
        confirming.keep_words(request, f"grant:{action_id}", said, names=bounds)
        return _form(
            request, detail, said, wanted, again=error.message, confirm=f"{reverse('confirm')}?{urlencode({'next': request.path})}"
        )
    except (Stale, NotViewed) as error:
        return _form(request, detail, said, wanted, again=error.message)
    except BadRequest as error:
        return _form(request, detail, said, None, error=error)
    confirming.forget_words(request)
    messages.success(request, _("The grant is given. Everything it lets through is recorded as your decision; revoke it here at any time."))
    return redirect("grant", given.pk)


@require_POST
def give_too(request: Request, grant_id: int) -> HttpResponse:
    permissions.check_read(request.user)
    try:
        granting.give_too(grant_id, by=request.user, proof=Proof(sign_in_of(request)), door="web")
    except ApprovalError as error:
        return _grant(request, grant_id, error)
    messages.success(request, _("You stand behind this grant too."))
    return redirect("grant", grant_id)


@require_POST
def revoke(request: Request, grant_id: int) -> HttpResponse:
    permissions.check_read(request.user)
    try:
        revoking.revoke(grant_id, by=request.user, reason=request.POST.get("reason", ""), door="web")
    except ApprovalError as error:
        return _grant(request, grant_id, error)
    messages.success(request, _("Revoked. Calls like these are asked about again, and so is what nobody had begun."))
    return redirect("grants")


def _kept(request: Request, detail: ActionDetail, said: dict[str, str]) -> HttpResponse:
    """The bounds somebody had written before they were sent to confirm that it is they, tried anew."""
    try:
        return _form(request, detail, said, _wanted(said))
    except BadRequest as error:
        return _form(request, detail, said, None, error=error)


def _grant(request: Request, grant_id: int, error: ApprovalError | None = None) -> HttpResponse:
    row = read.grant(grant_id)
    wanted = {need.group for need in row.missing}
    may = bool(wanted & permissions.standing(request.user).groups) and all(g.person != request.user.person for g in row.givers)
    context = {
        "line": cards.line_of(row),
        "row": row,
        "uses": [(use, told(STATES[use.state].verb)) for use in read.uses(row.id)],
        "backtest": row.backtest,
        "fates": [(told(cards.FATES[f].verb), n) for f, n in (row.backtest.get("fates") or {}).items() if f in cards.FATES],
        "may_revoke": permissions.can_revoke(request.user) and not row.revoked_at,
        "may_give_too": may and row.state == "waits",
        "error": error.message if error else "",
        "confirm": f"{reverse('confirm')}?{urlencode({'next': reverse('grant', args=[grant_id])})}" if isinstance(error, StepUp) else "",
    }
    # A whole page holds scripts, which the browser lets into no page (js/trust.js): what changes by itself is a fragment.
    name = "grants/_uses.html" if is_fragment(request) else "grants/grant.html"
    return render(request, name, context, status=error.status if error else 200)


def _form(
    request: Request,
    detail: ActionDetail,
    said: dict[str, str],
    wanted: Wanted | None,
    *,
    again: str = "",
    confirm: str = "",
    error: BadRequest | None = None,
) -> HttpResponse:
    made: Draft | None = None
    if wanted is not None:
        try:
            made = granting.draft(detail.row.id, wanted, by=request.user)
        except BadRequest as refused:
            error = refused
    fields = error.details.get("fields") or {} if error else {}
    context = {
        "row": detail.row,
        "said": said,
        "scopes": cards.scopes(chosen=said["scope"], run=bool(detail.row.run), tool=detail.row.tool),
        "ends": cards.ends(database_now(), zone=preferences_of(request).zone, chosen=said["until"]),
        "figures": [(name, name.replace("_", " "), number(value)) for name, value in sorted(detail.facts.figures.items())],
        "also": [
            (f"{ALSO}{name}", name.replace("_", " "), said.get(f"{ALSO}{name}") or str(value), fields.get(f"{ALSO}{name}", ""))
            for name, value in sorted(detail.facts.figures.items())
            if name != said["figure"]
        ],
        "most": granting.MOST_USES,
        "fields": fields,
        "faults": [(told(cards.FIELDS.get(name, name.removeprefix(ALSO))), why) for name, why in fields.items()],
        "error": error.message if error and not fields else "",
        "again": again,
        "confirm": confirm,
        "trial": cards.trial_of(made.terms, made.trial) if made else None,
        "what": told(words(made.terms)) if made else "",
        "until": made.terms.until if made else None,
        "seen": made.terms.digest if made else "",
        "needs": cards.missing_words(_more(request, made)) if made else "",
    }
    name = "grants/_trial.html" if is_fragment(request) else "grants/new.html"
    return render(request, name, context, status=422 if error or again else 200)


def _more(request: Request, made: Draft) -> list[Need]:
    """Whom else it takes, once this person has given it."""
    own = permissions.roles(request.user)
    left = [Need(n.group, n.count - (n.group in own)) for n in made.assessment.requirement.need]
    return [need for need in left if need.count > 0]


def _said(wanted: Wanted) -> dict[str, str]:
    numbers = {name: "" if (value := getattr(wanted, name)) is None else str(value) for name in ("uses", "each", "total")}
    also = {f"{ALSO}{name}": str(most) for name, most in wanted.also.items()}
    return {"scope": wanted.scope, "figure": wanted.figure, "until": wanted.until.isoformat(), "reason": "", **numbers, **also}


def _wanted(said: dict[str, str]) -> Wanted:
    """The form's text as values. Raises BadRequest with `fields`."""
    wrong: dict[str, str] = {}
    figure = said["figure"] if said["scope"] != "call" or said["total"] else ""

    def whole(name: str) -> int | None:
        text = said.get(name, "").replace(",", "").replace("_", "")
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            wrong[name] = say("write a whole number")
            return None
        return int(text)

    uses, each, total = whole("uses"), whole("each"), whole("total")
    others = {name.removeprefix(ALSO): whole(name) for name in said if name.startswith(ALSO) and name != f"{ALSO}{figure}"}
    also = {name: most for name, most in others.items() if most is not None}
    try:
        until = datetime.fromisoformat(said["until"])
        if is_naive(until):
            raise ValueError
    except ValueError:
        wrong["until"] = say("choose when it ends")
        until = database_now()
    if uses is None:
        wrong.setdefault("uses", say("say how often"))
    if wrong:
        raise BadRequest(say("Some bounds cannot be read"), fields=wrong)
    return Wanted(said["scope"], uses or 0, until, figure, each if figure else None, total if figure else None, also)
