"""What comes after the acknowledgement and needs no memory: opening a view, a private sentence. A few threads of this process.

What is lost when the process dies is a sentence or a view, never a decision: those are committed before the answer.
"""

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import structlog
from django.db import connections, transaction

from approvals.notify.errors import NotSent

log = structlog.get_logger("approvals.slack")
WAITING = 200  # more than that is dropped: Slack would have given up on them
_pool: ThreadPoolExecutor | None = None
_open: set["Future[None]"] = set()


def do(job: Callable[[], Any]) -> None:
    """Do it soon, in a thread of its own; once the caller's transaction has committed, for it must see what that did."""
    transaction.on_commit(lambda: _begin(job))


def _begin(job: Callable[[], Any]) -> None:
    global _pool
    if len(_open) >= WAITING:
        log.warning("slack_too_busy")
        return
    _pool = _pool or ThreadPoolExecutor(max_workers=4, thread_name_prefix="slack")
    future = _pool.submit(_run, job)
    _open.add(future)
    future.add_done_callback(_open.discard)


def wait(seconds: float = 10) -> None:
    """Until all of it is done: for tests, and when the process ends."""
    for future in list(_open):
        with contextlib.suppress(TimeoutError):
            future.result(seconds)


def _run(job: Callable[[], Any]) -> None:
    try:
        job()
    except NotSent as failure:
        log.warning("slack_not_told", why=failure.why)
    except Exception:
        log.exception("slack_failed")
    finally:
        connections.close_all()
