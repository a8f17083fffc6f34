"""Lists in pages: an opaque cursor around the keyset position that the queries give and take."""

import base64
import binascii
from datetime import datetime
from uuid import UUID

from approvals.errors import BadRequest
from audit.sentences import say

LIMIT = 200


def opaque(position: str) -> str | None:
    """What a caller gets to ask for the next page; None on the last."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=") if position else None


def moment_and_id(cursor: str) -> str:
    """The position in a list ordered by a moment. Raises BadRequest for a cursor no page gave."""
    position = _read(cursor)
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


def number(cursor: str) -> str:
    """The position in a list ordered by a number. Raises BadRequest."""
    position = _read(cursor)
    if position and not (position.isascii() and position.isdigit() and 0 < int(position[:19]) < 2**63):
        raise _refused()
    return position


def checkpoint(cursor: str) -> str:
    """The position in a list of checkpoints: the id of one. Raises BadRequest."""
    position = _read(cursor)
    try:
        return str(UUID(position)) if position else ""
    except ValueError:
        raise _refused() from None


def _read(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise _refused() from None


def _refused() -> BadRequest:
    return BadRequest(say("That cursor is of no page of this list; begin without one"))
