"""The views of one person: reviewing an action, the difference of an edit, the receipt, linking. Drawn from the database each time."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from approvals.notify.words import name
from approvals.policy.slack import SlackRule
from approvals.policy.words import duration
from approvals.queries import ActionDetail, active_halts
from approvals.queries.desks import Desk
from approvals.render.reveal import reveal
from approvals.slack import answering
from approvals.slack import blocks as b
from approvals.slack.cards import arguments, held, receipt_line, url_of
from approvals.slack.controls import control, labelled
from approvals.slack.people import page_url
from approvals.slack.rooms import agents
from approvals.slack.showing import of_modal, why_not_here
from approvals.slack.text import cut, date, link, person, safe, shown, spelled
from approvals.slack.threads import spelled_lines
from approvals.web.desks import SNOOZES
from approvals.web.ladder import PRESETS, halted
from approvals.web.receipts import receipt_of
from approvals.web.schemaform import fields_of, may_be_empty
from approvals.web.story import quorum_of
from audit.languages import told

REVIEW, CONFIRM_EDIT, LINK, SAID = "review", "confirm_edit", "link", "said"
CHOICE = "choice"
ALERTS = {"low": "info", "medium": "warning", "high": "error", "critical": "error"}
VERBS = ("approve", "reject", "edit", "respond", "ask", "reserve", "put_back", "snooze", "pass_on")
ROOM_OF_AN_EDIT = 800  # characters
EDITED = "edit:"  # before the name of an argument, as the id of its input


def review(
    detail: ActionDetail, rule: SlackRule, desk: Desk | None, *, choice: str = "", origin: Mapping[str, str] | None = None
) -> b.Block:
    """The view of one action for one reader, with the inputs that what they chose needs."""
    if detail.row.state != "PENDING":
        return receipt(detail)
    showing = of_modal(detail)
    stopped = halted(detail, active_halts())
    web = stopped or why_not_here(detail, rule, showing)
    choices = offered(detail, desk, web=web)
    choice = choice if choice in choices else ""
    meta = json.dumps({"action": detail.row.id, "digest": detail.row.digest, "choice": choice, **(origin or {})})
    parts = [
        b.alert(
            _("%(level)s risk, score %(score)d") % {"level": detail.row.level.capitalize(), "score": detail.row.score},
            ALERTS[detail.row.level],
        )
    ]
    parts += _about(detail)
    parts += arguments(showing)
    parts += _warnings(detail, web, stopped)
    if choices:
        options = [b.option(words()[c], c) for c in choices]
        parts.append(b.entry(_("What do you want to do?"), b.radio(CHOICE, options, chosen=choice), block_id=CHOICE, acts=True))
        parts += _inputs(detail, desk, choice)
    return b.modal(
        _("Review"), parts, callback_id=REVIEW, metadata=meta, submit=_("Go on") if choice == "edit" else _("Record") if choices else ""
    )


def metadata(view: Mapping[str, Any]) -> dict[str, Any]:
    """What we put into a view, as it came back; {} when it is not ours."""
    try:
        found = json.loads(str(view.get("private_metadata") or "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def words() -> dict[str, str]:
    return {
        "approve": _("Approve"), "reject": _("Reject"), "edit": _("Edit the arguments"), "respond": _("Answer instead"), "ask": _("Ask the agent"),
        "reserve": _("Reserve it for me"), "put_back": _("Give it back"), "snooze": _("Snooze it, for me alone"), "pass_on": _("Pass it on"),
    }  # fmt: skip


def offered(detail: ActionDetail, desk: Desk | None, *, web: str) -> list[str]:
    """What this reader may choose here. `web`: why deciding is left to the page. The operations have the last word."""
    if detail.tampered or detail.checking:
        return []
    may = not detail.cannot and not detail.mine
    found = []
    if may and not web:
        yes = "approve" in detail.verdicts and not detail.only_no and detail.row.kind != "question"
        found += [*(["approve"] if yes else []), *(["reject"] if "reject" in detail.verdicts else [])]
        found += ["respond"] if "respond" in detail.verdicts and not detail.only_no else []
        found += ["edit"] if detail.editable and isinstance(detail.args, dict) and detail.args and _edit_fits(detail) else []
    if may and detail.row.run:
        found.append("ask")
    if desk and desk.may_reserve:
        found.append("put_back" if desk.mine else "reserve")
    if may:
        found.append("snooze")
    if desk and desk.people:
        found.append("pass_on")
    return [verb for verb in VERBS if verb in found]


def _edit_fits(detail: ActionDetail) -> bool:
    """Whether an edit of it could be kept in a view's memory, with a reason and a little more than it has now."""
    return len(json.dumps(detail.args, ensure_ascii=False)) <= b.METADATA - ROOM_OF_AN_EDIT


