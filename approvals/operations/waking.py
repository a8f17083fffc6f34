"""Waking a worker after commit: to reach people, to ask a second model. Only a hint: the tick of every two seconds finds what nobody woke.

At most one a second of each task from each process; how it is sent, and that nobody waits for that, see `knocking`.
"""

import time

from django.db import transaction

from approvals.operations import knocking

REACH, SLACK, OPINIONS = "approvals.tasks.reach", "approvals.tasks.slack", "agents.tasks.give_opinions"
EVERY_S = {REACH: 1.0, SLACK: 0.2, OPINIONS: 0.5}
_next = {REACH: 0.0, SLACK: 0.0, OPINIONS: 0.0}


def soon(task: str = REACH) -> None:
    """Wake a worker when the caller's transaction commits."""
    if time.monotonic() >= _next[task]:
        transaction.on_commit(lambda: _wake(task), robust=True)


def _wake(task: str) -> None:
    now = time.monotonic()
    if now >= _next[task]:
        _next[task] = now + EVERY_S[task]
        knocking.knock(task)
