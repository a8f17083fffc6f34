"""Idempotency: what happens under one name happens at most once, however often the program is started again (docs/adr/0049).

with idempotency(f"invoice:{order}"):
    send_invoice(...)          # asked for once; a later start finds the first one's action and is given its result, or told that nobody knows
"""

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from uuid import uuid4

from countersign.errors import ApiError, Conflict, CountersignError
from countersign.numbers import Body, Calls
from countersign.values import Action, Known, Which, id_of

T = TypeVar("T")
OTHERS_S, LOOK_S = 2.0, 0.02  # how long calls of one turn may come after each other, and how often is looked whether one came
log = logging.getLogger("countersign")


Ask = Callable[[str, Body, int | None], Awaitable[Action]]  # under a key; a new one only where the server knows so many that begin like it
Lookup = Callable[[str], Awaitable[Mapping[str, Known]]]  # what was asked under keys that begin so


class _Scope:
    def __init__(self, name: str) -> None:
        # Not the name itself: two long ones may begin alike, and a header takes neither umlauts nor line breaks.
        self.name = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._calls: dict[str, Calls] = {}
        self._pid = os.getpid()

    def calls(self, tool: str) -> Calls:
        self._forked()
        return self._calls.setdefault(tool, Calls(tool, f"{self.name}:{hashlib.sha256(tool.encode()).hexdigest()[:32]}"))

    def _forked(self) -> None:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            for calls in self._calls.values():
                calls.forked()

    def heard(self, action: str, *, over: bool) -> None:
        self._forked()
        for calls in list(self._calls.values()):  # a thread may just call another tool
            calls.heard(action, over=over)


_scope: ContextVar[_Scope | None] = ContextVar("countersign_idempotency", default=None)
_open: list[_Scope] = []  # of this whole program


@contextmanager
def idempotency(name: str) -> Iterator[None]:
    """Everything proposed inside gets a key made of this name, the tool, and which call of it this is in here.

    Not of the arguments: an amount that is computed anew when the program starts again must not pass for another call. As long as there is a call
    that an earlier start asked for and this one has not, nothing new is asked: it is refused (`Conflict`), and nothing is done. So give each thing
    a name of its own, also in a loop. What was asked before is found by its arguments, in whatever order calls come. A call that could not be
    heard, or was not decided in time, may be made again in here with the same arguments: it is the same call.

    A thread of one's own is in here only where it is given the context, as `asyncio.to_thread` and LangChain do it: `copy_context().run`. Python's
    pools, `run_in_executor` and `Thread` do not; a call from such a thread is a new request, and is warned of.
    """
    scope = _Scope(name)
    token = _scope.set(scope)
    _open.append(scope)
    try:
        yield
    finally:
        _open.remove(scope)
        # Left in another context than it was entered in, as a generator of a web framework is, there is nothing to put back.
        with suppress(ValueError):
            _scope.reset(token)


@dataclass
class Waiting:
    """What is known when nobody waits any more: whether the call is over in the scope, so that the same is another one."""

    over: bool = False


@contextmanager
def waiting_for(action: Which) -> Iterator[Waiting]:
    """Unless it is `over` at the end, the same call in the same scope is this action again. Not while it is waited for: made beside it, it is another."""
    waiting, named = Waiting(), id_of(action)
    try:
        yield waiting
    finally:  # not decided in time, nobody heard, cut off, no leave, or leave of which nothing is reported: a retry is told what a later start is told
        told(named, over=waiting.over)


def told(action: str, *, over: bool) -> None:
    """Whether this call is over in the scope, so that the same is another one. If not, it is that action, also when it is made again."""
    if scope := _scope.get():
        scope.heard(action, over=over)


def under_key(
    tool: str, body: Body, ask: Callable[[str, Body, int | None], Action], lookup: Callable[[str], Mapping[str, Known]]
) -> Action:
    """Ask under the key of this call: the same in every start of the same scope; a random one outside of any. Raises Conflict."""
    if (scope := _scope.get()) is None:
        return ask(_outside(tool), body, None)

    async def asked(key: str, body: Body, known: int | None) -> Action:
        return ask(key, body, known)

    async def looked_up(begin: str) -> Mapping[str, Known]:
        return lookup(begin)

    search = _Search(scope.calls(tool), body, asked, looked_up, alone=_in_a_loop())
    while (found := _at_once(search.attempt())) is None:
        time.sleep(LOOK_S)
    return found


async def under_key_async(tool: str, body: Body, ask: Ask, lookup: Lookup) -> Action:
    """The same for tasks of an event loop, which must not stand still for one of them."""
    if (scope := _scope.get()) is None:
        return await ask(_outside(tool), body, None)
    search = _Search(scope.calls(tool), body, ask, lookup)
    while (found := await search.attempt()) is None:
        await asyncio.sleep(LOOK_S)
    return found


