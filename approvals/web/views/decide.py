"""The one POST by which a person decides on the web, and what its refusals look like.

Translate in, `operations.decide`, translate out. A conflict shows the truth (the receipt, or what changed), never a toast.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from approvals import operations, permissions, queries
from approvals.errors import AlreadyDecided, BadRequest, Conflict, Stale, StepUp
from approvals.operations.step_up import Proof
from approvals.queries import ActionDetail
from approvals.queries.sign_ins import has_passkey
from approvals.queries.viewing import RISKY
from approvals.render.arguments import may_fold
from approvals.render.changes import changes
from approvals.render.parts import as_object
from approvals.render.preview import preview_may_fold
from approvals.states import word
from approvals.web import confirming
from approvals.web.answers import answer_form, is_form, read_answer
from approvals.web.http import Request, is_fragment
from approvals.web.ladder import PRESETS, confirm_of, step_up_of
from approvals.web.receipts import TESTS, VERDICTS
from approvals.web.sign_ins import sign_in_of
from approvals.web.views.action import card, show_detail
from audit import canonical
from audit.languages import told
from audit.sentences import cause, say

SHEETS = {
    "approve": "approvals/_confirm_form.html",
    "reject": "approvals/_reject_form.html",
    "respond": "approvals/_respond_form.html",
    "take_over": "approvals/_take_over_form.html",
}


YES = frozenset({"approve", "respond"})


class DecideForm(forms.Form):
    """What the decision bar posts. Words are checked by the operation, which also knows the policy."""

    verdict = forms.ChoiceField(choices=[(v, v) for v in SHEETS])
    seen_digest = forms.CharField(max_length=64, strip=False)
    key = forms.CharField(max_length=64, required=False)
    reason = forms.CharField(max_length=2_000, required=False)
    response = forms.CharField(max_length=20_000, required=False)
    typed = forms.CharField(max_length=200, required=False, strip=False)
    do_not_retry = forms.BooleanField(required=False)
    stop_run = forms.BooleanField(required=False)
    done = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")], required=False)
    result = forms.CharField(max_length=100_000, required=False)
    nonce = forms.CharField(max_length=32, required=False)
    assertion = forms.CharField(max_length=8_000, required=False)


@require_POST
def decide(request: Request, action_id: UUID) -> HttpResponse:
    """Record a verdict. Every answer is the action as it is then, with the receipt or what is in the way."""
    permissions.check_read(request.user)
    form = DecideForm(request.POST)
    if not form.is_valid():
        raise BadRequest(
            say("That form cannot be read: %(why)s", why="; ".join(f"{name}: {errors[0]}" for name, errors in form.errors.items()))
        )
    said = form.cleaned_data
    if misfit := _answered(request, action_id, said):
        return misfit
    found = _waiting(action_id) if said["verdict"] in YES else None
    risky = found is not None and found.level in RISKY
    looked, refusal = _looked(request, action_id, found) if found and not risky and said["verdict"] == "approve" else (None, "")
    if refusal:
        return _again(request, queries.action_detail(action_id, reader=request.user), said, refusal)
    try:
        if risky and (named := request.POST.getlist("opened")):
            operations.open_parts(action_id, by=request.user, seen_digest=said["seen_digest"], parts=named, door="web")
        done = operations.decide(
            action_id, by=request.user, verdict=said["verdict"], seen_digest=said["seen_digest"], reason=said["reason"],
            response=said.get("answer", said["response"]), idempotency_key=said["key"], looked={**(looked or {}), **_reading(request)}, also=also_of(said),
            door="web",
            proof=Proof(sign_in_of(request), said["typed"], said["nonce"], said["assertion"]),
        )  # fmt: skip
    except StepUp as error:
        confirming.keep_words(request, str(action_id), said)
        return _again(request, queries.action_detail(action_id, reader=request.user), said, error.message, ask=error.details["ask"])
    except BadRequest as error:
        return _again(request, queries.action_detail(action_id, reader=request.user), said, error.message)
    except Conflict as error:
        return conflict(request, action_id, said["seen_digest"], error)
    confirming.forget_words(request)
    if done.action.drill:
        return decided(request, action_id, told(TESTS[done.action.resolution["details"]["test"]].verb), stay=True)
    said_now = {"verb": told(VERDICTS[done.verdict].verb), "what": done.action.summary, "state": told(word(done.action.state))}
    if done.too_late:
        sentence = _("Your word is on record, and it is %(state)s all the same: %(what)s")
    elif not done.resolved:
        sentence = _("%(verb)s: %(what)s. It waits for more people")
    else:
        sentence = _("%(verb)s: %(what)s. It is held: U takes it back") if done.action.hold_until else _("%(verb)s: %(what)s")
    return decided(request, action_id, sentence % said_now)


def also_of(said: dict[str, Any]) -> operations.Also:
    """What goes with a verdict beside its words. Raises BadRequest for a result that is no JSON."""
    result = None
    if said["result"].strip():
        try:
            result = canonical.parse(said["result"].encode("utf-8", "surrogatepass"))
        except (canonical.NotCanonical, UnicodeError) as error:
            raise BadRequest(say("The result is no JSON: %(why)s", why=cause(error))) from error
    done = {"yes": True, "no": False}.get(said["done"])
    return operations.Also(
        do_not_retry=said["do_not_retry"], stop_run=said["stop_run"], as_json=bool(said.get("as_json")), done=done, result=result
    )


def _answered(request: Request, action_id: UUID, said: dict[str, Any]) -> HttpResponse | None:
    """Put the answer that stands in controls into what was said; the sheet again where one of them does not fit."""
    if said["verdict"] != "respond" or not is_form(request.POST):
        return None
    detail = queries.action_detail(action_id, reader=request.user)
    answer, said["as_json"], errors = read_answer(detail.answer_schema, request.POST)
    if detail.answer_schema is None:
        said |= {"answer": answer, "given": request.POST.get("given", "")}  # what was typed is shown again as it was typed
    elif not errors:
        said["response"] = answer
    at_fields = {field.key for field in answer_form(detail.answer_schema, errors=errors).fields if field.error}
    rest = [why for path, why in errors.items() if path.split(".")[0] not in at_fields]
    return _again(request, detail, said, "; ".join(map(told, rest)), wrong=errors) if errors else None


@require_POST
def opened(request: Request, action_id: UUID) -> HttpResponse:
    """Parts of a high or critical action that came into view or were unfolded: told by the page, one by one, as it happens."""
    permissions.check_read(request.user)
    parts = request.POST.getlist("opened")
    operations.open_parts(action_id, by=request.user, seen_digest=request.POST.get("seen_digest", ""), parts=parts, door="web")
    return HttpResponse(status=204)


def _waiting(action_id: UUID) -> queries.Shown | None:
    found = queries.shown(action_id)
    return found if found and found.state == "PENDING" else None


def _looked(request: Request, action_id: UUID, found: queries.Shown) -> tuple[dict[str, int] | None, str]:
    """How much of what was folded the person opened, and why this door does not pass the approval on, if it does not.

    The page keeps Approve shut until every folded part was opened, and names the opened ones in the form; without script each part ends
    in a box to tick. Here it is checked again, so that a plain POST from the page cannot approve what was never unfolded. At high and
    critical the operation asks it itself, of what is on record, at every door.
    """
    folds = _folds(request, action_id, found)
    opened = set(request.POST.getlist("opened")) & folds
    if missing := len(folds - opened):
        return None, say(
            "%(n)d hidden part has not been opened: open it first", "%(n)d hidden parts have not been opened: open them first", n=missing
        )
    return ({"parts": len(folds), "opened": len(opened)} if folds else None), ""


def _reading(request: Request) -> dict[str, int]:
    """How long the page showed it, and whether the end of the arguments was on the screen, as the page's script says; for figures only."""
    ms, saw = request.POST.get("looked_ms", ""), request.POST.get("saw_all", "")
    timed = {"ms": min(int(ms), 86_400_000)} if ms.isascii() and ms.isdigit() and len(ms) < 12 else {}
    return timed | ({"saw_all": int(saw)} if saw in {"0", "1"} else {})


