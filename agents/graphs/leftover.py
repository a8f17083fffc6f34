"""Graphs that a node leaves running as it stops: of two agents in one `asyncio.gather` one asks, and the other goes on. Used by `driver` only.

LangGraph lets them, in a loop that stays. The loop of a stretch is closed, which would cut them off between a call that was made and the checkpoint
that says so: the graph would ask about that call again, which people have answered.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

from langgraph import pregel

SAVED_WITHIN_S = 5.0  # to the next checkpoint; a model that answers later is asked again
_LOOK_S = 0.05  # between two steps none of its tasks may be there for a moment
_DEEP = 100
_PREGEL = str(Path(pregel.__file__).parent)


async def saved() -> None:
    """Give graphs that still run in this loop the time to come to their next question, or end."""
    until = time.monotonic() + SAVED_WITHIN_S
    while (left := _running()) and (seconds := until - time.monotonic()) > 0:
        await asyncio.wait(left, timeout=seconds)
        await asyncio.sleep(_LOOK_S)


def _running() -> set["asyncio.Task[Any]"]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task() and _in_a_graph(task.get_coro())}


def _in_a_graph(awaited: Any) -> bool:
    """Whether LangGraph's loop is what this coroutine waits for, however deep."""
    for _ in range(_DEEP):
        code = getattr(awaited, "cr_code", None)
        if code is not None and code.co_filename.startswith(_PREGEL):
            return True
        awaited = getattr(awaited, "cr_await", None)
    return False
