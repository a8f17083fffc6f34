"""Past calls scored again under a draft: what would have been asked otherwise, by how many people, and by which change. Pure.

Each call is also scored under the policy of its own day, from the facts frozen then; what its envelope has of the answer counts before that.
So an unchanged policy gives what really happened.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from approvals.policy.asking import Asked, asked, differences, whole
from approvals.policy.basics import NeedRule
from approvals.policy.matching import Facts, Hit
from approvals.policy.risk import Assessment, added_up, assess, at_least_medium
from approvals.policy.rules import PolicyData
from approvals.policy.undoing import TOGETHER, UNEXPLAINED, Blame, Change

MOST_SHOWN = 60
MOST_REMEMBERED = 20_000


@dataclass(frozen=True)
class Frozen:
    """What the envelope of a past call has of what policy made of it; `parts` are fields of the requirement."""

    level: str
    need: tuple[NeedRule, ...]
    denied: bool = False
    parts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One past call: what is known of it, and what policy made of it then; `needs_a_person` when policy alone could not have passed it."""

    id: str
    agent: str
    tool: str
    summary: str
    facts: Facts
    needs_a_person: bool
    was: Frozen
    policy_sha256: str = ""


@dataclass
class RuleTally:
    """What one change did.

    Attributes:
        matched: to how many calls the rule applies under the draft.
        changed: for how many calls it makes the difference by itself.
        people: how many more (fewer, when negative) approvals it asks for in those.
    """

    matched: int = 0
    changed: int = 0
    people: int = 0


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
    fields: dict[str, dict[str, int]] = field(default_factory=dict)  # "hold_s": {"more": how often, "less": ...}
    rules: dict[str, RuleTally] = field(default_factory=dict)
    others: dict[str, RuleTally] = field(default_factory=dict)  # what no rule does by itself: the names of `undoing`
    shown: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Tally":
        kept = dict(data)
        for name in ("rules", "others"):
            kept[name] = {rule: RuleTally(**tally) for rule, tally in dict(kept.get(name) or {}).items()}
        return cls(**kept)

    def blame(self, blames: Iterable[Blame]) -> None:
        for blame in blames:
            table = self.others if blame.name.startswith("(") else self.rules
            rule = table.setdefault(blame.name, RuleTally())
            rule.changed += 1
            rule.people += blame.people


