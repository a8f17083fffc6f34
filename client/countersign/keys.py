"""Idempotency: what happens under one name happens at most once, however often the program is started again.

with idempotency(f"invoice:{order}"):
    send_invoice(...)          # asked for once; a later start finds the first one's action and is given its result, or told that nobody knows
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import uuid4


class _Scope:
    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: dict[str, int] = {}


_scope: ContextVar[_Scope | None] = ContextVar("countersign_idempotency", default=None)


@contextmanager
def idempotency(name: str) -> Iterator[None]:
    """Everything proposed inside gets a key made of this name, the tool, its arguments, and which time it is that they are the same."""
    token = _scope.set(_Scope(name))
    try:
        yield
    finally:
        _scope.reset(token)


def key_for(tool: str, args: dict[str, Any]) -> str:
    """The key of one call: the same in every start of the same scope; a random one outside of any."""
    scope = _scope.get()
    if scope is None:
        return str(uuid4())
    call = hashlib.sha256(json.dumps([tool, args], sort_keys=True, default=str).encode()).hexdigest()[:32]
    scope.seen[call] = scope.seen.get(call, 0) + 1
    # Not the name itself: two long ones may begin alike, and a header takes neither umlauts nor line breaks.
    name = hashlib.sha256(scope.name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{name}:{call}:{scope.seen[call]}"
