"""The console's panels of agents and of tools: what counts there now, what runs and waits, what was spent, and the way to the switch.

Of each the ones that somebody is busy with stand first: switched or halted, then by what waits and runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from agents import budgeted, queries, spent
from agents.budgeted import Against
from agents.queries import AgentRow
from agents.views import budgets
from agents.views.cards import Bar
from agents.views.halt_scopes import tools
from agents.views.states import Look
from approvals import permissions
from approvals.covering import version_name
from approvals.queries import Stop, active_halts, switches
from approvals.queries.overview import pending_by
from approvals.queries.switches import SwitchRow
from approvals.web.http import Request
from audit.sentences import say

FEW = 8  # stand open; the rest is folded, so that the page stays a page
MOST = 200
MODES = {
    "halted": Look(say("Halted"), "octagon-pause", "halted"),
    "off": Look(say("Not enabled"), "circle-slash", "quiet"),
    "deny": Look(say("Deny"), "circle-slash", "failed"),
    "ask": Look(say("Ask"), "hand", "waiting"),
    "allow": Look(say("By policy"), "scale", "quiet"),
}


@dataclass(frozen=True)
class PanelRow:
    """One agent or tool. `why` says who switched it and how long that lasts; `cost` of today, of a tool there is none."""

    name: str
    url: str
    mode: Look
    why: str = ""
    until: datetime | None = None
    runs: int = 0
    runs_url: str = ""
    pending: int = 0
    pending_url: str = ""
    cost: Bar | None = None
    costs_url: str = ""
    switch_url: str = ""


def panels(request: Request) -> dict[str, Any]:
    stops, may = active_halts(), permissions.can_halt(request.user)
    waits, set_now = pending_by(), {(row.scope, row.target): row for row in switches.in_force()}
    agents, names = queries.agents(), tools()
    found = _ordered([_agent(row, stops, waits, set_now, may=may) for row in agents])
    costs = _costs([row.name for row in found])
    agent_rows = [replace(row, cost=costs.get(row.name)) for row in found]
    tool_rows = _ordered([_tool(name, stops, waits, set_now, may=may) for name in names])
    return {
        "agent_rows": agent_rows[:FEW],
        "agent_rest": agent_rows[FEW:],
        "tool_rows": tool_rows[:FEW],
        "tool_rest": tool_rows[FEW:],
        "switches_url": reverse("switches"),
        "panels_url": f"{reverse('console')}?part=panels",
    }


def _ordered(rows: Sequence[PanelRow]) -> list[PanelRow]:
    return sorted(rows, key=lambda row: (not (row.why or row.mode is MODES["halted"]), -row.pending, -row.runs, row.name))[:MOST]


def _agent(
    row: AgentRow, stops: Sequence[Stop], waits: Mapping[tuple[str, str], int], set_now: Mapping[tuple[str, str], SwitchRow], *, may: bool
) -> PanelRow:
    switch = set_now.get(("agent", row.slug))
    halted = any(stop.covers(agent=row.slug, run="", version=version_name(row.slug, row.version)) for stop in stops)
    mode = "halted" if halted else switch.setting if switch else "allow" if row.enabled else "off"
    asked = {"agent": row.slug}
    return PanelRow(
        row.slug, reverse("agent", args=[row.slug]), MODES[mode], _why(switch), switch.until if switch else None,
        row.running, f"{reverse('console')}?{urlencode(asked)}",
        sum(n for (agent, _tool_name), n in waits.items() if agent == row.slug), f"{reverse('inbox')}?{urlencode(asked)}",
        costs_url=reverse("agent-costs", args=[row.slug]), switch_url=_switch("agent", row.slug, may=may),
    )  # fmt: skip


def _tool(
    name: str, stops: Sequence[Stop], waits: Mapping[tuple[str, str], int], set_now: Mapping[tuple[str, str], SwitchRow], *, may: bool
) -> PanelRow:
    switch = set_now.get(("tool", name))
    halted = any(stop.covers(agent="", run="", tool=name) for stop in stops)
    mode = "halted" if halted else switch.setting if switch else "allow"
    return PanelRow(
        name, f"{reverse('switches')}?{urlencode({'tool': name})}", MODES[mode], _why(switch), switch.until if switch else None,
        pending=sum(n for (_agent_name, tool), n in waits.items() if tool == name),
        pending_url=f"{reverse('inbox')}?{urlencode({'tool': name})}", switch_url=_switch("tool", name, may=may),
    )  # fmt: skip


def _why(switch: SwitchRow | None) -> str:
    return _("%(who)s: %(why)s") % {"who": switch.by, "why": switch.reason} if switch else ""


def _switch(scope: str, target: str, *, may: bool) -> str:
    return f"{reverse('switches')}?{urlencode({scope: target, 'back': 'console'})}" if may else ""


def _costs(names: Sequence[str]) -> dict[str, Bar]:
    """What each spent today, against its budget of a day where one is set: that counts what is reserved for calls under way, too."""
    spending, days = spent.today_by_agent(), {day.target: day for day in budgeted.days() if day.scope == "agent"}
    found = {}
    for name in names:
        tokens, micros = spending.get(name, (0, 0))
        if bar := budgets.bar_of(days.get(name) or Against(tokens, micros)):
            found[name] = bar
    return found
