"""Stand-ins and helpers that several tests share: threads that start together, a policy in a file, database surgery."""

import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import yaml
from django.conf import settings
from django.db import connection, transaction

from approvals.models import PolicyVersion
from approvals.operations import people, policies, publishing
from approvals.policy.checking import Known


def together(calls: Sequence[Callable[[], Any]], *, seconds: float = 60) -> list[Any]:
    """Call all at the same moment, each in a thread with a database connection of its own; results or exceptions, in order."""
    results: list[Any] = [TimeoutError("did not come back")] * len(calls)
    gun = threading.Barrier(len(calls))

    def one(index: int, call: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            gun.wait(seconds)
            results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    return results


@contextmanager
def as_intruder(table: str) -> Iterator[Any]:
    """A cursor for somebody who owns the database and has switched its guards off for a moment."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # Django's deferred keys would keep the table from being altered
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


CLOCK = """
CREATE SCHEMA moved;
CREATE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql
    AS $$ SELECT pg_catalog.clock_timestamp() + current_setting('moved.by')::interval $$;
CREATE FUNCTION moved.statement_timestamp() RETURNS timestamptz LANGUAGE sql
    AS $$ SELECT pg_catalog.statement_timestamp() + current_setting('moved.by')::interval $$;
"""


@contextmanager
def clock_moved(**by: float) -> Iterator[None]:
    """The database's clock as it will be in so many minutes, for this connection: the product has no other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('moved.by', %s, false)", [str(timedelta(**by))])
        cursor.execute("SET search_path = moved, pg_catalog, public")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path")


class PolicyInForce:
    """The policy as the product has it: what is written is proposed by one administrator and published by another."""

    def read_text(self) -> str:
        return policies.in_force().source

    def write_text(self, source: str) -> PolicyVersion:
        author, other = (people.ensure_person(username=name, roles=["admins"]) for name in ("ada", "anna"))
        made = publishing.propose(source, justification="a test wants it", known=Known(), by=author, door="cli")
        return publishing.publish(made.pk, known=Known(), by=other, door="cli")


def with_rules(rules: str) -> str:
    """The policy that ships, with these rules (YAML, as it stands under `rules:`)."""
    lines = "\n".join(f"  {line}" for line in textwrap.dedent(rules).strip().splitlines())
    return settings.POLICY_FILE.read_text().replace("rules: []\n", f"rules:\n{lines}\n")


def policy_text(change: Callable[[dict[str, Any]], None] | None = None) -> str:
    """The policy that ships, changed by `change`."""
    data = yaml.load(settings.POLICY_FILE.read_text(), Loader=yaml.CSafeLoader)
    if change:
        change(data)
    return str(yaml.dump(data, Dumper=yaml.CSafeDumper))
