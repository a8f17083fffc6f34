"""A row that several may want at the same moment, made once. Writes what its callers own; imports no other operation."""

from typing import Any, TypeVar

from django.db.models import Model

M = TypeVar("M", bound=Model)


def once(model: type[M], by: dict[str, Any], **values: Any) -> tuple[M, bool]:
    """The row with this key, and whether it was not there a moment ago.

    Unlike `get_or_create`, whoever comes second meets no error: PostgreSQL would write it to its log, and people took it for a fault. Of two
    who come at once, both may be told that it is new.
    """
    rows = model._default_manager
    if found := rows.filter(**by).first():
        return found, False
    rows.bulk_create([model(**by, **values)], ignore_conflicts=True)
    return rows.get(**by), True
