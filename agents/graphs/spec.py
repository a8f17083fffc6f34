"""What a native project says of its agent, beside its graph. A project without it still works, as questions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from agents.tools.asked import Asked
from agents.tools.registry import Tool

ENDS = ("failed", "rejected", "cancelled")  # it failed; it ended after people rejected something; somebody cancelled it


@dataclass(frozen=True)
class AgentSpec:
    """An agent as its developer declares it: `AGENT = AgentSpec(...)` in the module of the graph.

    Attributes:
        tools: everything this agent may ask for; what is not listed is refused (capabilities default to deny).
        input_model: what a run is started with; the start form and the checks are made from it.
        explain: answers a reviewer's question about what waits, from where the graph stands; it moves nothing.
        environment: where its tools act: "demo", "staging" or "production".
        compensate_on: after which ends of a run what it did is reversed by itself: any of ENDS. What is not listed, an operator orders.

    Raises:
        TypeError: an end that is none.
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

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.compensate_on) - set(ENDS)):
            raise TypeError(f"{self.slug}: compensate_on knows {', '.join(ENDS)}, not {', '.join(unknown)}")
