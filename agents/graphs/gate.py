"""The gate: how a graph of ours proposes an action or asks a question. It calls `interrupt` and nothing else.

The answer it accepts carries the digest of its own proposal; any other answer (a retried one, one meant
for arguments that have since changed) makes it ask again under a new interrupt id (trials L4, L8, L17).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from langgraph.types import interrupt

from audit import canonical

MARK = "countersign"
VERSION = 1
DOMAIN = "hitl/proposal/v1"
Asks = Callable[[Any, Callable[[Any], bool]], Any]


@dataclass(frozen=True)
class Outcome:
    """The settled fact a graph gets back; it never changes afterwards.

    Attributes:
        status: done, rejected, answered, expired, failed, unknown, invalid, cancelled or superseded.
        result: what the tool returned; `reason` and `response`: the people's words.
        args: the arguments that ran, which an edit may have changed.
    """

    status: str
    result: Any = None
    reason: str = ""
    response: str = ""
    args: Any = None
    action: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return self.status == "done"


def gate(
    tool: str,
    args: Mapping[str, Any],
    *,
    rationale: str = "",
    evidence: Sequence[Mapping[str, str]] = (),
    estimated_cost: float | None = None,
    confidence: float | None = None,
    timeout_s: int | None = None,
) -> Outcome:
    """Propose a tool call and wait until it is settled. One question per node keeps replays cheap.

    Args:
        rationale: the planner's own words; people see them fenced off as such.
        evidence: what the planner had read: [{"title": ..., "text": ...}]; treated as text from outside.
        estimated_cost: dollars the call itself costs, if known; when the tool's preview says more, that counts.
        confidence: how sure the planner is of it, from 0 to 1. Below what the policy says it adds points; it never takes any away.
        timeout_s: decide within so many seconds; the policy's own deadline, when shorter, stands.
    """
    proposal: dict[str, Any] = {"kind": "tool", "tool": tool, "args": dict(args)}
    extra: dict[str, Any] = {"rationale": rationale, "evidence": [dict(e) for e in evidence]}
    extra |= {"estimated_cost": estimated_cost, "confidence": confidence, "timeout_s": timeout_s}
    return settled(proposal, extra)


def ask(question: str, *, context: str = "", evidence: Sequence[Mapping[str, str]] = ()) -> Outcome:
    """Ask people a question; the answer is `response`, and `status` is "answered" or "rejected"."""
    proposal: dict[str, Any] = {"kind": "question", "tool": "ask_human", "args": {"question": question, "context": context}}
    return settled(proposal, {"evidence": [dict(e) for e in evidence]})


def proposal_digest(proposal: Mapping[str, Any]) -> str:
    """Digest of what is proposed. A proposal without canonical form gets one of its repr: it will be refused."""
    try:
        return canonical.digest(DOMAIN, canonical.dumps(dict(proposal)))
    except canonical.NotCanonical:
        return hashlib.sha256(repr(sorted(proposal.items())).encode("utf-8", "backslashreplace")).hexdigest()


def settled(proposal: Mapping[str, Any], extra: Mapping[str, Any] = MappingProxyType({}), *, asks: Asks | None = None) -> Outcome:
    """Wait for the settled fact about a proposal. For `gate`, `ask` and `governed`.

    Args:
        asks: another way to ask than `interrupt`, given what is asked and which answers are for it.
    """
    digest = proposal_digest(proposal)
    payload = {MARK: VERSION, **proposal, "digest": digest, **extra}

    def mine(answer: Any) -> bool:
        return isinstance(answer, Mapping) and answer.get("digest") == digest

    answer = asks(payload, mine) if asks else interrupt(payload)
    while not mine(answer):
        # The node was run again with other arguments, or an old answer came back: this question is still open.
        stale = answer.get("digest") if isinstance(answer, Mapping) else None
        again = {**payload, "asked_again_after": str(stale or "an answer without a digest")}
        answer = asks(again, mine) if asks else interrupt(again)
    return Outcome(
        status=str(answer.get("status", "unknown")),
        result=answer.get("result"),
        reason=str(answer.get("reason", "")),
        response=str(answer.get("response", "")),
        args=answer.get("args"),
        action=str(answer.get("action", "")),
        raw=answer,
    )
