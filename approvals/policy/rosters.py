"""Whether there are people for the places a policy has: enough, different ones, and not those it excludes itself. Pure.

Who started a run and who edits are not known beforehand: what only they could empty is warned about. The owner of an agent is known.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from approvals.policy.basics import Level, NeedRule, RequirementRule
from approvals.policy.joining import joined
from approvals.policy.known import Finding, Known
from approvals.policy.places import filled
from approvals.policy.rules import Policy, PolicyData, line_of
from approvals.policy.ruleset import Instead, Rule
from approvals.policy.words import people
from audit.sentences import Frozen, Sentence, chain

RULE = Frozen("rule %(rule)s")
RULE_AT = Frozen("rule %(rule)s at %(level)s", parts=["level"])
TOO_FEW = Frozen(
    "%(who)s asks %(wanted)d of %(group)s, and there is %(n)d: nobody could approve",
    "%(who)s asks %(wanted)d of %(group)s, and there are %(n)d: nobody could approve",
    parts=["who"],
)
TOO_FEW_NEAR = Frozen(
    "%(who)s asks %(wanted)d of %(group)s, where there is nobody: nobody could approve; did you mean %(near)s?", parts=["who"]
)
TWICE = Frozen(
    "%(who)s asks %(people)s, each a different person: %(names)s would have to count twice, nobody could approve", parts=["who", "people"]
)
OWNED = Frozen(
    "%(who)s asks %(people)s and excludes the owner: of what %(agents)s asks, which %(owner)s owns, nobody could approve",
    parts=["who", "people"],
)
NOT_TO_SPARE = Frozen(
    "%(who)s asks %(people)s, with nobody to spare: when %(names)s %(did)s, nobody could approve it", parts=["who", "people", "did"]
)
STARTED = Frozen("started the run")()
EDITED = Frozen("edited it")()
STARTED_OR_EDITED = Frozen("started the run or edited it")()
EMPTY_GROUP = Frozen("%(who)s: nobody is in the group %(group)s", parts=["who"])
EMPTY_GROUP_NEAR = Frozen("%(who)s: nobody is in the group %(group)s; did you mean %(near)s?", parts=["who"])
TOO_MANY = Frozen("%(who)s needs %(n)d rejections, and %(people)d people are asked: nobody could reject", parts=["who"])
SHOWN = 5
Rosters = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Asked:
    """Places to be filled, where that is written, and for which agents; `beside` is what the level alone asks, when a rule changes that."""

    who: str
    path: tuple[str | int, ...]
    need: tuple[NeedRule, ...]
    exclude: frozenset[str]
    agents: frozenset[str]
    beside: "Asked | None" = None


def unfilled(policy: Policy, known: Known, reach: Sequence[frozenset[str]]) -> Iterator[Finding]:
    """What nobody could satisfy; `reach` has, rule by rule, the agents whose calls it takes in."""
    if known.rosters is None:
        return
    everybody = frozenset(a.slug for a in known.agents)
    levels = {
        lv: Asked(lv.said, ("requirements", str(lv)), r.need, frozenset(r.exclude), everybody) for lv, r in policy.data.requirements.items()
    }
    for asked in levels.values():
        yield from _places(policy, asked, known, known.rosters)
    for i, rule in enumerate(policy.data.rules):
        for changed in (_added, _replaced):
            yield from _of_rule(policy, list(changed(rule, i, levels, reach[i])), known, known.rosters)
    yield from _others(policy, known.rosters)


def _of_rule(policy: Policy, rows: Sequence[Asked], known: Known, rosters: Rosters) -> Iterator[Finding]:
    """What a rule asks at each level it may come to. Refused is what can be filled at none of them; what the level lacks is said of the level."""
    found = []
    for asked in rows:
        lacking = {_reason(f) for f in _places(policy, asked.beside, known, rosters)} if asked.beside else set()
        found.append([f for f in _places(policy, asked, known, rosters) if _reason(f) not in lacking])
    if rows and all(any(f.refused for f in of_one) for of_one in found):
        yield from found[0]
        return
    said: set[bool] = set()
    for of_one in found:
        for f in of_one:
            if f.refused or not said:
                yield Finding(f.line, f.why)
                said.add(f.refused)


def _reason(finding: Finding) -> tuple[str, str]:
    """What is lacking, whoever lacks it."""
    why = finding.why
    if not isinstance(why, Sentence):
        return why, ""
    return why.msgid, str([(name, value) for name, value in why.params.items() if name not in {"who", "people"}])


def _added(rule: Rule, at: int, levels: Mapping[Level, Asked], agents: frozenset[str]) -> Iterator[Asked]:
    """What the levels ask with what a rule adds to it."""
    more = rule.require
    for level, base in levels.items():
        if more and level.rank >= (rule.at_least.rank if rule.at_least else 0):
            need, exclude = joined(base.need, more.need), base.exclude | set(more.exclude)
            if (need, exclude) != (base.need, base.exclude):
                yield Asked(_named(rule, level, levels), ("rules", at), need, exclude, agents, base)


def _replaced(rule: Rule, at: int, levels: Mapping[Level, Asked], agents: frozenset[str]) -> Iterator[Asked]:
    """What a rule asks in the place of the levels."""
    instead, seen = rule.instead, set()
    for level, base in levels.items():
        if instead is None or (instead.need is None and instead.exclude is None):
            return
        need = base.need if instead.need is None else instead.need
        exclude = base.exclude if instead.exclude is None else frozenset(instead.exclude)
        if (need, exclude) not in seen:
            yield Asked(_named(rule, level, levels), ("rules", at), need, exclude, agents, base if instead.need is None else None)
        seen.add((need, exclude))


def _named(rule: Rule, level: Level, levels: Mapping[Level, Asked]) -> str:
    first = next(lv for lv in levels if lv.rank >= (rule.at_least.rank if rule.at_least else 0))
    return RULE(rule=rule.name) if level is first else RULE_AT(rule=rule.name, level=level.said)


def _places(policy: Policy, asked: Asked, known: Known, rosters: Rosters) -> Iterator[Finding]:
    """Why the places of one row cannot be filled; of several reasons the first that explains it."""
    if not asked.need:
        return
    line, said = line_of(policy.source, *asked.path), {"who": asked.who, "people": people(asked.need)}
    short = [(group, why) for group in dict.fromkeys(n.group for n in asked.need) if (why := _too_few(asked, group, rosters))]
    if short:
        yield from (Finding(_line(policy, asked, group), why, refused=True) for group, why in short)
    elif not fillable(asked.need, rosters):
        yield Finding(line, TWICE(**said, names=_called(_in_several(asked.need, rosters), known)), refused=True)
    else:
        yield from _excluded(line, said, asked, known, rosters)


def _excluded(line: int, said: dict[str, str], asked: Asked, known: Known, rosters: Rosters) -> Iterator[Finding]:
    """Places that would be empty without those whom the policy excludes."""
    if "owner" in asked.exclude:
        for owner, agents in sorted(known.owners(asked.agents).items()):
            if not fillable(asked.need, rosters, without=owner):
                named = ", ".join(sorted(agents)[:SHOWN])
                why = OWNED(**said, agents=named, owner=known.names.get(owner, owner))
                yield Finding(line, why, refused=agents >= asked.agents)
    if did := _who_is_excluded(asked.exclude):
        missed = [p for p in _everybody(asked.need, rosters) if not fillable(asked.need, rosters, without=p)]
        if missed:
            yield Finding(line, NOT_TO_SPARE(**said, names=_called(missed, known), did=did))


def _called(persons: Sequence[str], known: Known) -> str:
    return chain("%(a)s or %(b)s", sorted(known.names.get(p, p) for p in persons)[:SHOWN])


def fillable(need: Sequence[NeedRule], rosters: Rosters, *, without: str = "") -> bool:
    """Whether every place can have a person of its own, in all stages together: one person decides once."""
    counts = [n.count for n in need]
    # Nobody is needed who could only fill what enough others fill: so many of each group and no more are looked at.
    candidates = [sorted(rosters.get(n.group, frozenset()) - {without})[: sum(counts)] for n in need]
    everybody = list(dict.fromkeys(p for found in candidates for p in found))
    return filled(counts, everybody, lambda person, i: person in rosters.get(need[i].group, frozenset())) == counts


def _too_few(asked: Asked, group: str, rosters: Rosters) -> str:
    there, wanted = len(rosters.get(group, ())), sum(n.count for n in asked.need if n.group == group)
    if not there and (near := difflib.get_close_matches(group, [name for name, people in rosters.items() if people], n=1)):
        return TOO_FEW_NEAR(who=asked.who, wanted=wanted, group=group, near=near[0])
    return TOO_FEW(who=asked.who, wanted=wanted, group=group, n=there) if there < wanted else ""


def _line(policy: Policy, asked: Asked, group: str) -> int:
    """Where the group stands; where the rule begins that adds to what its level asks of it."""
    for path, part in _parts(policy.data):
        if path[:2] == asked.path:
            for place, need in enumerate(part.need or ()):
                if need.group == group:
                    return line_of(policy.source, *path, "need", place)
    return line_of(policy.source, *asked.path)


def _everybody(need: Sequence[NeedRule], rosters: Rosters) -> list[str]:
    """Whoever is asked, where there are so few that one of them may be missed."""
    found = sorted({p for n in need for p in rosters.get(n.group, ())})
    return found if len(found) <= 2 * sum(n.count for n in need) + 20 else _scarce(need, rosters)


def _scarce(need: Sequence[NeedRule], rosters: Rosters) -> list[str]:
    """The people of groups that have hardly more people than are asked: of the others nobody is missed."""
    wanted = sum(n.count for n in need)
    return sorted({p for n in need for p in rosters.get(n.group, ()) if len(rosters.get(n.group, ())) <= wanted})


def _in_several(need: Sequence[NeedRule], rosters: Rosters) -> list[str]:
    groups = {n.group for n in need}
    return [p for p in _everybody(need, rosters) if sum(p in rosters.get(g, ()) for g in groups) > 1]


def _who_is_excluded(exclude: frozenset[str]) -> str:
    if {"requester", "editor"} <= exclude:
        return STARTED_OR_EDITED
    return STARTED if "requester" in exclude else EDITED if "editor" in exclude else ""


def _others(policy: Policy, rosters: Rosters) -> Iterator[Finding]:
    """Groups named beside those who are asked: who is escalated to, who may put off, who may stand in; and enough people to reject."""
    levels: list[tuple[str, tuple[str | int, ...], RequirementRule | Instead]] = [
        (level.said, ("requirements", str(level)), r) for level, r in policy.data.requirements.items()
    ]
    levels += [(RULE(rule=r.name), ("rules", i, "instead"), r.instead) for i, r in enumerate(policy.data.rules) if r.instead]
    for who, path, asks in levels:
        named: list[tuple[str, str]] = [("escalate", rung.to) for rung in asks.escalate or ()]
        named += [("extend", group) for group in (asks.extend.by if asks.extend else ())]
        named += [("delegates", group) for group in asks.delegates or ()]
        for what, group in named:
            if not rosters.get(group):
                yield Finding(line_of(policy.source, *path, what), _empty(who, group, rosters), refused=True)
        # A rule that names nobody itself leaves each level's own people.
        needs = [asks.need] if asks.need else [r.need for r in policy.data.requirements.values() if r.need]
        asked = max((len({p for n in need for p in rosters.get(n.group, ())}) for need in needs), default=0)
        if needs and asks.rejections and asks.rejections > asked:
            said = TOO_MANY(who=who, n=asks.rejections, people=asked)
            yield Finding(line_of(policy.source, *path, "rejections"), said, refused=True)


def _empty(who: str, group: str, rosters: Rosters) -> str:
    near = difflib.get_close_matches(group, [g for g, there in rosters.items() if there], n=1)
    return EMPTY_GROUP_NEAR(who=who, group=group, near=near[0]) if near else EMPTY_GROUP(who=who, group=group)


def groups_named(data: PolicyData) -> dict[str, Any]:
    """Every group a policy's text names, each with where: the path of the first place."""
    found: dict[str, tuple[str | int, ...]] = {}
    for path, part in _parts(data):
        extend = getattr(part, "extend", None)
        named = [*(n.group for n in part.need or ()), *(r.to for r in getattr(part, "escalate", None) or ())]
        named += [*(extend.by if extend else ()), *(getattr(part, "delegates", None) or ())]
        for group in named:
            found.setdefault(group, path)
    for i, route in enumerate(data.slack.channels):
        for group in route.groups:
            found.setdefault(group, ("slack", "channels", i))
    return found


def _parts(data: PolicyData) -> list[tuple[tuple[str | int, ...], Any]]:
    """What asks people of groups: each level, and what rules add to them or put in their place; with where it stands."""
    levels: list[tuple[tuple[str | int, ...], Any]] = [(("requirements", str(lv)), r) for lv, r in data.requirements.items()]
    return [
        *levels,
        *((("rules", i, n), p) for i, r in enumerate(data.rules) for n, p in (("require", r.require), ("instead", r.instead)) if p),
    ]
