"""A database that is away for some seconds: it is waited for, also with what nobody could find out again, such as what came of a call.

Imports none of the other operations.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
import structlog
from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")
logger = structlog.get_logger("agents.patience")
PATIENCE_S = 120.0  # a restart takes some three seconds; the lease may have run out by then, and the fence tells
_EACH_S = 0.25
_AWAY = (OperationalError, InterfaceError, psycopg.OperationalError)


def reach() -> None:
    """Wait for a database that is away, before anything of it is used. Raises as `surely`."""
    surely(lambda: connection.cursor().close())


def surely(write: Callable[[], T]) -> T:
    """Write, and again while the database is away (restarted, full) or chose another transaction: one that is not written would be called unknown.

    Args:
        write: one whole transaction that a fence or a state guards, since it may have been committed and only the answer lost.

    Raises:
        OperationalError, InterfaceError (Django's, or psycopg's where it is used): the database stayed away for PATIENCE_S seconds.
    """
    until, waited = time.monotonic() + PATIENCE_S, False
    while True:
        try:
            written = write()
        except _AWAY as error:
            connection.close()
            if time.monotonic() >= until:
                raise
            if not waited:
                logger.warning("database_waited_for", error=str(error))
            waited = True
            time.sleep(_EACH_S)
        else:
            if waited:
                logger.info("database_back")
            return written
