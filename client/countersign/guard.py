"""Guarding a plain function: it is proposed with its arguments, and runs when people have agreed, with the arguments they agreed to.

The arguments must be JSON; what runs is what came back with the claim, so an edit by a reviewer takes effect (and a tuple comes back as a list).
Whatever was claimed is reported, also when it could not be begun. What was done is given back although nobody hears of it: raising would read as
"not done", and invite to do it again; under one name a later start is told that nobody knows. Under one `idempotency` name a later start is given what the first one returned.
"""

import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast, overload

from countersign import results
from countersign.binding import call_of, named
from countersign.client import AsyncClient, Client
from countersign.enduring import to_the_end
from countersign.errors import AlreadyDone, CountersignError, NotApproved
from countersign.fitting import check, check_json, finished
from countersign.keys import waiting_for
from countersign.values import Action, Claim, Which

log = logging.getLogger("countersign.guard")
P = ParamSpec("P")
R = TypeVar("R")
LEVELS = ("low", "medium", "high", "critical")


@overload
def require_approval(tool: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def require_approval(
    tool: str = "",
    *,
    level: str = "",
    client: Client | AsyncClient | None = None,
    rationale: str | Callable[..., str] = "",
    requested_by: str = "",
    timeout_s: float | None = None,
    on_rejection: Callable[[NotApproved], Any] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def require_approval(
    tool: Any = "",
    *,
    level: str = "",
    client: Client | AsyncClient | None = None,
    rationale: str | Callable[..., str] = "",
    requested_by: str = "",
    timeout_s: float | None = None,
    on_rejection: Callable[[NotApproved], Any] | None = None,
) -> Any:
    """Ask before a function runs. Works on `def` and `async def`, with brackets or without.

    Args:
        tool: its name for people and policy; the function's own when not said.
        level: the least level people decide it at: low, medium, high or critical. The policy may ask for more, never for less.
        client: what to ask with, `Client` for `def` and `AsyncClient` for `async def`; one made from COUNTERSIGN_URL and COUNTERSIGN_KEY when not said.
        rationale: why, in your program's words; or a function of the arguments.
        timeout_s: how long to wait for people; for ever when not said.
        on_rejection: what to return instead of raising NotApproved.

    Raises (when a function is decorated):
        TypeError: a generator, which would be told to be done before it began; a client of the other kind than the function.

    Raises (when called):
        NotApproved, NotDecidedInTime, Conflict, ApiError, Unreachable. Whatever the function raises is reported as unknown and raised on.
        TypeError: the arguments, or what a reviewer made of them, do not fit the function; then it is reported as failed.
        AlreadyFailed, OutcomeUnknown, and AlreadyDone where only the words of the result were kept: an earlier start under the same
        `idempotency` name acted; otherwise what that one returned is returned again.
    """
    if level and level not in LEVELS:
        raise ValueError(f"level has to be one of {', '.join(LEVELS)}, not {level!r}")
    if callable(tool):
        return require_approval()(tool)

    def guard(function: Callable[P, R]) -> Callable[P, R]:
        check(function, client)
        one = _Guarded(
            tool or function.__name__, function, inspect.signature(function), level, rationale, requested_by, timeout_s, on_rejection
        )

        @functools.wraps(function)
        def plainly(*args: P.args, **kwargs: P.kwargs) -> R:
            return cast(R, one.run(cast(Client, client) if client is not None else _default(), args, kwargs))

        @functools.wraps(function)
        async def awaiting(*args: P.args, **kwargs: P.kwargs) -> Any:
            if client is not None:
                return await one.run_async(cast(AsyncClient, client), args, kwargs)
            async with _default_async() as asks:  # a client belongs to its event loop, and nobody knows how long that one lives
                return await one.run_async(asks, args, kwargs)

        return cast(Callable[P, R], awaiting if inspect.iscoroutinefunction(function) else plainly)

    return guard


@dataclass(frozen=True)
class _Guarded:
    """A guarded function and how it asks."""

    name: str
    function: Callable[..., Any]
    signature: inspect.Signature
    level: str
    rationale: str | Callable[..., str]
    requested_by: str
    timeout_s: float | None
    on_rejection: Callable[[NotApproved], Any] | None

    def run(self, asks: Client, args: Any, kwargs: Any) -> Any:
        given, more = self._wanted(args, kwargs)
        action = asks.request(self.name, given, **more)
        with waiting_for(action.id) as waiting:
            try:
                leave = asks._approval(action.id, self.timeout_s)
            except (NotApproved, AlreadyDone) as instead:
                given = self._instead(instead)
                waiting.over = True
                return given
            waiting.over = True  # what comes of it is reported, whatever happens
        begun = False
        try:
            taken, by_name = call_of(self.signature, leave.args)
            begun = True
            result = finished(self.function(*taken, **by_name), self.name)
        except BaseException as error:
            try:
                asks.report(action.id, "unknown" if begun else "failed", reason=f"{type(error).__name__}: {results.words(error)}")
            except CountersignError as lost:
                error.add_note(f"Countersign could not be told: {lost}")
            raise
        with waiting_for(action.id) as waiting:  # cut off here, the same call is given what this one returned
            try:
                asks._report(action.id, "done", result=results.told(result))
            except CountersignError as lost:
                _unheard(action, lost)
            waiting.over = True
        return result

    async def run_async(self, asks: AsyncClient, args: Any, kwargs: Any) -> Any:
        given, more = self._wanted(args, kwargs)
        action = await asks.request(self.name, given, **more)
        with waiting_for(action.id) as waiting:
            try:
                leave = await asks._approval(action.id, self.timeout_s)
            except (NotApproved, AlreadyDone) as instead:
                given = self._instead(instead)
                waiting.over = True
                return given
            waiting.over = True  # what comes of it is reported, whatever happens
        begun = False
        try:
            taken, by_name = call_of(self.signature, leave.args)
            begun = True
            result = finished(await self.function(*taken, **by_name), self.name)
        except BaseException as error:
            await to_the_end(functools.partial(_tell_error, asks, action, error, "unknown" if begun else "failed"))
            raise
        with waiting_for(action.id) as waiting:
            await to_the_end(functools.partial(_tell_done, asks, action, result))
            waiting.over = True
        return result

    def _wanted(self, args: Any, kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        given = named(self.signature, args, kwargs)
        check_json(self.name, given)
        why = self.rationale(**given) if callable(self.rationale) else self.rationale
        return given, {"rationale": why, "requested_by": self.requested_by, **({"level": self.level} if self.level else {})}

    def _instead(self, why: NotApproved | AlreadyDone) -> Any:
        """What is returned without running: what an earlier start returned, or what the program says to a refusal. Raises it where there is none."""
        if isinstance(why, AlreadyDone) and why.result is not None:
            with suppress(ValueError):
                return results.given_back(why.result)
        if isinstance(why, AlreadyDone) or self.on_rejection is None:
            raise why
        return self.on_rejection(why)


def request(tool: str, args: Mapping[str, Any], **more: Any) -> Action:
    """Propose a call with the default client, and go on; `wait` for it later."""
    return _default().request(tool, args, **more)


def wait(action: Which, *, timeout_s: float | None = None) -> Claim:
    """Wait until people agreed, and take leave to act. Raises NotApproved, NotDecidedInTime."""
    return _default().approval(action, timeout_s=timeout_s)


@functools.cache
def _default() -> Client:
    return Client()


def _default_async() -> AsyncClient:
    return AsyncClient()


async def _tell_error(asks: AsyncClient, action: Action, error: BaseException, status: str) -> None:
    """Also whoever is cancelled says that nobody knows."""
    try:
        await asks.report(action.id, status, reason=f"{type(error).__name__}: {results.words(error)}")
    except CountersignError as lost:
        error.add_note(f"Countersign could not be told: {lost}")


async def _tell_done(asks: AsyncClient, action: Action, result: Any) -> None:
    try:
        await asks._report(action.id, "done", result=results.told(result))
    except CountersignError as lost:
        _unheard(action, lost)


def _unheard(action: Action, lost: CountersignError) -> None:
    """It was done, and Countersign could not be told: people see that nobody knows, until somebody says so."""
    log.warning("What came of %s (done) could not be reported: %s", action.id, lost)
