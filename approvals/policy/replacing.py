"""Whether a change of the rules that replace parts of what levels ask (`instead`) asks for less anywhere. Pure.

Such a rule may ask for less or for more than the level, or than another such rule behind it. So when one goes, or comes, whatever may
stand in its place is held against it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from approvals.policy.basics import Level
from approvals.policy.rules import PolicyData
from approvals.policy.ruleset import Rule
from approvals.policy.strictness import less_of
from audit.sentences import Frozen

RULE_LESS = Frozen("the rule %(rule)s %(less)s", parts=["less"])
GONE = Frozen("the rule %(rule)s is gone, and %(whose)s %(less)s", parts=["less"])
CHANGED = Frozen("the rule %(rule)s changed, and %(whose)s %(less)s", parts=["less"])
COMES = Frozen("the rule %(rule)s %(less)s, where %(whose)s would have asked more", parts=["less"])


@dataclass(frozen=True)
class _Place:
    """One such rule of a policy; `at` is its turn, the first that matches counts."""

    rule: Rule
    at: int
    parts: dict[str, Any]


def replaced(old: PolicyData, new: PolicyData) -> Iterator[str]:
    """What is asked less of, a sentence each."""
    before, after = _places(old), _places(new)
    kept = {name for name, place in before.items() if name in after and _same_place(place.rule, after[name].rule)}
    for name, place in before.items():
        for part, value in place.parts.items():
            if name in kept and part in after[name].parts:
                if said := less_of(part, value, after[name].parts[part]):
                    yield RULE_LESS(rule=name, less=said)
                continue
            for whose, other in _others(new, part, place, after, before, kept):
                if said := less_of(part, value, other):
                    yield (CHANGED if name in after else GONE)(rule=name, whose=whose, less=said)
                    break
    for name, place in after.items():
        for part, value in place.parts.items():
            if name in kept and part in before[name].parts:
                continue
            for whose, was in _others(old, part, place, before, after, kept):
                if said := less_of(part, was, value):
                    yield COMES(rule=name, whose=whose, less=said)
                    break


def _places(data: PolicyData) -> dict[str, _Place]:
    ordered = sorted((r for r in data.rules if r.instead), key=lambda r: -r.priority)
    return {r.name: _Place(r, at, r.instead.parts if r.instead else {}) for at, r in enumerate(ordered)}


def _same_place(one: Rule, other: Rule) -> bool:
    return one.match == other.match and one.priority == other.priority


def _others(
    data: PolicyData, part: str, place: _Place, here: dict[str, _Place], there: dict[str, _Place], kept: set[str]
) -> Iterator[tuple[str, Any]]:
    """What may stand where this rule does not: what each level asks, and what other rules replace it with.

    A rule that comes before it in both policies, and says this part in both, is not among them: where it matches, it counts in both.
    """
    for level in Level:
        yield str(level), getattr(data.requirements[level], part)
    for name, other in here.items():
        if name == place.rule.name or part not in other.parts:
            continue
        first = name in kept and part in there[name].parts and there[name].at < place.at
        if not first:
            yield f"the rule {name}", other.parts[part]
