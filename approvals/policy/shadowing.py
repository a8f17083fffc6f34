"""Rules that other rules leave nothing to say. Pure.

A rule is called useless only when every part of it is: another rule takes in all its calls, and with that rule there the part changes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from approvals.policy.claims import every_path
from approvals.policy.known import Finding, Known
from approvals.policy.matching import any_of
from approvals.policy.possible import implies
from approvals.policy.reaching import said_by
from approvals.policy.rules import Policy, line_of
from approvals.policy.ruleset import Match, Rule
from approvals.policy.strictness import requires_as_much
from audit.sentences import Frozen

CHANGES_NOTHING = Frozen("rule %(rule)s changes nothing: %(why)s", parts=["why"])
DENIES = Frozen("%(rule)s denies every call it speaks of")
HOLDS = Frozen("%(rule)s holds every call it speaks of at %(level)s or above", parts=["level"])
RAISES = Frozen("%(rule)s raises every call it speaks of to %(level)s already", parts=["level"])
LOWERS = Frozen("%(rule)s holds every call it speaks of at %(level)s or below already", parts=["level"])
REPLACES = Frozen("%(rule)s replaces the same of every call it speaks of")
REQUIRES = Frozen("%(rule)s requires as much of every call it speaks of")
MOST_COMPARED = 20_000


def shadowed(policy: Policy, known: Known, reach: Sequence[frozenset[int]]) -> Iterator[Finding]:
    """The rules that change nothing; `reach` has the calls each takes in."""
    rules = policy.data.rules
    order = sorted(range(len(rules)), key=lambda i: -rules[i].priority)
    turn = {at: n for n, at in enumerate(order)}
    budget = _Budget(MOST_COMPARED)
    saying = {part: [i for i, other in enumerate(rules) if _may_cover(other, part)] for part in PARTS}
    for at, rule in enumerate(rules):
        whys = []
        for part in _parts(rule):
            wider = [i for i in saying[part] if i != at and reach[at] <= reach[i]]
            found = ((PARTS[part](rule, rules[i], turn[i] < turn[at]), i) for i in wider)
            whys.append(next((why for why, i in found if why and budget.spend() and _wider(rules[i].match, rule)), ""))
        if reach[at] and whys and all(whys):
            yield Finding(line_of(policy.source, "rules", at), CHANGES_NOTHING(rule=rule.name, why=whys[0]))


class _Budget:
    """So many comparisons and no more: who saves a policy of thousands of rules does not wait for all pairs."""

    def __init__(self, left: int) -> None:
        self._left = left

    def spend(self) -> bool:
        self._left -= 1
        return self._left >= 0


def _parts(rule: Rule) -> list[str]:
    """What a rule says, by the names of its fields."""
    return [name for name in PARTS if getattr(rule, name)]


def _may_cover(other: Rule, part: str) -> bool:
    """Whether a rule says anything that could leave such a part of another one nothing to say: asked first, as it costs least."""
    return bool(other.deny or (part != "score" and getattr(other, part)) or (part == "at_most" and other.at_least))


def _deny(rule: Rule, other: Rule, first: bool) -> str:
    return DENIES(rule=other.name) if other.deny and first else ""


def _denied(rule: Rule, other: Rule, first: bool) -> str:
    """Denying wins whatever the priority: beside it nothing else counts."""
    return DENIES(rule=other.name) if other.deny else ""


def _at_least(rule: Rule, other: Rule, first: bool) -> str:
    floor = other.at_least
    if floor and rule.at_least and floor.rank >= rule.at_least.rank and _later_word(rule, other, first, floor is not rule.at_least):
        return RAISES(rule=other.name, level=floor.said)
    return _denied(rule, other, first)


def _at_most(rule: Rule, other: Rule, first: bool) -> str:
    """A ceiling: a floor that has a later word, or a ceiling that has, and is as low."""
    floor, ceiling = other.at_least, other.at_most
    if floor and rule.at_most and other.priority >= rule.priority and floor.rank >= rule.at_most.rank:
        return HOLDS(rule=other.name, level=floor.said)
    if ceiling and rule.at_most and ceiling.rank <= rule.at_most.rank and _later_word(rule, other, first, ceiling is not rule.at_most):
        return LOWERS(rule=other.name, level=ceiling.said)
    return _denied(rule, other, first)


def _later_word(rule: Rule, other: Rule, first: bool, further: bool) -> bool:
    """Whether nothing between the two can make the rule's level count: the other comes first, or beside it and goes further."""
    return first or (other.priority == rule.priority and further)


def _require(rule: Rule, other: Rule, first: bool) -> str:
    """The strictest counts, whatever the priority; of two that are the same the later one is the useless one."""
    one, more = rule.require, other.require
    if one and more and requires_as_much(one, more) and (first or not requires_as_much(more, one)):
        return REQUIRES(rule=other.name)
    return _denied(rule, other, first)


def _instead(rule: Rule, other: Rule, first: bool) -> str:
    if rule.instead and other.instead and first and set(rule.instead.parts) <= set(other.instead.parts):
        return REPLACES(rule=other.name)
    return _denied(rule, other, first)


# Which parts of a rule can be left nothing to say, and by what.
PARTS: dict[str, Callable[[Rule, Rule, bool], str]] = {
    "deny": _deny, "at_least": _at_least, "at_most": _at_most, "score": _denied, "require": _require, "instead": _instead,
}  # fmt: skip


def _wider(match: Match, rule: Rule) -> bool:
    """Whether a match lets pass all that the rule's lets pass beside tools and agents, as far as one can see."""
    return _customers(match, rule.match) and _conditions(match, rule)


def _customers(match: Match, narrower: Match) -> bool:
    if not match.customers:
        return True
    # A pattern whose only wildcard is * takes in whatever it takes in of the other pattern's text.
    plain = [p for p in match.customers if not set(p) & set("?[")]
    fits = any_of(plain) if plain else match.customers.__contains__
    return bool(narrower.customers) and all(fits(p) or p in match.customers for p in narrower.customers)


def _conditions(match: Match, rule: Rule) -> bool:
    """Whether the condition is true wherever the rule's is: it asks of the same values, and is never false there."""
    if match.condition is None or match.when == rule.match.when:
        return True
    if rule.match.condition is None:
        return False
    return _asks_of(match) <= _asks_of(rule.match) and implies(said_by(rule.match), said_by(match))


@lru_cache(maxsize=4_096)
def _asks_of(match: Match) -> frozenset[tuple[str, ...]]:
    """The values a condition asks of."""
    if match.condition is None:
        return frozenset()
    return frozenset({(name,) for name in match.condition.names} | {steps for steps, _ in every_path(match.condition.tree)})
