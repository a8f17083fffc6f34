"""Doing something within the time Slack gives: at once when nobody else holds the row and the database is quick, else not at all.

The time counts from the receipt of the request, as Slack's does: whoever asked this and that before has less of it left.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from enum import Enum, auto
from typing import Any, TypeVar

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

Made = TypeVar("Made")

BUSY_MS, WHOLE_MS = 100, 180  # for a lock, and for all of it: Slack has its answer within 300 ms
LEAST_MS = 100  # with less of it left, what can be stored is not tried before: trying in vain takes the time that storing needs
_received: ContextVar[float | None] = ContextVar("slack_received", default=None)
_HELD, _CUT_OFF = "55P03", "57014"  # lock_not_available, and by statement_timeout
_LIMITS = """
WITH was AS MATERIALIZED (SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement)
SELECT was.lock, was.statement, set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true) FROM was
"""
_UNDOES = ("ROLLBACK", "RELEASE")


class Ended(Enum):
    """How an attempt ended: `HELD` and `LATE` did nothing."""

    DONE = auto()
    HELD = auto()  # somebody else has a lock on what it needs
    LATE = auto()


class Busy(Exception):
    """What a delivery asks for cannot be done in Slack's time, and is not stored either: Slack, or whoever pressed, is to send it again."""

    def __init__(self, ended: Ended = Ended.LATE) -> None:
        super().__init__(ended)
        self.ended = ended


class ToKeep(Exception):
    """It cannot be done in Slack's time, and is to be stored in the commit of its answer: `wanted` as a `Todo` takes it, `sentence` for the view."""

    def __init__(self, wanted: dict[str, Any], sentence: str) -> None:
        super().__init__(sentence)
        self.wanted, self.sentence = wanted, sentence


class _TooLong(Exception):
    """The time is over, and nothing more is begun."""


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


def now(job: Callable[[], Made]) -> Made:
    """Do it in Slack's time. Raises Busy when that cannot be done; then nothing was."""
    made: list[Made] = []
    if (ended := tried(BUSY_MS, lambda: made.append(job()), whole_ms=WHOLE_MS)) is not Ended.DONE:
        raise Busy(ended)
    return made[0]


def again(ended: Ended) -> str:
    """What whoever asked for it is told when it could not be done. Of somebody else only when there is somebody."""
    if ended is Ended.HELD:
        return _("Somebody else is at this at the moment: nothing was recorded, try again")
    return _("It took too long: nothing was recorded, try again")


def kept_says(ended: Ended) -> str:
    """What whoever submitted a view is told when it was stored instead, and is done right after the acknowledgement."""
    if ended is Ended.HELD:
        return _("Kept. Somebody else holds this action at the moment: yours comes next, and this view says what became of it.")
    return _("Kept; it is being recorded, and this view says what became of it.")


def within(milliseconds: int, job: Callable[[], Any], *, whole_ms: int = 0, least_ms: int = 0) -> bool:
    """Do it if that can be done in time; see `tried`."""
    return tried(milliseconds, job, whole_ms=whole_ms, least_ms=least_ms) is Ended.DONE


def tried(milliseconds: int, job: Callable[[], Any], *, whole_ms: int = 0, least_ms: int = 0) -> Ended:
    """Do it in a transaction that waits for a lock only so long. When it waited in vain nothing was done.

    Args:
        whole_ms: and that ends so long after the request came in: a statement that takes longer than what is left is cut off, and the next
            one is not begun. What is no statement, and the commit, is not bounded by it. 0: as long as it takes.
        least_ms: with less than that left it is not begun.
    """
    if whole_ms and left_ms(whole_ms) < least_ms:
        return Ended.LATE
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
