"""What can be guarded: functions that are over when they return, with arguments that people can be shown. Used by `guard` only; pure."""

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from countersign.client import AsyncClient, Client

R = TypeVar("R")
LIKE = {
    "date": "pass its isoformat() and read it inside",
    "datetime": "pass its isoformat() and read it inside",
    "Decimal": "pass it as a text, or in the smallest unit",
    "UUID": "pass its str()",
    "set": "pass a sorted list",
}


def check(function: Callable[..., Any], client: Client | AsyncClient | None) -> None:
    """Raises TypeError, when a function is decorated, for what could not be guarded as it says."""
    name = getattr(function, "__name__", repr(function))
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(
            f"{name} is a generator: it would be reported as done before its body ran. Guard a function that returns when it is done"
        )
    awaits = inspect.iscoroutinefunction(function)
    if client is not None and isinstance(client, AsyncClient) is not awaits:
        kinds = ("async def", "AsyncClient", "a Client") if awaits else ("a plain def", "Client", "an AsyncClient")
        raise TypeError(f"{name} is {kinds[0]} and is asked for with client={kinds[1]}(...), not with {kinds[2]}")


def check_json(tool: str, given: Mapping[str, Any]) -> None:
    """Raises TypeError, before anybody is asked, for an argument that people could not be shown."""
    for name, value in given.items():
        try:
            if json.loads(json.dumps(value, allow_nan=False, ensure_ascii=False).encode()) != _listed(value):
                raise TypeError("the names in an object are texts")
        except (TypeError, ValueError, RecursionError) as error:
            kind = type(value).__name__
            raise TypeError(
                f"{tool}: people cannot be shown the argument {name!r}, of type {kind}, as JSON ({error}): {_instead(name, kind)}"
            ) from error


def _listed(value: Any) -> Any:
    """The same with a list for each tuple, as which it comes back."""
    if isinstance(value, Mapping):
        return {key: _listed(part) for key, part in value.items()}
    return [_listed(part) for part in value] if isinstance(value, list | tuple) else value


def finished(result: R, tool: str) -> R:
    """What a function returned, if it was over with that. Raises TypeError for what still had to be awaited or gone through."""
    if not (inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result)):
        return result
    if inspect.iscoroutine(result) or inspect.isgenerator(result):
        result.close()  # it never runs: people are told that nobody knows
    raise TypeError(
        f"{tool} returned {type(result).__name__} whose body has not run: guard the `async def` itself, or return when it is done"
    )


def _instead(name: str, kind: str) -> str:
    if name in {"self", "cls"}:
        return "guard a function or a @staticmethod that takes what people are to see, and call that from the method"
    return LIKE.get(kind, "pass plain values (texts, numbers, lists, objects by name), and make the rest of them inside")
