"""Past calls scored again under a draft: what would have been different, for whom and by which rule. Pure.

The facts are those frozen when it happened, so an unchanged policy gives what really happened.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from approvals.policy.basics import NeedRule, said_of
from approvals.policy.matching import Facts
from approvals.policy.risk import Assessment, assess, at_least_medium
from approvals.policy.rules import PolicyData
from approvals.policy.words import people
from audit.sentences import Frozen

MOST_SHOWN = 200
# What policy made of a call, as a back-test keeps it.
REFUSED = Frozen("%(level)s, refused by policy", parts=["level"])
PASSES = Frozen("%(level)s, passes by policy", parts=["level"])
ASKS = Frozen("%(level)s, %(people)s", parts=["level", "people"], only={"level": "low|medium|high|critical"})


@dataclass(frozen=True)
class Outcome:
    """What policy made of one call: its level, and whom it asked."""

    level: str
    need: tuple[tuple[str, int], ...]
    denied: bool = False

    @property
    def people(self) -> int:
        return 0 if self.denied else sum(count for _, count in self.need)

    @property
    def words(self) -> str:
        if self.denied:
            return REFUSED(level=said_of(self.level))
        need = tuple(NeedRule(group=group, count=count) for group, count in self.need)
        return ASKS(level=said_of(self.level), people=people(need)) if need else PASSES(level=said_of(self.level))


@dataclass(frozen=True)
class Case:
    """One past call: what is known of it, and what policy made of it then; `needs_a_person` when policy alone could not have passed it."""

    id: str
    agent: str
    tool: str
    summary: str
    facts: Facts
    needs_a_person: bool
    was: Outcome
    policy_sha256: str = ""


@dataclass
class RuleTally:
    """What one rule of the draft did."""

    matched: int = 0
    changed: int = 0
    people: int = 0  # how many more (fewer, when negative) were asked in the calls it took part in


@dataclass
class Tally:
    """What a replay has found so far; kept as JSON between its stretches."""

    looked_at: int = 0
    changed: int = 0
    more_people: int = 0
    fewer_people: int = 0
    newly_asked: int = 0
    no_longer_asked: int = 0
    newly_denied: int = 0
    already: int = 0  # of the changed ones, how many the policy in force changes in just this way
    levels: dict[str, int] = field(default_factory=dict)  # "medium > high": how often
    rules: dict[str, RuleTally] = field(default_factory=dict)
    shown: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Tally":
        kept = dict(data)
        kept["rules"] = {name: RuleTally(**tally) for name, tally in dict(kept.get("rules") or {}).items()}
        return cls(**kept)


@dataclass(frozen=True)
class Replay:
    """A draft, and the policy in force it would replace."""

    draft: PolicyData
    in_force: PolicyData
    in_force_sha256: str

    def add(self, tally: Tally, case: Case) -> None:
        """Score one call again and count what differs."""
        assessment = scored(self.draft, case)
        now = outcome_of(assessment)
        tally.looked_at += 1
        difference = now.people - case.was.people
        for name in {f.rule for f in assessment.factors if f.rule}:
            rule = tally.rules.setdefault(name, RuleTally())
            rule.matched += 1
            rule.changed += now != case.was
            rule.people += difference
        if now == case.was:
            return
        tally.changed += 1
        tally.more_people += max(0, difference)
        tally.fewer_people += max(0, -difference)
        tally.newly_asked += case.was.people == 0 and now.people > 0
        tally.no_longer_asked += case.was.people > 0 and now.people == 0 and not now.denied
        tally.newly_denied += now.denied and not case.was.denied
        already = case.policy_sha256 != self.in_force_sha256 and outcome_of(scored(self.in_force, case)) == now
        tally.already += already
        step = f"{case.was.level} > {now.level}"
        tally.levels[step] = tally.levels.get(step, 0) + 1
        if len(tally.shown) < MOST_SHOWN:
            tally.shown.append(
                {"id": case.id, "agent": case.agent, "tool": case.tool, "summary": case.summary[:160], "was": case.was.words,
                 "now": now.words, "people": difference, "already": already}
            )  # fmt: skip


def scored(policy: PolicyData, case: Case) -> Assessment:
    """A past call under a policy, as it is scored when it is opened, edited or asked again."""
    found = assess(policy, case.facts)
    return at_least_medium(policy, found) if case.needs_a_person else found


def outcome_of(assessment: Assessment) -> Outcome:
    need = summed((n.group, n.count) for n in assessment.requirement.need)
    return Outcome(str(assessment.level), need, bool(assessment.denied))


def summed(places: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """How many of each group are asked, whatever the stage."""
    counts: dict[str, int] = {}
    for group, count in places:
        counts[group] = counts.get(group, 0) + count
    return tuple(sorted(counts.items()))