def _about(detail: ActionDetail) -> list[b.Block]:
    row, quorum = detail.row, quorum_of(detail)
    facts = [f"{_('Agent')}\n{name(row.agent)}", f"{_('Tool')}\n{name(row.tool)}", f"{_('For')}\n{person(row.requested_by) or '-'}"]
    parts = [b.section(b.plain(cut(spelled(row.summary), 600)))]
    parts.append(b.fields([*(b.plain(text, b.FIELD) for text in facts), b.mrkdwn(f"{_('Expires')}\n{date(row.expires_at)}")]))
    given = ", ".join(f"{person(g.by)} {g.words}" for g in quorum.given)
    so_far = ": ".join(filter(None, [quorum.short, given]))
    parts.append(b.context(b.plain(cut(" · ".join(filter(None, [quorum.needs, so_far])), 400))))
    if row.reserved_by:
        parts.append(b.context(b.plain(held(detail))))
    if detail.rationale.strip():
        said = cut(shown(reveal(detail.rationale, whole=True)), 600)
        parts.append(b.context(b.plain(_("The agent says: %(said)s") % {"said": said}, 700)))
    return parts


def _warnings(detail: ActionDetail, web: str, stopped: str) -> list[b.Block]:
    found = []
    if detail.tampered:
        found.append(b.alert(told(detail.tampered), "error"))
    elif stopped:
        found.append(b.alert(stopped, "error"))
    elif detail.checking:
        found.append(b.alert(_("Edited arguments are being checked; the new version comes by itself"), "info"))
    elif detail.cannot or detail.mine:
        found.append(b.alert(told(detail.cannot) or _("You have decided this version; it waits for somebody else"), "info"))
    elif web:
        found.append(b.alert(_("%(why)s. Decide it on the page.") % {"why": web}, "warning"))
    if detail.edit_errors:
        why = "; ".join(f"{path}: {told(text)}" if path else told(text) for path, text in detail.edit_errors.items())
        found.append(b.alert(cut(_("Your last edit was refused: %(why)s") % {"why": spelled(why)}, 1_000), "error"))
    return [*found, b.context(b.mrkdwn(f"{link(url_of(detail.row.id), _('Open in Countersign'))} · {safe(detail.row.digest[:12])}"))]


def _inputs(detail: ActionDetail, desk: Desk | None, choice: str) -> list[b.Block]:
    if choice in {"approve", "reject"}:
        needed = choice in detail.reason_for
        words = b.entry(_("Reason"), b.text_input("reason", multiline=True, most=2_000), block_id="reason", optional=True)
        presets = [b.option(told(preset), told(preset)) for preset in PRESETS]
        preset = b.entry(
            _("Why"),
            b.select("preset", presets),
            block_id="preset",
            optional=True,
            hint=_("A reason is needed: choose one or write") if needed else "",
        )
        return [preset, words] if choice == "reject" else [{**words, "optional": not needed}]
    if choice == "respond":
        return answering.inputs(detail)
    if choice == "ask":
        return [b.entry(_("Your question"), b.text_input("words", multiline=True), block_id="words")]
    if choice == "snooze":
        times = [b.option(told(duration(seconds)), str(seconds)) for seconds in SNOOZES]
        return [b.entry(_("For how long?"), b.radio("seconds", times, chosen=str(SNOOZES[0])), block_id="seconds")]
    if choice == "pass_on":
        reason = b.entry(_("Reason"), b.text_input("reason", most=1_000), block_id="reason", optional=True)
        return [b.entry(_("To whom?"), b.external_select("to", placeholder=_("Type a name")), block_id="to"), reason]
    return edit_inputs(detail) if choice == "edit" else []


