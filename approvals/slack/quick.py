"""Doing something within the time Slack gives: at once when nobody else holds the row and the database is quick, else not at all.

The time counts from the receipt of the request, as Slack's does: whoever asked this and that before has less of it left.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from enum import Enum, auto
from typing import Any

from django.db import OperationalError, connection, transaction

BUSY_MS, WHOLE_MS = 100, 180  # for a lock, and for all of it: Slack has its answer within 300 ms
LEAST_MS = 100  # with less of it left, what can be stored is not tried before: trying in vain takes the time that storing needs
_received: ContextVar[float | None] = ContextVar("slack_received", default=None)
_HELD, _CUT_OFF = "55P03", "57014"  # lock_not_available, and by statement_timeout
_LIMITS = """
WITH was AS MATERIALIZED (SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement)
SELECT was.lock, was.statement, set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true) FROM was
"""
_UNDOES = ("ROLLBACK", "RELEASE")


class Busy(Exception):
    """What a delivery asks for cannot be done in Slack's time, and is not stored either: Slack is to send it again."""


class _TooLong(Exception):
    """The time is over, and nothing more is begun."""


class Ended(Enum):
    """How an attempt ended: `HELD` and `LATE` did nothing."""

    DONE = auto()
    HELD = auto()  # somebody else has a lock on what it needs
    LATE = auto()


@contextmanager
def counted() -> Iterator[None]:
    """A request came in this moment: what is done for it in here has its time from now on."""
    token = _received.set(time.monotonic())
    try:
        yield
    finally:
        _received.reset(token)


def left_ms(whole_ms: int) -> float:
    """How much of it is left for the request that is being answered; all of it where none is."""
    began = _received.get()
    return whole_ms if began is None else whole_ms - (time.monotonic() - began) * 1000


def within(milliseconds: int, job: Callable[[], Any], *, whole_ms: int = 0) -> bool:
    """Do it if that can be done in time; see `tried`."""
    return tried(milliseconds, job, whole_ms=whole_ms) is Ended.DONE


def tried(milliseconds: int, job: Callable[[], Any], *, whole_ms: int = 0) -> Ended:
    """Do it in a transaction that waits for a lock only so long. When it waited in vain nothing was done.

    Args:
        whole_ms: and that ends so long after the request came in: a statement that takes longer than what is left is cut off, and the next
            one is not begun. What is no statement, and the commit, is not bounded by it. 0: as long as it takes.
    """
    left = max(1, int(left_ms(whole_ms))) if whole_ms else 0
    until = time.monotonic() + left / 1000
    patience = min(milliseconds, max(1, left * 2 // 3)) if left else milliseconds  # so that a lock is said to be one

    def in_time(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if time.monotonic() > until and not sql.startswith(_UNDOES):
            raise _TooLong
        return execute(sql, *rest)

    try:
        with transaction.atomic():
            before = _limits(f"{patience}ms", f"{left}ms")
            with connection.execute_wrapper(in_time) if whole_ms else nullcontext():
                job()
            _limits(*before)  # what follows in the caller's transaction, and its commit, is not to be cut off
    except _TooLong:
        return Ended.LATE
    except OperationalError as error:
        state = getattr(error.__cause__, "sqlstate", "")
        if state not in (_HELD, _CUT_OFF):
            raise
        return Ended.HELD if state == _HELD else Ended.LATE
    return Ended.DONE


def _limits(lock: str, statement: str) -> tuple[str, str]:
    """Set both for the rest of the transaction; what they were."""
    with connection.cursor() as cursor:
        cursor.execute(_LIMITS, [lock, statement])
        was: tuple[str, str] = cursor.fetchone()[:2]
    return was
