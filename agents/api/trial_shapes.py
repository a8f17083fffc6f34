"""What the doors of dry runs take and give."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from agents.api.shapes import Strict


class TrialIn(Strict):
    """A dry run: nothing acts."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"kind": "fork", "values": {"limit": 50}, "assume": "approve", "policy": 12}}
    )

    kind: Literal["replay", "fork"] = Field(
        description="replay: driven again from its record and compared; fork: taken on from a checkpoint with something different"
    )
    checkpoint: str = Field("", max_length=64, description='fork: where it begins; "" at the first that holds the input')
    values: dict[str, Any] = Field({}, description="fork: names of the state and their new values, of the type they have there")
    answers: dict[str, Any] = Field({}, description="By the id of an action of this run, what its call gives back instead")
    assume: Literal["", "approve", "reject"] = Field("", description="fork: of what the record does not know; empty: it stops there")
    policy: int = Field(
        0, ge=0, lt=2**31, description="fork: the `id` of the policy version or proposal that assesses it; 0: the one in force"
    )
    models: Literal["recorded", "new", "anew"] = Field(
        "recorded", description="fork: recorded answers only, the agent's own model where there is none, or `model` for every answer"
    )
    tools: dict[str, str] = Field(
        {}, description="By tool, which of the implementations that it declares as `what_if` is tried in its place"
    )
    model: str = Field("", max_length=100, description="fork, with `anew`: any init_chat_model name", examples=["openai:gpt-5-mini"])


class TrialRow(Schema):
    id: UUID
    run: UUID
    kind: str
    state: str = Field(description='"waiting" for a worker, "running", "done", or "failed": `error` says why')
    wanted: dict[str, Any]
    by: str
    door: str
    ordered_at: datetime
    ended_at: datetime | None
    error: str
    result: Any = Field(
        description="replay: `difference` (null: equal, step by step) and `steps`. fork: how it ended (`end`), what it asked for (`asks`), its `state`, "
        "and of the run's own what differs (`then`; `added` names what only the fork holds). In lists only how it ended"
    )
