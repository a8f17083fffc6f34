"""What the doors of agents take and give: what an agent is, and the tools it declares."""

from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from agents.api.shapes import Reason, Strict


class Tool(Schema):
    name: str
    description: str
    risk: str
    suggested: str | None = Field(description="Where nobody declared `risk`: what it is guessed from; null where somebody did")
    reversible: bool
    summary: str
    args_schema: dict[str, Any]
    waits: list[str] = Field(
        description="How it differs from what was accepted of it, until an administrator accepts it: the stricter counts"
    )


class ToolIn(Strict):
    """What a tool is, said by whoever answers for the agent; a proposal only names it."""

    name: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99}$")
    risk: Literal["read", "write", "message", "money", "delete", "admin"]
    reversible: bool = False
    description: str = Field("", max_length=2_000)
    summary: str = Field("", max_length=500, description='Over the arguments: "Refund {amount_cents|money:currency} to {order}"')
    confirm: str = Field("", max_length=100, description="The argument that names the target")
    figures: dict[Literal["amount_cents", "rows", "files", "bytes", "recipients"], str] = Field(
        default_factory=dict, description='Numbers the policy reads, each from an argument: {"amount_cents": "amount_cents"}'
    )
    args_schema: dict[str, Any] = Field(default_factory=dict, description="JSON Schema of the arguments")


class AgentIn(Strict):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "title": "Invoices",
                "environment": "production",
                "tools": [
                    {
                        "name": "send_invoice",
                        "risk": "money",
                        "summary": "Invoice {customer} for {amount_cents|money:currency}",
                        "confirm": "customer",
                        "figures": {"amount_cents": "amount_cents"},
                        "args_schema": {"type": "object", "required": ["customer", "amount_cents"]},
                    }
                ],
            }
        },
    )

    title: str = Field("", max_length=200)
    description: str = Field("", max_length=2_000)
    environment: Literal["production", "staging", "demo"] | None = Field(
        None, description="Not said: as it is; production for a new agent. Only administrators change it"
    )
    tools: list[ToolIn] = Field(default_factory=list, max_length=200)


class AcceptIn(Reason):
    tool: str = Field(max_length=100, examples=["send_invoice"])
    version: int = Field(ge=1, le=10**9, description="The version of the agent that was looked at")


class Agent(Schema):
    slug: str
    title: str
    description: str
    environment: str
    enabled: bool
    owner: str | None
    version: int
    outside: bool = Field(description="It runs elsewhere and proposes over this API")
    running: int
    halted: bool
    input_schema: dict[str, Any]
    tools: list[Tool]