class _Search:
    """One call's way to its number, whoever waits for the server in it. `alone`: nobody else in this thread gets on while it waits."""

    def __init__(self, calls: Calls, body: Body, ask: Ask, lookup: Lookup, *, alone: bool = False) -> None:
        self.calls, self.body, self.ask, self.lookup, self.alone = calls, body, ask, lookup, alone
        self.began = time.monotonic()
        self.others: dict[int, Conflict] = {}
        self.compared: set[tuple[int, str]] = set()

    async def attempt(self) -> Action | None:
        """Ask once; None: nothing came of it yet. Raises Conflict when those whose numbers are left had time to come."""
        if self.calls.unsure and not await self._learned():
            return None
        number, known = self.calls.next(self.body, self.others)
        if not number:
            if not await self._found_for_another():
                self._check_time()
            return None
        try:
            action = await self.ask(self.calls.key(number), self.body, known)
        except BaseException as error:
            if _of_key(error):
                self.others[number] = cast(Conflict, error)
                if self.calls.own(number, self.body.print):
                    raise self._said_else([str(self.others[number].problem["action"])]) from error
                self.calls.not_mine(number, str(self.others[number].problem["action"]))
                return None
            if isinstance(error, Conflict) and error.code == "moved":  # another start of the program is at it
                self.calls.not_made(number, self.body.print)
                return None
            self.calls.failed(number, self.body, heard=not _surely_refused(error))
            raise
        self.calls.found(number, self.body.print, action.id)
        return action

    async def _found_for_another(self) -> bool:
        """Whether a number is that of a call of this start that looked for it and had no answer. It is asked the same again, under what the server
        knows: that makes nothing."""
        for number, body in self.calls.unheard_of():
            if body.print == self.body.print or (number, body.print) in self.compared:
                continue
            self.compared.add((number, body.print))
            self.calls.tried.add(number)
            try:
                action = await self.ask(self.calls.key(number), body, None)
            except Conflict as error:
                if not _of_key(error):
                    raise
            else:
                self.calls.found(number, body.print, action.id, may_come_again=True)
                return True
            finally:
                self.calls.tried.discard(number)
        return False

    async def _learned(self) -> bool:
        if not self.calls.looks(alone=self.alone):
            return False
        found = None
        try:
            found = await self._looked_up()
        finally:
            self.calls.learn(found)
        return True

    async def _looked_up(self) -> dict[int, Known]:
        """All that the server knows of them: numbers may be far apart, where calls between them came to nothing."""
        begin = self.calls.key("")
        found = {key.removeprefix(begin): known for key, known in (await self.lookup(begin)).items()}
        return {int(number): known for number, known in found.items() if number.isascii() and number.isdecimal()}

    def _check_time(self) -> None:
        over = time.monotonic() > max(self.began, self.calls.moved) + OTHERS_S
        if over and not self.calls.tried and not self.calls.making and self.calls.left_to_others(self.body, self.others):
            if same := self.calls.saying_else(self.body, self.others):
                raise self._said_else(same)
            left = ", ".join(self.calls.named(self.calls.known))
            raise self._conflict(
                f"{self.calls.tool} was asked for under this idempotency name before, with other arguments, and this start has not made that call "
                f"again (action {left[:400]}). If something was computed anew, look at what was decided there: nothing is asked a second time. "
                "If this is another thing, give it a name of its own"
            )
        if over and self.alone:
            raise CountersignError(
                f"{self.calls.tool} is being asked for by a task of this very event loop, which stands still as long as this plain call waits "
                "for it: make both of them async, or run this one with asyncio.to_thread"
            )

    def _said_else(self, actions: list[str]) -> Conflict:
        return self._conflict(
            f"{self.calls.tool} was asked for under this idempotency name before, with these arguments and something else said beside them "
            f"(evidence, level, cost, confidence, time to decide or who asks; action {', '.join(actions)[:400]}): people decide by that, too. Say "
            "the same again, or look at what was decided there and give this call a name of its own"
        )

    def _conflict(self, said: str) -> Conflict:
        problem = next(iter(self.others.values())).problem if self.others else {"code": "conflict", "status": 409}
        return Conflict(409, {**problem, "detail": said})


def _at_once(asking: Coroutine[Any, Any, T]) -> T:
    """What comes of a step in which nothing waits for an event loop."""
    try:
        asking.send(None)
    except StopIteration as over:
        return cast(T, over.value)
    raise RuntimeError("a call of a Client waited for an event loop")


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _of_key(error: BaseException) -> bool:
    """Whether the server knows another proposal under that key: the only refusal that names one."""
    return isinstance(error, Conflict) and "action" in error.problem


def _surely_refused(error: BaseException) -> bool:
    return isinstance(error, ApiError) and error.status < 500


def _outside(tool: str) -> str:
    """A key for a call of no scope."""
    if _open:
        log.warning(
            "%s is asked for while idempotency(...) is open, by a thread or task that was not given its context: it counts as a new request, in "
            "each start of the program. Start what the thread runs with contextvars.copy_context().run",
            tool,
        )
    return str(uuid4())
