"""Standing approvals as pages show them: the bounds in words, what is left, what they would have let through. Finished values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.operations.granting import Wanted
from approvals.policy.granting import MOST_SHOWN, Past, Terms, Tried, words
from approvals.queries import ActionDetail
from approvals.queries.grants import GrantRow
from approvals.resolution import Need
from approvals.web.receipts import Look
from audit.languages import number, told
from audit.sentences import listed, say

STATES = {
    "in force": Look(say("In force"), "circle-check", "approved"),
    "waits": Look(say("Waits for more people"), "hourglass", "neutral"),
    "spent": Look(say("Used up"), "circle-dashed", "neutral"),
    "ended": Look(say("Ended"), "circle-dashed", "neutral"),
    "revoked": Look(say("Revoked"), "x", "rejected"),
    "halted": Look(say("Ended by a halt"), "octagon", "rejected"),
    "declared": Look(say("Ended: declared otherwise"), "circle-dashed", "neutral"),
}
FATES = {
    "approved": Look(say("Approved"), "check", "approved"),
    "granted": Look(say("Let through by a grant"), "ticket-check", "neutral"),
    "edited": Look(say("Approved after an edit"), "pencil", "neutral"),
    "rejected": Look(say("Rejected"), "x", "rejected"),
    "answered": Look(say("Answered"), "reply", "neutral"),
    "expired": Look(say("Expired"), "circle-dashed", "neutral"),
    "waiting": Look(say("Still waits"), "hand", "neutral"),
    "ended": Look(say("Ended"), "circle-slash", "neutral"),
}


# What each bound is called on the form.
FIELDS = {
    "scope": say("What"), "uses": say("How often at most"), "until": say("It ends"), "figure": say("Count"), "each": say("At most at once"),
    "total": say("At most in all"), "reason": say("Reason"),
}  # fmt: skip


@dataclass(frozen=True)
class GrantLine:
    """One grant in a list, or as a chip."""

    id: int
    url: str
    what: str
    left: str
    until: datetime
    by: str
    reason: str
    look: Look
    open: bool
    missing: str
    run_url: str
    used: int
    of: int
    example_url: str
    created_at: datetime
    ended: str
    since: datetime | None = None  # when its tool was declared otherwise, which ended it


@dataclass(frozen=True)
class GrantNote:
    """What an action's page says of standing approvals.

    Attributes:
        through, through_url: the grant that let this very action through, if one did.
        chips: grants in force for calls of this agent and tool: their name, address and what is left.
        offer_url: where this reader may let the next ones like it pass; `after` when they have just approved this one.
    """

    through: str
    through_url: str
    chips: tuple[tuple[str, str, str], ...]
    offer_url: str
    after: bool


@dataclass(frozen=True)
class PastLine:
    summary: str
    url: str
    look: Look
    amount: str


@dataclass(frozen=True)
class Trial:
    """What the bounds would have let through. `worst` is set when people had not simply approved all of it."""

    headline: str
    worst: str
    fates: tuple[tuple[str, int], ...]
    asked: tuple[tuple[str, int], ...]
    lines: tuple[PastLine, ...]
    unshown: int
    total: str


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    chosen: bool
    hint: str = ""


def line_of(row: GrantRow) -> GrantLine:
    terms = row.terms
    ended = _("%(who)s: %(why)s") % {"who": row.revoked_by, "why": row.revoke_reason} if row.revoke_reason else row.revoked_by
    return GrantLine(
        id=row.id,
        url=reverse("grant", args=[row.id]),
        what=told(words(terms)),
        left=left_of(row),
        until=terms.until,
        by=told(listed(g.name for g in row.givers)),
        reason=row.reason,
        look=STATES[row.state],
        open=row.open,
        missing=missing_words(row.missing) if row.open else "",
        run_url=reverse("run", args=[terms.run]) if terms.run else "",
        used=row.uses,
        of=terms.uses,
        example_url=reverse("action", args=[row.like]),
        created_at=row.created_at,
        ended=ended,
        since=row.since if row.state == "declared" else None,
    )


def note_of(detail: ActionDetail) -> GrantNote | None:
    """None when there is nothing to say: no grant, and none this reader could give."""
    row = detail.row
    through = next((v.grant for v in reversed(detail.votes) if v.grant and v.version == row.version), 0)
    open_to = row.kind == "tool" and row.level in {"medium", "high"} and row.state in {"PENDING", "APPROVED"}
    offered = open_to and not (detail.cannot or detail.tampered or detail.denied or detail.only_no)
    chips = tuple((_("Grant %(id)d") % {"id": g.id}, reverse("grant", args=[g.id]), left_of(g)) for g in detail.grants)
    if not (through or chips or offered):
        return None
    return GrantNote(
        through=_("Grant %(id)d") % {"id": through} if through else "",
        through_url=reverse("grant", args=[through]) if through else "",
        chips=chips,
        offer_url=reverse("grant-new", args=[row.id]) if offered else "",
        after=offered and row.state == "APPROVED" and detail.mine,
    )


def left_of(row: GrantRow) -> str:
    """What it may still let through: "3 of 5 left, 12,000 of 20,000 amount cents left"."""
    terms = row.terms
    said = {"n": number(terms.uses - row.uses), "of": number(terms.uses)}
    if not terms.figure or terms.total is None:
        return _("%(n)s of %(of)s left") % said
    said |= {"m": number(terms.total - row.total), "total": number(terms.total), "figure": terms.figure.replace("_", " ")}
    return _("%(n)s of %(of)s left, %(m)s of %(total)s %(figure)s left") % said


def missing_words(missing: Sequence[Need]) -> str:
    if not missing:
        return ""
    return _("It lets nothing through before %(who)s gives it too") % {
        "who": told(listed(say("%(n)d more of the %(group)s", n=n.count, group=n.group) for n in missing))
    }


def trial_of(terms: Terms, trial: Tried) -> Trial:
    fates = trial.fates
    bad = sum(n for fate, n in fates.items() if fate not in {"approved", "granted", "waiting"})
    shown = [*(p for p in trial.through if p.fate != "approved"), *(p for p in trial.through if p.fate == "approved")]
    return Trial(
        headline=_("It would have let through %(n)s of the last %(m)s calls that people were asked about")
        % {"n": number(len(trial.through)), "m": number(trial.looked_at)},
        worst=ngettext(
            "People had not approved %(n)d of these as it was.", "People had not approved %(n)d of these as they were.", bad
        ) % {"n": bad}
        if bad
        else "",
        fates=tuple((told(FATES[fate].verb), n) for fate, n in fates.items()),
        asked=tuple((told(why), n) for why, n in trial.asked),
        lines=tuple(_past(p, terms.figure) for p in shown[:MOST_SHOWN]),
        unshown=len(shown) - MOST_SHOWN,
        total=f"{number(trial.total)} {terms.figure.replace('_', ' ')}" if terms.figure else "",
    )  # fmt: skip


def _past(past: Past, figure: str) -> PastLine:
    amount = number(past.call.amount(figure)) if figure else ""
    return PastLine(past.summary, reverse("action", args=[past.id]), FATES[past.fate], amount)


def scopes(*, chosen: str, run: bool, tool: str) -> tuple[Choice, ...]:
    offered = [
        Choice("run", _("This tool, in this run"), chosen == "run", tool),
        Choice("tool", _("This tool, in any run of the agent"), chosen == "tool", tool),
    ]
    if run:
        return (Choice("call", _("The same call in this run"), chosen == "call", _("the very same arguments")), *offered)
    return (offered[1],)


def ends(now: datetime, *, zone: str = "UTC", chosen: str = "") -> tuple[Choice, ...]:
    """When a grant may end, as moments: the same form sent twice means the same end. The hours are those of the reader's `zone`."""
    tz = ZoneInfo(zone)
    here = now.astimezone(tz).replace(second=0, microsecond=0)
    tomorrow = here.date() + timedelta(days=1)
    five, midnight = here.replace(hour=17, minute=0), datetime.combine(tomorrow, time(), tz)
    until_five = five if five > here else datetime.combine(tomorrow, time(17), tz)
    moments = (
        (here + timedelta(minutes=30), _("in 30 minutes")),
        (here + timedelta(hours=1), _("in an hour")),
        (until_five, _("at 17:00") if until_five == five else _("tomorrow at 17:00")),
        (midnight, _("at the end of today")),
        (here + timedelta(days=1), _("in 24 hours")),
        (here + timedelta(days=7) - timedelta(minutes=1), _("in a week")),
    )
    offered = [Choice(at.isoformat(), f"{label} ({_clock(at, tz)})", at.isoformat() == chosen) for at, label in moments if at > here]
    if chosen and not any(c.chosen for c in offered):
        offered.insert(0, Choice(chosen, _when(chosen, tz), True))
    return tuple(offered)


def _when(moment: str, tz: ZoneInfo) -> str:
    try:
        return _clock(datetime.fromisoformat(moment), tz)
    except (ValueError, OverflowError):
        return moment[:40]


def _clock(at: datetime, tz: ZoneInfo) -> str:
    """A day of this week and a time of it, and whose clock that is."""
    return f"{date_format(at.astimezone(tz), 'D H:i')} {tz.key}"


def first_wanted(figures: dict[str, int], *, run: bool, now: datetime, zone: str = "UTC") -> Wanted:
    """What the form begins with: the next five like this one, no larger, for an hour; in this run when there is one."""
    figure = next(iter(sorted(figures, key=lambda f: (f != "amount_cents", f))), "")
    size = max(1, figures.get(figure, 0)) if figure else None
    until = now.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0) + timedelta(hours=1)
    return Wanted("run" if run else "tool", 5, until, figure, size, size * 5 if size else None)
