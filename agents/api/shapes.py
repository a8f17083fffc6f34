"""What several doors take and give, as it stands in the OpenAPI document; the rest is in the `*_shapes` beside it. No logic: `of` turns a value of the rooms into its shape."""

from typing import Any, Generic, Literal, TypeVar, get_args

from ninja import Schema
from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

T = TypeVar("T")
HEX = r"^[0-9a-f]{64}$"
VERDICTS = Literal["approve", "reject", "respond", "take_over"]
RUN_STATES = Literal["CREATED", "RUNNING", "WAITING", "READY", "HALTED", "PAUSED", "SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"]
LEVELS = Literal["low", "medium", "high", "critical"]
STATES = Literal["PENDING", "APPROVED", "REJECTED", "ANSWERED", "EXPIRED", "SUPERSEDED", "CANCELLED"]


class Strict(Schema):
    """What comes in: a field nobody knows is refused, so that a slip of the pen is not silently nothing; and so is a value of another kind of
    JSON, which pydantic would make fit: true is no 1, and "no" no false."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_kind(cls, value: Any, info: ValidationInfo) -> Any:
        annotation = cls.model_fields[str(info.field_name)].annotation
        kinds = {kind for kind in (*get_args(annotation), annotation) if kind in {bool, int, float}}
        if kinds and isinstance(value, str):
            raise PydanticCustomError("other_kind", "write it without quotation marks: it is no text")
        if kinds and isinstance(value, int | float) and isinstance(value, bool) is not (bool in kinds):
            raise PydanticCustomError("other_kind", "write true or false" if bool in kinds else "write a number: true and false are none")
        return value


class Page(Schema, Generic[T]):
    items: list[T]
    next: str | None = Field(None, description="Send it as `cursor` for the following page; null on the last")


class Problem(Schema):
    """RFC 9457. `code` is stable; `detail` is a sentence for people and says what to do."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:countersign:problem:stale"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    code: str = Field(examples=["stale"])
    detail: str = Field(examples=["This changed since you opened it; look at what will run now, then decide"])
    instance: str = ""


PROBLEMS: dict[Any, Any] = {frozenset({400, 401, 403, 404, 409, 413, 415, 422, 429, 503}): Problem}


class Me(Schema):
    name: str
    kind: Literal["agent", "person"]
    agent: str | None
    scopes: list[str]
    roles: list[str]


class Reason(Strict):
    reason: str = Field(max_length=2_000, examples=["no longer needed"])
