"""What an agent is told when a person asks it about something it proposed. Plain values, for `AgentSpec.explain`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One question of a reviewer.

    Attributes:
        question: the reviewer's words.
        tool, args, rationale, evidence: what waits for the decision, with what the agent said and had read.
        values: the state of the graph where it waits; a copy: nothing written to it goes anywhere.
        transcript: the run's messages as text, the newest last; "" when its state has none.
    """

    question: str
    tool: str
    args: Any
    rationale: str = ""
    evidence: Sequence[Mapping[str, Any]] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    transcript: str = ""
