"""A policy's text as a validated, frozen value. Pure; `approvals.operations.policies` decides which one is in force."""

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from approvals.policy.answerable import never_answered
from approvals.policy.basics import Excluded, Level, More, Points, RequirementRule, Strict
from approvals.policy.calendars import Calendar, Quiet
from approvals.policy.conditions import BadCondition, reckoned
from approvals.policy.matching import Matcher
from approvals.policy.reading import BadPolicy, Lines, Problem, misread, read
from approvals.policy.ruleset import Instead, Rule
from approvals.policy.slack import SlackRule
from approvals.policy.wording import words_of
from audit.sentences import say

__all__ = ["BadPolicy", "Level", "Policy", "PolicyData", "Problem", "RequirementRule", "load", "parse"]


class AmountRule(Strict):
    of: str
    steps: tuple[tuple[int, Points], ...]


class SignalRule(Strict):
    """What a run did so far that says that it struggles. It only ever adds."""

    of: Literal["run_calls", "run_failures"]
    steps: tuple[tuple[Annotated[int, Field(ge=1)], More], ...]


class Floor(Strict):
    level: Level
    tools: tuple[str, ...] = ()
    estimated_cost_over: float | None = None


class QuestionRule(Strict):
    """What an agent asks in words. It runs nothing, so others may be kept out than of calls of the same level: `exclude`; None for the same."""

    level: Level
    exclude: tuple[Excluded, ...] | None = None


class OpinionRule(Strict):
    """What the doubts of a second model add, and for which levels it is asked where the installation has one. It only ever adds."""

    doubtful: int = Field(default=15, ge=0, le=100)
    dangerous: int = Field(default=40, ge=0, le=100)
    ask_for: tuple[Level, ...] = (Level.MEDIUM, Level.HIGH)
    wait_s: int = Field(default=20, ge=2, le=120)

    def points(self, concern: str) -> int:
        return {"doubtful": self.doubtful, "dangerous": max(self.doubtful, self.dangerous)}.get(concern, 0)


class PolicyData(Strict):
    """The text's content; each field is explained in `policy.yaml` itself."""

    version: int = Field(default=1, ge=1)
    tool_class: dict[str, Points] = Field(min_length=1)
    irreversible: Points
    amounts: tuple[AmountRule, ...]
    environment: dict[str, Points]
    novelty: tuple[tuple[int, Points], ...]
    untrusted_text: Points
    hidden_characters: Points
    confidence: tuple[tuple[Annotated[float, Field(gt=0, le=1)], More], ...] = ()
    signals: tuple[SignalRule, ...] = ()
    at_least: tuple[Floor, ...] = ()
    loop_after: int = Field(default=5, ge=2, le=1_000)
    customer: tuple[str, ...] = ()
    levels: dict[Level, int]
    requirements: dict[Level, RequirementRule]
    questions: QuestionRule
    rules: tuple[Rule, ...] = Field(default=(), max_length=2_000)
    calendars: dict[str, Calendar] = Field(default={}, max_length=100)
    quiet: Quiet | None = None
    slack: SlackRule = SlackRule()
    opinion: OpinionRule = OpinionRule()

    @model_validator(mode="after")
    def _whole(self) -> "PolicyData":
        for name, table in (("levels", self.levels), ("requirements", self.requirements)):
            missing = [str(level) for level in Level if level not in table]
            if missing:
                raise ValueError(say("%(name)s says nothing of %(names)s", name=name, names=", ".join(missing)))
        starts = [self.levels[level] for level in Level]
        if starts != sorted(starts) or starts[0] != 0:
            raise ValueError(say("levels must begin at 0 and rise from low to critical"))
        for level in (Level.MEDIUM, Level.HIGH, Level.CRITICAL):
            if not self.requirements[level].need:
                raise ValueError(say("%(level)s asks nobody: only low may pass by policy", level=level.said))
        return self

    @cached_property
    def matcher(self) -> Matcher:
        return Matcher(self.rules)


@dataclass(frozen=True)
class Policy:
    """A policy: its data, its source text and the hash that is frozen on every Action; its number once it is published."""

    data: PolicyData
    source: str
    sha256: str
    number: int = 0

    @property
    def version(self) -> str:
        """How events and pages name it (`named`)."""
        return named(self.number or self.data.version, self.sha256)


def named(number: int, sha256: str) -> str:
    """How events and pages name a version of the policy: number and first characters of its hash."""
    return f"v{number}-{sha256[:8]}"


def parse(source: str, *, number: int = 0) -> Policy:
    """The policy of a YAML text, every condition compiled.

    Raises:
        BadPolicy: with the line and the field of each problem, and what is wrong with it.
    """
    policy, lines = _read(source, number, new=True)
    if problems := checks_of(policy.data, lines):
        raise BadPolicy(*problems)
    return policy


