"""Sending a wake to the broker. Only a hint: what nobody woke, the sweeper finds in the database.

Where people wait for this process, a thread of its own sends: a broker that is there and does not answer holds each call for seconds (its
sockets' time-out), and nobody who decides, presses or proposes may wait for that. Workers and commands send by themselves: a command is over
before a thread would have sent, and a worker has nobody waiting. After a failure the broker is left alone for a while, by all of them together.
"""

import os
import threading
import time
from queue import Full, Queue

import structlog
from celery import current_app
from django.conf import settings

logger = structlog.get_logger("approvals.knocking")
REST_S = 15.0
MOST = 1_000  # that wait to be sent; what is more, the sweeper finds
APART = frozenset({"web", "slack"})  # roles with somebody waiting
Knock = tuple[str, tuple[str, ...]]

_rest_until = 0.0
_waiting: Queue[Knock] = Queue(MOST)
_thread: threading.Thread | None = None
_pid = 0
_starting = threading.Lock()


def knock(task: str, *args: str) -> None:
    """Send a task to whoever serves its queue. Never raises; in the roles that people wait for it returns at once."""
    if resting():
        return
    if settings.ROLE not in APART:
        _send(task, args)
        return
    _ensure_thread()
    try:
        _waiting.put_nowait((task, args))
    except Full:
        logger.warning("wakes_dropped", task=task)


def resting() -> bool:
    """Whether the broker did not take a wake just now, and is left alone."""
    return time.monotonic() < _rest_until


def _send(task: str, args: tuple[str, ...]) -> None:
    global _rest_until
    try:
        current_app.send_task(task, args=list(args), retry=False, ignore_result=True)
    except Exception as error:  # whatever the broker's client raises, the row is committed and will be found
        _rest_until = time.monotonic() + REST_S
        logger.warning("broker_unreachable", task=task, row=args[0] if args else "", error=str(error))


def _ensure_thread() -> None:
    global _thread, _pid, _waiting
    if _thread is not None and _pid == os.getpid() and _thread.is_alive():
        return
    with _starting:
        if _thread is not None and _pid == os.getpid() and _thread.is_alive():
            return
        if _pid != os.getpid():
            _waiting = Queue(MOST)  # after a fork the parent's queue has nobody who empties it
        _pid = os.getpid()
        _thread = threading.Thread(target=_send_forever, args=(_waiting,), name="countersign-knocking", daemon=True)
        _thread.start()


def _send_forever(waiting: Queue[Knock]) -> None:
    while True:
        task, args = waiting.get()
        if not resting():  # what came before a failure is as stale as what comes after it
            _send(task, args)
