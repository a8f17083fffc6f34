"""Whether a change of policy asks for less anywhere. Pure.

Only what is known to ask for as much or more passes; whatever this module does not understand counts as loosening.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from approvals.policy.basics import Level, NeedRule, RequirementRule, stages_of
from approvals.policy.rules import PolicyData
from approvals.policy.ruleset import Require, Rule

# Fields looked at one by one below; `version` says nothing. A field that is added to the policy and forgotten here loosens.
LOOKED_AT = {
    "version", "tool_class", "irreversible", "amounts", "environment", "novelty", "untrusted_text", "hidden_characters", "at_least",
    "levels", "requirements", "questions", "rules", "loop_after",
}  # fmt: skip


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
            yield f"{name} adds {getattr(new, name)} points instead of {getattr(old, name)}"
    for name, one, other in (("tool_class", old.tool_class, new.tool_class), ("environment", old.environment, new.environment)):
        worst_before, worst = max(one.values(), default=0), max(other.values(), default=0)
        for key in sorted({*one, *other}):
            before, after = one.get(key, worst_before), other.get(key, worst)
            if after < before:
                yield f"{name} {key} adds {after} points instead of {before}"
        if worst < worst_before:
            yield f"an unknown {name} adds {worst} points instead of {worst_before}"


def _steps(old: PolicyData, new: PolicyData) -> Iterator[str]:
    """Points by size and novelty are steps: compared where either policy has one."""
    for of in sorted({a.of for a in (*old.amounts, *new.amounts)}):
        one, other = ([s for a in p.amounts if a.of == of for s in a.steps] for p in (old, new))
        for at in sorted({s[0] for s in (*one, *other)}):
            before, after = _from_on(one, at), _from_on(other, at)
            if after < before or after < 0:
                yield f"{of.replace('_', ' ')} from {at:,} on adds {after} points instead of {before}"
    for at in sorted({s[0] - 1 for s in (*old.novelty, *new.novelty)}):
        before, after = _below(old.novelty, at), _below(new.novelty, at)
        if after < before:
            yield f"novelty at {at} approvals adds {after} points instead of {before}"


def _levels(old: PolicyData, new: PolicyData) -> Iterator[str]:
    for level in Level:
        if new.levels[level] > old.levels[level]:
            yield f"{level} begins at {new.levels[level]} instead of {old.levels[level]}"
    if new.questions.level.rank < old.questions.level.rank:
        yield f"questions are {new.questions.level} instead of {old.questions.level}"


def _floors(old: PolicyData, new: PolicyData) -> Iterator[str]:
    for floor in old.at_least:
        for tool in floor.tools:
            if not any(tool in f.tools and f.level.rank >= floor.level.rank for f in new.at_least):
                yield f"{tool} is no longer always {floor.level}"
        limit = floor.estimated_cost_over
        costs = [f for f in new.at_least if f.estimated_cost_over is not None and f.level.rank >= floor.level.rank]
        if limit is not None and not any(f.estimated_cost_over is not None and f.estimated_cost_over <= limit for f in costs):
            yield f"a call that costs more than {limit:g} is no longer always {floor.level}"


def _requirements(old: PolicyData, new: PolicyData) -> Iterator[str]:
    for level in Level:
        for less in _asks_less(old.requirements[level], new.requirements[level]):
            yield f"{level} {less}"
    changed = old.model_dump(exclude={"version"}) != new.model_dump(exclude={"version"})
    for low, high in zip(list(Level)[:-1], list(Level)[1:], strict=True) if changed else ():
        one, other = new.requirements[low], new.requirements[high]
        if _people_less(one, other) or (one.need and set(one.exclude) - set(other.exclude)):
            yield f"{high} asks less than {low}: whatever rises to {high} asks fewer people"


def _asks_less(old: RequirementRule, new: RequirementRule) -> Iterator[str]:
    if _people_less(old, new):
        yield "asks fewer people"
    if gone := set(old.exclude) - set(new.exclude):
        yield f"no longer excludes the {' and the '.join(sorted(gone))}"
    if more := set(new.verdicts) - set(old.verdicts):
        yield f"also allows {', '.join(sorted(more))}"
    if less := set(old.reason_for) - set(new.reason_for):
        yield f"no longer asks a reason to {', '.join(sorted(less))}"
    if new.deadline_s > old.deadline_s:
        yield f"waits {new.deadline_s:,} seconds for people instead of {old.deadline_s:,}"
    if new.execute_within_s > old.execute_within_s:
        yield f"leaves an approval {new.execute_within_s:,} seconds to be used instead of {old.execute_within_s:,}"
    if new.hold_s < old.hold_s:
        yield f"holds {new.hold_s} seconds instead of {old.hold_s}"
    yield from _in_time(old, new)


def _in_time(old: RequirementRule, new: RequirementRule) -> Iterator[str]:
    """What has to do with order, time and standing in."""
    if stages_of(old.need) > 1 and _order(old) != _order(new):
        yield "asks in another order"
    if new.rejections > old.rejections:
        yield f"needs {new.rejections} rejections to end it instead of {old.rejections}"
    if set(new.escalate) - set(old.escalate):
        yield f"escalates to {', '.join(sorted({r.to for r in new.escalate if r not in old.escalate}))}, who may then decide"
    if more := set(new.delegates) - set(old.delegates):
        yield f"lets people of {', '.join(sorted(more))} stand in"
    if new.calendar != old.calendar and new.calendar:
        yield f"counts time by the calendar {new.calendar}"
    if new.extend and (old.extend is None or new.extend.at_most_s > old.extend.at_most_s or set(new.extend.by) - set(old.extend.by)):
        yield f"lets {' and '.join(new.extend.by)} put the deadline off by {new.extend.at_most_s:,} seconds"


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
            yield f"the rule {name} is gone"
    for name, rule in after.items():
        was = before.get(name)
        if was is None and rule.loosens:
            yield f"the rule {name} is new and asks for less"
        elif was is not None and _said(was) != _said(rule) and not _only_stricter(was, rule):
            yield f"the rule {name} changed"
    kept = [[r.name for r in rules if r.loosens and r.name in before and r.name in after] for rules in (old.rules, new.rules)]
    if kept[0] != kept[1]:
        yield "rules that ask for less stand in another order"


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
        yield f"the same call halts its run after {new.loop_after} times instead of {old.loop_after}"
    for name in sorted(set(PolicyData.model_fields) - LOOKED_AT):
        if getattr(old, name) != getattr(new, name):
            yield f"{name} changed"


def _from_on(steps: Sequence[tuple[int, int]], at: int) -> int:
    return next((points for start, points in sorted(steps, reverse=True) if at >= start), 0)


def _below(steps: Sequence[tuple[int, int]], at: int) -> int:
    return next((points for below, points in sorted(steps) if at < below), 0)
