"""Rules that read well and do nothing, or what nobody could ever satisfy: found before a policy is saved. Pure."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from approvals.policy.basics import NeedRule, RequirementRule
from approvals.policy.matching import Facts, any_of, covers
from approvals.policy.rules import Policy, line_of
from approvals.policy.ruleset import Instead, Rule
from audit.sentences import Frozen

# What is found, as a version keeps it.
RULE = Frozen("rule %(rule)s")
NEVER_MATCHES = Frozen("rule %(rule)s can never match: no agent has such a tool, there")
CHANGES_NOTHING = Frozen("rule %(rule)s changes nothing: %(why)s", parts=["why"])
TOO_FEW = Frozen(
    "%(who)s asks %(wanted)d of %(group)s, and there is %(n)d: nobody could approve",
    "%(who)s asks %(wanted)d of %(group)s, and there are %(n)d: nobody could approve",
    parts=["who"],
)
EMPTY_GROUP = Frozen("%(who)s: nobody is in the group %(group)s", parts=["who"])
EMPTY_GROUP_NEAR = Frozen("%(who)s: nobody is in the group %(group)s; did you mean %(near)s?", parts=["who"])
TOO_MANY = Frozen("%(who)s needs %(n)d rejections, and %(people)d people are asked: nobody could reject", parts=["who"])
UNKNOWN = {
    "tool": Frozen("rule %(rule)s: no registered tool is called %(name)s; there are %(names)s"),
    "agent": Frozen("rule %(rule)s: no registered agent is called %(name)s; there are %(names)s"),
    "environment": Frozen("rule %(rule)s: no registered environment is called %(name)s; there are %(names)s"),
    "class": Frozen("rule %(rule)s: no registered class is called %(name)s; there are %(names)s"),
}
UNKNOWN_NEAR = {
    "tool": Frozen("rule %(rule)s: no registered tool is called %(name)s; did you mean %(near)s?"),
    "agent": Frozen("rule %(rule)s: no registered agent is called %(name)s; did you mean %(near)s?"),
    "environment": Frozen("rule %(rule)s: no registered environment is called %(name)s; did you mean %(near)s?"),
    "class": Frozen("rule %(rule)s: no registered class is called %(name)s; did you mean %(near)s?"),
}
SLIP = Frozen("at_least: no tool is called %(tool)s; did you mean %(near)s?")
SHADOW_DENIES = Frozen("%(rule)s denies every call it speaks of")
SHADOW_HOLDS = Frozen("%(rule)s holds every call it speaks of at %(level)s or above", parts=["level"])
SHADOW_RAISES = Frozen("%(rule)s raises every call it speaks of to %(level)s already", parts=["level"])


@dataclass(frozen=True)
class KnownAgent:
    """A registered agent: its slug, where it acts, and the class of each of its tools by name."""

    slug: str
    environment: str
    tools: Mapping[str, str]


@dataclass(frozen=True)
class Known:
    """What there is: the agents, and how many active people each group has."""

    agents: tuple[KnownAgent, ...] = ()
    rosters: Mapping[str, int] | None = None

    @property
    def tools(self) -> list[str]:
        return sorted({tool for agent in self.agents for tool in agent.tools})

    @property
    def calls(self) -> list[Facts]:
        """Every agent with every tool of its own, as a call that says nothing yet."""
        return [Facts(tool, cls, environment=a.environment, agent=a.slug) for a in self.agents for tool, cls in a.tools.items()]


@dataclass(frozen=True)
class Finding:
    """Something to mend or to know; `refused` when it must be mended before the policy can be saved."""

    line: int
    why: str
    refused: bool = False


def check(policy: Policy, known: Known, *, before: Policy | None = None) -> tuple[Finding, ...]:
    """What is wrong with a policy here and now. What the policy in force has wrong as well only warns."""
    found = list(_findings(policy, known))
    old = {f.why for f in _findings(before, known)} if before else set()
    return tuple(Finding(f.line, f.why, f.refused and f.why not in old) for f in sorted(found, key=lambda f: f.line))


def _findings(policy: Policy, known: Known) -> Iterator[Finding]:
    yield from _rosters(policy, known)
    yield from _floors(policy, known)
    if not known.agents:
        return
    calls = known.calls
    reach = [frozenset(i for i, call in enumerate(calls) if _reaches(rule, call)) for rule in policy.data.rules]
    for i, rule in enumerate(policy.data.rules):
        line = line_of(policy.source, "rules", i, "match")
        wrong = [*_spelling(rule, known)]
        yield from (Finding(line, why, refused=True) for why in wrong)
        if not wrong and not reach[i]:
            yield Finding(line, NEVER_MATCHES(rule=rule.name), refused=True)
        elif reach[i] and (over := _shadow(i, policy.data.rules, reach)):
            yield Finding(line_of(policy.source, "rules", i), CHANGES_NOTHING(rule=rule.name, why=over))


def _rosters(policy: Policy, known: Known) -> Iterator[Finding]:
    if known.rosters is None:
        return
    asked: list[tuple[str, tuple[str | int, ...], Sequence[NeedRule]]] = [
        (level.said, ("requirements", str(level)), r.need) for level, r in policy.data.requirements.items()
    ]
    for i, rule in enumerate(policy.data.rules):
        asked += [(RULE(rule=rule.name), ("rules", i), r.need or ()) for r in (rule.require, rule.instead) if r]
    for who, path, needs in asked:
        for group in dict.fromkeys(n.group for n in needs):
            # One person decides once: in however many stages a group is asked, it must have as many people.
            there, wanted = known.rosters.get(group, 0), sum(n.count for n in needs if n.group == group)
            if there < wanted:
                said = TOO_FEW(who=who, wanted=wanted, group=group, n=there)
                yield Finding(line_of(policy.source, *path), said, refused=True)
    yield from _others(policy, known.rosters)


def _others(policy: Policy, rosters: Mapping[str, int]) -> Iterator[Finding]:
    """Groups named beside those who are asked: who is escalated to, who may put off, who may stand in; and enough people to reject."""
    levels: list[tuple[str, tuple[str | int, ...], RequirementRule | Instead]] = [
        (level.said, ("requirements", str(level)), r) for level, r in policy.data.requirements.items()
    ]
    levels += [(RULE(rule=r.name), ("rules", i, "instead"), r.instead) for i, r in enumerate(policy.data.rules) if r.instead]
    for who, path, asks in levels:
        named = [("escalate", rung.to) for rung in asks.escalate or ()]
        named += [("extend", group) for group in (asks.extend.by if asks.extend else ())]
        named += [("delegates", group) for group in asks.delegates or ()]
        for what, group in named:
            if not rosters.get(group, 0):
                near = difflib.get_close_matches(group, [g for g, n in rosters.items() if n], n=1)
                empty = EMPTY_GROUP_NEAR(who=who, group=group, near=near[0]) if near else EMPTY_GROUP(who=who, group=group)
                yield Finding(line_of(policy.source, *path, what), empty, refused=True)
        people = sum(rosters.get(group, 0) for group in {n.group for n in asks.need or ()})
        if asks.need and asks.rejections and asks.rejections > people:
            said = TOO_MANY(who=who, n=asks.rejections, people=people)
            yield Finding(line_of(policy.source, *path, "rejections"), said, refused=True)


def _spelling(rule: Rule, known: Known) -> Iterator[str]:
    slugs, environments = [a.slug for a in known.agents], sorted({a.environment for a in known.agents})
    classes = sorted({cls for a in known.agents for cls in a.tools.values()})
    for what, patterns, names in (("tool", rule.match.tools, known.tools), ("agent", rule.match.agents, slugs),
                                  ("environment", rule.match.environments, environments), ("class", rule.match.classes, classes)):  # fmt: skip
        for pattern in patterns:
            if not any(map(any_of([pattern]), names)):
                near = difflib.get_close_matches(pattern, names, n=1)
                if near:
                    yield UNKNOWN_NEAR[what](rule=rule.name, name=pattern, near=near[0])
                else:
                    yield UNKNOWN[what](rule=rule.name, name=pattern, names=", ".join(names[:12]))


def _floors(policy: Policy, known: Known) -> Iterator[Finding]:
    """Floors name tools that may come one day; only what looks like a slip of the pen is said."""
    for i, floor in enumerate(policy.data.at_least):
        for tool in floor.tools:
            near = difflib.get_close_matches(tool, known.tools, n=1, cutoff=0.85)
            if near and tool not in known.tools:
                yield Finding(line_of(policy.source, "at_least", i), SLIP(tool=tool, near=near[0]))


def _reaches(rule: Rule, call: Facts) -> bool:
    return covers(rule.match.model_copy(update={"customers": ()}), call)


def _shadow(at: int, rules: Sequence[Rule], reach: Sequence[frozenset[int]]) -> str:
    """Why a rule has no effect of its own: another one takes in all its calls and leaves it nothing to say."""
    rule = rules[at]
    for i, other in enumerate(rules):
        if i == at or not reach[at] <= reach[i] or not _wider(other, rule):
            continue
        if other.deny and (not rule.deny or i < at):
            return SHADOW_DENIES(rule=other.name)
        if rule.at_most and other.at_least and other.priority >= rule.priority and other.at_least.rank >= rule.at_most.rank and _only(rule):
            return SHADOW_HOLDS(rule=other.name, level=other.at_least.said)
        if rule.at_least and _only(rule) and other.at_least and other.at_least.rank >= rule.at_least.rank and _before(i, at, rules):
            return SHADOW_RAISES(rule=other.name, level=other.at_least.said)
    return ""


def _wider(other: Rule, rule: Rule) -> bool:
    """Whether the other's conditions, beside tools and agents, let pass all that the rule's let pass, as far as one can see."""
    customers = not other.match.customers or (set(rule.match.customers) and set(rule.match.customers) <= set(other.match.customers))
    return bool(customers) and other.match.when in ("", rule.match.when)


def _before(i: int, at: int, rules: Sequence[Rule]) -> bool:
    """Of two that say the same, the later one is the useless one."""
    one, other = rules[i], rules[at]
    return one.priority >= other.priority and (one.at_least != other.at_least or (one.priority, -i) > (other.priority, -at))


def _only(rule: Rule) -> bool:
    """Whether a rule says nothing but a level."""
    return not (rule.deny or rule.score or rule.require or rule.instead)
