"""Idempotency: what happens under one name happens at most once, however often the program is started again (docs/adr/0049).

with idempotency(f"invoice:{order}"):
    send_invoice(...)          # asked for once; a later start finds the first one's action and is given its result, or told that nobody knows
"""

import asyncio
import hashlib
import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast
from uuid import uuid4

from countersign.errors import ActedBefore, ApiError, Conflict, CountersignError, NotApproved
from countersign.values import Action, Known

T = TypeVar("T")
OTHERS_S, LOOK_S = 2.0, 0.02  # how long calls of one turn may come after each other, and how often is looked whether one came
BLOCK = 100  # so many numbers are looked up at once, as many as the server takes
log = logging.getLogger("countersign")


@dataclass(frozen=True)
class Body:
    """What is asked: the arguments, and what is said beside them."""

    args: Mapping[str, Any]
    more: Mapping[str, Any]

    @cached_property
    def print(self) -> str:
        """The arguments by value, as RFC 8785 writes them."""
        return json.dumps(_by_value(self.args), separators=(",", ":"), ensure_ascii=False, default=str)

    @cached_property
    def sha256(self) -> str:
        """As the server has it of what it knows; "" where a broken number may be written otherwise there."""
        return "" if _has_broken(self.args) else hashlib.sha256(self.print.encode("utf-8", "surrogatepass")).hexdigest()


Ask = Callable[[str, Body], Awaitable[Action]]  # under a key
Lookup = Callable[[Sequence[str]], Awaitable[Mapping[str, Known]]]  # what was asked under these keys


@dataclass
class _Calls:
    """The calls of one tool under a name, each under a number. What the server knows of them is looked up once, before the first is asked.

    `lock` is never held while anything is waited for: calls of one turn run side by side, in threads and in tasks of one loop.
    """

    tool: str
    prefix: str
    open: dict[int, Known] | None = None  # what the server knows, by number, and no call of this start has; None: not looked up yet
    looking: bool = False
    tried: set[int] = field(default_factory=set)  # those of them that a call just asks whether it is its own
    taken: set[int] = field(default_factory=set)  # by calls of this start
    fresh: set[int] = field(default_factory=set)  # those of them that nothing was asked under before
    again: dict[int, str] = field(default_factory=dict)  # those of them whose call may be made again, with these arguments
    unheard: dict[str, Body] = field(default_factory=dict)  # calls of this start that found no answer while they looked for their number
    asked: dict[str, tuple[int, str]] = field(default_factory=dict)  # by action: its number and its arguments
    moved: float = 0.0  # when a call of an earlier start was found again last, by `time.monotonic`
    lock: threading.Lock = field(default_factory=threading.Lock)

    def key(self, number: int) -> str:
        return f"{self.prefix}:{number}"

    @property
    def known(self) -> dict[int, Known]:
        return cast(dict[int, Known], self.open)

    def looks(self, *, alone: bool) -> bool:
        """Whether to look up what is known: one call does it for all, unless nobody else gets on meanwhile."""
        with self.lock:
            first, self.looking = not self.looking, True
            return first or alone

    def learn(self, found: Mapping[int, Known] | None) -> None:
        with self.lock:
            self.looking = False
            if self.open is None and found is not None:
                self.open = dict(found)

    def learn_more(self, found: Mapping[int, Known]) -> None:
        with self.lock:
            self.known.update({number: known for number, known in found.items() if number not in self.taken})

    def next(self, body: Body, others: Collection[int]) -> int:
        """The number to ask under: its own from before; one that the server knows, to see whose it is; a new one when there is none left of
        those. 0: it has to wait, for there are, and they are `others`'."""
        with self.lock:
            if number := next((n for n, of in self.again.items() if of == body.print), 0):
                del self.again[number]
            elif number := min(self._perhaps(body, others) - self.tried, default=0):
                self.tried.add(number)
            elif not others and (number := min(self.known.keys() - self.tried, default=0)):
                self.tried.add(
                    number
                )  # it is another's; but the server may refuse this call whatever its number, and that is what is said then
            elif not self.known:
                number = min(set(range(1, len(self.taken) + 2)) - self.taken)
                self.taken.add(number)
                self.fresh.add(number)
            return number

    def _perhaps(self, body: Body, others: Collection[int]) -> set[int]:
        """Numbers of what may be this very call."""
        return {
            n for n, known in self.known.items() if n not in others and (not known.args_sha256 or body.sha256 in {"", known.args_sha256})
        }

    def found(self, number: int, args: str, action: str, *, may_come_again: bool = False) -> None:
        with self.lock:
            if self.known.pop(number, None):
                self.moved = time.monotonic()
            for numbers in (self.tried, self.fresh):
                numbers.discard(number)
            self.taken.add(number)
            self.asked[action] = number, args
            self.unheard.pop(args, None)
            if may_come_again:
                self.again[number] = args

    def not_mine(self, number: int, action: str) -> None:
        """The server knows another proposal under it. A new number is one by now that another start of the program has taken meanwhile."""
        with self.lock:
            for numbers in (self.tried, self.taken, self.fresh):
                numbers.discard(number)
            self.known.setdefault(number, Known(action, ""))

    def failed(self, number: int, body: Body, *, heard: bool) -> None:
        """Nobody knows whose it is, or whether there is anything under it: `heard` says that there may be."""
        with self.lock:
            if number in self.tried:
                self.tried.discard(number)
                self.unheard[body.print] = body
            elif heard or number not in self.fresh:
                self.again[number] = body.print
            else:
                self.taken.discard(number)
            self.fresh.discard(number)

    def left_to_others(self, body: Body, others: Collection[int]) -> bool:
        """Whether all that is open is known not to be this call's, so that waiting for what others find out helps nobody."""
        with self.lock:
            return not self._perhaps(body, others)

    def unheard_of(self) -> list[tuple[int, Body]]:
        """Numbers that may be those of calls of this start that had no answer."""
        with self.lock:
            return [(n, body) for body in self.unheard.values() for n in sorted(self._perhaps(body, self.tried))]

    def named(self, numbers: Collection[int]) -> list[str]:
        with self.lock:
            return sorted(known.action for n, known in self.known.items() if n in numbers)


