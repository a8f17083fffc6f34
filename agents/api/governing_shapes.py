"""What the doors of halts, switches and policies take and give."""

from datetime import datetime
from typing import Literal

from ninja import Schema
from pydantic import Field

from agents.api.shapes import Reason, Strict

Scope = Literal["everything", "agent", "version", "tool", "customer", "run"]


class HaltIn(Strict):
    scope: Scope
    target: str = Field(
        "", max_length=200, description="What it is called; a version as agent@3. Nothing for everything.", examples=["refunds"]
    )
    reason: str = Field(max_length=2_000, examples=["looking into something"])


class SwitchIn(Strict):
    scope: Literal["agent", "tool"]
    target: str = Field(max_length=200, description="What it is called.", examples=["refund_payment"])
    setting: Literal["allow", "ask", "deny"] = Field(description="allow goes back to what policy says, never below.")
    reason: str = Field(max_length=2_000, examples=["looking into something"])
    for_seconds: int | None = Field(
        None, ge=1, le=31_622_400, description="It ends by itself after so long; without it, when somebody ends it."
    )


class Switch(Schema):
    id: int
    scope: str
    target: str
    setting: str
    reason: str
    by: str
    at: datetime
    until: datetime | None
    ended_at: datetime | None
    ended_by: str
    end_reason: str


class ReleaseAsked(Schema):
    scope: str
    target: str
    by: str
    at: datetime
    reason: str


class Halt(Schema):
    id: int
    scope: str
    target: str
    reason: str
    by: str
    at: datetime
    door: str
    released_at: datetime | None
    released_by: str
    release_reason: str
    agents_on: list[str] = Field(description="Agents that go on already though the order is in force.")
    runs_on: list[str] = Field(description="Runs that go on already though the order is in force.")
    rule: str = Field(description='The rule by which it was given automatically; "" for people\'s orders.')
    waits: list[ReleaseAsked] = Field(description="What one person asked to let go on, and another one has to confirm.")


class HaltPreview(Schema):
    scope: str = Field(examples=["agent"])
    target: str = Field(examples=["refunds"])
    runs: int = Field(
        description="Unfinished runs that stop at their next step; of a tool or a customer: runs that ask for it.", examples=[3]
    )
    actions: int = Field(description="That wait for people, or are approved and have not begun: frozen.", examples=[5])
    calls: int = Field(
        description="That have begun: in a process of their own they are stopped, the others cannot be interrupted and end by themselves.",
        examples=[1],
    )
    reversals: int = Field(description="That have begun: like calls.", examples=[0])
    not_reversed: int = Field(description="Calls that are not reversed before the release.", examples=[0])


class ReleaseIn(Reason):
    scope: Literal["all", "agent", "run"] = "all"
    target: str = Field("", max_length=200, description="The agent or the run that may go on, while the order stands for the rest.")


class PolicyIn(Strict):
    source: str = Field(max_length=200_000)
    justification: str = Field(max_length=2_000)


class Note(Strict):
    note: str = Field("", max_length=2_000)


class PolicyRow(Schema):
    id: int
    number: int = Field(description="0 until it is published")
    state: str
    sha256: str
    justification: str
    proposed_by: str
    created_at: datetime
    loosens: list[str]
    warnings: list[str]
    closed_by: str
    closed_at: datetime | None
    note: str


class Policy(PolicyRow):
    source: str
    diff: str
