"""Named places where tests kill this very process, to prove that nothing is lost or doubled there.

`COUNTERSIGN_CRASH_POINTS=/path/to/folder`: dies at a point for which it can remove the file of that name there, so once for each file.
Unset, as in every real installation, `crash` does nothing.
"""

import os
import signal
from pathlib import Path

from django.conf import settings

# In the order of design.md section 3.
POINTS = (
    "run_claimed",  # the Run is RUNNING, the graph has not moved
    "forked",  # an operator's order has made its checkpoint, and is not closed
    "fork_closed",  # it is closed, and the graph has not moved from there
    "call_reserved",  # a model call under a budget is counted by its prompt, and not made yet
    "call_made",  # it was made, and what it used is not counted
    "graph_moved",  # the checkpoint has moved, T1 has not begun
    "t1_open",  # inside T1, before its commit
    "t1_done",  # T1 committed, nobody woken
    "decided",  # T2 committed, nobody woken (in the web process)
    "t3_open",  # inside T3, before its commit
    "t3_done",  # claimed, the tool has not been called
    "told",  # an agent's node is about to be given its answer, and acts itself with it
    "effect_done",  # the tool has acted, T4 has not begun
    "t4_open",  # inside T4, before its commit
    "t4_done",  # T4 committed, nobody woken
    "compensation_claimed",  # claimed, nothing has been called
    "compensated",  # the tool has reversed it, nothing is recorded
    "compensation_open",  # inside the transaction that records it, before its commit
)


def crash(point: str) -> None:
    """Kill this process, without any clean-up, if the tests asked for it at this point."""
    if not settings.CRASH_POINTS:
        return
    try:
        Path(settings.CRASH_POINTS, point).unlink()
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
