"""Guarding a plain function: it is proposed with its arguments, and runs when people have agreed, with the arguments they agreed to.

The arguments must be JSON (a default converts what is not); what runs is what came back with the claim, so an edit by a reviewer takes effect.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from countersign.client import AsyncClient, Client
from countersign.errors import NotApproved
from countersign.keys import key_for
from countersign.values import Action, Claim

P = ParamSpec("P")
R = TypeVar("R")


def require_approval(
    tool: str = "",
    *,
    client: Client | AsyncClient | None = None,
    rationale: str | Callable[..., str] = "",
    requested_by: str = "",
    timeout_s: float | None = None,
    on_rejection: Callable[[NotApproved], Any] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Ask before a function runs. Works on `def` and `async def`.

    Args:
        tool: its name for people and policy; the function's own when not said.
        client: what to ask with; one made from COUNTERSIGN_URL and COUNTERSIGN_KEY when not said.
        rationale: why, in your program's words; or a function of the arguments.
        timeout_s: how long to wait for people; for ever when not said.
        on_rejection: what to return instead of raising NotApproved.

    Raises (when called):
        NotApproved, NotDecidedInTime, Conflict, ApiError, Unreachable. Whatever the function raises is reported as unknown and raised on.
    """

    def guard(function: Callable[P, R]) -> Callable[P, R]:
        one = _Guarded(tool or function.__name__, function, inspect.signature(function), rationale, requested_by, timeout_s, on_rejection)

        @functools.wraps(function)
        def plainly(*args: P.args, **kwargs: P.kwargs) -> R:
            return cast(R, one.run(client if isinstance(client, Client) else _default(), args, kwargs))

        @functools.wraps(function)
        async def awaiting(*args: P.args, **kwargs: P.kwargs) -> Any:
            if isinstance(client, AsyncClient):
                return await one.run_async(client, args, kwargs)
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
    rationale: str | Callable[..., str]
    requested_by: str
    timeout_s: float | None
    on_rejection: Callable[[NotApproved], Any] | None

    def run(self, asks: Client, args: Any, kwargs: Any) -> Any:
        given, more = self._wanted(args, kwargs)
        action = asks.request(self.name, given, key=key_for(self.name, given), **more)
        try:
            leave = asks.approval(action.id, timeout_s=self.timeout_s)
        except NotApproved as refusal:
            return self._refused(refusal)
        bound = self.signature.bind(**leave.args)
        try:
            result = self.function(*bound.args, **bound.kwargs)
        except BaseException as error:
            asks.report(action.id, "unknown", reason=f"{type(error).__name__}: {error}")
            raise
        asks.report(action.id, "done", result=_told(result))
        return result

    async def run_async(self, asks: AsyncClient, args: Any, kwargs: Any) -> Any:
        given, more = self._wanted(args, kwargs)
        action = await asks.request(self.name, given, key=key_for(self.name, given), **more)
        try:
            leave = await asks.approval(action.id, timeout_s=self.timeout_s)
        except NotApproved as refusal:
            return self._refused(refusal)
        bound = self.signature.bind(**leave.args)
        try:
            result = await self.function(*bound.args, **bound.kwargs)
        except BaseException as error:
            await asks.report(action.id, "unknown", reason=f"{type(error).__name__}: {error}")
            raise
        await asks.report(action.id, "done", result=_told(result))
        return result

    def _wanted(self, args: Any, kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        why = self.rationale(**bound.arguments) if callable(self.rationale) else self.rationale
        return dict(bound.arguments), {"rationale": why, "requested_by": self.requested_by}

    def _refused(self, refusal: NotApproved) -> Any:
        if self.on_rejection is None:
            raise refusal
        return self.on_rejection(refusal)


def request(tool: str, args: Mapping[str, Any], **more: Any) -> Action:
    """Propose a call with the default client, and go on; `wait` for it later."""
    return _default().request(tool, args, key=more.pop("key", "") or key_for(tool, dict(args)), **more)


def wait(action: Action | str, *, timeout_s: float | None = None) -> Claim:
    """Wait until people agreed, and take leave to act. Raises NotApproved, NotDecidedInTime."""
    return _default().approval(action if isinstance(action, str) else action.id, timeout_s=timeout_s)


@functools.cache
def _default() -> Client:
    return Client()


def _default_async() -> AsyncClient:
    return AsyncClient()


def _told(result: Any) -> dict[str, Any]:
    """A result as people see it: JSON as it is, anything else as its words."""
    if isinstance(result, Mapping) and all(isinstance(key, str) for key in result):
        return {
            key: value if isinstance(value, str | int | float | bool | None | list | dict) else str(value) for key, value in result.items()
        }
    return {"value": result if isinstance(result, str | int | float | bool | None) else str(result)}
