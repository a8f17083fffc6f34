"""Doing something within the time Slack gives: at once when nobody else holds the row and the database is quick, else not at all."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.db import OperationalError, connection, transaction

BUSY_MS, WHOLE_MS = 100, 180  # for a lock, and for all of it: Slack has its answer within 300 ms
_IN_VAIN = frozenset({"55P03", "57014"})  # lock_not_available, and cut off by statement_timeout
_LIMITS = """
WITH was AS MATERIALIZED (SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement)
SELECT was.lock, was.statement, set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true) FROM was
"""
_UNDOES = ("ROLLBACK", "RELEASE")


class Busy(Exception):
    """What a delivery asks for cannot be done in Slack's time, and is not stored either: Slack is to send it again."""


class _TooLong(Exception):
    """The time is over, and nothing more is begun."""


def within(milliseconds: int, job: Callable[[], Any], *, whole_ms: int = 0) -> bool:
    """Do it in a transaction that waits for a lock only so long. False when it waited in vain; then nothing was done.

    Args:
        whole_ms: and that takes no longer altogether: a statement that does is cut off, and the next one is not begun. What is no
            statement, and the commit, is not bounded by it. 0: as long as it takes.
    """
    until = time.monotonic() + whole_ms / 1000

    def in_time(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if time.monotonic() > until and not sql.startswith(_UNDOES):
            raise _TooLong
        return execute(sql, *rest)

    try:
        with transaction.atomic():
            before = _limits(f"{milliseconds}ms", f"{whole_ms}ms")
            with connection.execute_wrapper(in_time) if whole_ms else nullcontext():
                job()
            _limits(*before)  # what follows in the caller's transaction, and its commit, is not to be cut off
    except _TooLong:
        return False
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") not in _IN_VAIN:
            raise
        return False
    return True


def _limits(lock: str, statement: str) -> tuple[str, str]:
    """Set both for the rest of the transaction; what they were."""
    with connection.cursor() as cursor:
        cursor.execute(_LIMITS, [lock, statement])
        was: tuple[str, str] = cursor.fetchone()[:2]
    return was
