"""Where a call of a governed agent asks: the ledger as a graph sees it, which has no database of its own (`agents.operations.calling` is behind it).

Tools run in threads of the graph, or in its event loop. What they ask is done by one thread of this process, which keeps one connection.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from langgraph.config import get_config

from agents.dialects.record import Made

GO, MADE, UNKNOWN, AGAIN, HALTED = "go", "made", "unknown", "again", "halted"


class NotGoverned(RuntimeError):
    """A governed call outside of Countersign's worker: there is no ledger to ask, so nothing is called."""


@dataclass(frozen=True)
class Begun:
    """What came of asking to begin a call.

    Attributes:
        kind: GO: it is yours, once. MADE: it was made before, `made` says what came of it. UNKNOWN: it began before and nobody
            knows. AGAIN: its leave is void, `why` says it; people have to be asked once more. HALTED: stop here, as the run is.
        why: for AGAIN, a sentence.
    """

    kind: str
    made: Made | None = None
    why: str = ""


class Desk(Protocol):
    """The ledger, for one stretch of one run. Each is a transaction of its own; all raise `guard.Stopped` when the run is not ours any more."""

    def refusal(self, tool: str) -> str:
        """Why this agent may not call it at all, "" when it may."""

    def waits(self, tool: str, call_id: str) -> bool:
        """Whether people are being asked about this very call: it waits for what they say, whatever that can mean by now."""

    def not_asked(self, tool: str, args: Any, why: str) -> None:
        """Nobody is asked about this call, because it could not be shown or run as it is; the agent is told."""

    def begin(self, action: str, call_id: str, tool: str, *, runs: str, idempotent: bool) -> Begun:
        """Claim the call, at most once: not halted, granted, and `runs` the digest of what was approved."""

    def not_begun(self, action: str) -> None:
        """It stopped at a question inside it: it will be started again."""

    def record(self, action: str, made: Made) -> None:
        """What came of it, for good."""

    def piece(self, key: str) -> tuple[str, Any]:
        """Claim a piece of a tool's body: (GO, None), (MADE, its result) or (UNKNOWN, None)."""

    def piece_done(self, key: str, result: Any) -> None:
        """The piece ran."""

    def piece_undone(self, key: str) -> None:
        """The piece said that it did nothing: it may be run again."""


_desks: dict[str, Desk] = {}
_thread: ThreadPoolExecutor | None = None
_pid = 0


@contextmanager
def at(thread: str, desk: Desk) -> Iterator[None]:
    """While the block runs, calls of this thread, also of sub-agents in it, ask here."""
    _desks[thread] = desk
    try:
        yield
    finally:
        _desks.pop(thread, None)


def here() -> Desk:
    """The desk of whoever calls, inside a node or a tool.

    Raises:
        NotGoverned: this is not a run that a Countersign worker drives.
    """
    try:
        thread = str(get_config()["configurable"].get("thread_id"))
    except RuntimeError:
        thread = ""
    if thread not in _desks:
        raise NotGoverned(
            "this agent's tools are governed by Countersign and run only inside its worker: import the agent and start a run of it there"
        )
    return _desks[thread]


def do(work: Callable[[], Any]) -> Any:
    """Have it done, and wait."""
    return _submitted(work).result()


def do_async(work: Callable[[], Any]) -> "asyncio.Future[Any]":
    """Have it done, and await it."""
    return asyncio.wrap_future(_submitted(work))


def _submitted(work: Callable[[], Any]) -> Future[Any]:
    global _thread, _pid
    if _thread is None or _pid != os.getpid():  # after a fork the parent's thread is not ours
        _thread, _pid = ThreadPoolExecutor(1, thread_name_prefix="countersign-desk"), os.getpid()
    return _thread.submit(work)
