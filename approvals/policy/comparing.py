"""Whether a change of policy asks for less anywhere. Pure.

Only what is known to ask for as much or more passes; whatever this module does not understand counts as loosening.
"""

from collections.abc import Iterator, Sequence

from approvals.policy.basics import Level, RequirementRule
from approvals.policy.replacing import replaced
from approvals.policy.rules import PolicyData
from approvals.policy.ruleset import Rule
from approvals.policy.strictness import OF_TIME, less, less_of, requires_as_much
from audit.sentences import Frozen

# Fields looked at one by one below; `version` says nothing. A field that is added to the policy and forgotten here loosens.
LOOKED_AT = {
    "version", "tool_class", "irreversible", "amounts", "environment", "novelty", "untrusted_text", "hidden_characters", "at_least",
    "levels", "requirements", "questions", "rules", "loop_after", "opinion", "confidence", "signals",
}  # fmt: skip
# Of these, what may make a call rise to another level.
RAISES = LOOKED_AT - {"version", "requirements", "rules", "loop_after"}

# What is asked less of, as a version keeps it.
ADDS = Frozen("%(what)s adds %(n)d points instead of %(before)d")
UNKNOWN_ADDS = Frozen("an unknown %(what)s adds %(n)d points instead of %(before)d")
FROM_ADDS = Frozen("%(what)s from %(at)d on adds %(n)d points instead of %(before)d")
NOVELTY_ADDS = Frozen("novelty at %(at)d approvals adds %(n)d points instead of %(before)d")
UNSURE_ADDS = Frozen("an agent that is sure of it only to %(sure)s adds %(n)d points instead of %(before)d")
BEGINS = Frozen("%(level)s begins at %(n)d instead of %(before)d", parts=["level"])
QUESTIONS = Frozen("questions are %(level)s instead of %(before)s", parts=["level", "before"])
MAY_ANSWER = Frozen("questions no longer exclude the %(rule)s")
NO_LONGER_ALWAYS = Frozen("%(tool)s is no longer always %(level)s", parts=["level"])
COST_NO_LONGER = Frozen("a call that costs more than %(cost)s is no longer always %(level)s", parts=["level"])
RISES = Frozen("%(high)s asks less than %(low)s: whatever rises to %(high)s %(less)s", parts=["high", "low", "less"])
LEVEL_LESS = Frozen("%(level)s %(less)s", parts=["level", "less"], only={"level": "low|medium|high|critical"})
RULE_GONE = Frozen("the rule %(rule)s is gone")
RULE_NEW = Frozen("the rule %(rule)s is new and asks for less")
RULE_CHANGED = Frozen("the rule %(rule)s changed")
DOUBT_ADDS = Frozen("a second model that finds a call %(concern)s adds %(n)d points instead of %(before)d", parts=["concern"])
NOT_ASKED_ABOUT = Frozen("no second model is asked about %(level)s any more", parts=["level"])
RULES_ORDER = Frozen("rules that ask for less stand in another order")
LOOPS = Frozen("the same call halts its run after %(n)d times instead of %(before)d")
CHANGED = Frozen("%(what)s changed", only={"what": "[a-z_]+"})


def loosenings(old: PolicyData, new: PolicyData) -> tuple[str, ...]:
    """What the new policy asks less of than the old one, a sentence each; empty when it only asks as much or more."""
    found = [
        *_points(old, new), *_steps(old, new), *_levels(old, new), *_floors(old, new), *_requirements(old, new), *_rules(old, new),
        *_other(old, new),
    ]  # fmt: skip
    return tuple(dict.fromkeys(found))


def _points(old: PolicyData, new: PolicyData) -> Iterator[str]:
    for name in ("irreversible", "untrusted_text", "hidden_characters"):
        if getattr(new, name) < getattr(old, name):
            yield ADDS(what=name, n=getattr(new, name), before=getattr(old, name))
    for name, one, other in (("tool_class", old.tool_class, new.tool_class), ("environment", old.environment, new.environment)):
        worst_before, worst = max(one.values(), default=0), max(other.values(), default=0)
        for key in sorted({*one, *other}):
            before, after = one.get(key, worst_before), other.get(key, worst)
            if after < before:
                yield ADDS(what=f"{name} {key}", n=after, before=before)
        if worst < worst_before:
            yield UNKNOWN_ADDS(what=name, n=worst, before=worst_before)


def _steps(old: PolicyData, new: PolicyData) -> Iterator[str]:
    """Points by size, novelty and the like are steps: compared where either policy has one."""
    for tables, others in ((old.amounts, new.amounts), (old.signals, new.signals)):
        for of in sorted({str(a.of) for a in (*tables, *others)}):
            one, other = ([a.steps for a in of_one if a.of == of] for of_one in (tables, others))
            for at in sorted({s[0] for steps in (*one, *other) for s in steps}):
                before, after = (sum(_from_on(steps, at) for steps in of_one) for of_one in (one, other))
                if after < before:
                    yield FROM_ADDS(what=of.replace("_", " "), at=at, n=after, before=before)
    for at in sorted({s[0] - 1 for s in (*old.novelty, *new.novelty)}):
        before, after = _below(old.novelty, at), _below(new.novelty, at)
        if after < before:
            yield NOVELTY_ADDS(at=at, n=after, before=before)
    for sure in sorted({0.0, *(s[0] for s in (*old.confidence, *new.confidence))}):
        before, after = _below(old.confidence, sure), _below(new.confidence, sure)
        if after < before:
            yield UNSURE_ADDS(sure=f"{sure:g}", n=after, before=before)


