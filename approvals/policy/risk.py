"""Scoring: facts about one proposed action in, signed factors and a level out. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from approvals.policy.rules import Level, PolicyData


@dataclass(frozen=True)
class Facts:
    """What scoring may look at; gathered once, at the pause.

    Attributes:
        tool: the tool's name; `tool_class` its declared class, e.g. "money".
        reversible: the author's declaration; False when not declared.
        figures: numbers of the tool's preview (amount_cents, rows, files, recipients).
        environment: the agent's environment, e.g. "demo", "production".
        approvals_before: how often people approved this tool for this agent in the last 30 days.
        untrusted_text: where arguments repeat text that came from outside (paths), empty when nowhere.
        hidden_characters: where arguments hold characters nobody can see (paths).
        estimated_cost: dollars the call itself is expected to cost; None when unknown.
        question: True for a question, which runs nothing.
    """

    tool: str
    tool_class: str
    reversible: bool = False
    figures: Mapping[str, int] = field(default_factory=dict)
    environment: str = "production"
    approvals_before: int = 0
    untrusted_text: tuple[str, ...] = ()
    hidden_characters: tuple[str, ...] = ()
    estimated_cost: float | None = None
    question: bool = False


@dataclass(frozen=True)
class Factor:
    """One reason of the score: signed points and a sentence."""

    name: str
    points: int
    why: str


@dataclass(frozen=True)
class Assessment:
    score: int
    level: Level
    factors: tuple[Factor, ...]


def assess(policy: PolicyData, facts: Facts) -> Assessment:
    """Score facts under a policy. The same facts and policy always give the same assessment."""
    if facts.question:
        return Assessment(
            policy.levels[policy.questions.level], policy.questions.level, (Factor("question", 0, "A question runs nothing"),)
        )
    factors = [*_of_tool(policy, facts), *_of_size(policy, facts), *_of_setting(policy, facts), *_of_text(policy, facts)]
    score = max(0, min(100, sum(factor.points for factor in factors)))
    level = max((lv for lv in Level if score >= policy.levels[lv]), key=lambda lv: lv.rank)
    for floor_level, why in _floors(policy, facts):
        if floor_level.rank > level.rank:
            level, score = floor_level, max(score, policy.levels[floor_level])
            factors.append(Factor("at_least", 0, why))
    return Assessment(score, level, tuple(factors))


def at_least_medium(policy: PolicyData, assessment: Assessment) -> Assessment:
    """What once needed a person needs one again: an edit or a later policy may lower the risk, but policy alone never passes it."""
    if assessment.level is not Level.LOW:
        return assessment
    why = Factor("needs_a_person", 0, "What a person was asked about is approved by a person")
    return Assessment(max(assessment.score, policy.levels[Level.MEDIUM]), Level.MEDIUM, (*assessment.factors, why))


def _of_tool(policy: PolicyData, facts: Facts) -> list[Factor]:
    known = facts.tool_class in policy.tool_class
    # A class the policy has never heard of counts as the worst one it knows: what is unknown asks people.
    points = policy.tool_class[facts.tool_class] if known else max(policy.tool_class.values())
    factors = [
        Factor("tool_class", points, f"{facts.tool} is a {facts.tool_class} tool" + ("" if known else ", which the policy does not know"))
    ]
    if not facts.reversible and facts.tool_class != "read":
        factors.append(Factor("irreversible", policy.irreversible, "It cannot be undone"))
    return factors


def _of_size(policy: PolicyData, facts: Facts) -> list[Factor]:
    factors = []
    for rule in policy.amounts:
        figure = facts.figures.get(rule.of)
        if figure is None or facts.tool_class == "read":
            continue
        threshold, points = next(((at, p) for at, p in sorted(rule.steps, reverse=True) if figure >= at), (0, 0))
        if points:
            factors.append(Factor(rule.of, points, f"{rule.of.replace('_', ' ')} is {figure:,}, from {threshold:,} on"))
    return factors


def _of_setting(policy: PolicyData, facts: Facts) -> list[Factor]:
    if facts.tool_class == "read":
        return []
    factors = []
    points = policy.environment.get(facts.environment, max(policy.environment.values(), default=0))
    if points:
        factors.append(Factor("environment", points, f"It acts in {facts.environment}"))
    for below, novelty in sorted(policy.novelty):
        if facts.approvals_before < below:
            factors.append(
                Factor(
                    "novelty",
                    novelty,
                    f"People approved this tool for this agent {facts.approvals_before} times in 30 days, fewer than {below}",
                )
            )
            break
    return factors


def _of_text(policy: PolicyData, facts: Facts) -> list[Factor]:
    factors = []
    if facts.untrusted_text and facts.tool_class != "read":
        factors.append(Factor("untrusted_text", policy.untrusted_text, f"Text from outside is in {', '.join(facts.untrusted_text[:5])}"))
    if facts.hidden_characters:
        factors.append(
            Factor(
                "hidden_characters", policy.hidden_characters, f"Characters nobody can see are in {', '.join(facts.hidden_characters[:5])}"
            )
        )
    return factors


def _floors(policy: PolicyData, facts: Facts) -> list[tuple[Level, str]]:
    found = []
    for floor in policy.at_least:
        if facts.tool in floor.tools:
            found.append((floor.level, f"{facts.tool} is never below {floor.level}"))
        if floor.estimated_cost_over is not None and facts.estimated_cost is not None and facts.estimated_cost > floor.estimated_cost_over:
            found.append((floor.level, f"The call itself costs more than {floor.estimated_cost_over:g}"))
    return found
