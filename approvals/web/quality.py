"""The figures of review quality as their page and their file show them: a name, a value, what it is of, and how it is defined."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from statistics import median

from django.utils.translation import gettext as _

from approvals.queries.drills import DrillFigures
from approvals.queries.quality import PersonLoad, Quality
from approvals.states import DrillState
from audit.languages import decimal, number

NONE = "\N{EN DASH}"


@dataclass(frozen=True)
class Figure:
    """One figure with its definition; `part` of `whole` is what a share was made of."""

    name: str
    value: str
    of: str
    about: str


def figures(found: Quality) -> tuple[Figure, ...]:
    ended = found.decided + found.expired
    loads = [load.decisions for load in found.people]
    top = share(max(loads), sum(loads)) if loads else NONE
    spread = _("%(n)d reviewers; the middle one %(m)d, the busiest %(t)s of all") % {"n": len(loads), "m": median(loads or [0]), "t": top}
    return (
        Figure(_("Expired"), share(found.expired, ended), _of(found.expired, ended, _("actions")), _("Actions that people were asked about and nobody decided in time, of all that ended either way.")),
        Figure(_("Overridden"), share(found.against, found.decisions), _of(found.against, found.decisions, _("verdicts")), _("Verdicts of people that were no approval: rejected, answered instead, or taken over.")),
        Figure(_("Edited"), share(found.edited, ended), _of(found.edited, ended, _("actions")), _("Actions whose arguments a reviewer changed, of all that ended.")),
        Figure(_("Under 5 seconds"), share(found.quick, found.timed), _of(found.quick, found.timed, _("timed verdicts")), _("Verdicts sent less than five seconds after the page showed the action to that person. Only doors that time it count: the web.")),
        Figure(_("Arguments not viewed"), share(found.unseen, found.known), _of(found.unseen, found.known, _("verdicts")), _("Verdicts given before the end of the arguments had been on the screen. At high and critical the server keeps what was opened and refuses an approval without it; otherwise it is known where the page's scripts ran.")),
        Figure(_("Reading time"), seconds(found.looked_p50_ms / 1000) if found.looked_p50_ms is not None else NONE, _("the middle one"), _("From showing the action to the verdict, half are shorter.")),
        Figure(_("Load"), number(found.decisions), spread, _("Verdicts of people in the window, and how they are spread.")),
        Figure(_("Never rejecting"), number(found.streaks), _("reviewers"), _("Reviewers whose last 50 or more verdicts in the window were all approvals.")),
    )  # fmt: skip


def own(load: PersonLoad | None) -> str:
    """A reader's own figures in a sentence."""
    if load is None:
        return _("You decided nothing in this window.")
    said = {"n": load.decisions, "a": share(load.against, load.decisions), "q": share(load.quick, load.timed)}
    return _("You: %(n)d verdicts, %(a)s of them no approval, %(q)s within five seconds.") % said


def as_csv(found: Quality, tests: DrillFigures) -> str:
    """The team's figures as a file; no names of people. Every cell is ours, and none begins like a formula."""
    out = StringIO()
    rows = csv.writer(out)
    rows.writerow(["figure", "level", "value", "unit", "of", "days"])
    for time in found.times:
        rows.writerow(["time_to_decide_p50", time.level, round(time.p50, 1), "s", time.decided, found.days])
        rows.writerow(["time_to_decide_p95", time.level, round(time.p95, 1), "s", time.decided, found.days])
    ended = found.decided + found.expired
    counted = (
        ("expired", found.expired, ended), ("overridden", found.against, found.decisions), ("edited", found.edited, ended),
        ("under_5_s", found.quick, found.timed), ("arguments_not_viewed", found.unseen, found.known),
        ("never_rejecting", found.streaks, len(found.people)),
        ("test_actions_caught", tests.of(DrillState.CAUGHT), tests.decided), ("test_actions_missed", tests.of(DrillState.MISSED), tests.decided),
        ("test_actions_expired", tests.of(DrillState.EXPIRED), tests.decided + tests.of(DrillState.EXPIRED)),
    )  # fmt: skip
    for name, part, whole in counted:
        rows.writerow([name, "", part, "count", whole, found.days])
    return out.getvalue()


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else NONE


def seconds(value: float) -> str:
    """A duration as a person would say it."""
    if value < 90:
        return _("%(n)s s") % {"n": decimal(value, 0 if value >= 10 else 1)}
    if value < 5_400:
        return _("%(n)s min") % {"n": decimal(value / 60, 0)}
    return _("%(n)s h") % {"n": decimal(value / 3600)}


def _of(part: int, whole: int, what: str) -> str:
    return _("%(part)s of %(whole)s %(what)s") % {"part": number(part), "whole": number(whole), "what": what}
