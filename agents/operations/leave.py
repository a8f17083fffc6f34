"""Leave for a call that the agent makes itself, asked for at the moment it begins: the last look at halts, fence and effect.

Callbacks come from threads of the graph, where Django would open a connection each that nobody closes. So this has one connection of its own
per process, and one lock; a statement is a transaction.
"""

import os
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import structlog

from agents import kept
from agents.crashpoints import crash
from agents.graphs.checkpoints import direct_dsn
from agents.operations import overtaken, versions
from agents.operations.patience import surely
from approvals import queries as approvals_queries
from approvals.operations.entering import may_enter
from approvals.operations.halts import HOLD_OFF

logger = structlog.get_logger("agents.leave")

# Once, by the worker that has the run, and under no order now or since it was handed back: `effect` has not begun.
_BEGIN = f"""
UPDATE agents_effect AS e SET begun_at = statement_timestamp(), call_id = %(call)s, attempts = e.attempts + 1
FROM agents_run AS r
WHERE e.action_id = %(action)s AND e.state = 'CLAIMED' AND e.by_agent AND e.begun_at IS NULL
    AND r.id = e.run_id AND r.state = 'RUNNING' AND r.fence = %(fence)s
    AND NOT {approvals_queries.halted_sql("r.agent_id", "r.id::text", version=versions.OF_RUN)}
    AND NOT {overtaken.STOPPED}
"""  # noqa: S608  names of ours only
# The same for a node that acts itself with the answer it is given: it is given it once.
_TELL = f"""
UPDATE agents_effect AS e SET begun_at = statement_timestamp(), attempts = e.attempts + 1
FROM agents_run AS r
WHERE e.action_id = ANY(%(actions)s::uuid[]) AND e.state = 'CLAIMED' AND e.by_agent AND e.begun_at IS NULL
    AND r.id = e.run_id AND r.state = 'RUNNING' AND r.fence = %(fence)s
    AND NOT {approvals_queries.halted_sql("r.agent_id", "r.id::text", version=versions.OF_RUN)}
    AND NOT {overtaken.STOPPED}
"""  # noqa: S608  names of ours only
# The same for a node that asked and may act itself, or leave the call to a tool, which then begins it.
_TELL_ALSO = _TELL.replace(
    "SET begun_at = statement_timestamp(), attempts = e.attempts + 1", "SET told_at = statement_timestamp()"
).replace("e.begun_at IS NULL", "e.begun_at IS NULL AND e.told_at IS NULL")
_TOLD = (
    "SELECT tool FROM agents_effect WHERE action_id = ANY(%(actions)s::uuid[]) AND (begun_at IS NOT NULL OR told_at IS NOT NULL) LIMIT 1"
)
_NOT_BEGUN = "UPDATE agents_effect SET begun_at = NULL WHERE action_id = ANY(%(actions)s::uuid[]) AND state = 'CLAIMED' AND by_agent"
_NOT_TOLD = _NOT_BEGUN.replace("begun_at", "told_at")
_HALTED = f"""
SELECT {approvals_queries.halted_sql("r.agent_id", "r.id::text", version=versions.OF_RUN)}
    OR EXISTS (SELECT 1 FROM unnest(%(actions)s::uuid[]) AS x(id) WHERE {approvals_queries.action_halted_sql("x.id")})
FROM agents_run AS r WHERE r.id = %(run)s
"""  # noqa: S608  names of ours only
# Or an order was given since: leave given before it does not survive that it was lifted.
_OVERTAKEN = f"""
SELECT EXISTS (SELECT 1 FROM agents_effect AS e JOIN agents_run AS r ON r.id = e.run_id
    WHERE e.action_id = ANY(%(actions)s::uuid[]) AND e.state = 'CLAIMED' AND e.by_agent AND {overtaken.STOPPED})
"""  # noqa: S608  names of ours only

_lock = threading.Lock()
_conn: psycopg.Connection[Any] | None = None
_pid = 0