def _levels(old: PolicyData, new: PolicyData) -> Iterator[str]:
    for level in Level:
        if new.levels[level] > old.levels[level]:
            yield BEGINS(level=level.said, n=new.levels[level], before=old.levels[level])
    if new.questions.level.rank < old.questions.level.rank:
        yield QUESTIONS(level=new.questions.level.said, before=old.questions.level.said)
    for rule in sorted(_kept_out(old) - _kept_out(new)):
        yield MAY_ANSWER(rule=rule)


def _kept_out(policy: PolicyData) -> set[str]:
    """Who does not answer questions."""
    asked = policy.questions
    return set(policy.requirements[asked.level].exclude if asked.exclude is None else asked.exclude)


def _floors(old: PolicyData, new: PolicyData) -> Iterator[str]:
    for floor in old.at_least:
        for tool in floor.tools:
            if not any(tool in f.tools and f.level.rank >= floor.level.rank for f in new.at_least):
                yield NO_LONGER_ALWAYS(tool=tool, level=floor.level.said)
        limit = floor.estimated_cost_over
        costs = [f for f in new.at_least if f.estimated_cost_over is not None and f.level.rank >= floor.level.rank]
        if limit is not None and not any(f.estimated_cost_over is not None and f.estimated_cost_over <= limit for f in costs):
            yield COST_NO_LONGER(cost=f"{limit:g}", level=floor.level.said)


def _requirements(old: PolicyData, new: PolicyData) -> Iterator[str]:
    for level in Level:
        for said in less(old.requirements[level], new.requirements[level]):
            yield LEVEL_LESS(level=level.said, less=said)
    if old.model_dump(exclude={"version"}) == new.model_dump(exclude={"version"}):
        return
    # What rises to a level must not be asked less there than below. Of everything but people only where something may rise at all.
    rises = old.model_dump(include=RAISES) != new.model_dump(include=RAISES) or _raising(old) != _raising(new)
    names = tuple(name for name in RequirementRule.model_fields if name not in OF_TIME)
    for low, high in zip(list(Level)[:-1], list(Level)[1:], strict=True):
        one, other = new.requirements[low], new.requirements[high]
        asked = bool(one.need) or any(rule.asks_people for rule in (*old.rules, *new.rules))
        for name in names if asked and rises else ("need", "exclude") if one.need else ("need",):
            if said := less_of(name, getattr(one, name), getattr(other, name)):
                yield RISES(high=high.said, low=low.said, less=said)


def _raising(data: PolicyData) -> list[tuple[object, ...]]:
    """What rules say of levels and points, which may make calls rise."""
    return [(r.name, r.match, r.priority, r.at_least, r.at_most, r.score) for r in data.rules if r.at_least or r.at_most or r.score]


def _rules(old: PolicyData, new: PolicyData) -> Iterator[str]:
    before, after = {r.name: r for r in old.rules}, {r.name: r for r in new.rules}
    for name, rule in before.items():
        if rule.asks and name not in after:
            yield RULE_GONE(rule=name)
    for name, rule in after.items():
        was = before.get(name)
        if was is None and rule.lowers:
            yield RULE_NEW(rule=name)
        elif was is not None and _said(was) != _said(rule) and not _only_stricter(was, rule):
            yield RULE_CHANGED(rule=name)
    kept = [[r.name for r in rules if r.loosens and r.name in before and r.name in after] for rules in (old.rules, new.rules)]
    if kept[0] != kept[1]:
        yield RULES_ORDER()
    yield from replaced(old, new)


def _said(rule: Rule) -> Rule:
    """A rule without the words that only explain it, and without what it replaces, which `replacing` looks at."""
    return rule.model_copy(update={"about": "", "instead": None})


def _only_stricter(old: Rule, new: Rule) -> bool:
    """Whether a changed rule speaks of the same calls, at the same priority, and asks at least as much of them."""
    if old.lowers or new.lowers or old.match != new.match or old.priority != new.priority:
        return False
    floor_before, floor = (r.at_least.rank if r.at_least else -1 for r in (old, new))
    return (
        bool(new.deny or not old.deny) and floor >= floor_before and new.score >= old.score and requires_as_much(old.require, new.require)
    )


def _other(old: PolicyData, new: PolicyData) -> Iterator[str]:
    if new.loop_after > old.loop_after:
        yield LOOPS(n=new.loop_after, before=old.loop_after)
    for concern in ("doubtful", "dangerous"):
        before, after = old.opinion.points(concern), new.opinion.points(concern)
        if after < before:
            yield DOUBT_ADDS(concern=concern, n=after, before=before)
    for level in Level:
        if level in old.opinion.ask_for and level not in new.opinion.ask_for:
            yield NOT_ASKED_ABOUT(level=level.said)
    for name in sorted(set(PolicyData.model_fields) - LOOKED_AT):
        if getattr(old, name) != getattr(new, name):
            yield CHANGED(what=name)


def _from_on(steps: Sequence[tuple[int, int]], at: int) -> int:
    return next((points for start, points in sorted(steps, reverse=True) if at >= start), 0)


def _below(steps: Sequence[tuple[float, int]], at: float) -> int:
    return next((points for below, points in sorted(steps) if at < below), 0)
