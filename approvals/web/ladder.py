"""Friction follows risk: which buttons a reader gets for an action, and what each asks first.

Belongs here: the decision ladder as pure lookups. What is *allowed* is the operation's to say; this only draws it, and it never
offers what the operation would refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.operations.step_up import rung_of
from approvals.policy.risk import UNEXPLAINED
from approvals.queries import ActionDetail, Stop
from approvals.queries.stops import stop_of, undecidable
from approvals.states import Verdict
from audit.languages import told
from audit.sentences import say

PRESETS = (say("Wrong target"), say("Too broad"), say("Missing context"), say("Not now"), say("Policy"))
APPROVE = {"low": "plain", "medium": "plain", "high": "confirm", "critical": "typed"}
HINTS = {
    "plain": "",
    "confirm": say("High: press A twice, or click and confirm."),
    "typed": say("Critical: no key approves it. Type its name and give a reason."),
    "": "",
}
OWN_EDIT = say("You edited this, or what the agent made it of: somebody else has to approve it.")
APPROVE_LEVEL = {
    "low": (say("Approve low risk"), say("Approve low risk and sign it")),
    "medium": (say("Approve medium risk"), say("Approve medium risk and sign it")),
    "high": (say("Approve high risk"), say("Approve high risk and sign it")),
    "critical": (say("Approve critical risk"), say("Approve critical risk and sign it")),
}


@dataclass(frozen=True)
class Bar:
    """The decision bar. Empty addresses are buttons that are not there; `blocked` says why nothing is."""

    decide_url: str
    approve: str = ""
    approve_label: str = ""
    confirm_url: str = ""
    respond_url: str = ""
    respond_label: str = ""
    edit_url: str = ""
    reject_url: str = ""
    reject_optional: bool = False
    deaf: bool = False  # that it was rejected reaches the agent, and the reason does not
    ends_run: bool = False  # not even that it was rejected can be told: its run ends there
    hint: str = ""
    blocked: str = ""
    question: bool = False
    take_over_url: str = ""
    ask_url: str = ""
    take_back_url: str = ""


@dataclass(frozen=True)
class Confirm:
    """What the confirm sheet asks. `typed` is the name to type, `reason` is "", "optional" or "required"."""

    text: str
    button: str
    button_signed: str
    typed: str = ""
    reason: str = ""
    given: str = ""
    reason_given: str = ""
    errors: tuple[str, ...] = ()
    challenge_url: str = ""  # where the passkey's challenge comes from; "": none signs
    enrol: bool = False  # nothing but a passkey will do, and this person has none


@dataclass(frozen=True)
class StepUp:
    """Why the operation did not take the decision yet, and the way on."""

    text: str
    label: str = ""
    url: str = ""


def bar_of(detail: ActionDetail, *, halts: list[Stop]) -> Bar | None:
    """The bar for this reader; None when there is nothing left to decide."""
    row = detail.row
    if row.state != "PENDING":
        return None
    decide_url = reverse("action-decide", args=[row.id])
    if blocked := _blocked(detail, halts):
        back = reverse("action-undo", args=[row.id]) if detail.mine and not detail.tampered else ""
        return Bar(decide_url, blocked=blocked, take_back_url=back)
    question = row.kind == "question"
    approve = "" if question or detail.only_no or "approve" not in detail.verdicts else APPROVE[row.level]
    return Bar(
        decide_url=decide_url,
        approve=approve,
        approve_label=_("Approve edited") if detail.why == "edited" else _("Approve"),
        confirm_url=reverse("action-approve", args=[row.id]) if approve in {"confirm", "typed"} else "",
        respond_url=reverse("action-respond", args=[row.id]) if "respond" in detail.verdicts and not detail.only_no else "",
        respond_label=_("Answer") if question else _("Answer instead"),
        edit_url=reverse("action-edit", args=[row.id]) if detail.editable else "",
        reject_url=reverse("action-reject", args=[row.id]) if "reject" in detail.verdicts else "",
        reject_optional="reject" not in detail.reason_for,
        deaf=UNEXPLAINED in detail.agent_takes,
        ends_run=bool(detail.agent_takes) and "reject" not in detail.agent_takes,
        hint=_hint(detail, approve),
        question=question,
        take_over_url=reverse("action-take-over", args=[row.id])
        if "take_over" in detail.verdicts and not question and not detail.only_no
        else "",
        ask_url=reverse("action-ask", args=[row.id]) if row.run else "",
    )


def _hint(detail: ActionDetail, approve: str) -> str:
    if detail.stood_for and not detail.own_edit:
        return _("%(name)s approved this in your stead. You may still reject it.") % {"name": detail.stood_for}
    return told(OWN_EDIT if detail.own_edit else HINTS[approve])


def confirm_of(detail: ActionDetail, *, given: str = "", reason: str = "", errors: tuple[str, ...] = (), passkey: bool = False) -> Confirm:
    """The confirm sheet of high and critical actions; `passkey` says whether this person has one."""
    rung = rung_of(detail.row.level, Verdict.APPROVE, question=detail.row.kind == "question")
    typed = detail.confirm if rung.typed else ""
    what = {"agent": detail.row.agent, "tool": detail.row.tool}
    sentence = (
        _("%(agent)s runs %(tool)s with exactly these arguments.")
        if detail.reversible
        else _("%(agent)s runs %(tool)s with exactly these arguments. It cannot be undone.")
    )
    button, button_signed = APPROVE_LEVEL[detail.row.level]
    return Confirm(
        text=sentence % what,
        button=told(button),
        button_signed=told(button_signed),
        typed=typed,
        reason="required" if "approve" in detail.reason_for else "optional",
        given=given,
        reason_given=reason,
        errors=errors,
        challenge_url=reverse("action-challenge", args=[detail.row.id]) if rung.signed and passkey else "",
        enrol=rung.only_signed and not passkey,
    )


def step_up_of(ask: str, text: str, action_id: str, verdict: str) -> StepUp | None:
    """What stands above the sheet when the operation wants to know better who is there. It leads back to this sheet and decides nothing."""
    if not ask:
        return None
    back = urlencode({"next": reverse(f"action-{verdict.replace('_', '-')}", args=[action_id])})
    if ask == "fresh":
        return StepUp(text, _("Confirm that it is you"), f"{reverse('confirm')}?{back}")
    return StepUp(text, _("Add a passkey"), reverse("mfa_add_webauthn")) if ask == "enrol" else StepUp(text)


def halted(detail: ActionDetail, halts: Sequence[Stop]) -> str:
    """Why nothing of it can be decided while an order covers it, "" when none does."""
    stop = stop_of(detail.row, halts)
    return told(undecidable(stop.scope, stop.target, who=stop.by, why=stop.reason)) if stop else ""


def _blocked(detail: ActionDetail, halts: list[Stop]) -> str:
    if detail.tampered:
        return told(detail.tampered)
    if why := halted(detail, halts):
        return why
    if detail.checking:
        return _("Edited arguments are being checked with the tool; the new version appears here by itself")
    if detail.mine:
        return _("You have decided this version; it waits for somebody else")
    return told(detail.cannot)
