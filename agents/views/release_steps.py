"""What a release may let go on, and what that is known to mean: the choices of the page's dialog and of Slack's view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from agents import queries
from agents.views.cards import run_line
from agents.views.states import RUNS
from approvals import queries as approvals_queries
from approvals.queries import Stop, Wanted
from audit.languages import number, told
from audit.sentences import say

MOST = 12  # runs that are offered one by one; the list of runs has them all


@dataclass(frozen=True)
class Step:
    """One choice: what goes on, and what is known of it."""

    value: str
    label: str
    note: str
    url: str = ""
    checked: bool = False
    seen: int = 0  # the number of the asking that only has to be confirmed


def consequence(stop: Stop) -> str:
    """What letting all of it go on would mean."""
    waiting = approvals_queries.unsettled_counts(scope=stop.scope, target=stop.target)
    live = queries.live_counts(**{stop.scope: stop.target})["live"] if stop.scope in {"agent", "version", "run"} else 0
    live = live or (
        waiting["runs"] if stop.scope in {"tool", "customer"} else queries.live_counts()["live"] if stop.scope == "everything" else 0
    )
    said = {"n": number(live), "m": number(waiting["approved"])}
    return _("Runs that go on: %(n)s. Approvals given before the halt that are asked again: %(m)s.") % said


def steps(stop: Stop, chosen: str = "") -> list[Step]:
    """Everything there is to choose, the nearest first. What somebody has asked for is among it, whether it has live runs or not."""
    asked = {f"{w.scope}:{w.target}" if w.target else w.scope: w for w in stop.waits}
    found: list[Step] = []
    if stop.scope != "run":
        runs = queries.stopped_runs(scope=stop.scope, target=stop.target, most=MOST)
        found += [_run_step(run, chosen) for run in runs if run.id not in stop.runs_on and run.agent not in stop.agents_on]
    if stop.scope in {"everything", "tool", "customer"}:
        found += [
            _agent_step(row.slug, row.running, chosen)
            for row in queries.agents()
            if (row.running or f"agent:{row.slug}" in asked) and row.slug not in stop.agents_on
        ]
    whole = Step("all", _("All of it"), "", checked=chosen == "all")
    return [_confirmed(step, asked[step.value]) if step.value in asked else step for step in (*found, whole)]


def _confirmed(step: Step, wanted: Wanted) -> Step:
    return replace(step, note=_("asked for by %(who)s") % {"who": wanted.by}, seen=wanted.id)


def _run_step(run: Any, chosen: str) -> Step:
    value, line = f"run:{run.id}", run_line(run)
    note = "; ".join(filter(None, [told(RUNS[run.state].word), ", ".join(run.nodes)]))
    return Step(value, _("Only run %(id)s of %(agent)s") % {"id": run.id[:8], "agent": run.agent}, note, line.url, checked=value == chosen)


def _agent_step(slug: str, live: int, chosen: str) -> Step:
    value = f"agent:{slug}"
    note = told(say("%(n)d live run", "%(n)d live runs", n=live))
    return Step(value, _("Only the agent %(agent)s") % {"agent": slug}, note, reverse("agent", args=[slug]), checked=value == chosen)
