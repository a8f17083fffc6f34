"""Which rules apply to one call. Pure.

Patterns are asked first, conditions only of what is left. A condition that cannot be answered counts as matching for a rule
that asks for more, and as not matching for one that asks for less: what fails, fails towards people.
"""

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from approvals.policy import conditions
from approvals.policy.ruleset import Match, Rule


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
        hidden_characters: where arguments cannot be taken at face value, each path with why (see `approvals.legible`).
        estimated_cost: dollars the call itself is expected to cost; None when unknown.
        question: True for a question, which runs nothing.
        agent, customer: who asks, and for whom (the tenant when nobody is named).
        opinion: what a second model doubts of it: "doubtful", "dangerous", or "" when nothing, or when none was asked.
        confidence: how sure the agent says it is of the call, 0 to 1; None when it does not say.
        at_least: the level the agent itself asks for at least, "" when it does not say.
        run_calls, run_failures: how many calls of its run came to an end before this one, and how many of them failed.
        args: the validated arguments; frozen in the envelope beside the facts, not twice.
        agent_takes: of an agent that makes the call itself, what it can be told (approve, edit, reject, respond); empty: our executor runs it.
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
    agent: str = ""
    customer: str = ""
    opinion: str = ""
    confidence: float | None = None
    at_least: str = ""
    run_calls: int = 0
    run_failures: int = 0
    args: Any = None
    agent_takes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """A rule that applies.

    Attributes:
        unanswered: why its condition could not be answered, "" when it could.
        only_more: of what it replaces only what asks for more counts: its condition could not be answered, or characters are hidden.
    """

    rule: Rule
    unanswered: str = ""
    only_more: bool = False


class Matcher:
    """The rules of one policy, made ready: highest priority first, in the file's order within one priority."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [_Ready(rule) for rule in sorted(rules, key=lambda r: -r.priority)]
        self._by_tool: dict[tuple[str, str], list[_Ready]] = {}

    def hits(self, facts: Facts) -> tuple[Hit, ...]:
        """The rules that apply, highest priority first. Nothing is loosened where characters are hidden, or a second model doubts it."""
        answers = _Answers(facts)
        found = []
        for ready in self._of_tool(facts.tool, facts.tool_class):
            guarded = bool(facts.hidden_characters or facts.opinion) and ready.rule.loosens
            if guarded and not ready.rule.instead:
                continue
            if ready.fits(facts) and (hit := _asked(ready.rule, answers)):
                found.append(replace(hit, only_more=True) if guarded else hit)
        return tuple(found)

    def _of_tool(self, tool: str, tool_class: str) -> "list[_Ready]":
        key = (tool, tool_class)
        if key not in self._by_tool:
            if len(self._by_tool) > 1_000:
                self._by_tool.clear()
            self._by_tool[key] = [r for r in self._rules if r.tools(tool) and r.classes(tool_class)]
        return self._by_tool[key]


class _Ready:
    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        match = rule.match
        self.tools, self.classes = any_of(match.tools), any_of(match.classes)
        self._agents, self._customers, self._environments = (any_of(p) for p in (match.agents, match.customers, match.environments))
        self._everybody = not (match.agents or match.customers or match.environments)

    def fits(self, facts: Facts) -> bool:
        if self._everybody:
            return True
        return self._agents(facts.agent) and self._customers(facts.customer) and self._environments(facts.environment)


class _Answers:
    """The answers of conditions about one call, each asked once."""

    def __init__(self, facts: Facts) -> None:
        self._said = said_of(facts)
        self._answers: dict[str, tuple[bool, str]] = {}

    def of(self, condition: conditions.Condition) -> tuple[bool, str]:
        """Whether it holds, and why that cannot be said ("" when it can)."""
        if condition.text not in self._answers:
            try:
                self._answers[condition.text] = (condition.holds(self._said), "")
            except conditions.Unanswerable as error:
                self._answers[condition.text] = (False, str(error))
        return self._answers[condition.text]


def said_of(facts: Facts) -> conditions.Said:
    """What conditions may speak of."""
    said = {name: getattr(facts, name) for name in conditions.NAMES}
    said["figures"] = dict(facts.figures)
    return conditions.Said(said)


def covers(match: Match, facts: Facts) -> bool:
    """Whether the patterns of a match, its condition left aside, take in this call."""
    pairs = ((match.tools, facts.tool), (match.classes, facts.tool_class), (match.agents, facts.agent),
             (match.customers, facts.customer), (match.environments, facts.environment))  # fmt: skip
    return all(any_of(patterns)(name) for patterns, name in pairs)


def _asked(rule: Rule, answers: _Answers) -> Hit | None:
    condition = rule.match.condition
    if condition is None:
        return Hit(rule)
    holds, unanswered = answers.of(condition)
    if unanswered:
        # What is replaced may ask for more: that counts, what asks for less does not.
        return Hit(rule, unanswered, only_more=rule.loosens) if rule.instead or not rule.loosens else None
    return Hit(rule) if holds else None


def any_of(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a name fits one of the patterns; no patterns fit everything."""
    if not patterns:
        return lambda name: True
    plain = frozenset(p for p in patterns if not any(c in p for c in "*?["))
    globs = [fnmatch.translate(p) for p in patterns if p not in plain]
    if not globs:
        return plain.__contains__
    fits = re.compile("|".join(globs)).match
    return lambda name: name in plain or fits(name) is not None
