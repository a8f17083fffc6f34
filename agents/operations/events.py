"""Entries of the audit log about runs, spelled once, and the hint that goes with a run's change."""

from typing import Any

from agents.models import Run
from approvals.operations import Hint, tell
from audit.actors import SYSTEM, Actor
from audit.log import Entry


def entry(run: Run, kind: str, *, by: Actor = SYSTEM, door: str = "worker", **data: Any) -> Entry:
    """An event of one run."""
    return Entry(stream=f"run:{run.pk}", kind=kind, by=by, door=door, agent=run.agent_id, run=str(run.pk), data=data)


def effect(action: str, agent: str, run: str, digest: str, kind: str, by: Actor, door: str, **data: Any) -> Entry:
    """An event of one effect, in the story of its action."""
    return Entry(stream=f"action:{action}", kind=kind, by=by, door=door, agent=agent, run=run, action=action, digest=digest, data=data)


def tell_run(run: Run, kind: str) -> None:
    """A run changed: lists of runs and its own page look again."""
    tell(Hint("runs", "run", str(run.pk), kind, run.fence))
