"""What would have lowered a score: single changes of the facts, each scored again under the same policy. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from approvals.policy.basics import Level
from approvals.policy.matching import Facts
from approvals.policy.risk import Assessment, assess
from approvals.policy.rules import PolicyData
from audit.sentences import say


@dataclass(frozen=True)
class Lower:
    """One change that would have given a lower level, and what that would have been."""

    change: str
    level: str
    score: int


def what_would_lower(policy: PolicyData, facts: Facts, *, most: int = 3) -> tuple[Lower, ...]:
    """The cheapest single changes that lead to a lower level (or end a denial), the smallest step first."""
    if facts.question:
        return ()
    now = assess(policy, facts)
    found = []
    for change, then in _changes(policy, facts):
        if then.level.rank < now.level.rank or (now.denied and not then.denied):
            found.append((now.score - then.score, Lower(change, str(then.level), then.score)))
    return tuple(lower for _, lower in sorted(found, key=lambda pair: pair[0])[:most])


def _changes(policy: PolicyData, facts: Facts) -> Iterator[tuple[str, Assessment]]:
    for change, other in _facts(policy, facts):
        yield change, assess(policy, other)
    for hit in policy.matcher.hits(facts):
        if hit.rule.asks:
            without = policy.model_copy(update={"rules": tuple(r for r in policy.rules if r.name != hit.rule.name)})
            without.__dict__.pop("matcher", None)  # a copy brings what its original had made of its rules
            yield say("if the rule %(rule)s did not apply", rule=hit.rule.name), assess(without, facts)


def _facts(policy: PolicyData, facts: Facts) -> Iterator[tuple[str, Facts]]:
    for amount in policy.amounts:
        figure = facts.figures.get(amount.of)
        for at, _ in sorted(amount.steps, reverse=True):
            if figure is not None and 0 < at <= abs(figure):
                name = amount.of.replace("_", " ")
                yield (
                    say("with %(what)s below %(at)d (it is %(n)d)", what=name, at=at, n=figure),
                    replace(facts, figures={**facts.figures, amount.of: at - 1}),
                )
    if not facts.reversible:
        yield say("if the tool could be undone"), replace(facts, reversible=True)
    if facts.untrusted_text:
        yield say("without text from outside in it"), replace(facts, untrusted_text=())
    if facts.hidden_characters:
        yield say("without hidden characters in it"), replace(facts, hidden_characters=())
    if facts.opinion:
        yield say("without the doubts of the second model"), replace(facts, opinion="")
    if facts.confidence is not None:
        yield say("if the agent had been sure of it"), replace(facts, confidence=1.0)
    if facts.at_least:
        yield say("if the agent had not asked for %(level)s", level=Level(facts.at_least).said), replace(facts, at_least="")
    if facts.run_failures:
        yield say("if no call of its run had failed before"), replace(facts, run_failures=0)
    if facts.run_calls:
        yield say("as the first call of its run"), replace(facts, run_calls=0, run_failures=0)
    for below, _ in sorted(policy.novelty):
        if facts.approvals_before < below:
            times = say("once people had approved this tool for this agent %(n)d times in 30 days", n=below)
            yield times, replace(facts, approvals_before=below)
    for name in policy.environment:
        if name != facts.environment:
            yield say("in the environment %(name)s", name=name), replace(facts, environment=name)
