"""The receipt: how a decided action reads, the same in inbox, decided list, action and run.

Belongs here: lookups from stored facts (state, verdict, outcome) to words, glyphs and tones. Pure; takes rows of
`approvals.queries`, returns frozen values for templates.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals.doors import DOORS
from approvals.queries import InboxRow, Vote
from approvals.queries.drills import Ending
from approvals.render.reveal import Revealed, line, reveal, written_out
from audit.actors import spoken
from audit.languages import told
from audit.sentences import say


@dataclass(frozen=True)
class Look:
    """Verb, glyph and tone of one state."""

    verb: str
    icon: str
    tone: str


STATES = {
    "PENDING": Look(say("Waiting"), "hand", "neutral"),
    "APPROVED": Look(say("Approved"), "check", "approved"),
    "REJECTED": Look(say("Rejected"), "x", "rejected"),
    "ANSWERED": Look(say("Answered"), "reply", "approved"),
    "EXPIRED": Look(say("Expired"), "circle-dashed", "neutral"),
    "SUPERSEDED": Look(say("Superseded"), "circle-slash", "neutral"),
    "CANCELLED": Look(say("Cancelled"), "circle-slash", "neutral"),
}
ANSWERED_FOR = Look(say("Answered by an operator"), "reply", "approved")
VERDICTS = {
    "approve": Look(say("Approved"), "check", "approved"),
    "reject": Look(say("Rejected"), "x", "rejected"),
    "respond": Look(say("Answered"), "reply", "approved"),
    "take_over": Look(say("Taken over"), "user-round-check", "approved"),
}


# How a test action ended, and what the receipt says of it.
TESTS = {
    "caught": Look(say("Test action, caught"), "shield-check", "approved"),
    "missed": Look(say("Test action, missed"), "shield-alert", "rejected"),
    "expired": Look(say("Test action, nobody decided it"), "circle-dashed", "neutral"),
    "withdrawn": Look(say("Test action, taken back"), "circle-slash", "neutral"),
}
TOLD = {
    "reject": say("It was made to be rejected, and it was."),
    "respond": say("It was made to be rejected; with an answer instead, nothing would have run either."),
    "approve": say("It was made to be rejected, and it was approved. Nothing ran: a test action cannot."),
    "take_over": say("It was made to be rejected, and it was taken over. Nothing of it was real."),
    "edit": say("It was made to be rejected; an edit ends it too."),
    "": say("No agent asked for it, and nothing of it was real."),
}


@dataclass(frozen=True)
class Test:
    """What a test action was: a sentence, and what was wrong with it, each with its argument."""

    __test__ = False  # no test of pytest's

    told: str
    wrong: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Receipt:
    """A decision or an ending. `focus` asks the page to put the focus on it.

    Attributes:
        held_until, undo_url: while an approval may be taken back: until when, and the address for this reader, if they may.
        because_url: the earlier decision that this one repeats.
        test: what it was, when it was only a test.
    """

    verb: str
    icon: str
    tone: str
    by: str
    at: datetime | None
    door: str
    reason: str
    digest: str
    note: str = ""
    focus: bool = False
    held_until: datetime | None = None
    undo_url: str = ""
    because_url: str = ""
    test: Test | None = None

    @property
    def held_s(self) -> int:
        """Seconds until the hold is over, and one more."""
        return max(1, math.ceil((self.held_until - timezone.now()).total_seconds()) + 1) if self.held_until else 1


def receipt_of(row: InboxRow, *, focus: bool = False) -> Receipt | None:
    """What became of an action; None while it waits."""
    if row.state == "PENDING":
        return None
    said = row.resolution or {}
    if row.test:
        return _receipt_of_test(row, row.test, focus=focus)
    details = said.get("details") or {}
    look = (
        VERDICTS["take_over"] if said.get("verdict") == "take_over" else ANSWERED_FOR if details.get("answered_for") else STATES[row.state]
    )
    earlier = details.get("because_of") or {}
    by = str(said.get("by", ""))
    by_policy = by.startswith("policy ")
    return Receipt(
        verb=_("Passed") if by_policy and row.state == "APPROVED" else told(look.verb),
        icon="circle-slash" if row.unheard else look.icon,
        tone="neutral" if row.unheard else look.tone,
        by="" if by == "Countersign" else told(spoken(by)),
        at=row.resolved_at,
        door=door_of(str(said.get("door", ""))),
        reason=reason_of(said),
        digest=row.digest,
        note=". ".join([*_notes(said, details), *([_("It reached nobody: %(why)s") % {"why": told(row.unheard)}] if row.unheard else [])]),
        focus=focus,
        held_until=row.hold_until if row.held else None,
        because_url=reverse("action", args=[earlier["action"]]) if earlier.get("action") else "",
    )


def door_of(door: str) -> str:
    """Where it came in; the product's own workers are no door worth naming."""
    return told(DOORS.get(door, door))