def begin(action: str, call: str, *, run: UUID, fence: int) -> str:
    """Write down that this call begins. Gives the reason why it must not, "" when it may."""
    try:
        with _lock, _connection() as conn:
            with conn.transaction():
                conn.execute(HOLD_OFF)
                begun = conn.execute(_BEGIN, {"action": action, "call": call, "fence": fence}).rowcount == 1
                sure_at = time.monotonic()
            if begun and may_enter(sure_at, partial(_stopped, conn, run, [action])):
                return ""
            if begun:
                conn.execute(_NOT_BEGUN, {"actions": [action]})
            if _halted(conn, run, [action]):
                return kept.HALTED_BEFORE()
            return _given_before_a_halt(conn, action) or kept.BEGUN_BEFORE()
    except psycopg.Error as error:
        return _gone(error)


def tell(actions: Sequence[str], *, run: UUID, fence: int, begins: bool = True) -> str:
    """Write down that a node is given its answer, with these approved calls in it. Gives the reason why it must not be, "" when it may.

    Args:
        begins: the node makes the calls itself, for certain; else a tool may begin them afterwards.
    """
    try:
        with _lock, _connection() as conn:
            with conn.transaction() as whole:
                conn.execute(HOLD_OFF)
                begun = conn.execute(_TELL if begins else _TELL_ALSO, {"actions": list(actions), "fence": fence}).rowcount
                if begun < len(actions):
                    raise psycopg.Rollback(whole)
                sure_at = time.monotonic()
            stopped = partial(_stopped, conn, run, actions)
            if begun == len(actions) and may_enter(sure_at, stopped):
                crash("told")
                return ""
            if begun == len(actions):
                conn.execute(_NOT_BEGUN if begins else _NOT_TOLD, {"actions": list(actions)})
                return kept.HALTED_BEFORE()
            told = conn.execute(_TOLD, {"actions": list(actions)}).fetchone()
            if told:
                return kept.DIED_AFTER_IT(tool=told[0])
            return kept.HALTED_BEFORE() if stopped() else kept.BEGUN_BEFORE()
    except psycopg.Error as error:
        return _gone(error)


def not_begun(action: str) -> None:
    """The call stopped at a question of its own: it will be started again."""
    try:
        with _lock, _connection() as conn:
            conn.execute(_NOT_BEGUN, {"actions": [action]})
    except psycopg.Error as error:
        _gone(error)


def _given_before_a_halt(conn: psycopg.Connection[Any], action: str) -> str:
    """The reason, where its approval was given before a halt and its node has taken the answer: it cannot be asked again where it stands."""
    row = conn.execute(_OVERTAKEN, {"actions": [action]}).fetchone()
    if not (row and row[0]):
        return ""
    tool = conn.execute("SELECT tool FROM agents_effect WHERE action_id = %(action)s", {"action": action}).fetchone()
    return kept.GIVEN_BEFORE_A_HALT(tool=tool[0]) if tool else ""


def _stopped(conn: psycopg.Connection[Any], run: UUID, actions: Sequence[str]) -> bool:
    """Whether an order stops these calls now, or was given since they were handed back."""
    row = conn.execute(_OVERTAKEN, {"actions": list(actions)}).fetchone()
    return bool(row and row[0]) or _halted(conn, run, actions)


def _halted(conn: psycopg.Connection[Any], run: UUID, actions: Sequence[str]) -> bool:
    row = conn.execute(_HALTED, {"run": run, "actions": list(actions)}).fetchone()
    return bool(row and row[0])


class _connection:
    """This process's connection, made anew after a fork, an error or a restart of the server, which is waited for: nothing has begun yet."""

    def __enter__(self) -> psycopg.Connection[Any]:
        global _conn, _pid
        if _conn is None or _pid != os.getpid() or not _answers(_conn):
            _conn, _pid = surely(_connect), os.getpid()
        return _conn

    def __exit__(self, *_: object) -> None:
        return None


def _answers(conn: psycopg.Connection[Any]) -> bool:
    try:
        conn.execute("SELECT 1")
    except psycopg.Error:
        conn.close()
        return False
    return True


def _connect() -> psycopg.Connection[Any]:
    return psycopg.connect(direct_dsn(), autocommit=True, application_name="countersign-leave", connect_timeout=5)


def drop() -> None:
    """Close the connection; the next call gets a new one."""
    global _conn
    with _lock:
        if _conn is not None and _pid == os.getpid():
            _conn.close()
        _conn = None


def _gone(error: psycopg.Error) -> str:
    logger.warning("leave_not_given", error=str(error))
    drop()
    return kept.NO_LEAVE()
