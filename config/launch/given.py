"""A PostgreSQL and a Redis of one's own, given by DATABASE_URL and REDIS_URL: they are asked once before anything is started.

A wrong address would else be found by each role by itself, again and again. Says no password. Imports `config.services` for its error.
"""

import os
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg.conninfo import conninfo_to_dict

from config.services.errors import ServiceError

WAIT_S = 5
SCHEMES = ("redis", "rediss", "redis+socket")


def answer() -> None:
    """Raises ServiceError, with what to write instead: an address is none, or nobody answers there."""
    if url := os.environ.get("DATABASE_URL", "").strip():
        _database(url)
    if url := os.environ.get("REDIS_URL", "").strip():
        _broker(url)


def _database(url: str) -> None:
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ServiceError(
            "DATABASE_URL is not a PostgreSQL address: write postgresql://user:password@host/name, or leave it out for one of our own."
        ) from error
    try:
        psycopg.connect(url, connect_timeout=WAIT_S).close()
    except psycopg.OperationalError as error:
        where = f"{parts.get('host', 'the local socket')}, database {parts.get('dbname', 'of the same name as the user')}"
        raise ServiceError(
            f"DATABASE_URL leads to no database ({where}): {_plain(error)}. Start or correct it, or leave it out."
        ) from error


def _broker(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ServiceError("REDIS_URL is not a Redis address: write redis://user:password@host:6379/0, or leave it out for one of our own.")
    try:
        plain = url.replace("redis+socket", "unix", 1).replace("virtual_host", "db")  # Celery's way of writing a socket
        client = redis.Redis.from_url(plain, socket_connect_timeout=WAIT_S, socket_timeout=WAIT_S)
        client.ping()
        client.close()
    except (redis.RedisError, OSError, ValueError) as error:
        where = parts.path if parts.scheme == "redis+socket" else f"{parts.hostname}"
        raise ServiceError(f"REDIS_URL leads to no Redis ({where}): {_plain(error)}. Start or correct it, or leave it out.") from error


def _plain(error: Exception) -> str:
    """The one line that says why: libpq puts a hint below it."""
    first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return first.strip().rstrip(".")[:300]
