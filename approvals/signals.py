"""What the approvals room tells others, always inside the transaction that makes it true.

Receivers write rows and do no I/O. The sender is None; the one argument `resolved` is a `Resolved`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.dispatch import Signal

from audit.actors import Actor

# The decisions on an Action add up, or it ended without any (expired, cancelled, superseded).
action_resolved = Signal()
# An approval that was not used goes back to the people: whatever was prepared for it must not happen.
action_reopened = Signal()


@dataclass(frozen=True)
class Resolved:
    """A resolution, as receivers need it.

    Attributes:
        state: the Action's new state; `digest` of the version it holds for.
        executes: True when the tool is to be run now; False when nothing will be executed.
        outcome: what the asker will be told when nothing is executed (see `operations.verdicts`).
        hold_until: an approval may be taken back until then, and nothing can be claimed before.
        by_agent: what is approved is not for our executor: the agent makes the call itself once it is told.
        stopped_by: who rejected it and stopped its run with that.
    """

    action_id: UUID
    run: str
    tool: str
    state: str
    digest: str
    executes: bool
    outcome: dict[str, Any]
    hold_until: datetime | None = None
    stopped_by: Actor | None = None
    door: str = "worker"
    by_agent: bool = False
