"""What is wrong with a policy here and now, found before it is saved: names nobody has, rules that do nothing, places nobody can fill. Pure.

What a text alone gives away is refused by `rules.parse`; here it is held against what there is (`Known`).
"""

from collections.abc import Iterator, Sequence

from approvals.policy.claims import alternatives
from approvals.policy.known import Finding, Known, KnownAgent
from approvals.policy.matching import Facts
from approvals.policy.reaching import distinct, possible, said_by, taken_in, why_never
from approvals.policy.rosters import unfilled
from approvals.policy.rules import Policy, line_of
from approvals.policy.ruleset import Rule
from approvals.policy.shadowing import shadowed
from approvals.policy.spelling import elsewhere, misspelled, names_of
from audit.sentences import Frozen

__all__ = ["Finding", "Known", "KnownAgent", "check", "unmanned"]
# What is found, as a version keeps it.
NEVER_MATCHES = Frozen("rule %(rule)s can never match: no agent has such a tool, there")
NEVER_HOLDS = Frozen("rule %(rule)s can never match: %(why)s", parts=["why"])
PART_NEVER_HOLDS = Frozen("rule %(rule)s: one of the alternatives in its condition never holds: %(why)s", parts=["why"])

SLOW = Frozen(
    "%(n)d conditions need the language's interpreter (arithmetic, functions, loops over lists): up to a millisecond each for every proposal they "
    "are asked of. Compare fields with constants where you can"
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
    yield from _slow(policy)


def _slow(policy: Policy) -> Iterator[Finding]:
    """Many conditions that only the interpreter answers; said where they become too many."""
    slow = [i for i, rule in enumerate(policy.data.rules) if rule.match.condition and rule.match.condition.interpreted_always]
    if len(slow) >= MANY_SLOW:
        yield Finding(line_of(policy.source, "rules", slow[MANY_SLOW - 1], "match", "when"), SLOW(n=len(slow)))


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
