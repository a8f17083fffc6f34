"""The MCP server behind the gate: whether it answers is asked before any person is, and one that died is started again. Used by `gateway` only."""

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp.types import CONNECTION_CLOSED

from countersign.changes import Changes, listening
from countersign.errors import CountersignError

There = Callable[[], Awaitable[Client]]
PATIENCE_S = 5.0  # one that is busy with another call may answer later: it is there
START_S = 60.0
LOST = frozenset({"Session terminated", "Server returned an error response"})  # over HTTP: it was started anew, or only a proxy is left
log = logging.getLogger("countersign")


class Gone(CountersignError):
    """The server behind does not answer, and could not be started again: nothing was sent to it."""


class Behind:
    """One connection to the server behind at a time, each in a task of its own: who opened it has to close it."""

    def __init__(self, opens: Callable[[], AbstractAsyncContextManager[Client]], tasks: TaskGroup, changes: Changes) -> None:
        self._opens, self._tasks, self._changes = opens, tasks, changes
        self._before = False
        self._client: Client | None = None
        self._over = anyio.Event()
        self._one = anyio.Lock()

    async def there(self) -> Client:
        """A connection that answers; a dead one is made anew, once. Raises Gone."""
        async with self._one:
            if self._client is not None and await answers(self._client):
                return self._client
            self.close()
            try:
                with anyio.fail_after(START_S):
                    client, self._over = await self._tasks.start(self._keep)
            except Exception as error:
                raise Gone(f"the server behind could not be started: {_first(error)}") from error
            if not await answers(client):
                self.close()
                raise Gone("the server behind was started again and does not answer")
            self._client = client
            if self._before:  # perhaps another version of it
                await self._changes.happened()
            self._before = True
            return self._client

    def close(self) -> None:
        self._over.set()
        self._client = None

    async def _keep(self, *, task_status: TaskStatus[tuple[Client, anyio.Event]]) -> None:
        over, begun = anyio.Event(), False
        try:
            async with self._opens() as client, anyio.create_task_group() as beside:
                begun = True
                task_status.started((client, over))
                beside.start_soon(listening, client)
                await over.wait()
                beside.cancel_scope.cancel()
        except Exception as error:
            if not begun:
                raise
            log.warning("The server behind ended: %s", _first(error))


async def answers(client: Client) -> bool:
    """Whether somebody is at the other end. A refusal is an answer, too; a ping is not known any more to newer servers."""
    try:
        with anyio.move_on_after(PATIENCE_S):
            await client.list_tools(cache_mode="refresh")
    except MCPError as error:
        return not lost(error)
    except Exception:
        return False
    return True


def lost(error: BaseException) -> bool:
    """Whether this says that nobody is at the other end any more, and is no answer of a server."""
    return isinstance(error, MCPError) and (error.error.code == CONNECTION_CLOSED or error.error.message in LOST)


def only(client: Client) -> There:
    """A connection that somebody else opened: nothing here can start it again."""

    async def there() -> Client:
        if not await answers(client):
            raise Gone("the server behind does not answer any more")
        return client

    return there


@asynccontextmanager
async def kept(command: list[str], changes: Changes | None = None) -> AsyncIterator[There]:
    """The server behind: a command that speaks over stdio, or the address of one that speaks HTTP. Raises Gone when it cannot be reached now.

    Args:
        changes: is told when its tools change, and when it was started again.
    """
    news = changes or Changes()
    target: Any = (
        command[0]
        if command[0].startswith(("http://", "https://"))
        else StdioServerParameters(command=command[0], args=command[1:], env=_environment())
    )
    failed: Exception | None = None
    async with anyio.create_task_group() as tasks:
        behind = Behind(lambda: Client(target, message_handler=news.hear), tasks, news)
        try:
            await behind.there()
            yield behind.there
        except Exception as error:  # not out of here: it would come as one of a group
            failed = error
        behind.close()
    if failed:
        raise failed


def _environment() -> dict[str, str]:
    """What a command started from here would have, for its tokens are there; but not ours, with which it could ask and act in our name."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("COUNTERSIGN_")}


def _first(error: BaseException) -> str:
    """The words of what went wrong; of several together, of the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:300]
