"""The words a policy is written in: levels, points, needs, and what a level asks of people. Pure."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from audit.sentences import Frozen, Sentence, say


class Level(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Level).index(self)

    @property
    def said(self) -> Sentence:
        """The level as a word inside a sentence."""
        return LEVEL_WORDS[self]


LEVEL_WORDS = {
    Level.LOW: Frozen("low")(),
    Level.MEDIUM: Frozen("medium")(),
    Level.HIGH: Frozen("high")(),
    Level.CRITICAL: Frozen("critical")(),
}


def said_of(level: str) -> str:
    """The word for a level as rows keep it; what is none stays as it is."""
    return LEVEL_WORDS[Level(level)] if level in LEVEL_WORDS else level


VERDICT_WORDS = {
    "approve": Frozen("approve")(),
    "reject": Frozen("reject")(),
    "respond": Frozen("respond")(),
    "take_over": Frozen("take over")(),
    "edit": Frozen("edit")(),
}


def verdict_said(verdict: str) -> str:
    """The word for a verdict inside a sentence."""
    return VERDICT_WORDS.get(verdict, verdict)


Points = Annotated[int, Field(ge=-100, le=100)]
More = Annotated[int, Field(ge=0, le=100)]  # points that never lower a score
Excluded = Literal["requester", "owner", "editor"]
VerdictName = Literal["approve", "reject", "respond", "take_over"]
ReasonName = Literal["approve", "reject", "respond", "take_over", "edit"]  # an edit is no verdict, and may need a reason as one does
TellBy = Literal["email", "push", "slack"]
WAYS_TO_TELL: tuple[TellBy, ...] = ("email", "push", "slack")
Tell = Annotated[
    tuple[TellBy, ...], AfterValidator(lambda ways: tuple(way for way in WAYS_TO_TELL if way in ways))
]  # in one order, to be compared
AtDeadline = Literal["tell_agent", "stop_run"]
Hold = Annotated[int, Field(ge=0, le=600)]
Deadline = Annotated[int, Field(ge=5, le=30 * 86400)]
ExecuteWithin = Annotated[int, Field(ge=5, le=7 * 86400)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


GroupName = Annotated[str, Field(min_length=1, max_length=80)]
# A part of the time to decide: "50%" after half of it.
After = Annotated[str, Field(pattern=r"^([1-9]|[1-9]\d)%$")]


class NeedRule(Strict):
    """So many people of a group. Those of stage 2 are asked when everything of stage 1 is there, and so on."""

    group: GroupName
    count: int = Field(ge=1, le=20)
    stage: int = Field(default=1, ge=1, le=5)


class Rung(Strict):
    """When a part of the time is gone, people of this group are asked as well, and may fill a place that is still empty."""

    after: After
    to: GroupName


LEAST_EXTENSION_S = 60


class ExtendRule(Strict):
    """Who may put the deadline off, and by how much in all."""

    by: tuple[GroupName, ...] = Field(min_length=1, max_length=10)
    at_most_s: int = Field(ge=LEAST_EXTENSION_S, le=7 * 86400)


Needs = tuple[NeedRule, ...]
EVERYBODY_INVOLVED: tuple[Excluded, ...] = ("requester", "owner", "editor")


class RequirementRule(Strict):
    need: Needs
    deadline_s: Deadline
    execute_within_s: ExecuteWithin = 900
    # Said nothing, nobody who is involved decides.
    exclude: tuple[Excluded, ...] = EVERYBODY_INVOLVED
    verdicts: tuple[VerdictName, ...] = ("approve", "reject", "respond", "take_over")
    reason_for: tuple[ReasonName, ...] = ("reject",)
    hold_s: Hold = 0
    rejections: int = Field(default=1, ge=1, le=20)
    remind: tuple[After, ...] = Field(default=("50%", "80%"), max_length=10)
    escalate: tuple[Rung, ...] = Field(default=(), max_length=10)
    extend: ExtendRule | None = None
    delegates: tuple[GroupName, ...] = Field(default=(), max_length=10)
    calendar: str = Field(default="", max_length=40)
    # Whether people may write other arguments.
    may_edit: bool = True
    # Where whoever is asked may be told of it, as each of them chose; the inbox has it in any case.
    tell: Tell = WAYS_TO_TELL
    # When nobody decides in time: the agent is told that it ran out, or its run stops besides, until an operator releases it.
    at_deadline: AtDeadline = "tell_agent"

    @field_validator("need")
    @classmethod
    def _no_gap(cls, need: Needs) -> Needs:
        return without_gaps(need)

    @property
    def people(self) -> int:
        """How many approvals it asks for, all groups together."""
        return sum(n.count for n in self.need)


def without_gaps(need: Needs) -> Needs:
    """Stages count from 1 without a gap, and a group is named once in each. Raises ValueError."""
    stages = sorted({n.stage for n in need})
    if stages and stages != list(range(1, stages[-1] + 1)):
        raise ValueError(say("stages count from 1 without a gap; these are %(names)s", names=", ".join(map(str, stages))))
    places = [(n.group, n.stage) for n in need]
    if twice := next((place for place in places if places.count(place) > 1), None):
        raise ValueError(say("%(group)s stands twice in stage %(stage)s: write one line with the sum", group=twice[0], stage=twice[1]))
    return need


def stages_of(need: Needs) -> int:
    return max((n.stage for n in need), default=1)
