"""Running a statement and measuring what it touches; the caller decides whether the transaction is kept.

Everything happens in one REPEATABLE READ transaction: 1. look at the rows that the WHERE selects, and lock them;
2. run exactly the statement; 3. compare its row count with what was looked at; 4. look at the same rows again.
Somebody else's change in between is a serialization failure, never a surprise.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from psycopg import IsolationLevel, sql
from psycopg.rows import scalar_row

from agents.tools.registry import ToolError
from dba_agent.statements import SCHEMA, Statement
from shop_store.db import Row, ShopConnection

ISOLATION = IsolationLevel.REPEATABLE_READ
MOST_ROWS = 10_000
SAMPLE = 20


@dataclass(frozen=True)
class Rehearsed:
    """What a statement did, as far as the transaction goes."""

    rows: int
    rows_sha256: str  # over the primary keys touched and the whole old rows, sorted
    whole_table: bool
    columns: list[str]
    before: list[list[Any]]
    after: list[list[Any]]


def rehearse(connection: ShopConnection, statement: Statement) -> Rehearsed:
    """Run the statement inside the caller's transaction and say what it touched."""
    connection.execute("SET LOCAL search_path = pg_catalog")  # nothing of ours can stand in for a built-in function
    _refuse_hidden_effects(connection, statement)
    keys = _primary_key(connection, statement)
    old = _selected(connection, statement, keys)
    with connection.cursor(binary=True) as cursor:  # binary means the extended protocol, which takes one statement only
        cursor.execute(statement.sql.encode())
        touched = cursor.rowcount
    if touched != len(old):
        raise ToolError("rows_differ", f"The statement touched {touched} rows where {len(old)} were expected.")
    new = _by_key(connection, statement, keys, old[:SAMPLE])
    total = connection.cursor(row_factory=scalar_row).execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(SCHEMA, statement.table))
    )
    left = int(total.fetchone() or 0)
    return Rehearsed(
        rows=touched,
        rows_sha256=_digest(keys, old),
        whole_table=touched > 1 and touched == left + (touched if statement.verb == "DELETE" else 0),
        columns=_shown_columns(keys, statement, old),
        before=_sample(old, _shown_columns(keys, statement, old)),
        after=_sample(new, _shown_columns(keys, statement, old)),
    )


def _selected(connection: ShopConnection, statement: Statement, keys: list[str]) -> list[Row]:
    """The rows that the WHERE selects, locked, in the order of their primary key."""
    alias = sql.SQL(statement.alias)  # from the checked parse tree, quoted
    where = sql.SQL(statement.where or "true")  # the checked tree's own text
    query = sql.SQL("SELECT {alias}.* FROM {table} AS {alias} WHERE {where} ORDER BY {keys} LIMIT {limit} FOR UPDATE").format(
        alias=alias,
        table=sql.Identifier(SCHEMA, statement.table),
        where=where,
        keys=sql.SQL(", ").join(sql.SQL("{}.{}").format(alias, sql.Identifier(key)) for key in keys),
        limit=sql.Literal(MOST_ROWS + 1),
    )
    rows = connection.execute(query).fetchall()
    if len(rows) > MOST_ROWS:
        raise ToolError("too_many_rows", f"The statement would touch more than {MOST_ROWS} rows; split it.")
    return rows


def _by_key(connection: ShopConnection, statement: Statement, keys: list[str], old: list[Row]) -> list[Row]:
    """The same rows after the statement."""
    if statement.verb == "DELETE" or not old:
        return []
    match = sql.SQL(" AND ").join(sql.SQL("{} = {}").format(sql.Identifier(key), sql.Placeholder(key)) for key in keys)
    query = sql.SQL("SELECT * FROM {} WHERE {}").format(sql.Identifier(SCHEMA, statement.table), match)
    return [row for before in old for row in connection.execute(query, {key: before[key] for key in keys}).fetchall()]


def _primary_key(connection: ShopConnection, statement: Statement) -> list[str]:
    rows = connection.execute(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
        " WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY a.attnum",
        (f"{SCHEMA}.{statement.table}",),
    ).fetchall()
    keys = [str(row["attname"]) for row in rows]
    if not keys:
        raise ToolError("no_primary_key", f"The table shop.{statement.table} has no primary key.")
    if set(keys) & set(statement.columns):
        raise ToolError("changes_key", "A statement that changes primary keys cannot be followed, so it is not accepted.")
    return keys


def _refuse_hidden_effects(connection: ShopConnection, statement: Statement) -> None:
    """Triggers, rules and cascades do what no preview of this table shows."""
    row = connection.execute(
        "SELECT relkind = 'r' AND NOT relhasrules"
        " AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE confrelid = c.oid"
        "   AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))) AS plain"
        " FROM pg_class c WHERE c.oid = %s::regclass",
        (f"{SCHEMA}.{statement.table}",),
    ).fetchone()
    if row is None or not row["plain"]:
        raise ToolError("hidden_effects", f"shop.{statement.table} has triggers, rules or cascades; a preview would not show them.")


def _digest(keys: list[str], rows: list[Row]) -> str:
    lines = sorted(json.dumps([[row[key] for key in keys], row], sort_keys=True, default=str) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _shown_columns(keys: list[str], statement: Statement, rows: list[Row]) -> list[str]:
    """For an UPDATE the key and what it sets; for a DELETE everything that goes."""
    if statement.verb == "DELETE" and rows:
        return list(rows[0])
    return list(dict.fromkeys([*keys, *statement.columns]))


def _sample(rows: list[Row], columns: list[str]) -> list[list[Any]]:
    return [[_plain(row[column]) for column in columns] for row in rows[:SAMPLE]]


def _plain(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 200:
        return f"{value[:160]}… ({len(value)} characters)"
    return value if isinstance(value, str | int | bool | type(None)) else str(value)
