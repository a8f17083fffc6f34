"""The words a policy is written in: levels, points, needs, and what a level asks of people. Pure."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Level(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Level).index(self)


Points = Annotated[int, Field(ge=-100, le=100)]
Excluded = Literal["requester", "owner", "editor"]
VerdictName = Literal["approve", "reject", "respond", "take_over"]
Hold = Annotated[int, Field(ge=0, le=600)]
Deadline = Annotated[int, Field(ge=5, le=30 * 86400)]
ExecuteWithin = Annotated[int, Field(ge=5, le=7 * 86400)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NeedRule(Strict):
    group: str = Field(min_length=1, max_length=80)
    count: int = Field(ge=1, le=20)


class RequirementRule(Strict):
    need: tuple[NeedRule, ...]
    deadline_s: Deadline
    execute_within_s: ExecuteWithin = 900
    exclude: tuple[Excluded, ...] = ()
    verdicts: tuple[VerdictName, ...] = ("approve", "reject", "respond", "take_over")
    reason_for: tuple[VerdictName, ...] = ("reject",)
    hold_s: Hold = 0

    @property
    def people(self) -> int:
        """How many approvals it asks for, all groups together."""
        return sum(n.count for n in self.need)
