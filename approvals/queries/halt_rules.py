"""The rules by which Countersign halts by itself: what the settings say, and what people have said instead."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from approvals.models import HaltRule

Kind = HaltRule.Kind
KINDS = tuple(Kind.values)
WITH_SHARE = frozenset({Kind.FAILED_CALLS, Kind.FAILED_RUNS})
SHARE = 50  # percent, where nobody has said otherwise
WINDOWS_S: dict[str, int] = {
    Kind.FAILED_CALLS: 600, Kind.FAILED_RUNS: 600, Kind.TOKENS: 3_600, Kind.REJECTED_RUN: 3_600, Kind.REJECTED_AGENT: 3_600,
}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """One rule as it counts. `agent` "": every agent that has none of its own. `by` "": as the settings have it."""

    kind: str
    agent: str
    active: bool
    most: int
    share: int
    window_s: int
    by: str = ""
    at: datetime | None = None
    reason: str = ""

    @property
    def scope(self) -> str:
        return "run" if self.kind == Kind.REJECTED_RUN else "agent"


def usual(kind: str) -> Rule:
    """What the settings say of every agent."""
    most = settings.AUTO_HALTS[kind]
    return Rule(kind, "", most > 0, max(1, most), SHARE if kind in WITH_SHARE else 0, WINDOWS_S[kind])


def rules() -> list[Rule]:
    """Every rule: of each kind that of all agents first, then those of one."""
    said = {(r.kind, r.agent): r for r in map(_rule, HaltRule.objects.order_by("agent"))}
    found: list[Rule] = []
    for kind in KINDS:
        found.append(said.pop((kind, ""), usual(kind)))
        found += [rule for (of, _agent), rule in said.items() if of == kind]
    return found


def rule_for(found: list[Rule], kind: str, agent: str) -> Rule:
    """The one of these that speaks of this agent: its own, else that of all."""
    of = [rule for rule in found if rule.kind == kind]
    return next((rule for rule in of if rule.agent == agent), next(rule for rule in of if not rule.agent))


def _rule(r: HaltRule) -> Rule:
    return Rule(r.kind, r.agent, r.active, r.most, r.share, r.window_s, r.by_name, r.changed_at, r.reason)