def checks_of(data: PolicyData, lines: Lines) -> list[Problem]:
    """What is wrong with fields that fit, each by itself."""
    checks = (_same_names, _conditions, _calendars, _never_quiet, _no_way_to_refuse)
    return [problem for check in checks for problem in check(data, lines)]


def parse_stored(source: str, *, number: int = 0) -> Policy:
    """The policy of a text that was checked when it was stored: conditions are compiled when they are first asked.

    Raises:
        BadPolicy: this version of the product cannot read it any more.
    """
    return _read(source, number)[0]


def load(path: Path) -> Policy:
    """The policy in a file; raises BadPolicy when it cannot be read."""
    return parse(text_of(path))


def text_of(path: Path) -> str:
    """A policy file's text; raises BadPolicy when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadPolicy(
            Problem(0, "", say("the policy file %(path)s cannot be read: %(strerror)s", path=path, strerror=error.strerror))
        ) from error
    except UnicodeDecodeError as error:
        raise BadPolicy(
            Problem(
                0,
                "",
                say(
                    "the policy file %(path)s is not UTF-8: %(reason)s at byte %(start)s", path=path, reason=error.reason, start=error.start
                ),
            )
        ) from error


def line_of(source: str, *path: Any) -> int:
    """The line of a field in a text that has been read."""
    return _lines(source).of(path)


@lru_cache(maxsize=4)
def _lines(source: str) -> Lines:
    return read(source)[1]


def _read(source: str, number: int, *, new: bool = False) -> tuple[Policy, Lines]:
    data, lines = read(source)
    if new and (problems := misread(lines)):
        raise BadPolicy(*problems)
    try:
        parsed = PolicyData.model_validate(data)
    except ValidationError as error:
        raise BadPolicy(*(problem_of(dict(e), lines) for e in error.errors())) from error
    return Policy(parsed, source, hashlib.sha256(source.encode()).hexdigest(), number), lines


def problem_of(error: dict[str, Any], lines: Lines) -> Problem:
    """What a validation found, in our words and with its line."""
    path = error["loc"]
    where = ".".join(str(part) for part in path) or say("the policy")
    return Problem(lines.of(path), where, words_of(error))


def _same_names(data: PolicyData, lines: Lines) -> list[Problem]:
    names = [rule.name for rule in data.rules]
    return [
        Problem(lines.of(("rules", i, "name")), f"rules.{i}.name", say("another rule is named %(name)s: names tell rules apart", name=name))
        for i, name in enumerate(names)
        if name in names[:i]
    ]


def _calendars(data: PolicyData, lines: Lines) -> list[Problem]:
    """Calendars that are named and not there."""
    named: list[tuple[tuple[Any, ...], str]] = [(("requirements", str(lv)), r.calendar) for lv, r in data.requirements.items()]
    named += [(("rules", i, "instead"), r.instead.calendar or "") for i, r in enumerate(data.rules) if r.instead]
    there = ", ".join(data.calendars) or say("none")
    return [
        Problem(
            lines.of((*path, "calendar")),
            ".".join(map(str, (*path, "calendar"))),
            say("no calendar is called %(name)s; there are: %(there)s", name=name, there=there),
        )
        for path, name in named
        if name and name not in data.calendars
    ]


def _never_quiet(data: PolicyData, lines: Lines) -> list[Problem]:
    """Quiet hours that end when they begin would never be quiet. Not asked of what is stored."""
    if data.quiet is None or data.quiet.begins != data.quiet.ends:
        return []
    return [Problem(lines.of(("quiet", "ends")), "quiet.ends", say("quiet hours that end when they begin are never quiet: leave them out"))]


def _no_way_to_refuse(data: PolicyData, lines: Lines) -> list[Problem]:
    """Whoever is asked must be able to say no. Not asked of what is stored: what was published before must stay readable."""
    said: list[tuple[tuple[Any, ...], RequirementRule | Instead]] = [(("requirements", str(lv)), r) for lv, r in data.requirements.items()]
    said += [(("rules", i, "instead"), r.instead) for i, r in enumerate(data.rules) if r.instead]
    return [
        Problem(
            lines.of((*path, "verdicts")),
            ".".join(map(str, (*path, "verdicts"))),
            str(say("verdicts must leave people the verdict reject")),
        )
        for path, asks in said
        if asks.verdicts is not None and "reject" not in asks.verdicts
    ]


def _conditions(data: PolicyData, lines: Lines) -> list[Problem]:
    found = []
    for i, rule in enumerate(data.rules):
        path = ("rules", i, "match", "when")
        try:
            condition = rule.match.condition
            if condition and condition.too_deep:
                raise BadCondition(say("it is nested too deeply: split it into several rules, or compare with a list (`in [...]`)"))
            if condition and condition.constant is False:
                raise BadCondition(say("this condition never holds: the rule can never match"))
            if condition and (why := never_answered(condition.tree, reckoned)):
                raise BadCondition(why)
        except BadCondition as error:
            found.append(Problem(lines.of(path) + error.line - 1, f"rules.{i}.match.when", error.why))
    return found
