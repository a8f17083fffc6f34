"""The numbers of the calls of one tool under an `idempotency` name: which are taken, which the server knows, which is next. Pure but for the clock.

Used by `keys` alone, which asks the server.
"""

import hashlib
import json
import math
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from countersign.values import Known


@dataclass(frozen=True)
class Body:
    """What is asked: the arguments, and what is said beside them."""

    args: Mapping[str, Any]
    more: Mapping[str, Any]

    @cached_property
    def print(self) -> str:
        """The arguments by value, as RFC 8785 writes them."""
        return _written(self.args)

    @cached_property
    def sha256(self) -> str:
        """As the server has it of what it knows."""
        return hashlib.sha256(self.print.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass
class Calls:
    """The calls of one tool under a name, each under a number. What the server knows of them is looked up before the first is asked, and again when
    it may have changed: something new is asked only on condition that it has not (`next`).

    `lock` is never held while anything is waited for: calls of one turn run side by side, in threads and in tasks of one loop.
    """

    tool: str
    prefix: str
    open: dict[int, Known] | None = None  # what the server knows, by number, and no call of this start has; None: not looked up yet
    looking: bool = False
    there: set[int] = field(default_factory=set)  # all that the server has something under
    stale: bool = False  # something may have come under it since: by another start of the program, or by a request that was not answered
    making: int = 0  # the number that something new is just asked under, one at a time
    tried: set[int] = field(default_factory=set)  # those of them that a call just asks whether it is its own
    taken: set[int] = field(default_factory=set)  # by calls of this start
    again: dict[int, str] = field(default_factory=dict)  # those of them whose call may be made again, with these arguments
    unheard: dict[str, Body] = field(default_factory=dict)  # calls of this start that found no answer while they looked for their number
    asked: dict[str, tuple[int, str]] = field(default_factory=dict)  # by action: its number and its arguments
    moved: float = 0.0  # when a call of an earlier start was found again last, by `time.monotonic`
    lock: threading.Lock = field(default_factory=threading.Lock)

    def key(self, number: int | str) -> str:
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
            if found is None:
                return
            self.open = {**(self.open or {}), **{number: known for number, known in found.items() if number not in self.taken}}
            self.there, self.stale = set(found), False

    def forked(self) -> None:
        """In a process of its own now: what other threads were just at goes on in the one it came from alone."""
        self.lock, self.looking, self.making, self.stale = threading.Lock(), False, 0, True
        self.tried.clear()

    @property
    def unsure(self) -> bool:
        return self.open is None or self.stale

    def next(self, body: Body, others: Collection[int]) -> tuple[int, int | None]:
        """The number to ask under: its own from before; one that the server knows, to see whose it is; a new one when there is none left of
        those. 0: it has to wait, for there are, and they are `others`'. With it, for what is new, how many the server has to have for it to be asked."""
        with self.lock:
            new = not self.known and not self.making
            perhaps = self._perhaps(body, others) - self.tried
            # What an earlier start asked with these very arguments comes first: behind one that may be made again, nobody would ever find it.
            if number := min((n for n in perhaps if self.known[n].args_sha256), default=0):
                self.tried.add(number)
            elif number := next((n for n, of in self.again.items() if of == body.print and (new or n in self.there)), 0):
                del self.again[number]
            elif number := min(perhaps, default=0):
                self.tried.add(number)
            elif not others and (number := min(self.known.keys() - self.tried, default=0)):
                # It is another's. But the server may refuse this call whatever its number, and then that is what is to be said.
                self.tried.add(number)
            elif new:
                number = min(set(range(1, len(self.taken) + 2)) - self.taken)
            if not number or number in self.there:
                return number, None
            self.taken.add(number)
            self.making = number
            return number, len(self.there)

    def _perhaps(self, body: Body, others: Collection[int]) -> set[int]:
        """Numbers of what may be this very call."""
        return {
            n for n, known in self.known.items() if n not in others and (not known.args_sha256 or body.sha256 in {"", known.args_sha256})
        }

    def found(self, number: int, args: str, action: str, *, may_come_again: bool = False) -> None:
        with self.lock:
            if self.known.pop(number, None):
                self.moved = time.monotonic()
            self._done_with(number)
            self.taken.add(number)
            self.there.add(number)
            self.asked[action] = number, args
            self.unheard.pop(args, None)
            if may_come_again:
                self.again[number] = args

    def heard(self, action: str, *, over: bool) -> None:
        """Whether the call is over, so that the same is another one; else it may be made again."""
        with self.lock:
            if action not in self.asked:
                return
            number, args = self.asked[action]
            if over:
                self.again.pop(number, None)
            else:
                self.again[number] = args

    def own(self, number: int, args: str) -> bool:
        """Whether it is of a call of this start, with these arguments, which may be made again as it was."""
        with self.lock:
            if (number, args) not in self.asked.values():
                return False
            self._done_with(number)
            self.again[number] = args
            return True

    def not_mine(self, number: int, action: str) -> None:
        """The server knows another proposal under it. A new number is one by now that another start of the program has taken meanwhile."""
        with self.lock:
            self.stale |= number not in self.known
            self._done_with(number)
            self.taken.discard(number)
            self.there.add(number)
            self.known.setdefault(number, Known(action, ""))

    def not_made(self, number: int, args: str) -> None:
        """The server has others by now than we knew of."""
        with self.lock:
            self.stale = True
            self._done_with(number)
            self.taken.discard(number)

    def failed(self, number: int, body: Body, *, heard: bool) -> None:
        """Nobody knows whose it is, or whether there is anything under it: `heard` says that there may be."""
        with self.lock:
            if number in self.tried:
                self.unheard[body.print] = body
            elif heard or number != self.making:
                self.again[number] = body.print
                self.stale |= number == self.making
            else:
                self.taken.discard(number)
            self._done_with(number)

    def _done_with(self, number: int) -> None:
        self.tried.discard(number)
        self.making = 0 if self.making == number else self.making

    def left_to_others(self, body: Body, others: Collection[int]) -> bool:
        """Whether all that is open is known not to be this call's, so that waiting for what others find out helps nobody."""
        with self.lock:
            return not self._perhaps(body, others)

    def unheard_of(self) -> list[tuple[int, Body]]:
        """Numbers that may be those of calls of this start that had no answer."""
        with self.lock:
            return [(n, body) for body in self.unheard.values() for n in sorted(self._perhaps(body, self.tried))]

    def saying_else(self, body: Body, others: Collection[int]) -> list[str]:
        """The actions with the same arguments that the server knows to be another call."""
        with self.lock:
            return sorted(known.action for n, known in self.known.items() if n in others and known.args_sha256 == body.sha256)

    def named(self, numbers: Collection[int]) -> list[str]:
        with self.lock:
            return sorted(known.action for n, known in self.known.items() if n in numbers)


def _written(value: Any) -> str:
    """As RFC 8785 writes it: names in the order of their UTF-16, numbers as ECMAScript writes them, so that 12.0 is 12."""
    if isinstance(value, Mapping):
        named = {str(name): one for name, one in value.items()}
        order = sorted(named, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_written(name)}:{_written(named[name])}" for name in order) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _number(value: float) -> str:
    """ECMA-262, Number::toString: Python finds the same digits, and sets them otherwise."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else repr(value)
    mantissa, _, exponent = repr(abs(float(value))).partition("e")  # not of a library's own kind of float
    whole, _, rest = mantissa.partition(".")
    digits = (whole + rest).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + rest) - len(digits))
    return ("-" if value < 0 else "") + _set(digits.rstrip("0"), point)


def _set(digits: str, point: int) -> str:
    """Digits with the point behind so many of them."""
    if 0 < point <= 21:
        return digits.ljust(point, "0") if len(digits) <= point else f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    first = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{first}e{'+' if point > 0 else '-'}{abs(point - 1)}"
