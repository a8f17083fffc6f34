"""Work that waits for machines of others (Slack, a mail server, endpoints of customers), beside what runs wait for.

A worker's process has one thread for each kind of it and never waits for that thread: however slow the others are, every worker stays
free for runs. Each piece is a row that is claimed first, so a thread that dies with its process loses nothing. Imports nothing of ours.
"""

import threading
import time
from collections.abc import Callable

import structlog
from django.db import connections

log = structlog.get_logger("approvals.aside")
_all: list["Aside"] = []
IDLE_S = 30.0  # a thread with nothing to do for so long ends, and gives its connection back


class Aside:
    """One kind of work and its thread, of which there is at most one in a process."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self._name, self._work = name, work
        self._wanted, self._lock = threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = False
        _all.append(self)

    def wake(self) -> None:
        """Have it done soon; returns at once. Woken while it works, it works once more."""
        self._wanted.set()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=f"aside-{self._name}", daemon=True)
                self._thread.start()

    def end(self, until: float) -> None:
        """Finish what is begun and begin nothing more; not for longer than until then, by the monotonic clock."""
        self._ending = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        try:
            while self._wanted.wait(IDLE_S) and not self._ending:
                self._wanted.clear()
                for connection in connections.all(initialized_only=True):
                    connection.close_if_unusable_or_obsolete()
                try:
                    self._work()
                except Exception:  # the next tick tries again; a thread that ended here would take its kind of work with it
                    log.exception("aside_failed", work=self._name)
        finally:
            connections.close_all()


def end_all(*, seconds: float = 3.0) -> None:
    """The process ends: what is being sent is finished, so that nobody has to find out later whether it was."""
    until = time.monotonic() + seconds
    for one in _all:
        one.end(until)
