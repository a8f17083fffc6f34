"""Connections of the pool that PostgreSQL has cut are not lent, and whether a request has committed anything is known.

Django's own health checks (`CONN_HEALTH_CHECKS`) are no way to that: psycopg_pool 3.3 sleeps for 1, 2, 4, ... s between two that fail
(`_getconn_with_check_loop`), so after a restart the first person waits for as long as anybody waits for a connection, and gets a 503. Imports Django and psycopg.
"""

from select import POLLIN, poll
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql import base
from django.utils.asyncio import async_unsafe


class DatabaseWrapper(base.DatabaseWrapper):
    commits = 0  # that were begun since `begin`

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """As Django's. What was cut while it lay in the pool is given up at once, each in the time of a look; the pool makes others."""
        connection = super().get_new_connection(conn_params)
        for _ in range(
            self.pool.max_size if self.pool else 0
        ):  # no more can have lain there; one that is cut as soon as it is made is the caller's trouble
            if not is_cut(connection):
                break
            connection.close()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection

    def _commit(self) -> None:
        self.commits += 1  # before it: the server may have done it, and its answer be lost
        super()._commit()  # type: ignore[misc]


def begin() -> None:
    """A request of this thread begins."""
    connections[DEFAULT_DB_ALIAS].commits = 0  # type: ignore[attr-defined]


def may_have_written() -> bool:
    """Whether this thread has begun to commit anything since `begin`. What changes a state does it in a transaction."""
    return bool(getattr(connections[DEFAULT_DB_ALIAS], "commits", 0))


def is_cut(connection: "psycopg.Connection[Any]") -> bool:
    """Whether the server has ended this idle connection. Asks the system alone, and the server only where it has sent something."""
    look = poll()
    look.register(connection.fileno(), POLLIN)
    if not look.poll(0):
        return False
    try:
        connection.execute("")
    except psycopg.Error:
        return True
    return False
