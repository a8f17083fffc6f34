"""The pool of the web process after a restart of PostgreSQL: whoever comes first is lent a connection that works."""

import pytest
from django.conf import settings
from django.db import connection
from django.db.utils import ConnectionHandler

from config import env
from config.database.base import is_cut


@pytest.fixture
def pooled(transactional_db):
    handler = ConnectionHandler({"default": env.database(settings.DATABASE_URL, pooled=True) | {"NAME": connection.settings_dict["NAME"]}})
    yield handler["default"]
    handler["default"].close()
    handler["default"].close_pool()  # type: ignore[attr-defined]


def lent(pooled, count):
    """So many connections at once, given back."""
    pooled.pool.open()
    held = [pooled.pool.getconn() for _ in range(count)]
    for one in held:
        pooled.pool.putconn(one)
    return {one.info.backend_pid for one in held}


def test_no_connection_that_was_cut_is_lent_however_many_were(pooled):
    """Six of them: Django's health checks waited for 1, 2 and 4 s between them, and gave up."""
    cut = lent(pooled, 6)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(pg_terminate_backend(pid, 5000)) FROM unnest(%s) pid", [list(cut)])
        assert cursor.fetchone() == (6,)
    for _ in range(7):
        with pooled.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            assert cursor.fetchone()[0] not in cut
        pooled.close()


def test_a_connection_that_only_has_news_is_lent(pooled):
    pooled.ensure_connection()
    one = pooled.connection
    one.execute("LISTEN news")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('news', 'x')")
    assert not is_cut(one)