def edit_inputs(detail: ActionDetail) -> list[b.Block]:
    """A typed input per argument, as far as one fits; values that fit none stay as they are, which is said."""
    values = detail.edit_args if isinstance(detail.edit_args, dict) else dict(detail.args)
    found: list[b.Block] = []
    left: list[str] = []
    schema = agents.schema_of(detail)
    for one in fields_of(schema, values, errors=detail.edit_errors):
        element = control(one)
        if element is None or len(found) >= 40:
            left.append(labelled(one))
            continue
        hint = cut(" ".join(filter(None, [one.help, one.error])), 300)
        found.append(b.entry(labelled(one), element, block_id=f"{EDITED}{one.key}"[:255], optional=may_be_empty(schema, one), hint=hint))
    if left:
        found.append(b.context(b.plain(_("Not editable here: %(names)s") % {"names": ", ".join(left)}, 300)))
    reason = b.text_input("reason", most=2_000)
    return [*found, b.entry(_("Why the change?"), reason, block_id="reason", optional="edit" not in detail.reason_for)]


def confirm_edit(detail: ActionDetail, args: Mapping[str, Any], reason: str, lines: Sequence[str]) -> b.Block | None:
    """What an edit would change, before it is asked for; None when its arguments do not fit into a view's memory."""
    meta = json.dumps({"action": detail.row.id, "digest": detail.row.digest, "args": args, "reason": reason}, ensure_ascii=False)
    if len(meta) > b.METADATA:
        return None
    parts = [
        b.section(b.plain(_("This is what you change. A worker checks it with the tool; then somebody else approves it."))),
        b.divider(),
    ]
    parts += [b.section(b.plain(cut(line, 1_000))) for line in lines[:20]]
    return b.modal(_("Your edit"), parts, callback_id=CONFIRM_EDIT, metadata=meta, submit=_("Check the edit"), close=_("Back"))


def receipt(detail: ActionDetail, *, said: str = "", bad: bool = False) -> b.Block:
    """What became of it. `bad`: what is said is not what they wanted."""
    found = receipt_of(detail.row)
    parts = [b.alert(said, "warning" if bad else "success")] if said else []
    parts.append(b.section(b.plain(cut(spelled(detail.row.summary), 600))))
    if found:
        parts.append(b.section(b.mrkdwn(receipt_line(found))))
        parts += [b.section(b.plain(cut(spelled_lines(found.reason), 2_000)))] if found.reason else []
    parts.append(b.context(b.mrkdwn(link(url_of(detail.row.id), _("Open in Countersign")))))
    return b.modal(_("Countersign"), parts, callback_id=SAID)


def sentence(text: str, *, bad: bool = False, url: str = "") -> b.Block:
    """One sentence in a view."""
    more = [b.context(b.mrkdwn(link(url, url)))] if url else []
    return b.modal(_("Countersign"), [b.alert(cut(text, 2_000), "warning" if bad else "success"), *more], callback_id=SAID)


def sentences(done: Sequence[str], warnings: Sequence[str]) -> b.Block:
    """What was done, and what of it may be other than they think."""
    parts = [b.alert(cut(text, 2_000), level) for level, texts in (("success", done), ("warning", warnings)) for text in texts]
    return b.modal(_("Countersign"), parts, callback_id=SAID)


def refused(text: str, *, may_link: bool, url: str = "") -> b.Block:
    """Somebody is nobody here (yet)."""
    way = [b.context(b.mrkdwn(link(url, url)))] if url else []
    more = [b.actions([b.button(_("I have a code"), "link", style="primary")], block_id="link")] if may_link else []
    return b.modal(_("Countersign"), [b.alert(cut(text, 2_000), "warning"), *way, *more], callback_id=SAID)


def link_account() -> b.Block:
    """Where the code is typed."""
    parts = [
        b.section(b.mrkdwn(_("1. Open %(link)s, signed in, and ask for a code.") % {"link": link(page_url(), page_url())})),
        b.entry(
            _("2. Type it here"),
            b.text_input("code", most=20, placeholder="7KQM-2XPD"),
            block_id="code",
            hint=_("It holds for ten minutes and works once."),
        ),
    ]
    return b.modal(_("Link your account"), parts, callback_id=LINK, submit=_("Link"))
