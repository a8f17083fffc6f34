"""Which change of a draft makes the difference for one call: each is undone by itself, and what is asked then is looked at. Pure.

A rule is named only when undoing the change of this rule alone asks something else than the draft does. When only several of them
together do, that is said instead. Rules are undone among those that apply, so that nothing is matched twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from approvals.policy.asking import Asked, asked
from approvals.policy.matching import Facts, Hit
from approvals.policy.risk import added_up, at_least_medium
from approvals.policy.rules import PolicyData
from approvals.policy.ruleset import Rule

# What is no rule's change: points, levels, what levels ask, calendars and whatever else stands outside of `rules`.
OUTSIDE = "(points, levels and what they ask)"
TOGETHER = "(several changes together, none by itself)"
# What no change of the draft explains: it was asked under a policy or a release that scored otherwise.
UNEXPLAINED = "(what was scored otherwise then)"
# More rules than this are not undone one by one for one call.
MOST_UNDONE = 50


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
        for name in changed if len(changed) <= MOST_UNDONE else ():
            kept = [h for h in hits if h.rule.name != name] + ([old[name]] if name in old else [])
            kept.sort(key=lambda h: (-h.rule.priority, self._place[h.rule.name][1]))
            undone = self._asked(self.draft, facts, tuple(kept), needs_a_person)
            if undone != now:
                yield Blame(name, now.people - undone.people)
        if self.outside:
            undone = self._asked(self.before, facts, tuple(hits), needs_a_person)
            if undone != now:
                yield Blame(OUTSIDE, now.people - undone.people)

    @staticmethod
    def _asked(policy: PolicyData, facts: Facts, hits: tuple[Hit, ...], needs_a_person: bool) -> Asked:
        found = added_up(policy, facts, hits)
        return asked(policy, at_least_medium(policy, found) if needs_a_person else found, facts)


def _said(rule: Rule | None) -> Rule | None:
    """A rule without the words that only explain it."""
    return rule.model_copy(update={"about": ""}) if rule else None
