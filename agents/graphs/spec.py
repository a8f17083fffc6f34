"""What a native project says of its agent, beside its graph. A project without it still works, as questions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from agents import prices
from agents.tools.asked import Asked
from agents.tools.registry import Tool

MOST_S = 30 * 86_400
ENDS = ("failed", "rejected", "cancelled")  # it failed; it ended after people rejected something; somebody cancelled it


def is_limit(seconds: object) -> bool:
    """Whether this is a time that runs may be given; 0 is no limit."""
    return type(seconds) is int and 0 <= seconds <= MOST_S


@dataclass(frozen=True)
class AgentSpec:
    """An agent as its developer declares it: `AGENT = AgentSpec(...)` in the module of the graph.

    Attributes:
        tools: everything this agent may ask for; what is not listed is refused (capabilities default to deny).
        input_model: what a run is started with; the start form and the checks are made from it.
        explain: answers a reviewer's question about what waits, from where the graph stands; it moves nothing.
        environment: where its tools act: "demo", "staging" or "production".
        compensate_on: after which ends of a run what it did is reversed by itself: any of ENDS. What is not listed, an operator orders.
        budget_tokens, budget_money: what each run may spend before it is paused, until operators say otherwise; money as text ("0.50") or
            Decimal, in the currency of the prices. None: no limit.
        time_limit_s: how long workers may drive each run before it ends with what it has, until operators say otherwise; waiting for people does
            not count. None: as the installation says (300 s), 0: no limit.

    Raises:
        TypeError: an end that is none, or a budget that is no amount.
    """

    slug: str
    title: str
    tools: Sequence[Tool]
    input_model: type[BaseModel]
    description: str = ""
    environment: str = "production"
    sample_inputs: Sequence[dict[str, Any]] = field(default_factory=tuple)
    explain: Callable[[Asked], str] | None = None
    compensate_on: Sequence[str] = ()
    budget_tokens: int | None = None
    budget_money: str | Decimal | None = None
    time_limit_s: int | None = None

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.compensate_on) - set(ENDS)):
            raise TypeError(f"{self.slug}: compensate_on knows {', '.join(ENDS)}, not {', '.join(unknown)}")
        self.budget  # noqa: B018  raises

    @property
    def budget(self) -> dict[str, int]:
        """What each run may take: "tokens", "micros" of money, "seconds"; what is not said is left out."""
        found: dict[str, int] = {}
        if self.budget_tokens is not None:
            if type(self.budget_tokens) is not int or not 0 <= self.budget_tokens <= prices.MOST_TOKENS:
                raise TypeError(f"{self.slug}: budget_tokens is a number of tokens, not {self.budget_tokens!r}")
            found["tokens"] = self.budget_tokens
        if self.budget_money is not None:
            try:
                found["micros"] = prices.to_micros(self.budget_money)
            except ValueError as error:
                raise TypeError(f'{self.slug}: budget_money is an amount like "0.50", not {self.budget_money!r}: {error}') from error
        if self.time_limit_s is not None:
            if not is_limit(self.time_limit_s):
                raise TypeError(f"{self.slug}: time_limit_s is a whole number of seconds, not {self.time_limit_s!r}")
            found["seconds"] = self.time_limit_s
        return found
