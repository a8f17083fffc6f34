"""LangGraph's checkpoints: one direct connection per process, which also holds the lock on the thread being driven.

Lock and writes share the connection on purpose: a worker that lost its lock has lost its saver with it. Where only the server was restarted, a new
connection takes the lock first, and whoever drives says that the run is still its own; then what could not be written is.
Checkpoint rows are as good as code (CVE-2026-28277): they have a schema of their own and strict msgpack.
"""

import atexit
import math
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db import connection as django_connection
from langgraph.checkpoint.postgres import PostgresSaver
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from agents.graphs.halves import Serializer, Whole, visible

T = TypeVar("T")
SCHEMA = "checkpoints"
PATIENCE_S = 30.0  # for a server that is restarted; the lease may have run out by then, and whoever drives is asked
_EACH_S = 0.25
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 7)) AS held"


@dataclass
class _Line:
    """The connection of a saver and of the copies of it that LangGraph makes for graphs.

    Attributes:
        driven: the thread that is driven, and what says that it still may be; None between two stretches.
        mended: whether the server went away and came back during this stretch.
    """

    conn: psycopg.Connection[dict[str, Any]]
    driven: tuple[str, Callable[[], bool]] | None = None
    mended: bool = False
    mending: Any = field(default_factory=threading.Lock)

    def again(self, lost: psycopg.Connection[dict[str, Any]], until: float) -> bool:
        """Whether there is another connection in the place of this one, with the thread's lock, and nobody took the run meanwhile."""
        with self.mending:
            while self.conn is lost and self.driven is not None and time.monotonic() < until:
                time.sleep(_EACH_S)
                thread, mine = self.driven
                with suppress(psycopg.OperationalError):
                    conn = _connect()
                    if not _takes(conn, thread) or not mine():
                        conn.close()
                        return False
                    self.conn, self.mended = conn, True
            return self.conn is not lost


class Saver(PostgresSaver):
    """The saver also for graphs that need an event loop: the loop is this run's alone, so it may wait for the one connection."""

    line: _Line

    @property
    def conn(self) -> Any:
        return self.line.conn

    @conn.setter
    def conn(self, conn: Any) -> None:
        self.line = _Line(conn)

    def put(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        kept: Any = {**checkpoint, "channel_values": {name: _to_keep(value) for name, value in checkpoint["channel_values"].items()}}
        return self._at_last(partial(super().put, config, kept, metadata, new_versions))

    def put_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        self._at_last(partial(super().put_writes, config, writes, task_id, task_path))

    def get_tuple(self, config: Any) -> Any:
        return self._at_last(partial(super().get_tuple, config))

    def _at_last(self, work: Callable[[], T]) -> T:
        """Each is one transaction, and the same again writes the same: so one whose answer was lost is tried once more."""
        until = time.monotonic() + PATIENCE_S
        while True:
            conn = self.line.conn
            try:
                return work()
            except (psycopg.OperationalError, psycopg.InterfaceError):
                if not conn.closed or not self.line.again(conn, until):
                    raise

    async def aget_tuple(self, config: Any) -> Any:
        return self.get_tuple(config)

    async def alist(self, config: Any, **more: Any) -> AsyncIterator[Any]:
        for found in self.list(config, **more):
            yield found

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        return self.put(config, checkpoint, metadata, new_versions)

    async def aput_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        self.put_writes(config, writes, task_id, task_path)


def _to_keep(value: Any) -> Any:
    """LangGraph keeps texts and numbers as JSON, also those that are more than that or that JSON has no word for; everything else by the serializer."""
    if isinstance(value, Enum) or (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, str) and "\0" in value):
        return Whole(value)
    return visible(value) if isinstance(value, str) else value


_saver: Saver | None = None
_pid = 0


class ThreadBusy(Exception):
    """Another process is driving this thread right now."""


def direct_dsn() -> str:
    """The direct address of the database Django uses (tests use a database of their own)."""
    return make_conninfo(settings.DATABASE_DIRECT_URL, dbname=str(django_connection.settings_dict["NAME"]))


def setup() -> None:
    """Create or migrate LangGraph's tables, once, in the migrate step (its indexes are built concurrently)."""
    with psycopg.connect(direct_dsn(), autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
    with _connect() as conn:
        PostgresSaver(conn).setup()


def saver() -> Saver:
    """This process's saver, made after the fork and made anew when its connection broke."""
    global _saver, _pid
    if _saver is None or _pid != os.getpid() or _conn(_saver).closed or _conn(_saver).broken:
        _saver, _pid = Saver(_connect(), serde=Serializer()), os.getpid()
    return _saver


def drop() -> None:
    """Give the connection up after an error: the next caller gets a new one, and the thread's lock is free."""
    global _saver
    if _saver is not None and _pid == os.getpid():
        _conn(_saver).close()
    _saver = None


atexit.register(drop)  # a process that ends says goodbye to the server


@contextmanager
def locked(thread: str, *, mine: Callable[[], bool] = lambda: True) -> Iterator[Saver]:
    """Hold the thread's advisory lock while driving it.

    Args:
        mine: asked when the server was restarted meanwhile: whether the run is still this worker's. Raises psycopg.OperationalError.

    Raises:
        ThreadBusy: somebody else holds it. The fence is what protects; this saves the work.
    """
    try:
        held, got = _try(thread)
    except psycopg.OperationalError:
        # The server was restarted since this connection was used last. Nothing has begun: once more on a new one.
        drop()
        held, got = _try(thread)
    if not got:
        raise ThreadBusy(thread)
    held.line.driven, held.line.mended = (thread, mine), False
    try:
        yield held
    finally:
        held.line.driven = None
        try:
            _conn(held).execute("SELECT pg_advisory_unlock(hashtextextended(%s, 7))", [thread])
        except psycopg.Error:
            drop()  # the server lets go of the lock with the connection


def _try(thread: str) -> tuple[Saver, bool]:
    held = saver()
    return held, _takes(_conn(held), thread)


def _takes(conn: psycopg.Connection[dict[str, Any]], thread: str) -> bool:
    row = conn.execute(_LOCK, [thread]).fetchone()
    return bool(row and row["held"])


def _connect() -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(
        direct_dsn(),
        autocommit=True,
        prepare_threshold=3,  # the address is direct, so the server may keep the dozen statements of a step
        row_factory=dict_row,
        options=f"-c search_path={SCHEMA}",
        application_name="countersign-checkpoints",
        connect_timeout=5,
        keepalives=1,
        keepalives_idle=10,
    )


def _conn(of: PostgresSaver) -> psycopg.Connection[dict[str, Any]]:
    conn = of.conn
    if not isinstance(conn, psycopg.Connection):
        raise TypeError("our saver is made of one connection, which also holds the lock")
    return conn
