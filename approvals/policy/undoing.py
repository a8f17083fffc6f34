"""Which change of a draft makes the difference for one call: each is undone by itself, and what is asked then is looked at. Pure.

A rule is named only when undoing the change of this rule alone asks something else than the draft does. When only several of them
together do, that is said instead. Rules are undone among those that apply, so that nothing is matched twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from approvals.policy.asking import Asked, whole
from approvals.policy.basics import Level, RequirementRule
from approvals.policy.matching import Facts, Hit
from approvals.policy.risk import levelled, points_of, required
from approvals.policy.rules import PolicyData
from approvals.policy.ruleset import Rule

# What is no rule's change: points, levels, what levels ask, calendars and whatever else stands outside of `rules`.
OUTSIDE = "(points, levels and what they ask)"
TOGETHER = "(several changes together, none by itself)"
# What no change of the draft explains: it was asked under a policy or a release that scored otherwise.
UNEXPLAINED = "(what was scored otherwise then)"
# More rules than this are not undone one by one for one call.
MOST_UNDONE = 50
MOST_REMEMBERED = 5_000
Required = dict[tuple[object, ...], RequirementRule]


@dataclass(frozen=True)
class Blame:
    """What one change does to a call: undoing it alone would ask so many people fewer (more, when negative)."""

    name: str
    people: int


@dataclass(frozen=True)
class Change:
    """A draft beside the policy a call was asked under."""

    before: PolicyData
    draft: PolicyData
    _old: dict[str, Rule] = field(init=False)
    _new: dict[str, Rule] = field(init=False)
    _required: Required = field(default_factory=dict, init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_old", {r.name: r for r in self.before.rules})
        object.__setattr__(self, "_new", {r.name: r for r in self.draft.rules})

    @cached_property
    def rules(self) -> frozenset[str]:
        """The rules that are new, gone or say something else."""
        names = {*self._old, *self._new}
        return frozenset(name for name in names if _said(self._old.get(name)) != _said(self._new.get(name)))

    @cached_property
    def outside(self) -> bool:
        """Whether anything differs outside of rules."""
        return any(
            getattr(self.before, name) != getattr(self.draft, name) for name in PolicyData.model_fields if name not in {"rules", "version"}
        )

    @cached_property
    def _place(self) -> dict[str, tuple[int, float]]:
        """Where each rule stands among those that apply: by priority, then by the file; one that is gone, where it stood."""
        place = {r.name: (-r.priority, float(i)) for i, r in enumerate(self.draft.rules)}
        following = float(len(self.draft.rules))
        for rule in reversed(self.before.rules):
            if rule.name in place and rule.name in self._new:
                following = place[rule.name][1]
            else:
                place[rule.name] = (-rule.priority, following - 0.5)
        return place

    def blames(self, facts: Facts, now: Asked, hits: Sequence[Hit], hits_before: Sequence[Hit], *, needs_a_person: bool) -> Iterator[Blame]:
        """The changes that make the difference by themselves."""
        new, old = {h.rule.name: h for h in hits}, {h.rule.name: h for h in hits_before}
        changed = sorted(self.rules & {*new, *old})
        under_draft, alike = _Undone(self.draft, facts, needs_a_person, self._required), dict[object, Asked]()
        for name in changed if len(changed) <= MOST_UNDONE else ():
            kept = [h for h in hits if h.rule.name != name] + ([old[name]] if name in old else [])
            if name in old:
                kept.sort(key=lambda h: (-h.rule.priority, self._place[h.rule.name][1]))
            # Without one of several rules that say the same, the same is asked as without another of them.
            says = name if name in old or new[name].rule.instead else _effect(new[name])
            if says not in alike:
                alike[says] = under_draft.asked(kept)
            undone = alike[says]
            if undone != now:
                yield Blame(name, now.people - undone.people)
        if self.outside:
            undone = _Undone(self.before, facts, needs_a_person, self._required).asked(hits)
            if undone != now:
                yield Blame(OUTSIDE, now.people - undone.people)


def _effect(hit: Hit) -> tuple[object, ...]:
    """What a rule that replaces nothing does where it applies."""
    rule = hit.rule
    return rule.priority, bool(rule.deny), rule.at_least, rule.at_most, rule.score, rule.require, hit.only_more


class _Undone:
    """What a policy asks of one call for other sets of rules that apply."""

    def __init__(self, policy: PolicyData, facts: Facts, needs_a_person: bool, known: Required) -> None:
        self._policy, self._facts, self._known = policy, facts, known
        self._points, floor = points_of(policy, facts)
        self._least = Level.MEDIUM if needs_a_person and floor is Level.LOW else floor

    def asked(self, hits: Sequence[Hit]) -> Asked:
        _, level = levelled(self._policy, self._points, hits)
        level = max(level, self._least, key=lambda lv: lv.rank)
        denied, changing = any(h.rule.deny for h in hits), [h for h in hits if h.rule.require or h.rule.instead]
        # What is required depends on the level and on these rules only: worked out once for all calls.
        key = (id(self._policy), level, self._facts.reversible, *((id(h.rule), h.only_more) for h in changing))
        if key not in self._known:
            if len(self._known) > MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = required(self._policy, level, self._facts.reversible, changing)
        return whole(self._policy, str(level), self._known[key], denied, self._facts)


def _said(rule: Rule | None) -> Rule | None:
    """A rule without the words that only explain it."""
    return rule.model_copy(update={"about": ""}) if rule else None
