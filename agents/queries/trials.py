"""Dry runs of a run, as people ordered them, and what came of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.errors import UnknownTrial
from agents.models import Pause, Trial
from audit.sentences import say

LISTED = 50


@dataclass(frozen=True)
class TrialRow:
    """One dry run.

    Attributes:
        state: "waiting" for a worker, "running", "done", or "failed", and then `error` says why.
        wanted: the order (`operations.trials.Wanted`). result: of a replay and of a fork (`operations.trial_child`); None until it is done.
    """

    id: str
    run: str
    kind: str
    state: str
    wanted: Mapping[str, Any]
    by: str
    door: str
    ordered_at: datetime
    ended_at: datetime | None
    result: Any
    error: str


def trials(run_id: Any, *, limit: int = LISTED) -> list[TrialRow]:
    """Those of a run, the newest first, without what came of them in full: `result` holds how it ended only."""
    rows = Trial.objects.filter(run=run_id).order_by("-ordered_at")[:limit]
    return [_row(trial, whole=False) for trial in rows]


def trial(run_id: Any, trial_id: UUID) -> TrialRow:
    """One of them. Raises UnknownTrial."""
    found = Trial.objects.filter(run=run_id, pk=trial_id).first()
    if found is None:
        raise UnknownTrial(say("This run has no such dry run"))
    return _row(found, whole=True)


def asked_of(run_id: Any) -> list[str]:
    """The actions a run asked people or policy for, in order."""
    return [str(action) for pause in Pause.objects.filter(run=run_id).order_by("pk") for action in pause.actions]


def _row(found: Trial, *, whole: bool) -> TrialRow:
    if found.ended_at is None:
        state = "waiting" if found.lease_until is None else "running"
    else:
        state = "failed" if found.result is None else "done"
    result = found.result
    if not whole and isinstance(result, Mapping):
        result = {name: result[name] for name in ("end", "difference", "steps", "unknown") if name in result}
    return TrialRow(
        str(found.pk), str(found.run_id), found.kind, state, found.wanted, found.by_name, found.door, found.ordered_at, found.ended_at, result, found.error,
    )  # fmt: skip
