"""Doing something within the time Slack gives: at once when nobody else holds the row, else not at all."""

from collections.abc import Callable
from typing import Any

from django.db import OperationalError, connection, transaction


def within(milliseconds: int, job: Callable[[], Any]) -> bool:
    """Do it in a transaction that waits for a lock only so long. False when it waited in vain; then nothing was done."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{milliseconds}ms"])
            job()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "55P03":  # lock_not_available
            raise
        return False
    return True
