"""The transaction in which a tool does its work, with the one distinction that matters to the executor.

A ToolError says "nothing was done". So every database error before COMMIT becomes one (it was rolled back), and an error
of COMMIT itself does not, unless PostgreSQL says that it rolled back: then nobody can know, and people are asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
from psycopg import IsolationLevel, errors

from agents.tools.registry import ToolError
from shop_store.db import Row, ShopConnection, connect

SURELY_ROLLED_BACK = (errors.IntegrityError, errors.SerializationFailure, errors.DeadlockDetected)


@contextlib.contextmanager
def effect(isolation: IsolationLevel | None = None) -> Iterator[ShopConnection]:
    """One transaction; committed when the block ends, rolled back when it raises."""
    connection = _connect()
    try:
        if isolation is not None:
            connection.isolation_level = isolation
        connection.autocommit = False
        try:
            yield connection
        except psycopg.Error as error:
            raise ToolError(_code(error), f"The database refused, nothing was done: {_first_line(error)}") from error
        except ToolError:
            raise
        except Exception as error:  # a mistake of ours, and rolled back as surely
            raise ToolError("mistake", f"The tool failed, nothing was done: {type(error).__name__}: {error}"[:300]) from error
        try:
            connection.commit()
        except SURELY_ROLLED_BACK as error:
            raise ToolError(_code(error), f"The database refused, nothing was done: {_first_line(error)}") from error
    finally:
        connection.close()  # an open transaction is rolled back by this


@contextlib.contextmanager
def lookup() -> Iterator[ShopConnection]:
    """One transaction that PostgreSQL keeps read-only."""
    connection = _connect()
    try:
        connection.read_only = True
        connection.autocommit = False
        yield connection
    except psycopg.Error as error:
        raise ToolError(_code(error), f"The database refused: {_first_line(error)}") from error
    finally:
        connection.close()


def only_row(row: Row | None) -> Row:
    """The row of a statement that always returns one."""
    if row is None:
        raise LookupError("The statement returned no row.")
    return row


def _connect() -> ShopConnection:
    try:
        return connect()
    except psycopg.Error as error:
        raise ToolError("database_unavailable", "The shop's database cannot be reached; nothing was done.") from error


def _code(error: psycopg.Error) -> str:
    return "busy" if isinstance(error, errors.SerializationFailure | errors.LockNotAvailable | errors.QueryCanceled) else "database"


def _first_line(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error)).splitlines()[0][:300]