@dataclass(frozen=True)
class Replay:
    """A draft, the policy in force it would replace, and where the policies of older calls are found (by their hash; None when gone)."""

    draft: PolicyData
    in_force: PolicyData
    in_force_sha256: str
    policy_of: Callable[[str], PolicyData | None] = lambda sha256: None
    _changes: dict[str, Change] = field(default_factory=dict, init=False, compare=False)
    _policies: dict[str, PolicyData | None] = field(default_factory=dict, init=False, compare=False)
    _blamed: dict[tuple[object, ...], list[Blame]] = field(default_factory=dict, init=False, compare=False)

    def add(self, tally: Tally, case: Case) -> None:
        """Score one call again and count what differs."""
        hits = _hits(self.draft, case.facts)
        assessment = _scored(self.draft, case, hits)
        now, was = asked(self.draft, assessment, case.facts), self.was(case)
        tally.looked_at += 1
        for name in {f.rule for f in assessment.factors if f.rule}:
            tally.rules.setdefault(name, RuleTally()).matched += 1
        if now == was:
            return
        tally.changed += 1
        _count(tally, was, now)
        already = case.policy_sha256 != self.in_force_sha256 and _asked(self.in_force, case) == now
        tally.already += already
        blames = self._blames(case, was, now, hits)
        tally.blame(blames)
        found = list(differences(was, now))
        for one in found:
            ways = tally.fields.setdefault(one.field, {})
            ways[one.way] = ways.get(one.way, 0) + 1
        if len(tally.shown) < MOST_SHOWN:
            tally.shown.append(
                {"id": case.id, "agent": case.agent, "tool": case.tool, "summary": case.summary[:160], "people": now.people - was.people,
                 "already": already, "fields": [[d.field, d.was, d.now, d.way] for d in found], "by": [b.name for b in blames]}
            )  # fmt: skip

    def was(self, case: Case) -> Asked:
        """What really was asked: what its envelope has, and the rest as the policy of its day says; of one that is gone, as the draft does."""
        then = self._policy_of(case) or self.draft
        scored_then = scored(then, case)
        frozen = case.was
        rule = scored_then.requirement.model_copy(update={"need": frozen.need, **frozen.parts})
        return whole(then, frozen.level, rule, frozen.denied, case.facts)

    def _policy_of(self, case: Case) -> PolicyData | None:
        sha256 = case.policy_sha256
        if sha256 == self.in_force_sha256:
            return self.in_force
        if sha256 not in self._policies:
            self._policies[sha256] = self.policy_of(sha256)
        return self._policies[sha256]

    def _blames(self, case: Case, was: Asked, now: Asked, hits: tuple[Hit, ...]) -> list[Blame]:
        """Which changes make the difference; one of the names for none or several of them when no change does by itself."""
        difference = now.people - was.people
        then = self._policy_of(case)
        if then is None:
            return [Blame(UNEXPLAINED, difference)]
        if case.policy_sha256 not in self._changes:
            self._changes[case.policy_sha256] = Change(then, self.draft)
        change = self._changes[case.policy_sha256]
        before = _hits(then, case.facts)
        if asked(then, _scored(then, case, before), case.facts) == now:
            return [Blame(UNEXPLAINED, difference)]
        key = _key(case, hits, before)
        if key not in self._blamed:
            if len(self._blamed) > MOST_REMEMBERED:
                self._blamed.clear()
            self._blamed[key] = list(change.blames(case.facts, now, hits, before, needs_a_person=case.needs_a_person))
        return self._blamed[key] or [Blame(TOGETHER, difference)]


def _key(case: Case, *hits: tuple[Hit, ...]) -> tuple[object, ...]:
    """The same for calls of which the same changes are to blame: which rules apply says all that their arguments do."""
    facts = {name: value for name, value in vars(case.facts).items() if name not in {"args", "figures", "customer"}}
    applying = [tuple((h.rule.name, h.only_more) for h in of_one) for of_one in hits]
    return case.policy_sha256, case.needs_a_person, *facts.values(), tuple(sorted(case.facts.figures.items())), *applying


def _count(tally: Tally, was: Asked, now: Asked) -> None:
    difference = now.people - was.people
    tally.more_people += max(0, difference)
    tally.fewer_people += max(0, -difference)
    tally.newly_asked += was.people == 0 and now.people > 0
    tally.no_longer_asked += was.people > 0 and now.people == 0 and not now.denied
    tally.newly_denied += now.denied and not was.denied
    if was.level != now.level:
        step = f"{was.level} > {now.level}"
        tally.levels[step] = tally.levels.get(step, 0) + 1


def scored(policy: PolicyData, case: Case) -> Assessment:
    """A past call under a policy, as it is scored when it is opened, edited or asked again."""
    found = assess(policy, case.facts)
    return at_least_medium(policy, found) if case.needs_a_person else found


def frozen_of(assessment: Assessment) -> Frozen:
    """What an envelope made of this assessment would have."""
    return Frozen(str(assessment.level), assessment.requirement.need, bool(assessment.denied))


def _hits(policy: PolicyData, facts: Facts) -> tuple[Hit, ...]:
    return policy.matcher.hits(facts) if policy.rules and not facts.question else ()


def _scored(policy: PolicyData, case: Case, hits: tuple[Hit, ...]) -> Assessment:
    if case.facts.question:
        return scored(policy, case)
    found = added_up(policy, case.facts, hits)
    return at_least_medium(policy, found) if case.needs_a_person else found


def _asked(policy: PolicyData, case: Case) -> Asked:
    return asked(policy, scored(policy, case), case.facts)


def summed(places: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """How many of each group are asked, whatever the stage."""
    counts: dict[str, int] = {}
    for group, count in places:
        counts[group] = counts.get(group, 0) + count
    return tuple(sorted(counts.items()))
