"""Rules that experience suggests: what people always approve as it is could pass by policy, within the bounds seen so far. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from approvals.policy.basics import Level
from approvals.policy.matching import Facts
from approvals.policy.risk import assess
from approvals.policy.rules import PolicyData
from audit.sentences import chain, say

LEAST = 20  # decisions, before a habit is called one


@dataclass(frozen=True)
class Habit:
    """People decided so many calls of one tool by one agent in 30 days, and approved every one unchanged.

    `facts` are those of such a call with the largest figures seen; None when some were not of the harmless kind.
    """

    agent: str
    tool: str
    decided: int
    facts: Facts | None


@dataclass(frozen=True)
class Suggestion:
    """A rule worth trying, with its evidence; `rule` is its text, to be put under `rules:`."""

    title: str
    evidence: str
    bounds: str
    name: str
    rule: str


def suggestions(policy: PolicyData, habits: Sequence[Habit]) -> tuple[Suggestion, ...]:
    """What could pass by policy, where low asks nobody. Never what is above medium, cannot be undone, or held text from outside."""
    if policy.requirements[Level.LOW].need:
        return ()
    return tuple(_suggest(habit, habit.facts) for habit in habits if habit.facts and assess(policy, habit.facts).level is Level.MEDIUM)


def _suggest(habit: Habit, facts: Facts) -> Suggestion:
    name = re.sub(r"[^a-z0-9]+", "-", f"pass-{habit.agent}-{habit.tool}".lower()).strip("-")[:60]
    bounds = [
        f"has(figures.{f}) && figures.{f} >= 0 && figures.{f} <= {most}" for f, most in sorted(facts.figures.items()) if f.isidentifier()
    ]
    when = " && ".join([*bounds, "size(untrusted_text) == 0"])
    said = chain(
        "%(a)s, %(b)s", [say("%(figure)s up to %(n)d", figure=f.replace("_", " "), n=most) for f, most in sorted(facts.figures.items())]
    )
    rule = (
        f"  - name: {name}\n"
        f"    about: People approved {habit.decided} of {habit.decided} such calls unchanged in 30 days\n"
        f"    match:\n"
        f'      tools: ["{habit.tool}"]\n'
        f'      agents: ["{habit.agent}"]\n'
        f'      environments: ["{facts.environment}"]\n'
        f'      when: "{when}"\n'
        f"    at_most: low\n"
    )
    return Suggestion(
        title=say("Let %(tool)s of %(agent)s pass by policy", tool=habit.tool, agent=habit.agent),
        evidence=say("%(n)d of %(n)d approved unchanged in 30 days", n=habit.decided),
        bounds=say("only in %(environment)s, with %(figures)s", environment=facts.environment, figures=said)
        if said
        else say("only in %(environment)s", environment=facts.environment),
        name=name,
        rule=rule,
    )
