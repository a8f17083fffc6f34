"""What can be halted, with what that would stop: the choices of the dialog and of Slack's view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from agents import queries
from approvals import queries as approvals_queries
from approvals.covering import version_name
from audit.languages import told
from audit.sentences import Sentence, say

MOST = 30  # tools, customers or versions that are offered by name; others are written


@dataclass(frozen=True)
class Scope:
    """One choice. `value` is "everything", or the scope and its target with a colon; `everything` asks for the word."""

    value: str
    label: str
    counts: str
    checked: bool = False
    everything: bool = False


@dataclass(frozen=True)
class Group:
    """Choices of one kind; `folded` until somebody looks for them."""

    title: str
    scopes: tuple[Scope, ...]
    folded: bool = False
    written: str = ""  # the name of a field for one that is not listed


def is_run(text: str) -> bool:
    try:
        return queries.run_row(UUID(text)) is not None
    except ValueError:
        return False


def groups(asked: Mapping[str, str], chosen: str) -> list[Group]:
    """Everything there is to choose, the nearest first: what was asked about, its agent, everything; then what can be named."""
    named = [
        _group(_("Versions of agents"), "version", [version_name(a.slug, a.version) for a in queries.agents()], chosen),
        _group(_("Tools"), "tool", tools(), chosen),
        _group(_("Customers"), "customer", list(approvals_queries.unsettled_by("customer", most=MOST)), chosen, written="customer"),
    ]
    return [Group("", tuple(scopes(asked, chosen))), *(group for group in named if group.scopes or group.written)]


def scopes(asked: Mapping[str, str], chosen: str) -> list[Scope]:
    """The run asked about, its agent or all agents, what else was asked about by name, everything."""
    found: list[Scope] = []
    agent = asked["agent"]
    if asked["run"]:
        row = queries.run_row(asked["run"])
        agent = agent or (row.agent if row else "")
        found.append(scope("run", asked["run"], chosen))
    found += [scope(name, asked[name], chosen) for name in ("version", "tool", "customer") if asked.get(name)]
    agents = [agent] if agent else [row.slug for row in queries.agents()]
    found += [scope("agent", slug, chosen) for slug in agents]
    return [*found, scope("everything", "", chosen)]


def tools() -> list[str]:
    """Names of the tools that agents have; those with the most actions waiting first."""
    waiting = approvals_queries.unsettled_by("tool")
    declared = {str(tool["name"]) for row in queries.agents() for tool in row.tools}
    return [*waiting, *sorted(declared - waiting.keys())][:MOST]


def scope(name: str, target: str, chosen: str = "") -> Scope:
    """One choice, counted."""
    value = f"{name}:{target}" if target else name
    return Scope(value, label(name, target), ", ".join(map(told, _counts(name, target))), value == chosen, everything=name == "everything")


def label(name: str, target: str) -> str:
    """A scope as people call it."""
    return {
        "everything": _("Everything"),
        "agent": _("The agent %(name)s") % {"name": target},
        "version": _("%(name)s, while it is in force") % {"name": target},
        "tool": _("The tool %(name)s") % {"name": target},
        "customer": _("The customer %(name)s") % {"name": target},
        "run": _("Run %(name)s") % {"name": target[:8]},
    }[name]


def _counts(name: str, target: str) -> list[Sentence | str]:
    found = queries.would_stop(name, target)
    parts: list[Sentence | str] = []
    if name in queries.OF_CALLS:
        parts.append(say("%(n)d run asks for it", "%(n)d runs ask for it", n=found.runs))
    else:
        parts.append(say("stops %(n)d live run", "stops %(n)d live runs", n=found.runs))
    parts.append(say("freezes %(n)d action", "freezes %(n)d actions", n=found.actions))
    if n := found.not_reversed:
        parts.append(say("%(n)d call is not reversed before its release", "%(n)d calls are not reversed before its release", n=n))
    if n := found.calls:
        parts.append(say("%(n)d call has begun", "%(n)d calls have begun", n=n))
    if n := found.reversals:
        parts.append(say("%(n)d reversal has begun", "%(n)d reversals have begun", n=n))
    if found.calls or found.reversals:
        parts.append(say("what runs in a process of its own is stopped, the rest ends by itself"))
    return parts


def _group(title: str, name: str, targets: list[str], chosen: str, *, written: str = "") -> Group:
    found = tuple(scope(name, target, chosen) for target in targets)
    return Group(title, found, folded=not any(one.checked for one in found), written=written)
