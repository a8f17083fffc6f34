"""Waking a worker to reach people, after commit. Only a hint: the tick of every two seconds finds what nobody woke.

At most one a second from each process, and none for a while after the broker did not take one: whoever decides or proposes never waits.
"""

import time

import structlog
from celery import current_app
from django.db import transaction

logger = structlog.get_logger("approvals.waking")
TASK = "approvals.tasks.reach"
EVERY_S, REST_S = 1.0, 15.0
_next = 0.0


def soon() -> None:
    """Wake a worker when the caller's transaction commits."""
    if time.monotonic() >= _next:
        transaction.on_commit(_wake, robust=True)


def _wake() -> None:
    global _next
    now = time.monotonic()
    if now < _next:
        return
    _next = now + EVERY_S
    try:
        current_app.send_task(TASK, retry=False, ignore_result=True)
    except Exception as error:  # whatever the broker's client raises, the row is committed and will be found
        _next = now + REST_S
        logger.warning("broker_unreachable", task=TASK, error=str(error))
