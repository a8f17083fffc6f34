"""Which calls a rule takes in: by its patterns, and by what its condition claims of their names and arguments. Pure."""

from collections.abc import Sequence
from functools import lru_cache

from approvals.policy.claims import Formula, TooMany, formula, ways
from approvals.policy.known import Known
from approvals.policy.matching import Facts, any_of
from approvals.policy.possible import Shapes, contradiction
from approvals.policy.ruleset import Match, Rule
from approvals.policy.shapes import ANYTHING, Missing, Shape, shape_of

TEXT, NUMBER = frozenset({"text"}), frozenset({"number"})
# What the facts of a call always are.
FACTS: dict[tuple[str, ...], Shape] = {
    ("reversible",): Shape(frozenset({"bool"}), values=(True, False)),
    ("approvals_before",): Shape(NUMBER, whole=True, least=0),
    ("estimated_cost",): Shape(NUMBER | {"null"}),
    ("confidence",): Shape(NUMBER | {"null"}, least=0, most=1),
    ("run_calls",): Shape(NUMBER, whole=True, least=0),
    ("run_failures",): Shape(NUMBER, whole=True, least=0),
    ("untrusted_text",): Shape(frozenset({"list"})),
    ("hidden_characters",): Shape(frozenset({"list"})),
    ("figures",): Shape(frozenset({"map"})),
    ("args",): ANYTHING,
}
# Where no agent is registered a rule is held against the only call there is: any.
ANY_CALL = Facts("", "")


@lru_cache(maxsize=4_096)
def said_by(match: Match) -> Formula:
    """What a rule's condition claims; None when it has none."""
    return formula(match.condition.tree) if match.condition else None


def taken_in(rule: Rule, known: Known) -> list[Facts]:
    """The calls a rule's patterns take in, whoever the customer is."""
    if not known.agents:
        return [ANY_CALL]
    match = rule.match
    tools, classes, agents, environments = (any_of(p) for p in (match.tools, match.classes, match.agents, match.environments))
    return [c for c in known.calls if tools(c.tool) and classes(c.tool_class) and agents(c.agent) and environments(c.environment)]


def distinct(rule: Rule, calls: Sequence[Facts], known: Known) -> list[Facts]:
    """One of those calls that the rule's condition cannot tell apart: by tool and arguments, and by agent and place where it asks of these."""
    names = rule.match.condition.names if rule.match.condition else frozenset()
    found = {
        (
            c.tool,
            c.tool_class,
            known.schema_key(c.agent, c.tool),
            *(getattr(c, name) for name in ("agent", "environment") if name in names),
        ): c
        for c in reversed(calls)
    }
    return list(reversed(found.values()))


def shapes_for(rule: Rule, call: Facts, known: Known, *, arguments: bool = True) -> Shapes:
    """What each value a condition may ask of is, in such a call."""
    match = rule.match
    names = {
        ("tool",): (call.tool, match.tools), ("tool_class",): (call.tool_class, match.classes), ("agent",): (call.agent, match.agents),
        ("environment",): (call.environment if call is not ANY_CALL else "", match.environments), ("customer",): ("", match.customers),
    }  # fmt: skip

    def shape(steps: tuple[str, ...]) -> Shape:
        if steps in names:
            name, patterns = names[steps]
            return Shape(TEXT, values=(name,)) if name else Shape(TEXT, fits=any_of(patterns) if patterns else None)
        if steps[0] == "figures" and len(steps) == 2:
            return Shape(NUMBER, whole=True)
        if steps[0] != "args" or len(steps) == 1 or not arguments:
            return FACTS.get(steps, ANYTHING)
        try:
            return shape_of(known.schema(call.agent, call.tool), steps[1:])
        except Missing:
            return ANYTHING

    return shape


def possible(rule: Rule, calls: Sequence[Facts], known: Known) -> list[Facts]:
    """Those of these calls of which the condition may be true."""
    return [call for call in calls if not why_never(rule, said_by(rule.match), call, known)]


def why_never(rule: Rule, part: Formula, call: Facts, known: Known) -> str:
    """Why a part of a rule's condition is never true of such a call, "" when it may be or nobody can say."""
    shapes = shapes_for(rule, call, known)
    try:
        found = [contradiction(way, shapes) for way in ways(part)]
    except TooMany:
        return ""
    return found[0] if found and all(found) else ""


def asks_of(rule: Rule, steps: tuple[str, ...], call: Facts, known: Known) -> bool:
    """Whether the condition may come to ask this of such a call: what is joined to it by `&&` does not rule the call out by its names."""
    shapes = shapes_for(rule, call, known, arguments=False)
    try:
        found = ways(said_by(rule.match))
    except TooMany:
        return True
    asking = [way for way in found if any(claim.steps[: len(steps)] == steps for claim in way)]
    return any(not contradiction(way, shapes) for way in asking or found)
