"""What goes in and out about budgets: money as text, so that no digit of it is lost. No logic."""

from datetime import datetime
from typing import Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from agents.api.run_shapes import Run
from agents.api.shapes import Reason
from agents.prices import MOST_TOKENS

MONEY = Field(None, max_length=28, description='An amount like "0.50"; null lifts the limit, left out it stays', examples=["0.50"])
TOKENS = Field(None, ge=0, le=MOST_TOKENS, description="null lifts the limit, left out it stays")
SECONDS = Field(
    None,
    ge=0,
    le=30 * 86_400,
    description="How long workers may drive a run in all, waiting not counted; 0 or null lifts the limit, left out it stays",
)


class BudgetIn(Reason):
    """New limits. At least one of them is named."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"money": "2.00", "reason": "a long one"}})

    money: str | None = MONEY
    tokens: int | None = TOKENS
    seconds: int | None = SECONDS


class BudgetOfIn(BudgetIn):
    """`scope`: what an agent, or runs for a customer, may spend in a day (UTC); "run": what each run of an agent may that starts from now on."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"scope": "agent", "target": "refunds", "money": "50", "reason": "the campaign week"}}
    )

    scope: Literal["agent", "customer", "run"]
    target: str = Field(max_length=200)


class Spending(Schema):
    """What was spent, and what may be; null: no limit. `percent` is of whichever is nearer to its end."""

    tokens: int
    money: str
    currency: str
    most_tokens: int | None
    most_money: str | None
    percent: int


class BudgetOf(Spending):
    scope: Literal["agent", "customer", "run"]
    target: str
    by: str = Field(description="Who set it; of scope run empty where the agent's developer did")
    reason: str
    changed_at: datetime | None
    most_seconds: int | None = Field(
        None, description="Of scope run: how long each may be driven; null: as the installation says, 0: no limit"
    )


class Budgeted(Run):
    """A run with what it has spent of what it may. `why`: while it is paused because a budget is spent, which."""

    spending: Spending
    unpriced: list[str] = Field(description="Models of its calls of which no price is known, in sentences")
    why: str
