"""Idempotency: what happens under one name happens at most once, however often the program is started again.

with idempotency(f"invoice:{order}"):
    send_invoice(...)          # asked for once; a later start finds the first one's action and is given its result, or told that nobody knows
"""

import asyncio
import hashlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import uuid4

from countersign.errors import Conflict
from countersign.values import Action

OTHERS_S, LOOK_S = 2.0, 0.02  # how long calls of one turn may come after each other, and how often is looked whether one came


@dataclass
class _Calls:
    """The calls of one tool in a scope, numbered from 1. Those of one turn run side by side (threads, tasks), so that a later start makes them
    in another order: each takes the first number under which the server knows no other proposal."""

    prefix: str
    begun: int = 0
    taken: set[int] = field(default_factory=set)
    asking: threading.Lock = field(default_factory=threading.Lock)  # one at a time, or two alike would take one number
    counting: threading.Lock = field(default_factory=threading.Lock)

    def key(self, number: int) -> str:
        return f"{self.prefix}:{number}"

    def left(self, tried: set[int]) -> int:
        """The number to try next, 0 when others have to come first."""
        return next((n for n in range(1, self.begun + 1) if n not in self.taken and n not in tried), 0)


class _Scope:
    def __init__(self, name: str) -> None:
        # Not the name itself: two long ones may begin alike, and a header takes neither umlauts nor line breaks.
        self.name = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._calls: dict[str, _Calls] = {}

    def begin(self, tool: str) -> _Calls:
        calls = self._calls.setdefault(tool, _Calls(f"{self.name}:{hashlib.sha256(tool.encode()).hexdigest()[:32]}"))
        with calls.counting:  # not `asking`, which a task may hold while its loop goes on
            calls.begun += 1
        return calls


_scope: ContextVar[_Scope | None] = ContextVar("countersign_idempotency", default=None)


@contextmanager
def idempotency(name: str) -> Iterator[None]:
    """Everything proposed inside gets a key made of this name, the tool, and which call of it this is in here.

    Not of the arguments: an amount that is computed anew when the program starts again must not pass for another call. Then the server has the key
    with other arguments and refuses (`Conflict`), and nothing is done. So give each thing a name of its own, also in a loop. Calls side by side
    in here (a model's parallel tool calls) find their own again in whatever order they come.
    """
    token = _scope.set(_Scope(name))
    try:
        yield
    finally:
        _scope.reset(token)


class _Search:
    """One call's way to its number. Used by both flavours below, which only differ in how they wait."""

    def __init__(self, calls: _Calls) -> None:
        self.calls, self.until = calls, time.monotonic() + OTHERS_S
        self.tried: set[int] = set()
        self.refusal: Conflict | None = None

    def check(self) -> None:
        """Raises Conflict: others that could have been meant had time to come."""
        if self.refusal is not None and time.monotonic() > self.until:
            raise self.refusal

    @contextmanager
    def trying(self, number: int) -> Iterator[None]:
        """Whatever else happens to this number, it is this call's: what was sent under it may have been heard."""
        try:
            yield
        except Conflict as other:
            if "action" not in other.problem:  # not the sentence about a key
                self.calls.taken.add(number)
                raise
            self.tried.add(number)
            self.refusal = other
        except BaseException:
            self.calls.taken.add(number)
            raise
        else:
            self.calls.taken.add(number)


def under_key(tool: str, ask: Callable[[str], Action]) -> Action:
    """Ask under the key of this call: the same in every start of the same scope; a random one outside of any. Raises Conflict."""
    if (scope := _scope.get()) is None:
        return ask(str(uuid4()))
    search = _Search(scope.begin(tool))
    while True:
        with search.calls.asking:
            while number := search.calls.left(search.tried):
                with search.trying(number):
                    return ask(search.calls.key(number))
        search.check()
        time.sleep(LOOK_S)


async def under_key_async(tool: str, ask: Callable[[str], Awaitable[Action]]) -> Action:
    """The same for tasks of an event loop, which must not stand still for one of them."""
    if (scope := _scope.get()) is None:
        return await ask(str(uuid4()))
    search = _Search(scope.begin(tool))
    while True:
        if search.calls.asking.acquire(blocking=False):
            try:
                while number := search.calls.left(search.tried):
                    with search.trying(number):
                        return await ask(search.calls.key(number))
            finally:
                search.calls.asking.release()
        search.check()
        await asyncio.sleep(LOOK_S)
