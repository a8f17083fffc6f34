"""One PostgreSQL and one broker for the whole run, a database of our own in it, and the cast.

`DATABASE_URL` and `REDIS_URL` win; without them the embedded servers are started, once, when the first test asks.
"""

import atexit
import gc
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import TransactionTestCase
from psycopg import sql
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from agents.graphs import hazards, loader
from agents.graphs.project import Project
from agents.operations import registering, waking
from approvals import tasks
from config import env
from config.services.embedded import Services, embedded
from tests import factories, fakes
from tests.factories import Cast


def pytest_configure() -> None:
    """The policy that ships, without its holds: tests do not wait half a minute. Those about holds publish their own."""
    folder = Path(tempfile.mkdtemp(prefix="countersign-policy-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    text = settings.POLICY_FILE.read_text(encoding="utf-8")
    settings.POLICY_FILE = folder / "policy.yaml"
    settings.POLICY_FILE.write_text(re.sub(r"hold_s: [0-9]+", "hold_s: 0", text), encoding="utf-8")


def pytest_collection_finish() -> None:
    """What is loaded by now stays: looking through all of it for garbage again and again takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """Where PostgreSQL and the broker are."""
    with embedded(durable=False) as found:
        yield found


@pytest.fixture(scope="session")
def django_db_setup(services: Services, django_db_blocker: Any) -> Iterator[None]:
    """A migrated database for this process alone (xdist's workers each have one)."""
    name = f"test_countersign_{os.getpid()}"
    _create_or_drop(services, name, create=True)
    settings.DATABASE_URL = settings.DATABASE_DIRECT_URL = services.database_url
    settings.CELERY_BROKER_URL = settings.REDIS_URL = services.redis_url
    connections.settings["default"].update({**env.database(services.database_url, pooled=False), "NAME": name})
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0, interactive=False)
        with connection.cursor() as cursor:
            cursor.execute(fakes.CLOCK)
    yield
    with django_db_blocker.unblock():
        connection.close()
    _create_or_drop(services, name, create=False)


def _create_or_drop(services: Services, name: str, *, create: bool) -> None:
    order = "CREATE DATABASE {}" if create else "DROP DATABASE IF EXISTS {} WITH (FORCE)"  # worker threads may be connected
    with psycopg.connect(services.database_url, autocommit=True) as server:
        at_last(lambda: server.execute(sql.SQL(order).format(sql.Identifier(name))))


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


@pytest.fixture(scope="session", autouse=True)
def _emptied_by_us() -> Iterator[None]:
    """Tests that commit are cleaned up after by emptying every table, which the log's own guard refuses to Django's way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: empty_database())
        yield


KEPT = {"django_migrations", "django_content_type", "auth_permission", "checkpoint_migrations"}
REWOUND = """SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE last_value IS NOT NULL"""


def empty_database() -> None:
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


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_this_checkout_is_used(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Not its collected files: they may not be there, which whitenoise warns of."""
    settings.STATIC_ROOT = tmp_path_factory.mktemp("static")


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_looked_for_once() -> Iterator[None]:
    """As in a web process: each of a test's clients has middleware of its own, which would look through all folders again."""
    seen: dict[str, Any] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def once(self: WhiteNoiseMiddleware) -> None:
        if not seen:
            look(self)
            seen.update(self.files)
        self.files.update(seen)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", once)
        yield


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[waking.Wake]:
    """What would have been sent to the broker: tests are their own workers."""
    sent: list[waking.Wake] = []
    monkeypatch.setattr(waking, "_send", sent.append)
    return sent


@pytest.fixture(autouse=True)
def _no_morning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks of the sweeper owe nobody a digest, whatever the hour: tests about digests ask for them."""
    monkeypatch.setattr(tasks, "_morning", float("inf"))
    monkeypatch.setattr(tasks, "_slack_morning", float("inf"))


@pytest.fixture
def cast(db: None) -> Cast:
    """The named people."""
    return factories.cast()


@pytest.fixture
def agents(cast: Cast) -> None:
    """The agent that proposes whatever calls its input names."""
    factories.register()


@pytest.fixture
def shapes(cast: Cast) -> None:
    """The graphs of every other shape."""
    factories.register(factories.SHAPES)


@pytest.fixture
def trips(cast: Cast) -> None:
    """The agents whose calls can be reversed."""
    factories.register(factories.SAGA)


@pytest.fixture
def others(transactional_db: None) -> Cast:
    """The agents that nobody wrote for us, and the cast. Committed: tools ask for leave on a connection of their own."""
    found = factories.cast()
    factories.register(factories.OTHERS)
    return found


@pytest.fixture(scope="session", autouse=True)
def _projects_are_loaded_once() -> Iterator[None]:
    """As in a worker: running a project's code again for every test would only take time."""
    found: dict[tuple[object, ...], list[hazards.Hazard]] = {}

    def looked_for_once(project: Project) -> list[hazards.Hazard]:
        """Its syntax is gone through again only where its text is another."""
        text = (project.path, *((name, file.read_bytes()) for name, file in project.files() if file.is_file()))
        return found[text] if text in found else found.setdefault(text, hazards.hazards_of(project))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registering, "load_project", cache(loader.load_project))
        patch.setattr(registering, "hazards_of", looked_for_once)
        yield


@pytest.fixture
def world(tmp_path: Path) -> str:
    """The outside world: a file with a line per call."""
    return str(tmp_path / "world")


@pytest.fixture
def policy(cast: Cast) -> fakes.PolicyInForce:
    """The policy in force, which this test may change."""
    return fakes.PolicyInForce()
