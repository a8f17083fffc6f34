"""A database for each process of tests, copied from one that is migrated once; and how it is emptied.

All processes of a run share one server: the first has the common database made (five seconds of computing), the others wait and copy it.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from django.db import connection
from psycopg import sql

from config.services.embedded import Services

KEPT = {"django_migrations", "django_content_type", "auth_permission", "checkpoint_migrations"}
REWOUND = """SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE last_value IS NOT NULL"""
DROP = "DROP DATABASE IF EXISTS {} WITH (FORCE)"  # worker threads may be connected
_ONE_AT_A_TIME = 0x7E575


@dataclass(frozen=True)
class Shared:
    """Where PostgreSQL and the broker of a run are, and what its common database is called."""

    database_url: str
    redis_url: str
    common: str

    @classmethod
    def of(cls, services: Services) -> "Shared":
        return cls(services.database_url, services.redis_url, f"test_countersign_common_{os.getpid()}")

    @contextmanager
    def database(self, migrate: Callable[[str], None]) -> Iterator[str]:
        """A database for this process, until the block ends: its name. `migrate` makes the common one out of an empty one."""
        name, half = f"test_countersign_{os.getpid()}", f"{self.common}_half"  # what failed half-way is no model for anybody
        with self._server() as server:
            server.execute("SELECT pg_advisory_lock(%s)", [_ONE_AT_A_TIME])
            if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.common]).fetchone() is None:
                _order(server, DROP, half)
                _order(server, "CREATE DATABASE {}", half)
                migrate(half)
                _order(server, "ALTER DATABASE {} RENAME TO {}", half, self.common)
            _order(server, "CREATE DATABASE {} TEMPLATE {}", name, self.common)
        try:
            yield name
        finally:
            self._drop(name)

    def close(self) -> None:
        """The servers may not be ours: nothing is left there."""
        self._drop(self.common, f"{self.common}_half")

    def _drop(self, *names: str) -> None:
        with self._server() as server:
            for name in names:
                _order(server, DROP, name)

    def _server(self) -> psycopg.Connection:
        return psycopg.connect(self.database_url, autocommit=True)


def _order(server: psycopg.Connection, order: str, *names: str) -> None:
    statement = sql.SQL(order).format(*map(sql.Identifier, names))
    at_last(lambda: server.execute(statement))


def at_last(order: Callable[[], object], *, tries: int = 20, pause_s: float = 0.25) -> None:
    """FORCE may not end what the superuser runs: "permission denied to terminate process" while autovacuum is at work there, soon over."""
    for left in reversed(range(tries)):
        try:
            order()
            return
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            if not left:
                raise
            time.sleep(pause_s)


def empty() -> None:
    """Empty all tables, those of the checkpoints too, by deleting where there is something: TRUNCATE makes every file anew, which takes
    many times as long. Our own guards are out of the way meanwhile; foreign keys, which Django defers, are looked at once, at the end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'checkpoints')")
        tables = [sql.Identifier(schema, table) for schema, table in cursor.fetchall() if table not in KEPT]
        probes = [sql.SQL("(SELECT {}::int FROM {} LIMIT 1)").format(place, table) for place, table in enumerate(tables)]
        cursor.execute(sql.SQL(" UNION ALL ").join(probes).as_string(cursor.connection))
        full = [tables[place] for (place,) in cursor.fetchall()]
        cursor.execute("; ".join(["BEGIN", *_emptying(full), REWOUND, "COMMIT"]))


def _emptying(tables: list[sql.Identifier]) -> Iterator[str]:
    for order in (
        "ALTER TABLE {} DISABLE TRIGGER USER",
        "DELETE FROM {}",
        "SET CONSTRAINTS ALL IMMEDIATE",
        "ALTER TABLE {} ENABLE TRIGGER USER",
    ):
        yield from dict.fromkeys(sql.SQL(order).format(table).as_string() for table in tables)
