"""Idempotency: what happens under one name happens at most once, however often the program is started again.

with idempotency(f"invoice:{order}"):
    send_invoice(...)          # asked for once; a later start finds the first one's action and is given its result, or told that nobody knows
"""

import asyncio
import hashlib
import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import uuid4

from countersign.errors import ApiError, Conflict
from countersign.values import Action

OTHERS_S, LOOK_S = 2.0, 0.02  # how long calls of one turn may come after each other, and how often is looked whether one came
Ask = Callable[[str], Awaitable[Action]]  # asks under a key
log = logging.getLogger("countersign")


@dataclass
class _Calls:
    """The calls of one tool in a scope. The server knows each under a number, in the order in which they were first asked.

    Those of one turn run side by side (tasks, threads), so that a later start makes them in another order. So each asks under the first
    number that no call of this start has: if the server knows another proposal there, it waits until that one's call has come and tries the
    next. Nothing new is asked while the server knows a proposal that no call of this start makes: then an amount was computed anew.
    A number whose call may have been heard is tried by the next call, so that none is left out: a later start would fill it with another. If it
    is taken, the call that was not answered is sent once more under it: so it is known whether it was that one's.
    """

    prefix: str
    had: int = 0  # numbers 1 to this are taken, by calls of this start: there is none in between that the server does not know
    maybe: dict[str, tuple[Ask, bool]] = field(
        default_factory=dict
    )  # calls that tried the next number, and nobody knows whether it was heard
    moved: float = 0.0  # when the last was taken, by `time.monotonic`
    asking: threading.Lock = field(default_factory=threading.Lock)  # one at a time, or two alike would take one number
    numbers: dict[str, int] = field(default_factory=dict)  # of the actions that were asked
    unfinished: dict[int, str] = field(default_factory=dict)  # numbers whose call may be made again, with these arguments

    def key(self, number: int) -> str:
        return f"{self.prefix}:{number}"


class _Scope:
    def __init__(self, name: str) -> None:
        # Not the name itself: two long ones may begin alike, and a header takes neither umlauts nor line breaks.
        self.name = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._calls: dict[str, _Calls] = {}

    def calls(self, tool: str) -> _Calls:
        return self._calls.setdefault(tool, _Calls(f"{self.name}:{hashlib.sha256(tool.encode()).hexdigest()[:32]}"))


_scope: ContextVar[_Scope | None] = ContextVar("countersign_idempotency", default=None)
_open: list[frozenset[int | None]] = []  # the threads there were when each scope that is open was opened


@contextmanager
def idempotency(name: str) -> Iterator[None]:
    """Everything proposed inside gets a key made of this name, the tool, and which call of it this is in here.

    Not of the arguments: an amount that is computed anew when the program starts again must not pass for another call. Then the server has the key
    with other arguments and refuses (`Conflict`), and nothing is done. So give each thing a name of its own, also in a loop. Calls side by side
    in here (a model's parallel tool calls) find their own again in whatever order they come. A call that could not be heard, or was not
    decided in time, may be made again in here with the same arguments: it is the same call.

    A thread of one's own is in here only where it is given the context, as `asyncio.to_thread` and LangChain do it: `copy_context().run`. Python's
    pools and `Thread` do not; a call from such a thread is a new request, and is warned of.
    """
    token, threads = _scope.set(_Scope(name)), frozenset(thread.ident for thread in threading.enumerate())
    _open.append(threads)
    try:
        yield
    finally:
        _open.remove(threads)
        _scope.reset(token)


def may_come_again(tool: str, action: Action, args: Mapping[str, Any]) -> None:
    """Nobody has decided this yet, or nobody was heard: the same call in the same scope goes on waiting for it."""
    if scope := _scope.get():
        calls = scope.calls(tool)
        if number := calls.numbers.get(action.id):
            calls.unfinished[number] = _print(args)


