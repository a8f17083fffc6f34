"""Idempotency: what happens under one name happens at most once, however often the program is started again.

with idempotency(f"invoice:{order}"):
    send_invoice(...)          # asked for once; a later start finds the first one's action and is given its result, or told that nobody knows
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4


class _Scope:
    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: dict[str, int] = {}


_scope: ContextVar[_Scope | None] = ContextVar("countersign_idempotency", default=None)


@contextmanager
def idempotency(name: str) -> Iterator[None]:
    """Everything proposed inside gets a key made of this name, the tool, and which call of it this is in here.

    Not of the arguments: an amount that is computed anew when the program starts again must not pass for another call. Then the server has the key
    with other arguments and refuses (`Conflict`), and nothing is done. So give each thing a name of its own, also in a loop.
    """
    token = _scope.set(_Scope(name))
    try:
        yield
    finally:
        _scope.reset(token)


def key_for(tool: str) -> str:
    """The key of one call: the same in every start of the same scope; a random one outside of any."""
    scope = _scope.get()
    if scope is None:
        return str(uuid4())
    scope.calls[tool] = scope.calls.get(tool, 0) + 1
    # Not the name itself: two long ones may begin alike, and a header takes neither umlauts nor line breaks.
    name = hashlib.sha256(scope.name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{name}:{hashlib.sha256(tool.encode()).hexdigest()[:32]}:{scope.calls[tool]}"
