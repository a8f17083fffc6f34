"""What an agent wants done, as whoever asks for it hands it to T1 (`opening`). Data only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from approvals.models import User
from audit.actors import SYSTEM, Actor


@dataclass(frozen=True)
class Accepted:
    """A tool as people with power over policy last accepted it, where it has been declared otherwise since; `why` says how."""

    tool_class: str
    reversible: bool
    figures: Mapping[str, int]
    why: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """What an agent wants done, after the tool's own schema validated and normalised the arguments.

    Attributes:
        thread, checkpoint_ns, interrupt_id, index: where it was asked; the same place again is the same Action.
        kind: "tool", or "question" (then nothing is executed and `args` holds what is asked).
        tool, tool_schema_sha256, tool_class, reversible: the tool as its author declared it; `declared_sha256` is of all of that.
        accepted: what was accepted of it, when that is something else: whichever asks for more counts.
        summary: one line made by the author's template from the arguments.
        names: values of the arguments by which the tool's author would have its target named, the best first (see `ladder.confirm_of`).
        proposal_digest: what the asker compares the answer with.
        figures: numbers for the policy (rows, amount_cents ...); `preview` is what people are shown.
        confidence: how sure the agent says it is, 0 to 1; it only ever adds to the score.
        at_least: a level the agent asks for, "" when it does not; it only ever raises.
        rationale, evidence: the agent's own words and what it had read; shown fenced off.
        untrusted_text: argument paths that repeat text from outside.
        requested_by, owner: the person who started the run, and the person who owns the agent.
        editors: persons who put values of their own into what the agent works from: as good as having edited its arguments.
        asked_for: the run's input, where the policy may find the customer when the arguments name none.
        follows: the action this one asks again, where the asker knows.
        agent_takes: the agent makes the call itself, and can be told this of it (approve, edit, reject, respond).
        answer_schema: JSON Schema that an answer to the question has to fit.
        agent_version: the code that asks, as `covering.version_name` writes it; "" where nobody knows.
    """

    agent: str
    thread: str
    interrupt_id: str
    tool: str
    args: Any
    summary: str
    proposal_digest: str
    by: Actor = SYSTEM
    run: str = ""
    checkpoint_ns: str = ""
    index: int = 0
    kind: str = "tool"
    tool_schema_sha256: str = ""
    tool_class: str = "unknown"
    reversible: bool = False
    environment: str = "production"
    preview: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    rationale: str = ""
    evidence: Sequence[dict[str, Any]] = ()
    untrusted_text: tuple[str, ...] = ()
    estimated_cost: float | None = None
    confidence: float | None = None
    at_least: str = ""
    deadline_s: int | None = None
    requested_by: User | None = None
    owner: User | None = None
    editors: Collection[str] = ()
    note: str = ""
    asked_for: Mapping[str, Any] = field(default_factory=dict)
    follows: UUID | None = None
    names: Sequence[str] = ()
    agent_takes: tuple[str, ...] = ()
    answer_schema: Mapping[str, Any] | None = None
    agent_version: str = ""
    declared_sha256: str = ""
    accepted: Accepted | None = None