def under_key(tool: str, args: Mapping[str, Any], ask: Callable[[str], Action]) -> Action:
    """Ask under the key of this call: the same in every start of the same scope; a random one outside of any. Raises Conflict."""
    if (scope := _scope.get()) is None:
        return ask(_outside(tool))

    async def asked(key: str) -> Action:
        return ask(key)

    search = _Search(scope.calls(tool), args, asked, awaits=False)
    while True:
        with search.calls.asking:
            found = _at_once(search.attempt())
        if found is not None:
            return found
        time.sleep(LOOK_S)


async def under_key_async(tool: str, args: Mapping[str, Any], ask: Callable[[str], Awaitable[Action]]) -> Action:
    """The same for tasks of an event loop, which must not stand still for one of them."""
    if (scope := _scope.get()) is None:
        return await ask(_outside(tool))
    search = _Search(scope.calls(tool), args, ask, awaits=True)
    while True:
        if search.calls.asking.acquire(blocking=False):
            try:
                found = await search.attempt()
            finally:
                search.calls.asking.release()
            if found is not None:
                return found
        await asyncio.sleep(LOOK_S)


class _Search:
    """One call's way to its number, whoever waits for the server in it. Every step of it is made while `asking` is held."""

    def __init__(self, calls: _Calls, args: Mapping[str, Any], ask: Ask, *, awaits: bool) -> None:
        self.calls, self.print, self.ask, self.awaits, self.began = calls, _print(args), ask, awaits, time.monotonic()
        self.refused: dict[int, Conflict] = {}

    async def attempt(self) -> Action | None:
        """Ask once, if it is this call's turn; None: another has to come first. Raises Conflict: it had time to come."""
        if not (number := self._next()):
            return None
        calls = self.calls
        try:
            action = await self.ask(calls.key(number))
        except BaseException as error:
            if not _of_key(error):
                if number > calls.had and not _surely_refused(error):
                    calls.maybe[self.print] = self.ask, self.awaits
                raise
            self.refused[number] = cast(Conflict, error)
            if number > calls.had:
                await self._whose(number)
            return None
        self._took(number, action)
        return action

    def _next(self) -> int:
        """The number to ask under, 0 when another call has to come first."""
        again = next((n for n, args in self.calls.unfinished.items() if args == self.print), 0)
        number = again or self.calls.had + 1
        if number not in self.refused:
            return number
        if time.monotonic() > max(self.began, self.calls.moved) + OTHERS_S:
            raise self.refused[number]
        return 0

    async def _whose(self, number: int) -> None:
        """Whether a call of this start that was not answered had been heard under this number: it is asked the same again, which makes nothing."""
        for args, (ask, awaits) in list(self.calls.maybe.items()):
            if args == self.print or awaits != self.awaits:
                continue
            try:
                action = await ask(self.calls.key(number))
            except Conflict as error:
                if not _of_key(error):
                    raise
            else:
                self._took(number, action)
                self.calls.unfinished[number] = args
                break

    def _took(self, number: int, action: Action) -> None:
        calls = self.calls
        if number > calls.had:
            calls.had, calls.moved = number, time.monotonic()
            calls.maybe.clear()
        calls.unfinished.pop(number, None)
        calls.numbers[action.id] = number


def _at_once(asking: Coroutine[Any, Any, Action | None]) -> Action | None:
    """What comes of a step in which nothing waits for an event loop."""
    try:
        asking.send(None)
    except StopIteration as over:
        return cast("Action | None", over.value)
    raise RuntimeError("a call of a Client waited for an event loop")


def _of_key(error: BaseException) -> bool:
    """Whether the server knows another proposal under that key: the only refusal that names one."""
    return isinstance(error, Conflict) and "action" in error.problem


def _surely_refused(error: BaseException) -> bool:
    return isinstance(error, ApiError) and error.status < 500


def _print(args: Mapping[str, Any]) -> str:
    return json.dumps(args, sort_keys=True, default=str)


def _outside(tool: str) -> str:
    """A key for a call of no scope."""
    if any(threading.get_ident() not in threads for threads in list(_open)):
        log.warning(
            "%s is asked for in a thread that was started while idempotency(...) was open, and was not given its context: it counts as a new "
            "request, in each start of the program. Start what the thread runs with contextvars.copy_context().run",
            tool,
        )
    return str(uuid4())
