"""Up to where the log is there to be read: nothing that was begun before can still appear in front of it.

An event gets its id when it is written and is seen when its transaction commits, so a greater id may be seen before a smaller one. Whoever
takes the log away by ids would never hear of the smaller one. `log` sees to it that a transaction has its number before it has ids.
"""

import time
from typing import Any

from django.db import connection

PATIENCE_S, PAUSE_S = 5.0, 0.01
# Not of the sequence, which the product may use and not read: a smaller id was given out before this one was to be seen.
_LAST = "SELECT coalesce(max(id), 0) FROM audit_event"
# Whoever writes holds a lock on its own number, until all see what it wrote. (A snapshot does not name everybody: whoever began after the last one that
# is over is beyond its end.) Who writes in another database of the server writes nothing of ours, however long it takes; what has no process is
# prepared, and counts. Both views show every role as much as this asks for.
_HELD = """pg_locks held LEFT JOIN pg_stat_activity who USING (pid)
    WHERE held.locktype = 'transactionid' AND held.mode = 'ExclusiveLock' AND held.granted"""
_OTHERS = f"""SELECT held.transactionid::text FROM {_HELD}
    AND coalesce(who.datname = current_database(), true) AND pid IS DISTINCT FROM pg_backend_pid()"""  # noqa: S608
_OLDEST = f"""SELECT coalesce((SELECT x FROM pg_snapshot_xip(pg_current_snapshot()) x
    WHERE NOT EXISTS (SELECT FROM {_HELD} AND held.transactionid = x::xid AND who.datname <> current_database())
    ORDER BY x LIMIT 1), pg_snapshot_xmax(pg_current_snapshot()))::text"""  # noqa: S608


class Unsettled(Exception):
    """Something that began before is still being written."""


def last_id() -> int:
    """The last id before which nothing can appear any more: those who write just now are waited for. Raises Unsettled after `PATIENCE_S` seconds."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST)
        found: int = cursor.fetchone()[0]
        writing, until = _writing(cursor), time.monotonic() + PATIENCE_S
        while writing:
            if time.monotonic() > until:
                raise Unsettled
            time.sleep(PAUSE_S)
            writing &= _writing(cursor)
    return found


def horizon() -> int:
    """The oldest transaction that is still writing: everything before it is there to be seen, or never will be."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        return int(cursor.fetchone()[0])


def _writing(cursor: Any) -> set[str]:
    """The transactions that write, but our own."""
    cursor.execute(_OTHERS)
    return {xid for (xid,) in cursor.fetchall()}