def reason_of(said: dict[str, Any]) -> str:
    """The words of a resolution: a person's as they wrote them, the product's own in the reader's language."""
    words = str(said.get("response") or said.get("reason") or "")
    return told(words) if str(said.get("by", "")).startswith(("policy ", "Countersign")) else words


def _receipt_of_test(row: InboxRow, ending: Ending, *, focus: bool) -> Receipt:
    look = TESTS[ending.state]
    door = str((row.resolution or {}).get("door", ""))
    wrong = tuple((path, told(said)) for path, said in ending.wrong)
    test = Test(told(TOLD[ending.verdict]), wrong)
    note = " ".join(
        [
            test.told,
            *(
                _("What was wrong: %(path)s. %(said)s.") % {"path": written_out(line(path)), "said": written_out(line(said))}
                for path, said in wrong
            ),
        ]
    )
    return Receipt(
        told(look.verb), look.icon, look.tone, "", row.resolved_at, door_of(door), "", row.digest, note=note, focus=focus, test=test
    )


def _notes(said: dict[str, Any], details: dict[str, Any]) -> Iterator[str]:
    if said.get("verdict") == "take_over":
        yield _("Done outside, the tool did not run") if details.get("done") else _("It could not be done, the tool did not run")
    if details.get("answered_for"):
        yield _("The tool did not run: the agent got a result from %(who)s") % {
            "who": ", ".join(map(str, details.get("people") or [])) or "-"
        }
    if details.get("do_not_retry"):
        yield _("Not to be proposed again in this run")
    if details.get("stop_run"):
        yield _("The run was stopped")
    if int(said.get("version") or 1) > 1:
        yield _("Version %(n)s") % {"n": said["version"]}


def with_undo(receipt: Receipt | None, row: InboxRow, *, may: bool) -> Receipt | None:
    """The receipt with the address that takes the approval back, for whoever may, while it is held."""
    if receipt is None or not may or not row.held:
        return receipt
    return replace(receipt, undo_url=reverse("action-undo", args=[row.id]))


def receipt_of_vote(vote: Vote, *, digest: str) -> Receipt:
    """One person's verdict on the version that is still open."""
    look = VERDICTS[vote.verdict]
    return Receipt(
        told(look.verb), look.icon, look.tone, vote.by, vote.at, door_of(vote.door),
        vote.response or vote.reason, digest, note=_("Waits for more people"),
    )  # fmt: skip


@dataclass(frozen=True)
class Fate:
    """What was really done: the note under the receipt."""

    title: str
    icon: str
    note_class: str
    at: datetime | None
    detail: Revealed | None = None


SETTLED = {
    "done": say("Settled: done"),
    "failed": say("Settled: failed"),
    "unknown": say("Settled: outcome unknown"),
    "approved": say("Settled: approved"),
    "rejected": say("Settled: rejected"),
    "answered": say("Settled: answered"),
    "expired": say("Settled: expired"),
    "superseded": say("Settled: superseded"),
    "cancelled": say("Settled: cancelled"),
}
OUTCOMES = {
    "done": (say("Done"), "circle-check", "note-good"),
    "failed": (say("Failed, and nothing further was tried"), "circle-x", "note-bad"),
    "unknown": (say("Nobody knows whether it was done"), "circle-question-mark", "note-warn"),
}


def fate_of(row: InboxRow, *, by_agent: bool = False) -> Fate | None:
    """What came of an approved call, from the settled fact; None for what executes nothing.

    Args:
        by_agent: the agent makes the call itself. So does one that proposes from outside, whose actions belong to no run: no worker of ours comes.
    """
    if row.state != "APPROVED" or row.kind != "tool":
        return None
    outcome = row.outcome or {}
    if row.settled_at and str(outcome.get("status")) in OUTCOMES:
        title, icon, tone = OUTCOMES[str(outcome["status"])]
        return Fate(told(title), icon, tone, row.settled_at, _came_back(outcome))
    if row.settled_at:
        settled = told(SETTLED.get(str(outcome.get("status")), say("Settled")))
        return Fate(settled, "circle-slash", "", row.settled_at, _came_back(outcome))
    by_agent = by_agent or not row.run
    if row.claimed_at:
        return Fate(
            _("The agent has taken it and runs it now") if by_agent else _("A worker runs it now"), "loader", "note-info", row.claimed_at
        )
    if row.held:
        return Fate(_("Held: nothing runs before that is over"), "hourglass", "note-info", row.resolved_at)
    return Fate(
        _("Waits for the agent to take it and run it") if by_agent else _("Waits for a worker"), "hourglass", "note-info", row.resolved_at
    )


def _came_back(outcome: dict[str, Any]) -> Revealed | None:
    back = outcome.get("result") if outcome.get("result") is not None else outcome.get("reason")
    if back in (None, "", {}, []):
        return None
    return reveal(told(back) if isinstance(back, str) else json.dumps(back, ensure_ascii=False, indent=2))
