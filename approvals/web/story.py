"""The people and the past of one action: quorum, similar decisions, the story from the log. Pure presenters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.ladder import PASSKEY_PROOF
from approvals.policy.basics import said_of
from approvals.policy.words import duration
from approvals.queries import ActionDetail, InboxRow, Vote
from approvals.resolution import Tally, tally
from approvals.web.receipts import SETTLED, STATES, VERDICTS, receipt_of
from approvals.web.words import begun
from audit.languages import told
from audit.queries import EventRow
from audit.sentences import chain, say

NUMBERS = {2: say("two"), 3: say("three"), 4: say("four"), 5: say("five")}
GAVE = {"approve": say("approved"), "reject": say("rejected"), "respond": say("answered"), "take_over": say("taken over")}


@dataclass(frozen=True)
class Given:
    by: str
    words: str
    at: datetime


@dataclass(frozen=True)
class Quorum:
    """Who must agree, who has, who is still missing, who never can. `short` is how far it is, in one line."""

    short: str
    needs: str
    given: tuple[Given, ...] = ()
    open: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    stage: str = ""
    notes: tuple[str, ...] = ()


def stands(detail: ActionDetail) -> str:
    """How far the version a reader has open is, and until when: another value means that others did something about it meanwhile."""
    return f"{sum(v.version == detail.row.version for v in detail.votes)}.{detail.row.stage}.{int(detail.row.expires_at.timestamp())}"


def stood(before: str, detail: ActionDetail) -> str:
    """What others did since a page showed `before`; "" when nothing did."""
    now = stands(detail)
    if not before or before == now:
        return ""
    votes, deadline = (before.split(".")[0] != now.split(".")[0], before.rpartition(".")[2] != now.rpartition(".")[2])
    short = quorum_of(detail).short
    if votes and short:
        return _("Others decided since: %(short)s.") % {"short": short}
    return _("The deadline was changed since.") if deadline and not votes else _("Others acted on this since.")


def quorum_of(detail: ActionDetail) -> Quorum:
    """The requirement in words, with how far it is met."""
    if not detail.needs:
        return Quorum("", _("Nobody: the policy passes this level."))
    votes = [v for v in detail.votes if v.version == detail.row.version and not v.by_policy]
    pending = detail.row.state == "PENDING"
    tallies = tally(detail.needs, [v.ballot for v in votes], escalated=detail.escalated)
    given, wanted = sum(min(t.given, t.need.count) for t in tallies), sum(t.need.count for t in tallies)
    return Quorum(
        short=_short(detail, given, wanted) if pending else "",
        needs=f"{begun(told(_never(detail, _asked(detail))))}.",
        given=tuple(Given(v.by, _gave(v), v.at) for v in votes),
        open=tuple(told(place) for place in _open(tallies, detail)) if pending else (),
        cannot=tuple(told(CANNOT[rule](name)) for name, rule in detail.excluded),
        stage=_("Stage %(n)s of %(of)s") % {"n": detail.row.stage, "of": detail.row.stages} if detail.row.stages > 1 and pending else "",
        notes=tuple(_notes(detail)),
    )


CANNOT: dict[str, Callable[[str], str]] = {
    "requester": lambda name: say("%(name)s cannot: started the run (rule exclude: requester)", name=name),
    "owner": lambda name: say("%(name)s cannot: owns the agent (rule exclude: owner)", name=name),
    "editor": lambda name: say("%(name)s cannot approve: edited it (rule exclude: editor)", name=name),
}


def _short(detail: ActionDetail, given: int, wanted: int) -> str:
    said = {"given": given, "wanted": wanted, "stage": detail.row.stage, "stages": detail.row.stages}
    if detail.row.stages > 1:
        return _("%(given)s of %(wanted)s approved, stage %(stage)s of %(stages)s") % said
    return _("%(given)s of %(wanted)s approved") % said


def _gave(vote: Vote) -> str:
    did = GAVE[vote.verdict]
    said = told(say("%(did)s for %(who)s", did=did, who=vote.instead_of) if vote.instead_of else did)
    if vote.counts is False:
        return _("%(did)s, which counts no more: locked, no longer in the group, or said anew since") % {"did": said}
    return said


def _asked(detail: ActionDetail) -> str:
    """Whom it asks, stage after stage."""
    by_stage: dict[int, list[str]] = {}
    for n in detail.needs:
        count = NUMBERS.get(n.count, str(n.count))
        by_stage.setdefault(n.stage, []).append(
            say("one of the %(group)s", "%(count)s of the %(group)s", n=n.count, count=count, group=n.group)
        )
    return chain("%(a)s, then %(b)s", [chain("%(a)s and %(b)s", by_stage[stage]) for stage in sorted(by_stage)])


def _never(detail: ActionDetail, asked: str) -> str:
    risky = detail.row.level in {"high", "critical"}
    apart = risky or any(rule != "editor" for __, rule in detail.excluded)
    return say("%(who)s, not the requester and not the owner of the agent", who=asked) if apart else asked


def _open(tallies: Sequence[Tally], detail: ActionDetail) -> list[str]:
    """The places still empty, those of later stages named as such."""
    found = []
    for t in tallies:
        later = t.need.stage > detail.row.stage
        groups = chain("%(a)s or the %(b)s", [t.need.group, *(() if later else detail.escalated)])
        place: str = say("one of the %(group)s", group=groups)
        if later:
            place = say("%(who)s, in stage %(stage)s", who=place, stage=t.need.stage)
        found += [place] * max(0, t.need.count - t.given)
    return found


def _notes(detail: ActionDetail) -> list[str]:
    if detail.row.state != "PENDING":
        return []
    found = []
    if detail.rejections > 1:
        rejected = sum(bool(v.counts) and v.verdict == "reject" for v in detail.votes)
        found.append(_("%(n)s rejections end it; %(m)s so far.") % {"n": detail.rejections, "m": rejected})
    if detail.stops_run and detail.row.run:
        found.append(_("If nobody decides in time, the run is halted."))
    if not detail.may_edit:
        found.append(_("The policy lets nobody edit the arguments."))
    return found


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


OUTCOMES = {"done": say("done"), "failed": say("failed"), "unknown": say("outcome unknown")}


def past_of(row: InboxRow) -> Past:
    receipt, look = receipt_of(row), STATES[row.state]
    return Past(
        reverse("action", args=[row.id]), row.summary, receipt.verb if receipt else told(look.verb), look.icon, look.tone,
        receipt.by if receipt else "", row.resolved_at, receipt.reason if receipt else "",
        edited=row.edited, outcome=told(OUTCOMES.get(str((row.outcome or {}).get("status")), "")) if row.state == "APPROVED" else "",
    )  # fmt: skip


@dataclass(frozen=True)
class Moment:
    at: datetime
    text: str
    who: str
    url: str


def _verdict(data: dict[str, Any]) -> str:
    look = VERDICTS.get(str(data.get("verdict")))
    said: str = look.verb if look else say("Decided")
    if data.get("instead_of"):
        said = say("%(did)s in the stead of %(who)s", did=said, who=data["instead_of"])
    if (data.get("proof") or {}).get("by") == PASSKEY_PROOF:
        said = say("%(did)s and signed with a passkey", did=said)
    return _with(said, data.get("reason") or data.get("response") or "")


def _with(said: str, words: str) -> str:
    """What somebody did, in their own words."""
    return say("%(did)s: %(words)s", did=said, words=words) if words else said


OPINED = {"none": say("no doubts"), "doubtful": say("doubtful"), "dangerous": say("dangerous")}
# What happened is stored; how it reads is looked up.
SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "action.opened": lambda d: say("Proposed, scored %(score)s (%(level)s)", score=d.get("score", "?"), level=said_of(d.get("level", "?"))),
    "action.edited": lambda d: say(
        "Edited, now version %(version)s, scored %(score)s (%(level)s)",
        version=d.get("version"), score=d.get("score"), level=said_of(d.get("level", "?")),
    ),
    "action.stage_opened": lambda d: say(
        "Stage %(stage)s of %(stages)s: the turn of %(group)s",
        stage=d.get("stage"), stages=d.get("stages"), group=chain("%(a)s and %(b)s", d.get("turn") or ()),
    ),
    "action.reserved": lambda d: say("Reserved"),
    "action.put_back": lambda d: say("Released: %(why)s", why=told(d.get("why", ""))),
    "action.reservation_ended": lambda d: _with(say("Ended the reservation of %(holder)s", holder=d.get("holder")), d.get("reason", "")),
    "action.reassigned": lambda d: _with(
        say("Given to %(to)s, in the stead of %(who)s", to=d.get("to"), who=d.get("instead_of"))
        if d.get("instead_of")
        else say("Given to %(to)s, who is asked; %(holder)s had it", to=d.get("to"), holder=d["holder"])
        if d.get("holder")
        else say("Given to %(to)s, who is asked", to=d.get("to")),
        d.get("reason", ""),
    ),
    "action.passed_on": lambda d: _with(
        say("Passed on to %(to)s, in the stead of %(who)s", to=d.get("to"), who=d.get("instead_of")), d.get("reason", "")
    ),
    "action.snoozed": lambda d: say("Snoozed"),
    "action.unsnoozed": lambda d: say("No longer snoozed: %(why)s", why=told(d.get("why", ""))),
    "action.extended": lambda d: say(
        "Deadline put off by %(time)s: %(why)s", time=duration(int(d.get("seconds") or 0)), why=d.get("reason", "")
    ),
    "action.reminded": lambda d: say("%(part)s of the time gone, %(told)s told", part=d.get("after"), told=d.get("told")),
    "action.escalated": lambda d: say("Escalated to %(group)s, %(told)s told", group=d.get("to"), told=d.get("told")),
    "action.reopened": lambda d: say("Asked again: %(why)s", why=told(d.get("why", ""))),
    "action.unclaimed": lambda d: say("Leave to act was taken back unused: %(why)s", why=told(d.get("why", ""))),
    "action.undone": lambda d: say("Undone: %(why)s", why=told(d.get("why", ""))),
    "action.raised": lambda d: say("Asked anew: %(why)s", why=told(d.get("why", ""))),
    "opinion.given": lambda d: say("Second opinion: %(concern)s", concern=OPINED.get(d.get("concern", ""), "")),
    "opinion.failed": lambda d: say("No second opinion: %(why)s", why=told(d.get("error", ""))),
    "ask.wanted": lambda d: say("Asked the agent: %(question)s", question=d.get("question", "")),
    "ask.answered": lambda d: say("The agent says: %(answer)s", answer=d.get("answer", "")),
    "ask.failed": lambda d: say("The agent could not be asked: %(why)s", why=told(d.get("error", ""))),
    "edit.wanted": lambda d: say("Other arguments wanted, the tool checks them"),
    "edit.refused": lambda d: say("The tool refused the edit"),
    "decision.recorded": _verdict,
    "grant.used": lambda d: say("Let through by grant %(id)s, use %(uses)s of %(of)s", id=d.get("grant"), uses=d.get("uses"), of=d.get("of")),
    "action.expired": lambda d: say("Expired: nothing runs"),
    "drill.caught": lambda d: say("It was a test action: caught"),
    "drill.missed": lambda d: say("It was a test action: missed, and nothing ran"),
    "drill.expired": lambda d: say("It was a test action: nobody decided it in time"),
    "drill.withdrawn": lambda d: say("It was a test action: taken back"),
    "action.cancelled": lambda d: say("Cancelled"),
    "action.superseded": lambda d: say("Superseded"),
    "action.settled": lambda d: SETTLED.get(str((d.get("outcome") or {}).get("status")), say("Settled")),
    "action.unheard": lambda d: say("It reached nobody: %(why)s", why=told(d.get("reason", ""))),
    "effect.claimed": lambda d: say("A worker began, attempt %(attempt)s", attempt=d.get("attempt", 1)),
    "effect.done": lambda d: say("Done"),
    "effect.failed": lambda d: say("Failed: %(why)s", why=told(d.get("error", ""))),
    "effect.unknown": lambda d: say("Outcome unknown: a question for an operator"),
}  # fmt: skip


IMPLIED = {"action.approved", "action.rejected", "action.answered"}


def story_of(events: Sequence[EventRow], *, nameless: bool = False) -> tuple[Moment, ...]:
    """The log's events about an action, in order; what a decision led to is said by the decision.

    Args:
        nameless: of a test action that is over: whose verdict it was is in the log, not on the page.
    """
    said = (e for e in events if e.kind not in IMPLIED)
    return tuple(Moment(e.at, sentence_of(e), "" if nameless else told(_who(e)), reverse("event", args=[e.id])) for e in said)


def _who(event: EventRow) -> str:
    """Who did it. What is asked stands under the agent's name: a test action must look like any other (`operations.drills`)."""
    return event.agent if event.kind == "action.opened" else event.actor.removeprefix("agent:")


def sentence_of(event: EventRow) -> str:
    """One event in words; a kind nobody has a sentence for reads as it is stored."""
    words = SENTENCES.get(event.kind)
    return told(words(event.data)) if words else event.kind.replace(".", " ").replace("_", " ").capitalize()
