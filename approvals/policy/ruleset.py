"""Rules of a policy: whom they match and what they ask. Pure; `matching` finds which apply, `risk` what they add up to.

A rule either asks for more or for less, never both: only so can a condition that fails be counted the safe way.
"""

from functools import cached_property
from typing import Any

from pydantic import Field, model_validator

from approvals.policy.basics import (
    After,
    AtDeadline,
    Deadline,
    Excluded,
    ExecuteWithin,
    ExtendRule,
    GroupName,
    Hold,
    Level,
    NeedRule,
    Points,
    ReasonName,
    Rung,
    Strict,
    Tell,
    VerdictName,
)
from approvals.policy.conditions import Condition
from audit.sentences import say


class Match(Strict):
    """Which calls a rule speaks of. Patterns have `*` and `?`; an empty list means all of them."""

    tools: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    when: str = Field(default="", max_length=4_000)

    @cached_property
    def condition(self) -> Condition | None:
        return Condition(self.when) if self.when.strip() else None


class Require(Strict):
    """What is asked on top of the level's requirement; of several, the strictest counts."""

    need: tuple[NeedRule, ...] = ()
    exclude: tuple[Excluded, ...] = ()
    verdicts: tuple[VerdictName, ...] | None = None
    deadline_s: Deadline | None = None
    execute_within_s: ExecuteWithin | None = None
    reason_for: tuple[ReasonName, ...] = ()
    hold_s: Hold | None = None
    rejections: int | None = Field(default=None, ge=1, le=20)
    may_edit: bool | None = None
    at_deadline: AtDeadline | None = None

    @model_validator(mode="after")
    def _can_end(self) -> "Require":
        if self.verdicts is not None and "reject" not in self.verdicts:
            raise ValueError(say("verdicts must leave people the verdict reject"))
        return self


class Instead(Strict):
    """Parts of the level's requirement that are replaced; of several, the rule of the highest priority counts. null replaces nothing."""

    need: tuple[NeedRule, ...] | None = Field(default=None, min_length=1)
    exclude: tuple[Excluded, ...] | None = None
    verdicts: tuple[VerdictName, ...] | None = None
    deadline_s: Deadline | None = None
    execute_within_s: ExecuteWithin | None = None
    reason_for: tuple[ReasonName, ...] | None = None
    hold_s: Hold | None = None
    rejections: int | None = Field(default=None, ge=1, le=20)
    remind: tuple[After, ...] | None = Field(default=None, max_length=10)
    escalate: tuple[Rung, ...] | None = Field(default=None, max_length=10)
    extend: ExtendRule | None = None
    delegates: tuple[GroupName, ...] | None = Field(default=None, max_length=10)
    calendar: str | None = Field(default=None, max_length=40)
    may_edit: bool | None = None
    tell: Tell | None = None
    at_deadline: AtDeadline | None = None

    @property
    def parts(self) -> dict[str, Any]:
        """What is replaced, by name."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}


class Rule(Strict):
    """One rule. It denies, raises (`at_least`, a positive score, `require`) or lowers (`at_most`, a negative score, `instead`)."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)
    about: str = Field(default="", max_length=300)
    priority: int = Field(default=0, ge=-1000, le=1000)
    match: Match = Match()
    deny: str = Field(default="", max_length=300)
    at_least: Level | None = None
    at_most: Level | None = None
    score: Points = 0
    require: Require | None = None
    instead: Instead | None = None

    @property
    def asks(self) -> bool:
        return bool(self.deny or self.at_least or self.score > 0 or self.require)

    @property
    def lowers(self) -> bool:
        return bool(self.at_most or self.score < 0)

    @property
    def loosens(self) -> bool:
        """Whether it may ask for less: an `instead` may also ask for more."""
        return bool(self.lowers or self.instead)

    @property
    def asks_people(self) -> bool:
        """Whether it may have people asked where the level asks nobody."""
        return any(more is not None and more.need for more in (self.require, self.instead))

    @model_validator(mode="after")
    def _one_way(self) -> "Rule":
        if self.asks and self.loosens:
            raise ValueError(say("a rule asks for more or for less, not both: make two of it"))
        if not self.asks and not self.loosens:
            raise ValueError(say("this rule says nothing: give it deny, at_least, at_most, score, require or instead"))
        return self
