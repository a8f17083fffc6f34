"""Rows read and inserted by statements of our own, on the paths that every governed cycle takes.

Building a statement through the ORM costs more than PostgreSQL needs to run it; here that is done once. The model's own
fields still convert every value. Decides nothing, sends no signals. Imports nothing of ours.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Field, Model
from django.db.models.expressions import DatabaseDefault

Row = TypeVar("Row", bound=Model)
Other = TypeVar("Other", bound=Model)


class _Plan(NamedTuple):
    """Where in a row each field of the model stands and how it is read; what else there is becomes an attribute, as stored."""

    fields: tuple[tuple[int, Callable[..., Any] | None], ...]
    names: tuple[str, ...]
    others: tuple[tuple[int, str], ...]


def fetch(model: type[Row], statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Row]:
    """The rows of a SELECT or RETURNING that gives every column of the model, and maybe more."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        plan = _plan(model, tuple(column[0] for column in cursor.description or ()))
        return [_made(model, plan, row) for row in cursor.fetchall()]


def first(model: type[Row], statement: str, values: Sequence[Any] | Mapping[str, Any]) -> Row | None:
    """The first row of such a statement, or None."""
    return next(iter(fetch(model, statement, values)), None)


def columns(model: type[Model], alias: str) -> str:
    """Every column of the model in the order of its fields, for the SELECT list of a statement for `pair`."""
    return ", ".join(f"{alias}.{connection.ops.quote_name(field.column or '')}" for field in model._meta.concrete_fields)


def pair(one: type[Row], other: type[Other], statement: str, values: Sequence[Any]) -> tuple[Row, Other | None] | None:
    """The first row of a SELECT of `columns` of two models: of a join whose second part may be missing."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    if row is None:
        return None
    first, second = _plan_of(one), _plan_of(other)
    rest = row[len(first.fields) :]
    return _made(one, first, row), None if all(value is None for value in rest) else _made(other, second, rest)


def insert(row: Model) -> None:
    """Insert one row; what it was not given takes the database's default. A generated key is not read back."""
    given = [f for f in row._meta.concrete_fields if not _left_out(row, f)]
    values = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in given]
    with connection.cursor() as cursor:
        cursor.execute(_insert(type(row), tuple(f.column for f in given)), values)
    row._state.adding = False


def _left_out(row: Model, field: "Field[Any, Any]") -> bool:
    value = getattr(row, field.attname)
    return isinstance(value, DatabaseDefault) or (field.primary_key and value is None)


@lru_cache(maxsize=256)
def _insert(model: type[Model], columns: tuple[str, ...]) -> str:
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    return f"INSERT INTO {model._meta.db_table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})"  # noqa: S608


@lru_cache(maxsize=256)
def _plan(model: type[Model], columns: tuple[str, ...]) -> _Plan:
    fields = model._meta.concrete_fields
    own = {field.column for field in fields}
    return _Plan(
        tuple((columns.index(field.column), getattr(field, "from_db_value", None)) for field in fields),
        tuple(field.attname for field in fields),
        tuple((at, name) for at, name in enumerate(columns) if name not in own),
    )


def _plan_of(model: type[Model]) -> _Plan:
    return _plan(model, tuple(field.column for field in model._meta.concrete_fields))


def _made(model: type[Row], plan: _Plan, row: Sequence[Any]) -> Row:
    values = [read(row[at], None, connection) if read else row[at] for at, read in plan.fields]
    made = model.from_db(connection.alias, plan.names, values)
    for at, name in plan.others:
        setattr(made, name, row[at])
    return made
