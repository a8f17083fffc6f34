"""What the API says of what an agent spent. Money is text, an exact amount in `currency`; days are of UTC."""

from datetime import datetime

from ninja import Schema
from pydantic import Field


class Part(Schema):
    calls: int = Field(description="Of models; beside a null `model`: of tools that were estimated to cost something")
    tokens: int
    money: str
    unpriced_calls: int = Field(description="Model calls of which no price was known: their money is not counted")


class OfModel(Schema):
    model: str | None = Field(description="null: calls of tools, as estimated")
    today: Part
    week: Part = Field(description="This day and the six before")
    month: Part = Field(description="This day and the 29 before")


class Windows(Schema):
    today: Part
    week: Part
    month: Part


class Begun(Schema):
    begun: int
    money_each: str
    tokens_each: int


class Runs(Schema):
    """The runs that began in each window, and what one of these has spent until now, on the average."""

    today: Begun
    week: Begun
    month: Begun


class Projection(Schema):
    by_hour: str | None = Field(description="What was spent today over the part of the day that has passed; null in its first five minutes")
    by_week: str | None = Field(
        description="What was spent today, and on the average what each of the 7 days before spent after this time of day; null without any"
    )


class Costs(Schema):
    agent: str
    at: datetime
    currency: str
    models: list[OfModel] = Field(description="The dearest of the month first; at most 50")
    total: Windows
    runs: Runs
    projection: Projection = Field(description="What this day may come to")
