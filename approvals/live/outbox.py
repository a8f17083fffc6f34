"""What one open socket is still to be told: written by a task of its own, so that a slow browser holds nobody up.

Imports nothing of ours; the consumer owns one, the listener fills all of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

# So many frames may wait for a browser that does not read. Then they are thrown away, and it is told to look again at everything.
MAX_WAITING = 1_000


class Outbox:
    """Frames for one browser, in order. Lives and dies with its socket, in the event loop's thread only."""

    def __init__(self, send: Callable[[str], Awaitable[None]], *, instead: str) -> None:
        """Args:
        send: puts one frame on the wire.
        instead: the one frame that stands for all that did not fit.
        """
        self._send, self._instead = send, instead
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._writer = asyncio.get_running_loop().create_task(self._write())

    def put(self, frame: str) -> None:
        """Hand over a frame; never waits."""
        if self._waiting.qsize() >= MAX_WAITING:
            while not self._waiting.empty():
                self._waiting.get_nowait()
            frame = self._instead
        self._waiting.put_nowait(frame)

    def close(self) -> None:
        self._writer.cancel()

    async def _write(self) -> None:
        with suppress(OSError, RuntimeError):  # the browser is gone: its disconnect follows
            while True:
                await self._send(await self._waiting.get())
