"""What comes after the acknowledgement: opening a view, a private sentence, a stored press. A few threads of this process for each pool.

Presses have threads of their own, which never wait for Slack; so have views, for what opens them holds three seconds. What is lost when the process dies is a sentence or a view, never a
decision: those are committed before the answer, or stored in the same commit (`slack.approving`).
"""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import structlog
from django.db import connections, transaction

from approvals.notify.errors import NotSent

log = structlog.get_logger("approvals.slack")
WAITING = 200  # more than that is dropped: Slack would have given up on them
ANSWERS, PRESSES, VIEWS = "answers", "presses", "views"
_pools: dict[str, ThreadPoolExecutor] = {}
_open: dict[str, set["Future[None]"]] = {ANSWERS: set(), PRESSES: set(), VIEWS: set()}
_lock = threading.Lock()


def do(job: Callable[[], Any], *, pool: str = ANSWERS) -> None:
    """Do it soon, in a thread of its own; once the caller's transaction has committed, for it must see what that did."""
    transaction.on_commit(lambda: _begin(job, pool))


def _begin(job: Callable[[], Any], pool: str = ANSWERS) -> None:
    waiting = _open[pool]
    if len(waiting) >= WAITING:
        log.warning("slack_too_busy", pool=pool)  # a stored press is decided by the sweeper then
        return
    with _lock:
        threads = _pools.get(pool) or _pools.setdefault(pool, ThreadPoolExecutor(max_workers=4, thread_name_prefix=f"slack-{pool}"))
    future = threads.submit(_run, job)
    waiting.add(future)
    future.add_done_callback(waiting.discard)


def wait(seconds: float = 10) -> None:
    """Until all of it is done: for tests, and when the process ends."""
    for pool in (PRESSES, VIEWS, ANSWERS):  # what is decided, or could not be opened, gives the others something to tell
        for future in list(_open[pool]):
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
