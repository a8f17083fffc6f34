"""Lists in pages: an opaque cursor around the keyset position that the queries give and take, and the list it is of."""

import base64
import binascii
from datetime import datetime
from uuid import UUID

from approvals.errors import BadRequest
from audit.sentences import say

LIMIT = 200


def opaque(position: str, *, of: str) -> str | None:
    """What a caller gets to ask for the next page of this list; None on the last."""
    return base64.urlsafe_b64encode(f"{of}/{position}".encode()).decode().rstrip("=") if position else None


def moment_and_id(cursor: str, *, of: str) -> str:
    """The position in a list ordered by a moment. Raises BadRequest for a cursor that no page of it gave."""
    position = _read(cursor, of)
    at, _, pk = position.partition("~")
    if not position:
        return ""
    try:
        moment, key = datetime.fromisoformat(at), UUID(pk)
    except ValueError:
        raise _refused() from None
    if moment.tzinfo is None:
        raise _refused()
    return f"{moment.isoformat()}~{key}"


def number(cursor: str, *, of: str) -> str:
    """The position in a list ordered by a number. Raises BadRequest."""
    position = _read(cursor, of)
    if position and not (position.isascii() and position.isdigit() and 0 < int(position[:19]) < 2**63):
        raise _refused()
    return position


def checkpoint(cursor: str, *, of: str) -> str:
    """The position in a list of checkpoints: the id of one. Raises BadRequest."""
    position = _read(cursor, of)
    try:
        return str(UUID(position)) if position else ""
    except ValueError:
        raise _refused() from None


def _read(cursor: str, of: str) -> str:
    try:
        said = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise _refused() from None
    whose, named, position = said.rpartition("/")
    if named and whose != of:  # one from before lists were named in them still serves
        raise _refused()
    return position


def _refused() -> BadRequest:
    return BadRequest(say("That cursor is of no page of this list; begin without one"))
