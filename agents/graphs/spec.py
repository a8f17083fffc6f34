"""What a native project says of its agent, beside its graph. A project without it still works, as questions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from agents.tools.asked import Asked
from agents.tools.registry import Tool


@dataclass(frozen=True)
class AgentSpec:
    """An agent as its developer declares it: `AGENT = AgentSpec(...)` in the module of the graph.

    Attributes:
        tools: everything this agent may ask for; what is not listed is refused (capabilities default to deny).
        input_model: what a run is started with; the start form and the checks are made from it.
        explain: answers a reviewer's question about what waits, from where the graph stands; it moves nothing.
        environment: where its tools act: "demo", "staging" or "production".
    """

    slug: str
    title: str
    tools: Sequence[Tool]
    input_model: type[BaseModel]
    description: str = ""
    environment: str = "production"
    sample_inputs: Sequence[dict[str, Any]] = field(default_factory=tuple)
    explain: Callable[[Asked], str] | None = None
