"""What people decided about a question that an order took away (cancelled, rewound): said of it where for certain nobody heard it.

Who drives a run reads what was decided when it begins. What was decided after the last drive had ended well has been read by nobody; of what was
decided during one, or before one that failed, nothing is certain and nothing is said.
"""

from collections.abc import Sequence
from uuid import UUID

from agents.models import Handover, Pause, Run, Thread
from approvals import operations as approvals
from audit.queries import last_of

_DRIVES = ("run.started", "run.resumed", "run.failed")
_STANDS = ("run.waiting", "run.halted")


def say_unheard(run: Run, pauses: Sequence[Pause], *, reason: str) -> None:
    """Say it on each of their actions that has a decision; the actions are locked. `reason`: why the question is gone."""
    stood = last_of((*_DRIVES, *_STANDS), run=str(run.pk))
    if stood is None or stood.kind not in _STANDS:
        return
    remote = Thread.objects.filter(run=run).exists()
    for pause in pauses:
        if remote and Handover.objects.filter(pause=pause).exists():
            continue
        for action in pause.actions:
            approvals.unheard(UUID(action), reason=reason, since=stood.at)
