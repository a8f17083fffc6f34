"""What the facts of a call add to its score, each a signed factor with a sentence; and the levels nothing goes below. Pure.

`risk` adds them up. What an agent says of itself, a second model's doubts and what its run did so far only ever add.
"""

from dataclasses import dataclass
from typing import Any

from approvals.policy.basics import Level
from approvals.policy.matching import Facts
from approvals.policy.rules import PolicyData
from audit.sentences import Frozen, say

# Reasons of a score, as they are frozen with it.
KIND = Frozen("%(tool)s is a tool of class %(kind)s")
UNKNOWN_KIND = Frozen("%(tool)s is a tool of class %(kind)s, which the policy does not know")
NOT_UNDONE = Frozen("It cannot be undone")
AMOUNT = Frozen("%(what)s is %(n)d, from %(at)d on")
ACTS_IN = Frozen("It acts in %(environment)s")
NOVEL = Frozen("People approved this tool for this agent %(times)d times in 30 days, fewer than %(below)d")
OUTSIDE = Frozen("Text from outside is in %(where)s")
FACE_VALUE = Frozen("It cannot be taken at face value: %(where)s", parts=["where"])
UNSURE = Frozen("The agent itself says how sure it is of it: %(sure)s of 1, below %(below)s")
CALLS_BEFORE = Frozen("Calls of its run before this one: %(n)d, from %(at)d on")
FAILED_BEFORE = Frozen("Calls of its run that failed before this one: %(n)d, from %(at)d on")
NEVER_BELOW = Frozen("%(tool)s is never below %(level)s", parts=["level"])
ASKED_FOR = Frozen("The agent itself asks for %(level)s at least", parts=["level"])
COSTS_MORE = Frozen("The call itself costs more than %(cost)s")
OPINIONS = {"doubtful": Frozen("A second model finds it doubtful"), "dangerous": Frozen("A second model finds it dangerous")}
# What these say holds no argument of the call, nor anything made of one: it may stand where arguments may not.
_OF_NO_ARGUMENT = frozenset({"tool_class", "irreversible", "environment", "novelty", "opinion", "confidence", "run_calls", "run_failures"})
SIGNALS = {"run_calls": CALLS_BEFORE, "run_failures": FAILED_BEFORE}


@dataclass(frozen=True)
class Factor:
    """One reason of the score: signed points and a sentence; `rule` names the rule it comes from, if it does."""

    name: str
    points: int
    why: str
    rule: str = ""

    def as_json(self) -> dict[str, Any]:
        """As it is frozen: what old envelopes do not have is left out when it is empty."""
        said = {"name": self.name, "points": self.points, "why": str(self.why)}
        return {**said, "rule": self.rule} if self.rule else said


def of_no_argument(factor: Factor) -> bool:
    """Whether its sentence may be read by whoever may not read the call. A policy may call a figure whatever it likes: its sentence tells."""
    return factor.name in _OF_NO_ARGUMENT and not factor.rule and AMOUNT.found_in(factor.why) is None


# What is said of a reason whose sentence names an argument or a figure of the call.
REASONS = {
    "irreversible": say("It cannot be undone"), "amount_cents": say("Its amount"), "rows": say("How many rows"), "files": say("How many files"),
    "bytes": say("How many bytes"), "recipients": say("How many recipients"), "untrusted_text": say("Text from outside is in it"),
    "hidden_characters": say("Something in it cannot be read at a glance"), "rule": say("A rule of the policy"),
}  # fmt: skip
OTHER = say("Another reason, which stands on its page")


def said_outside(factor: Factor) -> str:
    """Why an action scored as it did, as a mail may carry it: a sentence that names an argument or an amount stays on the page."""
    return factor.why if of_no_argument(factor) else REASONS.get(factor.name, OTHER)


def of_facts(policy: PolicyData, facts: Facts) -> list[Factor]:
    """What everything but the rules adds."""
    return [
        *_of_tool(policy, facts), *_of_size(policy, facts), *_of_setting(policy, facts), *_of_text(policy, facts), *_of_opinion(policy, facts),
        *_of_trouble(policy, facts),
    ]  # fmt: skip


