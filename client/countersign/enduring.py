"""Work that is done to its end although whoever waits for it is cancelled: a claim, and the report of what came of it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from anyio import CancelScope

T = TypeVar("T")


async def to_the_end(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do it and give what it gives. Who was cancelled meanwhile is cancelled when it is through.

    A shielded scope keeps off what anyio and trio cancel, which comes again at the next await. asyncio's own cancellation (`task.cancel`,
    `asyncio.timeout`, `wait_for`) knows no scopes and comes once: there the work has a task of its own, and the cancellation is raised afterwards.
    """
    with CancelScope(shield=True):
        if not _in_asyncio():
            return await work()
        doing, cut = asyncio.create_task(work()), None
        while not doing.done():
            try:
                await asyncio.wait([doing])
            except asyncio.CancelledError as cancelled:
                cut = cancelled
    if cut is None or doing.cancelled():
        return doing.result()
    raise cut from doing.exception()


def _in_asyncio() -> bool:
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False
