"""The policy file as a validated, frozen value. Pure; `approvals.operations.policies` decides which one is in force."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator


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
VerdictName = Literal["approve", "reject", "respond"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NeedRule(Strict):
    group: str = Field(min_length=1)
    count: int = Field(ge=1, le=20)


class RequirementRule(Strict):
    need: tuple[NeedRule, ...]
    deadline_s: int = Field(ge=5, le=30 * 86400)
    execute_within_s: int = Field(default=900, ge=5, le=7 * 86400)
    exclude: tuple[Excluded, ...] = ()
    verdicts: tuple[VerdictName, ...] = ("approve", "reject", "respond")
    reason_for: tuple[VerdictName, ...] = ("reject",)
    hold_s: int = Field(default=0, ge=0, le=600)


class AmountRule(Strict):
    of: str
    steps: tuple[tuple[int, Points], ...]


class Floor(Strict):
    level: Level
    tools: tuple[str, ...] = ()
    estimated_cost_over: float | None = None


class QuestionRule(Strict):
    level: Level


class PolicyData(Strict):
    """The file's content; each field is explained in `policy.yaml` itself."""

    version: int = Field(ge=1)
    tool_class: dict[str, Points] = Field(min_length=1)
    irreversible: Points
    amounts: tuple[AmountRule, ...]
    environment: dict[str, Points]
    novelty: tuple[tuple[int, Points], ...]
    untrusted_text: Points
    hidden_characters: Points
    at_least: tuple[Floor, ...] = ()
    levels: dict[Level, int]
    requirements: dict[Level, RequirementRule]
    questions: QuestionRule

    @model_validator(mode="after")
    def _whole(self) -> "PolicyData":
        for name, table in (("levels", self.levels), ("requirements", self.requirements)):
            missing = [str(level) for level in Level if level not in table]
            if missing:
                raise ValueError(f"{name} says nothing of {', '.join(missing)}")
        starts = [self.levels[level] for level in Level]
        if starts != sorted(starts) or starts[0] != 0:
            raise ValueError("levels must begin at 0 and rise from low to critical")
        for level in (Level.MEDIUM, Level.HIGH, Level.CRITICAL):
            if not self.requirements[level].need:
                raise ValueError(f"{level} asks nobody: only low may pass by policy")
        return self


@dataclass(frozen=True)
class Policy:
    """A policy in force: its data, its source text and the hash that is frozen on every Action."""

    data: PolicyData
    source: str
    sha256: str

    @property
    def version(self) -> str:
        """How events and pages name it: version and first characters of the hash."""
        return f"v{self.data.version}-{self.sha256[:8]}"


class BadPolicy(ValueError):
    """The file cannot be used; the message says where and why."""


def parse(source: str) -> Policy:
    """The policy of a YAML text.

    Raises:
        BadPolicy: with the line or the field, and what is wrong with it.
    """
    try:
        data: Any = yaml.safe_load(source)
        parsed = PolicyData.model_validate(data)
    except yaml.YAMLError as error:
        raise BadPolicy(f"the policy is not valid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the policy"
        raise BadPolicy(f"{where}: {first['msg']}") from error
    return Policy(parsed, source, hashlib.sha256(source.encode()).hexdigest())


def load(path: Path) -> Policy:
    """The policy in a file; raises BadPolicy when it cannot be read."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadPolicy(f"the policy file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadPolicy(f"the policy file {path} is not UTF-8: {error.reason} at byte {error.start}") from error
