"""Test actions as the page of review quality shows them: figures of the team, the last ones that are over, and the plans. Finished values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.operations.seeding import LEAST_EVERY, MOST_EVERY, MOST_PER_DAY
from approvals.queries.drills import DrillFigures, EndedDrill, Plan, Tested
from approvals.states import DrillKind, DrillState
from approvals.web.receipts import TESTS
from audit.languages import number, told
from audit.sentences import say

KINDS = {
    DrillKind.INSTRUCTION: say("An order in what the agent read, and it obeyed"),
    DrillKind.AMOUNT: say("Another amount than was asked for"),
    DrillKind.RECIPIENT: say("An address that only looks like the right one"),
    DrillKind.TARGET: say("Another order, ticket or account"),
}
USUAL = {"every": "50", "per_day": "2"}


@dataclass(frozen=True)
class KindLine:
    """One way of being wrong, and what people made of it."""

    name: str
    caught: str
    missed: str
    expired: str


@dataclass(frozen=True)
class EndedLine:
    """One test action that is over; whose verdict it was is not said."""

    url: str
    summary: str
    verb: str
    icon: str
    tone: str
    at: datetime
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class PlanLine:
    """A plan in words; `open` when one of its test actions waits now."""

    group: str
    said: str
    by: str
    at: datetime
    active: bool
    open: bool
    url: str


@dataclass(frozen=True)
class PlanForm:
    """The form of one group's plan; `errors` by field, told."""

    group: str
    groups: tuple[str, ...]
    active: bool
    every: str
    per_day: str
    kinds: tuple[tuple[str, str, bool], ...]
    errors: Mapping[str, str]
    limits: tuple[int, int, int] = (LEAST_EVERY, MOST_EVERY, MOST_PER_DAY)


@dataclass(frozen=True)
class Tests:
    """The section of the page; `form` for administrators only."""

    __test__ = False  # no test of pytest's

    headline: str
    kinds: tuple[KindLine, ...]
    own: str
    ended: tuple[EndedLine, ...]
    plans: tuple[PlanLine, ...]
    form: PlanForm | None


def tests_of(
    found: DrillFigures, *, mine: Tested | None, ended: Sequence[EndedDrill], plans: Sequence[Plan], form: PlanForm | None
) -> Tests:
    caught = found.of(DrillState.CAUGHT)
    headline = (
        _("%(caught)s of %(all)s caught") % {"caught": number(caught), "all": number(found.decided)} if found.decided else _("None decided")
    )
    own = _("You: %(n)d of %(all)d caught.") % {"n": mine.caught, "all": mine.of} if mine else ""
    shown = [kind for kind in DrillKind if any(found.of(s, kind) for s in DrillState if s is not DrillState.WITHDRAWN)]
    lines = tuple(kind_line(found, kind) for kind in shown)
    return Tests(headline, lines, own, tuple(map(ended_line, ended)), tuple(plan_line(p, form is not None) for p in plans), form)


def kind_line(found: DrillFigures, kind: DrillKind) -> KindLine:
    caught, missed, expired = (found.of(state, kind) for state in (DrillState.CAUGHT, DrillState.MISSED, DrillState.EXPIRED))
    return KindLine(told(KINDS[kind]), number(caught), number(missed), number(expired))


def ended_line(row: EndedDrill) -> EndedLine:
    look = TESTS[row.ending.state]
    wrong = tuple(told(said) for _path, said in row.ending.wrong)
    return EndedLine(reverse("action", args=[row.action_id]), row.summary, told(look.verb), look.icon, look.tone, row.ended_at, wrong)


def plan_line(plan: Plan, may_see_open: bool) -> PlanLine:
    rate = {"every": number(plan.every), "day": number(plan.per_day)}
    said = _("about one for %(every)s verdicts, at most %(day)s a day") % rate if plan.active else _("switched off")
    return PlanLine(
        plan.group, said, plan.changed_by, plan.changed_at, plan.active, plan.waiting and may_see_open,
        f"{reverse('quality')}?{urlencode({'group': plan.group})}#plan",
    )  # fmt: skip


def plan_form(
    group: str,
    groups: Sequence[str],
    plans: Sequence[Plan],
    *,
    posted: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> PlanForm:
    """The form with what is in force for a group, or with what was posted and is wrong."""
    plan = next((p for p in plans if p.group == group), None)
    known = {"active": plan.active, "every": str(plan.every), "per_day": str(plan.per_day), "kinds": plan.kinds} if plan else {
        "active": False, **USUAL, "kinds": tuple(DrillKind),
    }  # fmt: skip
    values = {**known, **(posted or {})}
    chosen = set(values["kinds"])
    kinds = tuple((str(kind), told(KINDS[kind]), kind in chosen) for kind in DrillKind)
    said = {name: told(why) for name, why in (errors or {}).items()}
    return PlanForm(group, tuple(groups), bool(values["active"]), values["every"], values["per_day"], kinds, said)
