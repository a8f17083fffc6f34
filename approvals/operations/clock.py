"""The one clock that decides about time."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """The database's clock: the only one that decides about time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
