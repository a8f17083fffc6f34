"""Whether a change of policy asks for less anywhere. Pure.

Only what is known to ask for as much or more passes; whatever this module does not understand counts as loosening.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from approvals.policy.basics import Level, NeedRule, RequirementRule, stages_of, verdict_said
from approvals.policy.rules import PolicyData
from approvals.policy.ruleset import Require, Rule
from audit.sentences import Frozen

# Fields looked at one by one below; `version` says nothing. A field that is added to the policy and forgotten here loosens.
LOOKED_AT = {
    "version", "tool_class", "irreversible", "amounts", "environment", "novelty", "untrusted_text", "hidden_characters", "at_least",
    "levels", "requirements", "questions", "rules", "loop_after",
}  # fmt: skip

# What is asked less of, as a version keeps it.
ADDS = Frozen("%(what)s adds %(n)d points instead of %(before)d")
UNKNOWN_ADDS = Frozen("an unknown %(what)s adds %(n)d points instead of %(before)d")
FROM_ADDS = Frozen("%(what)s from %(at)d on adds %(n)d points instead of %(before)d")
NOVELTY_ADDS = Frozen("novelty at %(at)d approvals adds %(n)d points instead of %(before)d")
BEGINS = Frozen("%(level)s begins at %(n)d instead of %(before)d", parts=["level"])
QUESTIONS = Frozen("questions are %(level)s instead of %(before)s", parts=["level", "before"])
NO_LONGER_ALWAYS = Frozen("%(tool)s is no longer always %(level)s", parts=["level"])
COST_NO_LONGER = Frozen("a call that costs more than %(cost)s is no longer always %(level)s", parts=["level"])
RISES = Frozen("%(high)s asks less than %(low)s: whatever rises to %(high)s asks fewer people", parts=["high", "low"])
LEVEL_LESS = Frozen("%(level)s %(less)s", parts=["level", "less"], only={"level": "low|medium|high|critical"})
FEWER_PEOPLE = Frozen("asks fewer people")
NO_LONGER_EXCLUDES = Frozen("no longer excludes the %(who)s")
ALSO_ALLOWS = Frozen("also allows %(verdicts)s", parts=["verdicts"])
NO_REASON = Frozen("no longer asks a reason to %(verdicts)s", parts=["verdicts"])
WAITS = Frozen("waits %(n)d seconds for people instead of %(before)d")
LEAVES = Frozen("leaves an approval %(n)d seconds to be used instead of %(before)d")
HOLDS = Frozen("holds %(n)d seconds instead of %(before)d")
OTHER_ORDER = Frozen("asks in another order")
REJECTIONS = Frozen("needs %(n)d rejections to end it instead of %(before)d")
ESCALATES = Frozen("escalates to %(groups)s, who may then decide")
STAND_IN = Frozen("lets people of %(groups)s stand in")
CALENDAR = Frozen("counts time by the calendar %(calendar)s")
PUT_OFF = Frozen("lets %(groups)s put the deadline off by %(n)d seconds")
RULE_GONE = Frozen("the rule %(rule)s is gone")
RULE_NEW = Frozen("the rule %(rule)s is new and asks for less")
RULE_CHANGED = Frozen("the rule %(rule)s changed")
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
    """Points by size and novelty are steps: compared where either policy has one."""
    for of in sorted({a.of for a in (*old.amounts, *new.amounts)}):
        one, other = ([s for a in p.amounts if a.of == of for s in a.steps] for p in (old, new))
        for at in sorted({s[0] for s in (*one, *other)}):
            before, after = _from_on(one, at), _from_on(other, at)
            if after < before or after < 0:
                yield FROM_ADDS(what=of.replace("_", " "), at=at, n=after, before=before)
    for at in sorted({s[0] - 1 for s in (*old.novelty, *new.novelty)}):
        before, after = _below(old.novelty, at), _below(new.novelty, at)
        if after < before:
            yield NOVELTY_ADDS(at=at, n=after, before=before)


def _levels(old: PolicyData, new: PolicyData) -> Iterator[str]:
    for level in Level:
        if new.levels[level] > old.levels[level]:
            yield BEGINS(level=level.said, n=new.levels[level], before=old.levels[level])
    if new.questions.level.rank < old.questions.level.rank:
        yield QUESTIONS(level=new.questions.level.said, before=old.questions.level.said)


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
        for less in _asks_less(old.requirements[level], new.requirements[level]):
            yield LEVEL_LESS(level=level.said, less=less)
    changed = old.model_dump(exclude={"version"}) != new.model_dump(exclude={"version"})
    for low, high in zip(list(Level)[:-1], list(Level)[1:], strict=True) if changed else ():
        one, other = new.requirements[low], new.requirements[high]
        if _people_less(one, other) or (one.need and set(one.exclude) - set(other.exclude)):
            yield RISES(high=high.said, low=low.said)


def _asks_less(old: RequirementRule, new: RequirementRule) -> Iterator[str]:
    if _people_less(old, new):
        yield FEWER_PEOPLE()
    if gone := set(old.exclude) - set(new.exclude):
        yield NO_LONGER_EXCLUDES(who=" and the ".join(sorted(gone)))
    if more := set(new.verdicts) - set(old.verdicts):
        yield ALSO_ALLOWS(verdicts=", ".join(map(verdict_said, sorted(more))))
    if less := set(old.reason_for) - set(new.reason_for):
        yield NO_REASON(verdicts=", ".join(map(verdict_said, sorted(less))))
    if new.deadline_s > old.deadline_s:
        yield WAITS(n=new.deadline_s, before=old.deadline_s)
    if new.execute_within_s > old.execute_within_s:
        yield LEAVES(n=new.execute_within_s, before=old.execute_within_s)
    if new.hold_s < old.hold_s:
        yield HOLDS(n=new.hold_s, before=old.hold_s)
    yield from _in_time(old, new)


def _in_time(old: RequirementRule, new: RequirementRule) -> Iterator[str]:
    """What has to do with order, time and standing in."""
    if stages_of(old.need) > 1 and _order(old) != _order(new):
        yield OTHER_ORDER()
    if new.rejections > old.rejections:
        yield REJECTIONS(n=new.rejections, before=old.rejections)
    if set(new.escalate) - set(old.escalate):
        yield ESCALATES(groups=", ".join(sorted({r.to for r in new.escalate if r not in old.escalate})))
    if more := set(new.delegates) - set(old.delegates):
        yield STAND_IN(groups=", ".join(sorted(more)))
    if new.calendar != old.calendar and new.calendar:
        yield CALENDAR(calendar=new.calendar)
    if new.extend and (old.extend is None or new.extend.at_most_s > old.extend.at_most_s or set(new.extend.by) - set(old.extend.by)):
        yield PUT_OFF(groups=", ".join(new.extend.by), n=new.extend.at_most_s)


def _order(rule: RequirementRule) -> dict[str, set[int]]:
    """The stages in which each group is asked."""
    return {group: {n.stage for n in rule.need if n.group == group} for group in {n.group for n in rule.need}}


def _people_less(old: RequirementRule, new: RequirementRule) -> bool:
    before, after = _counts(old.need), _counts(new.need)
    return any(after[group] < count for group, count in before.items())


def _counts(need: Sequence[NeedRule]) -> Counter[str]:
    """How many of each group, all stages together."""
    found: Counter[str] = Counter()
    for n in need:
        found[n.group] += n.count
    return found


def _rules(old: PolicyData, new: PolicyData) -> Iterator[str]:
    before, after = {r.name: r for r in old.rules}, {r.name: r for r in new.rules}
    for name, rule in before.items():
        if rule.asks and name not in after:
            yield RULE_GONE(rule=name)
    for name, rule in after.items():
        was = before.get(name)
        if was is None and rule.loosens:
            yield RULE_NEW(rule=name)
        elif was is not None and _said(was) != _said(rule) and not _only_stricter(was, rule):
            yield RULE_CHANGED(rule=name)
    kept = [[r.name for r in rules if r.loosens and r.name in before and r.name in after] for rules in (old.rules, new.rules)]
    if kept[0] != kept[1]:
        yield RULES_ORDER()


def _said(rule: Rule) -> Rule:
    """A rule without the words that only explain it."""
    return rule.model_copy(update={"about": ""})


def _only_stricter(old: Rule, new: Rule) -> bool:
    """Whether a changed rule speaks of the same calls, at the same priority, and asks at least as much of them."""
    if old.loosens or new.loosens or old.match != new.match or old.priority != new.priority:
        return False
    floor_before, floor = (r.at_least.rank if r.at_least else -1 for r in (old, new))
    return (
        bool(new.deny or not old.deny) and floor >= floor_before and new.score >= old.score and _requires_as_much(old.require, new.require)
    )


def _requires_as_much(old: Require | None, new: Require | None) -> bool:
    if old is None:
        return True
    if new is None:
        return False
    counts = {(n.group, n.stage): n.count for n in new.need}
    return (
        all(counts.get((n.group, n.stage), 0) >= n.count for n in old.need)
        and _no_later(old.rejections, new.rejections)
        and set(old.exclude) <= set(new.exclude)
        and set(old.reason_for) <= set(new.reason_for)
        and _within(old.verdicts, new.verdicts)
        and _no_later(old.deadline_s, new.deadline_s)
        and _no_later(old.execute_within_s, new.execute_within_s)
        and (new.hold_s or 0) >= (old.hold_s or 0)
    )


def _within(old: Sequence[str] | None, new: Sequence[str] | None) -> bool:
    return old is None or (new is not None and set(new) <= set(old))


def _no_later(old: int | None, new: int | None) -> bool:
    return old is None or (new is not None and new <= old)


def _other(old: PolicyData, new: PolicyData) -> Iterator[str]:
    if new.loop_after > old.loop_after:
        yield LOOPS(n=new.loop_after, before=old.loop_after)
    for name in sorted(set(PolicyData.model_fields) - LOOKED_AT):
        if getattr(old, name) != getattr(new, name):
            yield CHANGED(what=name)


def _from_on(steps: Sequence[tuple[int, int]], at: int) -> int:
    return next((points for start, points in sorted(steps, reverse=True) if at >= start), 0)


def _below(steps: Sequence[tuple[int, int]], at: int) -> int:
    return next((points for below, points in sorted(steps) if at < below), 0)
