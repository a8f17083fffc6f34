"""What the doors of runs take and give: starts, overrides, forks, checkpoints, reversals and events."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from agents.api.shapes import Reason, Strict


class Cancelling(Reason):
    reverse: bool | None = Field(None, description="Whether what the run did is reversed; null: as its agent declares")


class OverrideIn(Reason):
    """An operator's order to change what a run does next."""

    kind: Literal["edit", "rewind", "restart", "skip"] = Field(examples=["rewind"])
    head: str = Field(max_length=64, description="The newest checkpoint as you saw it: the order is refused when the run has gone on since")
    checkpoint: str = Field("", max_length=64, description="rewind: the checkpoint to go on from")
    node: str = Field(
        "",
        max_length=200,
        description="skip: the one node that comes next; restart: the node to run once more, which is a rewind to the newest checkpoint before it",
    )
    values: dict[str, Any] = Field({}, description="edit: names of the state and their new values; skip: what the node would have written")
    stay: bool = Field(False, description="Pause there")


class ForkIn(Reason):
    """A run of its own from a checkpoint of another, for real."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"checkpoint": "1f0c…", "values": {"limit": 50}, "reason": "with the limit of the new contract"}},
    )

    checkpoint: str = Field("", max_length=64, description='Where it begins; "" at the first that holds the input')
    values: dict[str, Any] = Field({}, description="Names of the state and their new values, of the type they have there")


class ResultIn(Reason):
    """What an operator gives the agent instead of a call that waits."""

    action: UUID
    digest: str = Field(max_length=64, description="Of the call as you saw it: refused when it has changed since")
    result: dict[str, Any] = Field(description="As its tool would give it back", examples=[{"refunded": True, "reference": "R-2231"}])
    complete: bool = Field(False, description="Refuse (422) a result without a field that every result of this tool had until now")


class Overridden(Schema):
    """`state` is ASKED while a second operator has to order the same, ORDERED until a worker has carried it out; OVERTAKEN: the run has gone on."""

    id: int
    kind: str
    state: str
    checkpoint: str
    node: str
    reason: str
    error: str
    made: str
    by: str
    confirmed_by: str
    created_at: datetime
    head: str = Field(description="The newest checkpoint when it was ordered: from another one a skip is confirmed no more")
    values: dict[str, Any] = Field(description="What is put into the state: look at it before you order the same")
    stay: bool = Field(description="Whether the run pauses there: who confirms orders the same")
    confirmed_why: str = Field(description="The second person's reason")


class AnsweredFor(Overridden):
    lacks: list[str] = Field(
        description="Fields that every result of this tool had until now, and this one has not: the agent may fail without them"
    )


class OutcomeIn(Reason):
    """What an operator found out about a call of which nobody knew."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"outcome": "done", "result": {"reference": "R-2231"}, "reason": "it stands on the bank's statement"}
        },
    )

    outcome: Literal["done", "not_done", "undo"] = Field(
        description="undo: it was done, or counts as done; its run is cancelled where it has not ended, and what it did is reversed"
    )
    result: dict[str, Any] | None = Field(
        None, description="done: what it gave back, as far as you found; the agent gets it with who said so"
    )
    complete: bool = Field(False, description="Refuse (422) a result without a field that every result of this tool had until now")


class OutcomeSaid(Schema):
    run: UUID
    run_state: str
    action: UUID
    tool: str
    state: str = Field(description="DONE or FAILED; COMPENSATED once it is reversed")
    result: dict[str, Any] | None
    lacks: list[str] = Field(
        description="Fields that every result of this tool had until now, and this one has not: the agent may fail without them"
    )


class Made(Schema):
    """How a checkpoint came about, as it was recorded while its step ran."""

    models: dict[str, int] = Field(description="Models, each with how often it was called")
    prompts: list[str] = Field(description="SHA-256 of each call's prompt, in order")
    took_ms: float | None = Field(description="The nodes' own time, the longest of them; null where none ran")
    tokens: int
    micros: int = Field(description="Of its model calls, millionths of a dollar")
    error: str = Field(description="Of a node that failed on the way from here")
    tools: str = Field(description="SHA-256 of the agent's version: its graph, its tools with their schemas, its model, its policy")
    policy: int = Field(description="The number of the policy in force then; 0: none was published yet")


class Checkpoint(Schema):
    id: str
    parent: str
    at: datetime
    step: int
    source: str
    after: list[str]
    next: list[str]
    asked: bool
    failed: bool
    version: str
    made: Made


class RunIn(Strict):
    agent: str = Field(max_length=60, examples=["refunds"])
    input: dict[str, Any] = Field(examples=[{"ticket_id": "T-1040"}])


class RunRow(Schema):
    id: UUID
    agent: str
    thread: str
    state: str
    nodes: list[Any]
    started_by: str | None
    door: str
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None
    error: str
    hold: str = Field("", description='"pause" or "step" while an operator holds it, "budget" while what it may spend is spent')
    url: str


class Reversed(Schema):
    """One call of a run and whether it was reversed: OWED, CLAIMED, DONE or FAILED, and then whom to call."""

    action: UUID
    tool: str
    state: str
    attempts: int
    error: str
    contact: str


class Reversal(Schema):
    """That what a run did is reversed, the last call first. `why`: ordered, cancelled, failed or rejected."""

    why: str
    by: str
    reason: str
    ordered_at: datetime
    ended_at: datetime | None
    calls: list[Reversed]


class Run(RunRow):
    version: int
    input: Any
    output: Any
    actions: list[UUID]
    parent: UUID | None = Field(None, description="The run it was forked from")
    parent_checkpoint: str = Field("", description="The checkpoint of that one at which it began")
    reversal: Reversal | None = None
    trace: str = Field(description="The id its spans have in every system that is told of them")
    tool_calls: int = Field(description="Calls of tools on its record, also those that failed")
    driven_s: float = Field(description="How long workers have driven it; waiting for people, halts, pauses and queues do not count")
    limit_s: int = Field(
        description='How long they may; then it ends as PARTIAL with what it has, as "Task timed out after 300 s". 0: no limit'
    )


class Event(Schema):
    id: int
    at: datetime
    kind: str
    actor: str
    actor_kind: str
    door: str
    agent: str
    run: str
    action: str
    digest: str
    policy: str
    leaf: str
    data: dict[str, Any]


class Progress(Schema):
    """The story of a run so far, in order. With `Accept: text/event-stream` it goes on until the run has ended."""

    events: list[Event]
    state: str
    finished: bool
