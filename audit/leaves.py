"""Whether a value that a table holds is the one that a leaf says, given how leaves keep values (`audit.log`, `canonical.storable`). Pure.

A leaf cuts long texts and what is nested deep, and writes as text what has no exact form for every reader (whole numbers beyond 2^53-1); PostgreSQL's
jsonb writes large floating-point numbers as whole ones and keeps no order of names. Where a leaf holds only the beginning of a value that was too much
for it, with its length and hash over another order of names, nothing more can be compared and it counts as the same.
"""

from collections.abc import Mapping
from typing import Any

from audit import canonical

LIMIT = 8_000  # characters of one text that a leaf holds
CUT = {"cut", "characters", "sha256"}


def agrees(logged: Any, held: Any) -> bool:
    """Whether the leaf's value is what is left of the held one."""
    if isinstance(logged, Mapping) and logged.keys() == CUT and not (isinstance(held, Mapping) and held.keys() == CUT):
        return True
    if isinstance(held, str) or held is None or isinstance(held, bool):
        return bool(logged == canonical.storable(held, limit=LIMIT)) and type(logged) is type(held)
    if isinstance(held, int | float):
        return _same_number(logged, held)
    if isinstance(logged, str):
        return logged == canonical.TOO_DEEP
    if isinstance(held, Mapping):
        names = {canonical.storable(str(name), limit=LIMIT): value for name, value in held.items()}
        return isinstance(logged, Mapping) and logged.keys() == names.keys() and all(agrees(logged[name], names[name]) for name in names)
    return isinstance(logged, list) and len(logged) == len(held) and all(map(agrees, logged, held))


def _same_number(logged: Any, held: float) -> bool:
    if isinstance(logged, bool):
        return False
    try:
        as_float = float(held)
    except OverflowError:
        return bool(logged == str(held))
    return logged in (held, as_float) if isinstance(logged, int | float) else logged in (str(held), str(as_float))