def _by_value(value: Any) -> Any:
    """In order, and 12.0 is 12: as for whoever reads JSON, and for the server (RFC 8785 orders names by their UTF-16)."""
    if isinstance(value, Mapping):
        named = {str(name): one for name, one in value.items()}
        return {name: _by_value(named[name]) for name in sorted(named, key=lambda name: name.encode("utf-16-be", "surrogatepass"))}
    if isinstance(value, list | tuple):
        return [_by_value(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _has_broken(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_broken, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_broken, value))
    return isinstance(value, float) and not value.is_integer()


class _Scope:
    def __init__(self, name: str) -> None:
        # Not the name itself: two long ones may begin alike, and a header takes neither umlauts nor line breaks.
        self.name = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._calls: dict[str, _Calls] = {}

    def calls(self, tool: str) -> _Calls:
        return self._calls.setdefault(tool, _Calls(tool, f"{self.name}:{hashlib.sha256(tool.encode()).hexdigest()[:32]}"))

    def heard(self, action: str, *, decided: bool) -> None:
        """Whether its call was told what became of it. If not, the same call made again goes on waiting for it."""
        for calls in self._calls.values():
            if action not in calls.asked:
                continue
            number, args = calls.asked[action]
            if decided:
                calls.again.pop(number, None)
            else:
                calls.again[number] = args


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
        with suppress(
            ValueError
        ):  # left in another context than it was entered in, as a generator of a web framework is: that one is over by now
            _scope.reset(token)


@contextmanager
def waiting_for(action: str) -> Iterator[None]:
    """Who is not told what was decided inside goes on waiting for it with the same call in the same scope."""
    decided = False
    try:
        yield
        decided = True
    except (NotApproved, ActedBefore):
        decided = True
        raise
    finally:  # else: not decided in time, nobody heard, cut off
        if scope := _scope.get():
            scope.heard(action, decided=decided)


def under_key(tool: str, body: Body, ask: Callable[[str, Body], Action], lookup: Callable[[Sequence[str]], Mapping[str, Known]]) -> Action:
    """Ask under the key of this call: the same in every start of the same scope; a random one outside of any. Raises Conflict."""
    if (scope := _scope.get()) is None:
        return ask(_outside(tool), body)

    async def asked(key: str, body: Body) -> Action:
        return ask(key, body)

    async def looked_up(keys: Sequence[str]) -> Mapping[str, Known]:
        return lookup(keys)

    search = _Search(scope.calls(tool), body, asked, looked_up, alone=_in_a_loop())
    while (found := _at_once(search.attempt())) is None:
        time.sleep(LOOK_S)
    return found


async def under_key_async(tool: str, body: Body, ask: Ask, lookup: Lookup) -> Action:
    """The same for tasks of an event loop, which must not stand still for one of them."""
    if (scope := _scope.get()) is None:
        return await ask(_outside(tool), body)
    search = _Search(scope.calls(tool), body, ask, lookup)
    while (found := await search.attempt()) is None:
        await asyncio.sleep(LOOK_S)
    return found


class _Search:
    """One call's way to its number, whoever waits for the server in it. `alone`: nobody else in this thread gets on while it waits."""

    def __init__(self, calls: _Calls, body: Body, ask: Ask, lookup: Lookup, *, alone: bool = False) -> None:
        self.calls, self.body, self.ask, self.lookup, self.alone = calls, body, ask, lookup, alone
        self.began = time.monotonic()
        self.others: dict[int, Conflict] = {}
        self.compared: set[tuple[int, str]] = set()

    async def attempt(self) -> Action | None:
        """Ask once; None: nothing came of it yet. Raises Conflict when those whose numbers are left had time to come."""
        if self.calls.open is None and not await self._learned():
            return None
        if not (number := self.calls.next(self.body, self.others)):
            if not await self._found_for_another():
                self._check_time()
            return None
        try:
            action = await self.ask(self.calls.key(number), self.body)
        except BaseException as error:
            if _of_key(error):
                await self._not_mine(number, cast(Conflict, error))
                return None
            self.calls.failed(number, self.body, heard=not _surely_refused(error))
            raise
        self.calls.found(number, self.body.print, action.id)
        return action

    async def _not_mine(self, number: int, error: Conflict) -> None:
        """Raises Conflict: it is the same call, of which something else is said now."""
        known = self.calls.known.get(number)
        self.others[number] = error
        self.calls.not_mine(number, str(error.problem["action"]))
        if known is None:  # another start of the program is at it: it may have asked for this very call, too
            self.calls.learn_more(await self._looked_up())
        if known and known.args_sha256 and known.args_sha256 == self.body.sha256:
            raise self._conflict(
                f"{self.calls.tool} was asked for under this idempotency name before, with these arguments and something else said beside them "
                f"(evidence, level, cost, confidence or time to decide; action {known.action}): people decide by that, too. Say the same again, or "
                "look at what was decided there and give this call a name of its own"
            )

    async def _found_for_another(self) -> bool:
        """Whether a number is that of a call of this start that looked for it and had no answer. It is asked the same again, under what the server
        knows: that makes nothing."""
        for number, body in self.calls.unheard_of():
            if body.print == self.body.print or (number, body.print) in self.compared:
                continue
            self.compared.add((number, body.print))
            self.calls.tried.add(number)
            try:
                action = await self.ask(self.calls.key(number), body)
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
        """What the server knows. Numbers were given out one after the other: where none of a block is known, none is after it."""
        found: dict[int, Known] = {}
        begin = 1
        while True:
            block = {self.calls.key(n): n for n in range(begin, begin + BLOCK)}
            known = {block[key]: one for key, one in (await self.lookup(list(block))).items() if key in block}
            found |= known
            if not known:
                return found
            begin += BLOCK

    def _check_time(self) -> None:
        over = time.monotonic() > max(self.began, self.calls.moved) + OTHERS_S
        if over and self.calls.left_to_others(self.body, self.others):
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
