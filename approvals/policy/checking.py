"""What is wrong with a policy here and now, found before it is saved: names nobody has, rules that do nothing, places nobody can fill. Pure.

What a text alone gives away is refused by `rules.parse`; here it is held against what there is (`Known`).
"""

from collections.abc import Iterator, Sequence

from approvals.policy.claims import alternatives
from approvals.policy.interpreting import MOST_STEPS_IN_ALL
from approvals.policy.known import Finding, Known, KnownAgent
from approvals.policy.matching import Facts
from approvals.policy.reaching import distinct, possible, said_by, taken_in, why_never
from approvals.policy.rosters import unfilled
from approvals.policy.rules import Policy, line_of
from approvals.policy.ruleset import Rule
from approvals.policy.shadowing import shadowed
from approvals.policy.spelling import elsewhere, misspelled, names_of
from audit.sentences import Frozen, say

__all__ = ["Finding", "Known", "KnownAgent", "check", "unmanned"]
# What is found, as a version keeps it.
NOBODYS_LIST = Frozen("rule %(rule)s: an empty list of %(names)s means all of them: name some, or leave the line out")
NEVER_MATCHES = Frozen("rule %(rule)s can never match: no agent has such a tool, there")
NEVER_HOLDS = Frozen("rule %(rule)s can never match: %(why)s", parts=["why"])
PART_NEVER_HOLDS = Frozen("rule %(rule)s: one of the alternatives in its condition never holds: %(why)s", parts=["why"])

SLOW = Frozen(
    "%(n)d conditions that are asked of one call need the language's interpreter (functions, conversions, loops that build lists): up to a "
    "millisecond each for every such proposal. Compare fields, sums, sizes and lists with constants where you can"
)
OVER = Frozen(
    "%(n)d conditions that are asked of every call of %(tool)s take the language's interpreter at least %(steps)d steps together; it may take "
    "%(most)d for one call: from here on they cannot be answered and count for whatever asks more. Compare fields with constants, or join rules"
)
# From so many on it is said: five of them are the 5 ms a whole policy should take.
MANY_SLOW = 6


def check(policy: Policy, known: Known, *, before: Policy | None = None) -> tuple[Finding, ...]:
    """What is wrong with a policy here and now, by line. What the policy in force has wrong as well only warns."""
    found = dict.fromkeys(_findings(policy, known))
    old = {f.why for f in _findings(before, known)} if before and any(f.refused for f in found) else set()
    return tuple(Finding(f.line, f.why, f.refused and f.why not in old) for f in sorted(found, key=lambda f: (f.line, not f.refused)))


def unmanned(policy: Policy, known: Known) -> tuple[Finding, ...]:
    """The places of a policy that nobody could fill today: what changes when people come and go."""
    agents = [frozenset(call.agent for call in taken_in(rule, known)) for rule in policy.data.rules]
    return tuple(dict.fromkeys(f for f in unfilled(policy, known, agents) if f.refused))


def _findings(policy: Policy, known: Known) -> Iterator[Finding]:
    rules, everywhere = policy.data.rules, {id(call): i for i, call in enumerate(known.calls)}
    names = names_of(known)
    reach: list[frozenset[int]] = []
    agents: list[frozenset[str]] = []
    for i, rule in enumerate(rules):
        yield from _emptied(policy, i, rule)
        calls = taken_in(rule, known)
        unlike = distinct(rule, calls, known)
        open_to = possible(rule, unlike, known)
        wrong = [*misspelled(policy, i, known, open_to or unlike, names)]
        yield from wrong
        if not any(f.refused for f in wrong):
            yield from _never(policy, i, rule, unlike, open_to, known)
        reach.append(frozenset(everywhere.get(id(call), -1) for call in calls))
        agents.append(frozenset(call.agent for call in calls))
    yield from shadowed(policy, known, reach)
    yield from unfilled(policy, known, agents)
    yield from elsewhere(policy, known)
    yield from _slow(policy, known, reach)


def _emptied(policy: Policy, at: int, rule: Rule) -> Iterator[Finding]:
    """Lists whose last name was taken out, which widens a rule to everything."""
    for name in sorted(rule.match.model_fields_set & {"tools", "classes", "agents", "customers", "environments"}):
        if not getattr(rule.match, name):
            yield Finding(line_of(policy.source, "rules", at, "match", name), NOBODYS_LIST(rule=rule.name, names=name), refused=True)


def _slow(policy: Policy, known: Known, reach: Sequence[frozenset[int]]) -> Iterator[Finding]:
    """Conditions for the interpreter that are asked of one call: too many to be quick, or to be answered at all."""
    interpreted = _interpreted(policy, reach)
    crowded = max((found for found in interpreted.values() if len(found) >= MANY_SLOW), key=len, default=[])
    if crowded:
        yield Finding(line_of(policy.source, "rules", crowded[MANY_SLOW - 1], "match", "when"), SLOW(n=len(crowded)))
    said = set[str]()
    for call, found in interpreted.items():
        # Rules for single customers may never meet in one call.
        certain = [i for i in found if not policy.data.rules[i].match.customers]
        tool = known.calls[call].tool if call >= 0 else say("any tool")
        if tool not in said and (over := _over(policy, certain, str(tool))):
            said.add(str(tool))
            yield over


def _interpreted(policy: Policy, reach: Sequence[frozenset[int]]) -> dict[int, list[int]]:
    """The rules, by call, whose conditions only the interpreter answers; the same condition is asked once."""
    found: dict[int, list[int]] = {}
    texts: dict[int, set[str]] = {}
    for i, rule in enumerate(policy.data.rules):
        condition = rule.match.condition
        if condition is None or not condition.interpreted_always:
            continue
        for call in reach[i]:
            if condition.text not in texts.setdefault(call, set()):
                texts[call].add(condition.text)
                found.setdefault(call, []).append(i)
    return found


def _over(policy: Policy, rules: Sequence[int], tool: str) -> Finding | None:
    """Where these rules take more of the interpreter than one call has, by the file's order."""
    steps, first = 0, None
    for i in rules:
        condition = policy.data.rules[i].match.condition
        steps += condition.least_steps if condition else 0
        first = i if first is None and steps > MOST_STEPS_IN_ALL else first
    if first is None:
        return None
    line = line_of(policy.source, "rules", first, "match", "when")
    return Finding(line, OVER(n=len(rules), tool=tool, steps=steps, most=MOST_STEPS_IN_ALL), refused=True)


def _never(policy: Policy, at: int, rule: Rule, calls: Sequence[Facts], open_to: Sequence[Facts], known: Known) -> Iterator[Finding]:
    """A rule no call can ever match, or part of whose condition none can."""
    if not calls:
        yield Finding(line_of(policy.source, "rules", at, "match"), NEVER_MATCHES(rule=rule.name), refused=True)
        return
    part, line = said_by(rule.match), line_of(policy.source, "rules", at, "match", "when")
    if not open_to:
        yield Finding(line, NEVER_HOLDS(rule=rule.name, why=why_never(rule, part, calls[0], known)), refused=True)
        return
    for operand in alternatives(part):
        whys = [why_never(rule, operand, call, known) for call in calls]
        if all(whys):
            yield Finding(line, PART_NEVER_HOLDS(rule=rule.name, why=whys[0]))
