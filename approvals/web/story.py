"""The people and the past of one action: quorum, similar decisions, the story from the log. Pure presenters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from approvals.ladder import PASSKEY_PROOF
from approvals.queries import ActionDetail, InboxRow
from approvals.web.receipts import STATES, VERDICTS, receipt_of
from audit.queries import EventRow

NUMBERS = {1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five"}


@dataclass(frozen=True)
class Given:
    by: str
    verb: str
    at: datetime


@dataclass(frozen=True)
class Quorum:
    """Who must agree, who has, who is still missing, who never can."""

    short: str
    needs: str
    given: tuple[Given, ...] = ()
    open: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()


def quorum_of(detail: ActionDetail) -> Quorum:
    """The requirement in words, with how far it is met."""
    if not detail.needs:
        return Quorum("", "Nobody: the policy passes this level.")
    votes = [v for v in detail.votes if v.version == detail.row.version and not v.by_policy]
    approvals = sum(v.verdict == "approve" for v in votes)
    wanted = sum(need.count for need in detail.needs)
    needs = " and ".join(f"{NUMBERS.get(n.count, n.count)} of the {n.group}" for n in detail.needs)
    risky = detail.row.level in {"high", "critical"}
    missing = [f"one of the {n.group}" for n in detail.needs for _ in range(n.count)][approvals:]
    return Quorum(
        short=f"{approvals} of {wanted}" if detail.row.state == "PENDING" else "",
        needs=f"{needs}." if not risky else f"{needs}, not the requester and not the owner of the agent.",
        given=tuple(Given(v.by, VERDICTS[v.verdict].verb, v.at) for v in votes),
        open=tuple(missing) if detail.row.state == "PENDING" else (),
        cannot=(f"{detail.row.requested_by} cannot: started the run",) if risky and detail.row.requested_by else (),
    )


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
    return f"{look.verb if look else 'Decided'}{signed}{': ' + words if words else ''}"


# What happened is stored; how it reads is looked up.
SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "action.opened": lambda d: f"Proposed, scored {d.get('score', '?')} ({d.get('level', '?')})",
    "action.edited": lambda d: f"Edited, now version {d.get('version')}, scored {d.get('score')} ({d.get('level')})",
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
