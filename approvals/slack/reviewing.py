"""What is submitted in a view: a verdict, an edit, a question, time. Each is the same operation as the page's, with its refusals beside the field."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from approvals import operations
from approvals.errors import ApprovalError, BadRequest, Conflict, NotAllowed, NotFound, StepUp
from approvals.operations import policies, waking
from approvals.operations.step_up import Proof
from approvals.queries import ActionDetail, action_detail, desks
from approvals.slack import (
    answering,
    approving,
    besides,
    buttons,
    desk,
    editing,
    halting,
    home,
    later,
    linking,
    modals,
    pressing,
    quick,
    releasing,
    sending,
)
from approvals.slack import blocks as b
from approvals.slack.cards import SHORT, url_of
from approvals.slack.people import Hand, Refused, hand, said_of
from approvals.slack.quick import BUSY_MS, LEAST_MS, WHOLE_MS, Ended
from approvals.slack.showing import of_modal, why_not_here
from approvals.slack.verifying import Click
from approvals.slack.views import Values, beside, shows, values_of
from audit.languages import told
from audit.sentences import say

Json = Mapping[str, Any]
Refusals = type[ApprovalError] | tuple[type[ApprovalError], ...]
DECIDING = frozenset({"approve", "reject", "respond", "edit"})
# Where an error of a verb stands.
BESIDE = {"approve": "reason", "reject": "reason", "ask": "words", "snooze": "seconds", "pass_on": "to"}
# What of a verb stands beside its field, other than BadRequest: whoever was chosen is unknown, or may not decide it.
REFUSES: dict[str, Refusals] = {"pass_on": (BadRequest, NotAllowed, NotFound)}


def view_submission(payload: Json, click: Click) -> Json:
    """The answer Slack acts on: errors beside fields, another view, or nothing (the view closes)."""
    view = payload.get("view") or {}
    name = str(view.get("callback_id"))
    try:
        if name == modals.LINK:
            return linking.submitted(payload)
        who = hand(payload)
        answer = SUBMITS[name](view, who, click) if name in SUBMITS else {}
        if modals.metadata(view).get("home"):
            home.publish_soon(who)
        return answer
    except quick.ToKeep as kept:
        approving.keep_view(payload, kept.wanted, click)
        return shows(modals.sentence(kept.sentence))
    except Refused as refused:
        return shows(modals.sentence(refused.sentence, bad=True, url=refused.url))
    except StepUp as error:
        return shows(modals.sentence(told(error.message), bad=True, url=url_of(str(modals.metadata(view).get("action", "")))))
    except ApprovalError as error:
        return shows(modals.sentence(told(error.message), bad=True))


def _reviewed(view: Json, who: Hand, click: Click) -> Json:
    meta, values = modals.metadata(view), values_of(view)
    choice = values.get(modals.CHOICE, "")
    detail = action_detail(meta.get("action", ""), reader=who.user)
    if detail.row.state != "PENDING":
        return shows(modals.receipt(detail, said=_not_done(detail, choice, values), bad=True))
    if meta.get("digest") != detail.row.digest:
        return shows(_fresh(detail, who, values if choice == meta.get("choice") == editing.EDIT else None))
    if choice not in (*VERBS, editing.EDIT) or choice != meta.get("choice"):
        if choice not in (*VERBS, editing.EDIT):
            return beside(modals.CHOICE, _("Choose what you want to do"))
        # Two choices in a row: Slack refused the fields of the second, drawn for a view that the first had changed.
        return shows(pressing.drawn(detail, who, choice=choice, home=bool(meta.get("home"))))
    if choice in DECIDING:
        rule = policies.in_force().data.slack
        if why := why_not_here(detail, rule, of_modal(detail)):
            return shows(modals.sentence(_("%(why)s. Decide it on the page.") % {"why": why}, bad=True, url=url_of(detail.row.id)))
    if choice == "respond" and (wrong := answering.read(detail, values).errors):
        return {"response_action": "errors", "errors": {name or modals.CHOICE: why[:500] for name, why in wrong.items()}}
    found: list[Json] = []
    try:
        if choice == editing.EDIT:  # reads what was typed, and touches no row
            return editing.write(detail, values)
        did = partial(VERBS[choice], detail, who, values, click)
        if (ended := quick.tried(BUSY_MS, lambda: found.append(did()), whole_ms=WHOLE_MS, least_ms=LEAST_MS)) is not Ended.DONE:
            raise quick.ToKeep(_kept(detail, values), quick.kept_says(ended))
    except REFUSES.get(choice, BadRequest) as error:
        where = answering.place(values) if choice == "respond" else BESIDE.get(choice, "")
        return beside(where or modals.CHOICE, told(error.message))
    except Conflict as error:
        return shows(_after_conflict(detail.row.id, who, error))
    _follow(detail.row.id)
    return found[0]


def _kept(detail: ActionDetail, values: Values) -> dict[str, Any]:
    """What is to be stored of the view. Raises BadRequest for what needs no look at the action to be refused."""
    verb = values[modals.CHOICE]
    if verb in besides.VERBS:
        besides.check(verb, values)
        about = {"action": UUID(detail.row.id), "prefix": detail.row.digest[:SHORT], "digest": detail.row.digest}
        return {**about, "verdict": verb, "values": besides.kept(values)}
    answer = answering.read(detail, values) if verb == "respond" else answering.Said("")
    said = {"reason": _reason(values), "response": answer.text, "as_json": answer.as_json}
    if verb == "respond" and not answer.text.strip():
        raise BadRequest(_("Write an answer"))
    if verb in detail.reason_for and not _reason(values).strip():
        raise BadRequest(_("Say why: at this level the policy asks for a reason"))
    digest = detail.row.digest
    return {"action": UUID(detail.row.id), "prefix": digest[:SHORT], "digest": digest, "verdict": verb, **said}


def _follow(action_id: str) -> None:
    """The copies of its card say at once what was done, so that nobody presses after it; the worker does what is left of that."""
    waking.soon(waking.SLACK)
    later.do(lambda: sending.at_once(UUID(action_id)))


def _not_done(detail: ActionDetail, choice: str, values: Values) -> str:
    """What came after the decision: "" for another verdict, of which the receipt says enough."""
    if choice == editing.EDIT:
        return editing.too_late(detail, values, besides.too_late(choice, detail))
    return besides.too_late(choice, detail) if choice in besides.VERBS else ""


def _fresh(detail: ActionDetail, who: Hand, written: Values | None) -> b.Block:
    """As it is now. `written`: the fields of an edit of what it was."""
    view, text = pressing.drawn(detail, who), _("This changed since you opened it; look at what will run now, then decide")
    said = editing.too_late(detail, written, text) if written else text
    return {**view, "blocks": [b.alert(said, "warning"), *view["blocks"]][:100]}


def _after_conflict(action_id: str, who: Hand, error: Conflict) -> b.Block:
    """Somebody was faster: the receipt; or it is halted, changed, being checked: the sentence."""
    detail = action_detail(action_id, reader=who.user)
    return (
        modals.sentence(told(error.message), bad=True)
        if detail.row.state == "PENDING"
        else modals.receipt(detail, said=told(error.message), bad=True)
    )


def _decide(detail: ActionDetail, who: Hand, values: Values, click: Click) -> Json:
    verb, reason = values[modals.CHOICE], _reason(values)
    answer = answering.read(detail, values) if verb == "respond" else answering.Said("")
    done = operations.decide(
        detail.row.id, by=who.user, verdict=verb, seen_digest=detail.row.digest, reason=reason, response=answer.text,
        also=operations.Also(as_json=answer.as_json), idempotency_key=buttons.key_of(click), door="slack", proof=Proof(click=said_of(who, click)),
    )  # fmt: skip
    if not done.resolved:
        return shows(modals.sentence(_("Recorded. It waits for more people.")))
    return shows(modals.receipt(action_detail(detail.row.id, reader=who.user)))


def _reason(values: Values) -> str:
    return "\n".join(filter(None, [values.get("preset", ""), values.get("reason", "")]))


def _edit_confirmed(view: Json, who: Hand, click: Click) -> Json:
    answer = editing.confirmed(view, who, click)
    _follow(_action_of(view))
    return answer


def _beside(detail: ActionDetail, who: Hand, values: Values, click: Click) -> Json:
    done = besides.do(values[modals.CHOICE], detail, who, values, click)
    return shows(modals.sentence(done.text, url=done.url))


VERBS: dict[str, Callable[[ActionDetail, Hand, Values, Click], Json]] = {
    "approve": _decide, "reject": _decide, "respond": _decide, **dict.fromkeys(besides.VERBS, _beside),
}  # fmt: skip
SUBMITS: dict[str, Callable[[Json, Hand, Click], Json]] = {
    modals.REVIEW: _reviewed, modals.CONFIRM_EDIT: _edit_confirmed, desk.AWAY: desk.leave, halting.HALT: halting.submitted,
    releasing.RELEASE: releasing.submitted,
}  # fmt: skip


def _action_of(view: Json) -> str:
    """The action a view is about. Raises NotFound: its metadata names none."""
    try:
        return str(UUID(str(modals.metadata(view).get("action", ""))))
    except ValueError:
        raise NotFound(say("There is no such action")) from None


def block_suggestion(payload: Json, click: Click) -> Json:
    """Names for "to whom": people who may decide it in one's stead; in the view of going away, who may be left one's desk."""
    view = payload.get("view") or {}
    typed = str(payload.get("value", "")).lower()[:80]
    try:
        who = hand(payload)
        if view.get("callback_id") == desk.AWAY:
            return {"options": desk.suggestions(who, typed)[: b.OPTIONS]}
        found = desks.desk(_action_of(view), reader=who.user)
    except (Refused, ApprovalError):
        return {"options": []}
    people = found.people if found else ()
    return {"options": [b.option(name, name) for name in people if typed in name.lower()][: b.OPTIONS]}
