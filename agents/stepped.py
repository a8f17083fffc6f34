"""What each step of a run took, beside its checkpoint: which model, prompts and policy, how long, what it cost, and its error.

A checkpoint is written once and never changes, so this is read from what was recorded while the step ran: its spans, the policies in force by
their dates, and the agent's version, which holds its model, its tools and its graph. Reads only.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents import queries
from agents.history import Checkpoint
from approvals.queries.policies import published_at
from audit.spans import StepSpan, of_steps


@dataclass(frozen=True)
class Made:
    """How a checkpoint came about.

    Attributes:
        models: their names, with how often each was called. prompts: SHA-256 of each call's prompt, in order.
        took_ms: of its nodes' own time, the longest; waiting for people is no part of it. None: no node ran.
        micros: millionths of a dollar of its model calls. error: of the node that failed on the way from here, its last line.
        tools: SHA-256 of the agent's version, which names its tools with their schemas. policy: the number of the policy in force then, 0: none yet.
    """

    models: dict[str, int]
    prompts: tuple[str, ...]
    took_ms: float | None
    tokens: int
    micros: int
    error: str
    tools: str
    policy: int


def made(run: str, rows: Sequence[Checkpoint]) -> dict[str, Made]:
    """By checkpoint, of these of one run, the newest first; of the oldest of them the step is found by its parent's time where that is among them."""
    if not rows:
        return {}
    spans = sorted((span for span in of_steps(run) if span.ended_at), key=_ended)
    times = {one.id: one.at for one in rows}
    policies, tools = published_at(), queries.version_digests(run)
    found = {}
    for older, one in zip([*rows[1:], None], rows, strict=True):
        since = times.get(one.parent) or (older.at if older else None)
        found[one.id] = _made(one, since, spans, policies, tools)
    return found


def _made(
    one: Checkpoint, since: datetime | None, spans: Sequence[StepSpan], policies: Sequence[tuple[datetime, int]], tools: dict[str, str]
) -> Made:
    """Of the spans that ended between the checkpoint before and this one; an error is of a node that began from here."""
    # Where an operator went back or changed something no node ran, however much did since the checkpoint it was made from.
    of = (
        []
        if one.source in {"fork", "update"}
        else spans[bisect_right(spans, since, key=_ended) if since else 0 : bisect_right(spans, one.at, key=_ended)]
    )
    models = [span for span in of if span.kind == "model"]
    names: dict[str, int] = {}
    for span in models:
        names[span.name] = names.get(span.name, 0) + 1
    took = [(span.ended_at - span.started_at).total_seconds() * 1_000 for span in of if span.kind == "node" and span.ended_at]
    failed = next((span.error for span in spans if one.failed and span.kind == "node" and span.error and span.started_at >= one.at), "")
    before = bisect_right(policies, one.at, key=lambda row: row[0])
    return Made(
        names, tuple(span.prompt for span in models if span.prompt), max(took, default=None), sum(span.tokens for span in models),
        sum(span.micros for span in models), _last_line(failed), tools.get(one.version, ""), policies[before - 1][1] if before else 0,
    )  # fmt: skip


def _ended(span: StepSpan) -> datetime:
    return span.ended_at or span.started_at


def _last_line(error: str) -> str:
    """What went wrong, without the way there."""
    return error.strip().rpartition("\n")[2][:300]


def as_json(found: Made) -> dict[str, Any]:
    return {**vars(found), "prompts": list(found.prompts)}
