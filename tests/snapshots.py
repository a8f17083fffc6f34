"""Rows that many tests begin with: made by the real operations once in a process, copied back by one statement afterwards.

What a snapshot holds is what its maker added, found by comparing all tables before and after. It is copied back only where the log stands
as it stood then (every change of state is in it); anywhere else, and if rows were changed, the maker runs. Only factories and fixtures import this.
"""

from collections.abc import Callable, Iterator

from django.db import connection, transaction
from psycopg import sql

Table = tuple[str, str]  # schema, name
Rows = dict[Table, frozenset[str]]

_STANDS = "SELECT md5(string_agg(encode(leaf, 'hex'), ',' ORDER BY id)) FROM audit_event"
_TABLES = """SELECT table_schema, table_name, array_agg(column_name::text) FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema IN ('public', 'checkpoints') AND table_type = 'BASE TABLE' AND is_generated = 'NEVER' GROUP BY 1, 2"""
_REACHED = "SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
_kept: dict[tuple[str, str | None], str] = {}


@transaction.atomic
def once(name: str, make: Callable[[], object]) -> None:
    """Have the rows that `make` makes, by whatever is quicker. Its return value and whatever it does outside of the database are lost."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDS)
        stands = cursor.fetchone()[0]
        if kept := _kept.get((name, stands)):
            cursor.execute(kept)
            return
    before = _rows()
    make()
    after = _rows()
    if not any(before[table] - after[table] for table in before):
        _kept[name, stands] = "; ".join(_script(before, after))


def _columns() -> dict[Table, list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return {(schema, table): columns for schema, table, columns in cursor.fetchall()}


def _rows() -> Rows:
    found = {}
    with connection.cursor() as cursor:
        for table in _columns():
            cursor.execute(sql.SQL("SELECT to_jsonb(t)::text FROM {} t").format(sql.Identifier(*table)).as_string())
            found[table] = frozenset(text for (text,) in cursor.fetchall())
    return found


def _script(before: Rows, after: Rows) -> Iterator[str]:
    for table, columns in _columns().items():
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        if new := sorted(after[table] - before[table]):
            order = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM jsonb_populate_recordset(NULL::{}, {})")
            where = sql.Identifier(*table)
            yield order.format(where, names, names, where, sql.Literal(f"[{', '.join(new)}]")).as_string()
    with connection.cursor() as cursor:
        cursor.execute(_REACHED)
        for schema, name, value in cursor.fetchall():
            sequence = sql.Identifier(schema, name)
            order = sql.SQL("SELECT setval({}, greatest({}, last_value)) FROM {}")
            yield order.format(sql.Literal(sequence.as_string()), sql.Literal(value), sequence).as_string()