def _of_tool(policy: PolicyData, facts: Facts) -> list[Factor]:
    known = facts.tool_class in policy.tool_class
    # A class the policy has never heard of counts as the worst one it knows: what is unknown asks people.
    points = policy.tool_class[facts.tool_class] if known else max(policy.tool_class.values())
    kind = KIND if known else UNKNOWN_KIND
    factors = [Factor("tool_class", points, kind(tool=facts.tool, kind=facts.tool_class))]
    if not facts.reversible and facts.tool_class != "read":
        factors.append(Factor("irreversible", policy.irreversible, NOT_UNDONE()))
    return factors


def _of_size(policy: PolicyData, facts: Facts) -> list[Factor]:
    factors = []
    for rule in policy.amounts:
        figure = facts.figures.get(rule.of)
        if figure is None or facts.tool_class == "read":
            continue
        threshold, points = next(((at, p) for at, p in sorted(rule.steps, reverse=True) if abs(figure) >= at), (0, 0))
        if points:
            factors.append(Factor(rule.of, points, AMOUNT(what=rule.of.replace("_", " "), n=figure, at=threshold)))
    return factors


def _of_setting(policy: PolicyData, facts: Facts) -> list[Factor]:
    if facts.tool_class == "read":
        return []
    factors = []
    points = policy.environment.get(facts.environment, max(policy.environment.values(), default=0))
    if points:
        factors.append(Factor("environment", points, ACTS_IN(environment=facts.environment)))
    for below, novelty in sorted(policy.novelty):
        if facts.approvals_before < below:
            factors.append(
                Factor(
                    "novelty",
                    novelty,
                    NOVEL(times=facts.approvals_before, below=below),
                )
            )
            break
    return factors


def _of_text(policy: PolicyData, facts: Facts) -> list[Factor]:
    factors = []
    if facts.untrusted_text and facts.tool_class != "read":
        factors.append(Factor("untrusted_text", policy.untrusted_text, OUTSIDE(where=", ".join(facts.untrusted_text[:5]))))
    if facts.hidden_characters:
        where = ", ".join(facts.hidden_characters[:5])
        factors.append(Factor("hidden_characters", policy.hidden_characters, FACE_VALUE(where=where)))
    return factors


def _of_opinion(policy: PolicyData, facts: Facts) -> list[Factor]:
    """What a second model doubts adds points; that it doubts nothing takes none away."""
    if facts.opinion not in OPINIONS:
        return []
    return [Factor("opinion", policy.opinion.points(facts.opinion), OPINIONS[facts.opinion]())]


def _of_trouble(policy: PolicyData, facts: Facts) -> list[Factor]:
    """How unsure the agent says it is, and what its run did so far; reading stays as it is."""
    if facts.tool_class == "read":
        return []
    factors = []
    below, points = next(((b, p) for b, p in sorted(policy.confidence) if facts.confidence is not None and facts.confidence < b), (0, 0))
    if points:
        factors.append(Factor("confidence", points, UNSURE(sure=f"{facts.confidence:g}", below=f"{below:g}")))
    for rule in policy.signals:
        n = facts.run_calls if rule.of == "run_calls" else facts.run_failures
        at, points = next(((a, p) for a, p in sorted(rule.steps, reverse=True) if n >= a), (0, 0))
        if points:
            factors.append(Factor(rule.of, points, SIGNALS[rule.of](n=n, at=at)))
    return factors


def floors(policy: PolicyData, facts: Facts) -> list[tuple[Level, str]]:
    found: list[tuple[Level, str]] = wished(facts)
    for floor in policy.at_least:
        if facts.tool in floor.tools:
            found.append((floor.level, NEVER_BELOW(tool=facts.tool, level=floor.level.said)))
        if floor.estimated_cost_over is not None and facts.estimated_cost is not None and facts.estimated_cost > floor.estimated_cost_over:
            found.append((floor.level, COSTS_MORE(cost=f"{floor.estimated_cost_over:g}")))
    return found


def wished(facts: Facts) -> list[tuple[Level, str]]:
    """The level the agent itself asks for: whoever knows what a call is worth may have it looked at harder, and never less hard."""
    return [(Level(facts.at_least), ASKED_FOR(level=Level(facts.at_least).said))] if facts.at_least else []