def _folds(request: Request, action_id: UUID, found: queries.Shown) -> set[str]:
    """The names of the folded parts; nearly always there are none, which is cheap to know."""
    if found.why != "edited" and not may_fold(as_object(found.args)) and not preview_may_fold(found.preview):
        return set()
    return set(card(queries.action_detail(action_id, reader=request.user)).folds)


def decided(request: Request, action_id: UUID, sentence: str, *, stay: bool = False) -> HttpResponse:
    """The answer after something was recorded: the receipt, and the news for the list beside it; `stay` keeps the receipt open there."""
    if not is_fragment(request):
        return redirect("action", action_id)
    answer = show_detail(request, queries.action_detail(action_id, reader=request.user), focus=True)
    answer["HX-Trigger-After-Settle"] = json.dumps({"decided": {"id": str(action_id), "sentence": sentence, "stay": stay}})
    return answer


def _again(
    request: Request, detail: ActionDetail, said: dict[str, Any], why: str, *, ask: str = "", wrong: Mapping[str, str] | None = None
) -> HttpResponse:
    """The sheet once more, with what was written and what is missing; `ask` says how they show that it is they, `wrong` what does not fit."""
    shown = card(detail)
    if shown.bar is None:
        return show_detail(request, detail, status=409, focus=True)
    context = {
        "card": shown, "bar": shown.bar, "presets": PRESETS, "error": why, "reason": said["reason"], "response": said["response"],
        "step_up": step_up_of(ask, why, detail.row.id, said["verdict"]), "errors": [why] if why and not ask else [], "said": said,
        "answer": answer_form(detail.answer_schema, posted=request.POST, errors=wrong), "confirm": confirm_of(
            detail, given=said["typed"], reason=said["reason"], errors=() if ask else (why,), passkey=has_passkey(request.user)
        ),
    }  # fmt: skip
    if not is_fragment(request):
        return render(request, "approvals/action.html", {**context, "alone": True, "sheet": SHEETS[said["verdict"]]}, status=422)
    answer = render(request, SHEETS[said["verdict"]], context, status=422)
    answer["HX-Retarget"] = f"#sheet-{detail.row.id}"
    return answer


def conflict(request: Request, action_id: UUID, seen: str, error: Conflict, *, wrote: Any = None) -> HttpResponse:
    """Somebody or something was faster: the action as it is now, what differs from what was seen, and what was written for it and not taken."""
    detail = queries.action_detail(action_id, reader=request.user)
    words = [text for name in ("reason", "response") if (text := request.POST.get(name, "").strip())]
    if wrote is None and not words and isinstance(error, AlreadyDecided) and detail.row.state != "PENDING":
        return show_detail(request, detail, status=409, focus=True)
    before = next((v for v in detail.versions if v.digest == seen), None)
    differs = changes(as_object(before.args), as_object(detail.args)) if before and isinstance(error, Stale) else ()
    title = _("Changed since you opened it") if isinstance(error, Stale) else _("Not recorded")
    mine = changes(as_object((before or detail).args), as_object(wrote)) if wrote is not None else ()
    stale = {"title": title, "text": error.message, "changes": differs, "wrote": mine, "words": words}
    return show_detail(request, detail, status=409, stale=stale)
