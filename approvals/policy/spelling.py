"""Names a policy writes that nobody has: tools, agents, environments, classes, customers, arguments and figures. Pure.

In `match`, in conditions, and in where Slack cards go.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from approvals.policy.claims import Claim, every_claim, every_path
from approvals.policy.known import Finding, Known
from approvals.policy.matching import Facts, any_of
from approvals.policy.possible import ASKS
from approvals.policy.reaching import asks_of
from approvals.policy.rules import Policy, line_of
from approvals.policy.ruleset import Rule
from approvals.policy.shapes import Missing, declares, shape_of
from audit.sentences import Frozen

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
CUSTOMER = Frozen("rule %(rule)s: none of the newest calls was for a customer %(name)s; they were for %(names)s")
CUSTOMER_NEAR = Frozen("rule %(rule)s: none of the newest calls was for a customer %(name)s; did you mean %(near)s?")
NO_ARGUMENT = Frozen("rule %(rule)s: %(path)s is no argument of %(tools)s; there are %(names)s")
NO_ARGUMENT_NEAR = Frozen("rule %(rule)s: %(path)s is no argument of %(tools)s; did you mean %(near)s?")
NOT_DECLARED = Frozen(
    "rule %(rule)s: no tool declares an argument %(path)s; %(tools)s leave open what they are given, and may or may not have it"
)
NOT_DECLARED_ONE = Frozen(
    "rule %(rule)s: no tool declares an argument %(path)s; %(tool)s leaves open what it is given, and may or may not have it"
)
NOT_EVERYWHERE = Frozen(
    "rule %(rule)s: %(path)s is no argument of %(tools)s: there the condition cannot be answered, which counts as matching; ask has(%(path)s) first"
)
FIGURE = Frozen("rule %(rule)s: no figure is called %(name)s; did you mean %(near)s?")
NO_FIGURE = Frozen(
    "rule %(rule)s: no tool declares a figure %(name)s, and no call came with one; there are %(names)s. Without it the condition cannot be "
    "answered: that counts as matching where the rule asks for more, as not matching where it asks for less"
)
FIGURE_ELSEWHERE = Frozen("rule %(rule)s: none of its tools declares a figure %(name)s; %(tools)s declare %(names)s")
FIGURE_ELSEWHERE_ONE = Frozen("rule %(rule)s: none of its tools declares a figure %(name)s; %(tool)s declares %(names)s")
NO_AMOUNT = Frozen("amounts: no tool declares a figure %(name)s, and no call came with one; there are %(names)s: nothing gets these points")
SLIP = Frozen("at_least: no tool is called %(tool)s; did you mean %(near)s?")
SLACK = Frozen("slack: no registered %(what)s is called %(name)s: nothing is posted for it", only={"what": "tool|agent"})
# The names conditions have for what stands in `match` under another one.
IN_CONDITIONS = {"tool": "tool", "agent": "agent", "environment": "environment", "tool_class": "class"}
# What the previews of the tools that ship call their figures.
FIGURES = {"amount_cents", "rows", "files", "bytes", "recipients"}
SHOWN = 12
_WORD = re.compile(r"[^\W_]{4,}")  # shorter ones (`to`, `run`) say nothing about what is meant


def misspelled(policy: Policy, at: int, known: Known, calls: Sequence[Facts], names: Mapping[str, list[str]]) -> Iterator[Finding]:
    """What one rule calls by a name that nobody has; `calls` are those it takes in, `names` those of `names_of`."""
    rule = policy.data.rules[at]
    line = line_of(policy.source, "rules", at, "match")
    for what, patterns in (("tool", rule.match.tools), ("agent", rule.match.agents), ("environment", rule.match.environments),
                           ("class", rule.match.classes)):  # fmt: skip
        for pattern in patterns:
            if known.agents and not any(map(any_of([pattern]), names[what])):
                yield Finding(line, _unknown(rule, what, pattern, names[what]), refused=True)
    for pattern in rule.match.customers:
        if known.customers and not any(map(any_of([pattern]), known.customers)):
            yield Finding(line, _unknown_customer(rule, pattern, known.customers))
    if rule.match.condition:
        first = line_of(policy.source, "rules", at, "match", "when") - 1
        for found in _in_condition(policy, rule, known, calls, names):
            yield Finding(first + found.line, found.why, found.refused)


def elsewhere(policy: Policy, known: Known) -> Iterator[Finding]:
    """Names outside of rules. They may belong to what comes one day: nothing is refused."""
    for i, floor in enumerate(policy.data.at_least):
        for tool in floor.tools:
            near = difflib.get_close_matches(tool, known.tools, n=1, cutoff=0.85)
            if near and tool not in known.tools:
                yield Finding(line_of(policy.source, "at_least", i), SLIP(tool=tool, near=near[0]))
    if not known.agents:
        return
    figures = sorted(FIGURES | known.all_figures)
    for i, amount in enumerate(policy.data.amounts):
        if amount.of not in figures:
            yield Finding(line_of(policy.source, "amounts", i), NO_AMOUNT(name=amount.of, names=", ".join(figures)))
    slugs = [a.slug for a in known.agents]
    named = [(("channels", i), "tool", r.tools, known.tools) for i, r in enumerate(policy.data.slack.channels)]
    named += [(("channels", i), "agent", r.agents, slugs) for i, r in enumerate(policy.data.slack.channels)]
    named += [(("show", i), "tool", s.tools, known.tools) for i, s in enumerate(policy.data.slack.show)]
    for path, what, patterns, names in named:
        for pattern in patterns:
            if not any(map(any_of([pattern]), names)):
                yield Finding(line_of(policy.source, "slack", *path), SLACK(what=what, name=pattern))


def names_of(known: Known) -> dict[str, list[str]]:
    """The names there are of each kind."""
    return {
        "tool": known.tools,
        "agent": [a.slug for a in known.agents],
        "environment": sorted({a.environment for a in known.agents}),
        "class": sorted({cls for a in known.agents for cls in a.tools.values()}),
    }


def _in_condition(policy: Policy, rule: Rule, known: Known, calls: Sequence[Facts], names: Mapping[str, list[str]]) -> Iterator[Finding]:
    """What a condition names; lines are counted within it."""
    tree = rule.match.condition.tree if rule.match.condition else None
    if tree is None:
        return
    claims = list(every_claim(tree))
    for claim in claims:
        what = IN_CONDITIONS.get(claim.steps[0]) if len(claim.steps) == 1 else None
        if what and known.agents:
            for value in _unknown_names(claim, names[what]):
                yield Finding(claim.line, _unknown(rule, what, value, names[what]), refused=True)
        if claim.steps == ("customer",) and known.customers:
            for value in _unknown_names(claim, known.customers):
                yield Finding(claim.line, _unknown_customer(rule, value, known.customers))
    asked = {c.steps for c in claims if c.sign == "has"}
    for steps, line in dict(every_path(tree)).items():
        if steps[0] == "figures" and len(steps) > 1 and (why := _figure(rule, steps[1], known, calls)):
            yield Finding(line, why)
        if steps[0] == "args":
            yield from _argument(rule, steps, line, known, calls, guarded=any(steps[: len(g)] == g for g in asked))


def _figure(rule: Rule, name: str, known: Known, calls: Sequence[Facts]) -> str:
    """Why a figure a condition asks for may be nobody's; "" when some call of its has it. Previews may count anything: it only warns."""
    names = sorted(FIGURES | known.all_figures)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
        return FIGURE(rule=rule.name, name=name, near=near[0]) if near else NO_FIGURE(rule=rule.name, name=name, names=", ".join(names))
    declared = {call.tool: known.declared_figures(call.agent, call.tool) for call in calls}
    if not declared or any(found is None or name in found for found in declared.values()):
        return ""
    said = ", ".join(sorted(frozenset[str]().union(*(found or () for found in declared.values())))) or "-"
    if len(declared) == 1:
        return FIGURE_ELSEWHERE_ONE(rule=rule.name, name=name, tool=min(declared), names=said)
    return FIGURE_ELSEWHERE(rule=rule.name, name=name, tools=", ".join(sorted(declared)[:SHOWN]), names=said)


