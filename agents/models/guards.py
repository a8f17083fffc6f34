"""What PostgreSQL itself refuses of these tables, spelled once."""

from typing import Any

import pgtrigger
from django.db import models
from django.db.models import Q


def steps(transitions: dict[Any, frozenset[Any]]) -> list[tuple[str, str]]:
    """The steps of a state machine, as a trigger takes them."""
    return sorted((str(a), str(b)) for a, targets in transitions.items() for b in targets)


def known(field: str, states: type[Any], name: str) -> models.CheckConstraint:
    """Only states there are."""
    return models.CheckConstraint(condition=Q(**{f"{field}__in": [str(s) for s in states]}), name=name)


def kept() -> pgtrigger.Protect:
    """Rows that are never deleted."""
    return pgtrigger.Protect(name="kept", operation=pgtrigger.Delete)
