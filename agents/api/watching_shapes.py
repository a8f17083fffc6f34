"""What goes in and out about alerts and about the rules by which Countersign tells and halts by itself. No logic."""

from datetime import datetime

from ninja import Schema
from pydantic import ConfigDict, Field

from agents.api.shapes import Reason, Strict
from approvals.operations.alerting import LONGEST_S
from approvals.operations.halt_rules import LONGEST_S as WIDEST_S
from approvals.operations.halt_rules import MOST, SHORTEST_S


class Alert(Schema):
    id: int
    rule: str
    key: str = Field(description="Which of several the rule speaks of: an order's number, for instance.")
    about: str
    words: str = Field(description="What is so, in a sentence.", examples=["Calls whose outcome nobody knows: 3, the limit is 1"])
    opened_at: datetime
    value: int = Field(description="The figure when it was opened.")
    most: int = Field(description="The limit it was held against.")
    last: int
    worst: int
    told: int = Field(description="How many times people were told.")
    told_at: datetime
    acked_at: datetime | None
    acked_by: str
    ack_note: str
    closed_at: datetime | None = Field(description="null while it is open")
    runbook_url: str


class AlertNote(Strict):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"note": "I look into it with the payments team"}})

    note: str = Field(max_length=2_000, description="What you do about it; kept in the log.")


class AlertRule(Schema):
    name: str
    words: str
    active: bool
    most: int = Field(description="It is told from this figure on.")
    for_s: int = Field(description="Once it was so for so many seconds.")
    again_s: int = Field(description="Told again after so many seconds, until somebody acknowledges it; 0 never.")
    mail: bool
    slack: str
    webhook: bool
    by: str = Field(description='"" as it ships')
    at: datetime | None
    reason: str
    runbook_url: str


class AlertRuleIn(Reason):
    """What is not named stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"active": True, "most": 20, "for_s": 60, "mail": True, "reason": "more than that we cannot look after"}
        },
    )

    active: bool | None = None
    most: int | None = Field(None, ge=1, le=MOST)
    for_s: int | None = Field(None, ge=0, le=LONGEST_S)
    again_s: int | None = Field(None, ge=0, le=LONGEST_S)
    mail: bool | None = None
    slack: str | None = Field(None, max_length=80, description='A channel; "" for none.')
    webhook: bool | None = None


class HaltRule(Schema):
    kind: str
    agent: str = Field(description='"" of every agent that has none of its own')
    active: bool
    most: int = Field(description="It halts from so many on.")
    share: int = Field(description="And only if they are so many percent of all; 0 asks for no share.")
    window_s: int = Field(description="Within so many seconds.")
    scope: str = Field(description="What is halted then: the agent, or the run.")
    by: str = Field(description='"" as the settings have it')
    at: datetime | None
    reason: str


class HaltRuleIn(Reason):
    """What is not named stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"agent": "refunds", "active": True, "most": 5, "share": 50, "window_s": 600, "reason": "it pays money"}
        },
    )

    agent: str = Field("", max_length=200, description='Of this agent only; "" of every agent that has none of its own.')
    active: bool | None = None
    most: int | None = Field(None, ge=1, le=MOST)
    share: int | None = Field(None, ge=0, le=100)
    window_s: int | None = Field(None, ge=SHORTEST_S, le=WIDEST_S)
