"""Waking a worker after commit: to reach people, to ask a second model. Only a hint: the tick of every two seconds finds what nobody woke.

At most one a second of each task from each process, and none for a while after the broker did not take one: whoever decides or proposes never waits.
"""

import time

import structlog
from celery import current_app
from django.db import transaction

logger = structlog.get_logger("approvals.waking")
REACH, SLACK, OPINIONS = "approvals.tasks.reach", "approvals.tasks.slack", "agents.tasks.give_opinions"
EVERY_S, REST_S = {REACH: 1.0, SLACK: 0.2, OPINIONS: 0.5}, 15.0
_next = {REACH: 0.0, SLACK: 0.0, OPINIONS: 0.0}


def soon(task: str = REACH) -> None:
    """Wake a worker when the caller's transaction commits."""
    if time.monotonic() >= _next[task]:
        transaction.on_commit(lambda: _wake(task), robust=True)


def _wake(task: str) -> None:
    now = time.monotonic()
    if now < _next[task]:
        return
    _next[task] = now + EVERY_S[task]
    try:
        current_app.send_task(task, retry=False, ignore_result=True)
    except Exception as error:  # whatever the broker's client raises, the row is committed and will be found
        _next.update(dict.fromkeys(_next, now + REST_S))
        logger.warning("broker_unreachable", task=task, error=str(error))
