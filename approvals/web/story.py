"""The people and the past of one action: quorum, similar decisions, the story from the log. Pure presenters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from approvals.ladder import PASSKEY_PROOF
from approvals.policy.words import duration
from approvals.queries import ActionDetail, InboxRow
from approvals.resolution import Tally, tally
from approvals.resolution import Vote as Ballot
from approvals.states import Verdict
from approvals.web.receipts import STATES, VERDICTS, receipt_of
from audit.queries import EventRow

NUMBERS = {1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five"}


@dataclass(frozen=True)
class Given:
    by: str
    verb: str
    at: datetime
    instead_of: str = ""


@dataclass(frozen=True)
class Quorum:
    """Who must agree, who has, who is still missing, who never can."""

    short: str
    needs: str
    given: tuple[Given, ...] = ()
    open: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    stage: str = ""
    notes: tuple[str, ...] = ()


def quorum_of(detail: ActionDetail) -> Quorum:
    """The requirement in words, with how far it is met."""
    if not detail.needs:
        return Quorum("", "Nobody: the policy passes this level.")
    votes = [v for v in detail.votes if v.version == detail.row.version and not v.by_policy]
    pending = detail.row.state == "PENDING"
    counted = [Ballot(v.by, Verdict(v.verdict), v.groups, stage=v.stage) for v in votes]
    tallies = tally(detail.needs, counted, escalated=detail.escalated)
    given, wanted = sum(min(t.given, t.need.count) for t in tallies), sum(t.need.count for t in tallies)
    return Quorum(
        short=f"{given} of {wanted}" if pending else "",
        needs=f"{_asked(detail)}{_never(detail)}.",
        given=tuple(Given(v.by, VERDICTS[v.verdict].verb, v.at, v.instead_of) for v in votes),
        open=tuple(_open(tallies, detail)) if pending else (),
        cannot=tuple(CANNOT[rule] % {"name": name} for name, rule in detail.excluded),
        stage=f"Stage {detail.row.stage} of {detail.row.stages}" if detail.row.stages > 1 and pending else "",
        notes=tuple(_notes(detail)),
    )


CANNOT = {
    "requester": _("%(name)s cannot: started the run (rule exclude: requester)"),
    "owner": _("%(name)s cannot: owns the agent (rule exclude: owner)"),
    "editor": _("%(name)s cannot approve: edited it (rule exclude: editor)"),
}


def _asked(detail: ActionDetail) -> str:
    """Whom it asks, stage after stage."""
    by_stage: dict[int, list[str]] = {}
    for n in detail.needs:
        by_stage.setdefault(n.stage, []).append(f"{NUMBERS.get(n.count, str(n.count))} of the {n.group}")
    first, *later = [" and ".join(by_stage[stage]) for stage in sorted(by_stage)]
    return ", then ".join([first, *(part[0].lower() + part[1:] for part in later)])


def _never(detail: ActionDetail) -> str:
    risky = detail.row.level in {"high", "critical"}
    return ", not the requester and not the owner of the agent" if risky or any(rule != "editor" for __, rule in detail.excluded) else ""


def _open(tallies: Sequence[Tally], detail: ActionDetail) -> list[str]:
    """The places still empty, those of later stages named as such."""
    found = []
    for t in tallies:
        later = f", in stage {t.need.stage}" if t.need.stage > detail.row.stage else ""
        others = f" or the {' or the '.join(detail.escalated)}" if detail.escalated and not later else ""
        found += [f"one of the {t.need.group}{others}{later}"] * max(0, t.need.count - t.given)
    return found


def _notes(detail: ActionDetail) -> list[str]:
    if detail.rejections == 1 or detail.row.state != "PENDING":
        return []
    rejected = sum(v.verdict == "reject" and v.version == detail.row.version for v in detail.votes)
    return [f"{detail.rejections} rejections end it; {rejected} so far."]


@dataclass(frozen=True)
class Past:
    """A similar action decided before."""

    url: str
    summary: str
    verb: str
    icon: str
    tone: str
    by: str
    at: datetime | None
    reason: str
    edited: bool = False
    outcome: str = ""


OUTCOMES = {"done": "done", "failed": "failed", "unknown": "outcome unknown"}


def past_of(row: InboxRow) -> Past:
    receipt, look = receipt_of(row), STATES[row.state]
    return Past(
        reverse("action", args=[row.id]), row.summary, receipt.verb if receipt else look.verb, look.icon, look.tone,
        receipt.by if receipt else "", row.resolved_at, receipt.reason if receipt else "",
        edited=row.version > 1, outcome=OUTCOMES.get(str((row.outcome or {}).get("status")), "") if row.state == "APPROVED" else "",
    )  # fmt: skip


@dataclass(frozen=True)
class Moment:
    at: datetime
    text: str
    who: str
    url: str


def _verdict(data: dict[str, Any]) -> str:
    look = VERDICTS.get(str(data.get("verdict")))
    words = data.get("reason") or data.get("response")
    signed = " and signed with a passkey" if (data.get("proof") or {}).get("by") == PASSKEY_PROOF else ""
    stead = f" in the stead of {data['instead_of']}" if data.get("instead_of") else ""
    return f"{look.verb if look else 'Decided'}{stead}{signed}{': ' + words if words else ''}"


# What happened is stored; how it reads is looked up.
SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "action.opened": lambda d: f"Proposed, scored {d.get('score', '?')} ({d.get('level', '?')})",
    "action.edited": lambda d: f"Edited, now version {d.get('version')}, scored {d.get('score')} ({d.get('level')})",
    "action.stage_opened": lambda d: f"Stage {d.get('stage')} of {d.get('stages')}: the turn of {' and '.join(d.get('turn') or ())}",
    "action.reserved": lambda d: "Reserved",
    "action.put_back": lambda d: f"Released: {d.get('why', '')}",
    "action.passed_on": lambda d: f"Passed on to {d.get('to')}, in the stead of {d.get('instead_of')}",
    "action.snoozed": lambda d: "Snoozed",
    "action.unsnoozed": lambda d: f"No longer snoozed: {d.get('why', '')}",
    "action.extended": lambda d: f"Deadline put off by {duration(int(d.get('seconds') or 0))}: {d.get('reason', '')}",
    "action.reminded": lambda d: f"{d.get('after')} of the time gone, {d.get('told')} told",
    "action.escalated": lambda d: f"Escalated to {d.get('to')}, {d.get('told')} told",
    "action.reopened": lambda d: f"Asked again: {d.get('why', '')}",
    "action.undone": lambda d: f"Undone: {d.get('why', '')}",
    "ask.wanted": lambda d: f"Asked the agent: {d.get('question', '')}",
    "ask.answered": lambda d: f"The agent says: {d.get('answer', '')}",
    "ask.failed": lambda d: f"The agent could not be asked: {d.get('error', '')}",
    "edit.wanted": lambda d: "Other arguments wanted, the tool checks them",
    "edit.refused": lambda d: "The tool refused the edit",
    "decision.recorded": _verdict,
    "grant.used": lambda d: f"Let through by grant {d.get('grant')}, use {d.get('uses')} of {d.get('of')}",
    "action.expired": lambda d: "Expired: nothing runs",
    "action.cancelled": lambda d: "Cancelled",
    "action.superseded": lambda d: "Superseded",
    "action.settled": lambda d: f"Settled: {(d.get('outcome') or {}).get('status', '')}",
    "effect.claimed": lambda d: f"A worker began, attempt {d.get('attempt', 1)}",
    "effect.done": lambda d: "Done",
    "effect.failed": lambda d: f"Failed: {d.get('error', '')}",
    "effect.unknown": lambda d: "Outcome unknown: a question for an operator",
}


IMPLIED = {"action.approved", "action.rejected", "action.answered"}


def story_of(events: Sequence[EventRow]) -> tuple[Moment, ...]:
    """The log's events about an action, in order; what a decision led to is said by the decision."""
    told = (e for e in events if e.kind not in IMPLIED)
    return tuple(Moment(e.at, sentence_of(e), e.actor.removeprefix("agent:"), reverse("event", args=[e.id])) for e in told)


def sentence_of(event: EventRow) -> str:
    """One event in words; a kind nobody has a sentence for reads as it is stored."""
    say = SENTENCES.get(event.kind)
    return say(event.data) if say else event.kind.replace(".", " ").replace("_", " ").capitalize()