def _unknown_names(claim: Claim, names: Sequence[str]) -> Iterator[str]:
    """The names a claim speaks of that nobody has; for a beginning or an ending, that nobody's name has."""
    ask = ASKS["=="] if claim.sign in {"==", "!=", "in"} else ASKS.get(claim.sign)
    for value in claim.value if claim.sign == "in" else [claim.value]:
        if type(value) is str and ask and claim.sign not in {"<", "<=", ">", ">="} and not any(ask(name, value) for name in names):
            yield value


def _argument(rule: Rule, steps: tuple[str, ...], line: int, known: Known, calls: Sequence[Facts], *, guarded: bool) -> Iterator[Finding]:
    """An argument that none of the tools has, or some have not."""
    lacking: dict[str, Missing] = {}
    having: set[str] = set()
    declaring = False
    for call in calls:
        if known.counts(call.agent, call.tool, steps[1:]):
            having.add(call.tool)
            declaring = True
            continue
        try:
            schema = known.schema(call.agent, call.tool)
            shape_of(schema, steps[1:])
            having.add(call.tool)
            declaring = declaring or declares(schema, steps[1:])
        except Missing as missing:
            if asks_of(rule, steps, call, known):
                lacking[call.tool] = missing
    path, tools = ".".join(steps), ", ".join(sorted(set(lacking) - having)[:SHOWN])
    if lacking and not having:
        step = next(iter(lacking.values())).step
        names = sorted({name for m in lacking.values() if m.step == step for name in m.names})
        near = difflib.get_close_matches(step, names, n=1)
        why = (
            NO_ARGUMENT_NEAR(rule=rule.name, tools=tools, path=path, near=near[0])
            if near
            else NO_ARGUMENT(rule=rule.name, tools=tools, path=path, names=", ".join(names[:SHOWN]) or "-")
        )
        yield Finding(line, why, refused=True)
    elif having and not declaring and known.agents:
        said = {"rule": rule.name, "path": path}
        one = NOT_DECLARED_ONE(**said, tool=min(having)) if len(having) == 1 else None
        yield Finding(line, one or NOT_DECLARED(**said, tools=", ".join(sorted(having)[:SHOWN])))
    elif tools and not guarded and not rule.loosens:
        yield Finding(line, NOT_EVERYWHERE(rule=rule.name, path=path, tools=tools))


def _unknown(rule: Rule, what: str, name: str, names: Sequence[str]) -> str:
    if near := _near(name, names):
        return UNKNOWN_NEAR[what](rule=rule.name, name=name, near=near)
    return UNKNOWN[what](rule=rule.name, name=name, names=", ".join(names[:SHOWN]))


def _near(name: str, names: Sequence[str]) -> str:
    """The name most like this one; else one that shares a word with it, as `refund_payment` does with `isue_refund`: people half remember names. "" for none."""
    if whole := difflib.get_close_matches(name, names, n=1):
        return whole[0]
    by_word = {word: there for there in names for word in _WORD.findall(there.lower())}
    close = (difflib.get_close_matches(word, by_word, n=1, cutoff=0.8) for word in _WORD.findall(name.lower()))
    return next((by_word[found[0]] for found in close if found), "")


def _unknown_customer(rule: Rule, name: str, names: Sequence[str]) -> str:
    if near := difflib.get_close_matches(name, names, n=1):
        return CUSTOMER_NEAR(rule=rule.name, name=name, near=near[0])
    return CUSTOMER(rule=rule.name, name=name, names=", ".join(sorted(names)[:SHOWN]))
