"""What is submitted in a view: a verdict, an edit, a question, time. Each is the same operation as the page's, with its refusals beside the field."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from approvals import operations
from approvals.errors import ApprovalError, BadRequest, Conflict, NotAllowed, NotFound, StepUp
from approvals.operations import policies, slack_clicks, waking
from approvals.operations.step_up import Proof
from approvals.queries import ActionDetail, action_detail, desks
from approvals.slack import answering, approving, besides, buttons, desk, halting, home, later, linking, modals, pressing, quick, sending
from approvals.slack import blocks as b
from approvals.slack.cards import SHORT, url_of
from approvals.slack.controls import posted as as_posted
from approvals.slack.people import Hand, Refused, hand, said_of
from approvals.slack.quick import BUSY_MS, LEAST_MS, WHOLE_MS, Ended
from approvals.slack.rooms import agents
from approvals.slack.showing import of_modal, why_not_here
from approvals.slack.threads import changed
from approvals.slack.verifying import Click
from approvals.slack.views import Values, beside, shows, values_of
from approvals.web.inputs import PREFIX, kind_of
from approvals.web.schemaform import fields_of, may_be_empty, read
from approvals.web.subschemas import resolved
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
        return shows(modals.receipt(detail, said=besides.too_late(choice, detail) if choice in besides.VERBS else "", bad=True))
    if meta.get("digest") != detail.row.digest:
        return shows(_fresh(detail, who))
    if choice not in VERBS or choice != meta.get("choice"):
        if choice not in VERBS:
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
        if choice == "edit":  # reads what was typed, and touches no row
            return _edit(detail, who, values, click)
        did = partial(VERBS[choice], detail, who, values, click)
        if (ended := quick.tried(BUSY_MS, lambda: found.append(did()), whole_ms=WHOLE_MS, least_ms=LEAST_MS)) is not Ended.DONE:
            raise quick.ToKeep(_kept(detail, values), _kept_says(by_another=ended is Ended.HELD))
    except REFUSES.get(choice, BadRequest) as error:
        where = answering.place(values) if choice == "respond" else BESIDE.get(choice, "")
        return beside(where or modals.CHOICE, told(error.message))
    except Conflict as error:
        return shows(_after_conflict(detail.row.id, who, error))
    _follow(detail.row.id)
    return found[0]


def _kept_says(*, by_another: bool) -> str:
    if by_another:
        return _("Kept. Somebody else holds this action at the moment: yours comes next, and this view says what became of it.")
    return _("Kept; it is being recorded, and this view says what became of it.")


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


def _fresh(detail: ActionDetail, who: Hand) -> b.Block:
    view = pressing.drawn(detail, who)
    return {
        **view,
        "blocks": [b.alert(_("This changed since you opened it; look at what will run now, then decide"), "warning"), *view["blocks"]][
            :100
        ],
    }


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


def _edit(detail: ActionDetail, who: Hand, values: Values, click: Click) -> Json:
    """Read the fields, then show what they change: nothing is asked for yet."""
    if "edit" in detail.reason_for and not values.get("reason", "").strip():
        return beside("reason", _("Say why you edit it: at this level the policy asks for a reason"))
    schema, now = agents.schema_of(detail), dict(detail.args)
    shown = detail.edit_args if isinstance(detail.edit_args, dict) else now
    fields = fields_of(schema, shown)
    posted = as_posted(fields, values, modals.EDITED)
    for key, sub in schema.get("properties", {}).items():
        if kind_of(resolved(schema, sub), now.get(key)) == "boolean":  # what has no field here keeps its value
            posted.setdefault(PREFIX + key, "true" if now.get(key) else "false")
    args, errors = read(schema, now, posted)
    empty = [one.key for one in fields if not str(posted.get(one.name, "-")).strip() and not may_be_empty(schema, one)]
    errors = {**errors, **{key: say("This needs a value") for key in empty if f"{modals.EDITED}{key}" in values}}
    if errors:
        there = {f"{modals.EDITED}{path.split('.')[0].split('[')[0]}": (path, why) for path, why in errors.items()}
        known = {name: why for name, (_path, why) in there.items() if name in values}
        missing = [f"{path}: {why}" for name, (path, why) in there.items() if name not in values]
        return {"response_action": "errors", "errors": {**known, **({modals.CHOICE: "; ".join(missing)[:500]} if missing else {})}}
    lines, more = changed(now, args, None)
    if not lines:
        return beside(modals.CHOICE, _("Nothing was changed; approve it as it is, or change a value"))
    lines += [_("and %(n)d more") % {"n": more}] if more else []
    view = modals.confirm_edit(detail, args, values.get("reason", ""), lines)
    if view is None:
        return beside(modals.CHOICE, _("These arguments are too long to be edited here: do it on the page"))
    return {"response_action": "push", "view": view}


def _edit_confirmed(view: Json, who: Hand, click: Click) -> Json:
    meta = modals.metadata(view)
    action_id, digest = str(meta.get("action", "")), str(meta.get("digest", ""))
    detail = action_detail(action_id, reader=who.user)
    rule = policies.in_force().data.slack
    if detail.row.state == "PENDING" and (why := why_not_here(detail, rule, of_modal(detail))):
        return shows(modals.sentence(_("%(why)s. Decide it on the page.") % {"why": why}, bad=True))
    asked: list[Any] = []
    want = partial(
        operations.request_edit,
        action_id,
        by=who.user,
        seen_digest=digest,
        args=meta.get("args"),
        reason=str(meta.get("reason", "")),
        door="slack",
    )
    record = partial(slack_clicks.on_record, action_id, want, what="edit", by=who.user, click=said_of(who, click))
    if (ended := quick.tried(BUSY_MS, lambda: asked.append(record()), whole_ms=WHOLE_MS)) is not Ended.DONE:
        return shows(_once_more(detail, meta, ended))
    agents.wake_edit(asked[0].pk)
    _follow(action_id)
    return shows(modals.sentence(_("A worker checks it with the tool. The card shows the new version, or why it was refused.")))


def _once_more(detail: ActionDetail, meta: Json, ended: Ended) -> b.Block:
    """The same view again, with what was edited in it: nothing was recorded."""
    lines, _more = changed(dict(detail.args), meta.get("args"), None)
    again = modals.confirm_edit(detail, meta.get("args") or {}, str(meta.get("reason", "")), lines) or modals.sentence("", bad=True)
    return {**again, "blocks": [b.alert(quick.again(ended), "warning"), *again["blocks"]]}


def _beside(detail: ActionDetail, who: Hand, values: Values, click: Click) -> Json:
    done = besides.do(values[modals.CHOICE], detail, who, values, click)
    return shows(modals.sentence(done.text, url=done.url))


VERBS: dict[str, Callable[[ActionDetail, Hand, Values, Click], Json]] = {
    "approve": _decide, "reject": _decide, "respond": _decide, "edit": _edit, **dict.fromkeys(besides.VERBS, _beside),
}  # fmt: skip
SUBMITS: dict[str, Callable[[Json, Hand, Click], Json]] = {
    modals.REVIEW: _reviewed, modals.CONFIRM_EDIT: _edit_confirmed, desk.AWAY: desk.leave, halting.HALT: halting.submitted,
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
