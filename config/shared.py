"""Django's cache, in PostgreSQL: what all web processes must count together, such as guesses at a password and codes that were used.

Not in Redis: it may be away, and then either nobody could sign in or anybody could guess. Whoever signs in needs the database anyway.
Values are JSON, never pickles: a forged row must not become code. Everything by the database's clock. Used when signing in, for requests
to the API that carry no good key, and for what the console shows of the product's health; nowhere else.
"""

import json
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

_GET = "SELECT value FROM approvals_shared WHERE key = %(key)s AND (expires_at IS NULL OR expires_at > clock_timestamp())"
_PUT = """
INSERT INTO approvals_shared AS s (key, value, expires_at)
VALUES (%(key)s, %(value)s, clock_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, expires_at = EXCLUDED.expires_at
"""
# Of two who add the same key, the second waits for the first and finds its row still good: one row for one of them.
_ADD = f"{_PUT} WHERE s.expires_at <= clock_timestamp()"
# One statement, so that of many at one moment each has its own number; what is over begins anew.
_COUNT = """
INSERT INTO approvals_shared AS s (key, value, expires_at)
VALUES (%(key)s, '1', date_trunc('minute', clock_timestamp()) + interval '1 minute')
ON CONFLICT (key) DO UPDATE SET
    value = CASE WHEN s.expires_at <= clock_timestamp() THEN '1' ELSE (s.value::bigint + 1)::text END,
    expires_at = CASE WHEN s.expires_at <= clock_timestamp() THEN EXCLUDED.expires_at ELSE s.expires_at END
RETURNING value::bigint, EXTRACT(epoch FROM expires_at - clock_timestamp())::float8
"""
_TOUCH = """
UPDATE approvals_shared SET expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE key = %(key)s AND (expires_at IS NULL OR expires_at > clock_timestamp())
"""
_DELETE = "DELETE FROM approvals_shared WHERE key = %(key)s"
# With each value that is kept, up to a hundred that are over go: the table stays as small as what is lately asked of it.
_TIDY = """
DELETE FROM approvals_shared WHERE key IN (
    SELECT key FROM approvals_shared WHERE expires_at <= clock_timestamp() LIMIT 100 FOR UPDATE SKIP LOCKED)
"""


def count(key: str) -> tuple[int, int]:
    """One more under this key in this minute, of all processes: how many now, this one included, and in how many seconds it begins anew."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"key": key})
        number, left = cursor.fetchone()
        if number == 1:
            cursor.execute(_TIDY)
    return int(number), max(1, int(left) + 1)


class SharedCache(BaseCache):
    """The calls of Django's cache that there are; `location` is not used."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(_GET, {"key": self.make_and_validate_key(key, version=version)})
            row = cursor.fetchone()
        return default if row is None else json.loads(row[0])

    def set(self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._write(_PUT, key, value, timeout, version)

    def add(self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Whether it was not there (any more) and is now: said to one caller of all processes."""
        return self._write(_ADD, key, value, timeout, version)

    def touch(self, key: str, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._run(_TOUCH, key, version, seconds=self._seconds(timeout))

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._run(_DELETE, key, version)

    def clear(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM approvals_shared")

    def _write(self, order: str, key: str, value: Any, timeout: float | None, version: int | None) -> bool:
        done = self._run(order, key, version, value=json.dumps(value), seconds=self._seconds(timeout))
        with connection.cursor() as cursor:
            cursor.execute(_TIDY)
        return done

    def _run(self, order: str, key: str, version: int | None, **values: Any) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(order, {"key": self.make_and_validate_key(key, version=version), **values})
            return bool(cursor.rowcount)

    def _seconds(self, timeout: float | None) -> float | None:
        """How long it is kept; None: for ever (a time plus NULL is NULL)."""
        seconds: float | None = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return None if seconds is None else max(0.0, float(seconds))
