"""The waiting room in front of the API: long polls and streams are held here, in the event loop, and cost no worker and no connection.

The request itself is answered by the application behind, as any other: who may see what is asked there, at every look. It says by a header
whether a look was in vain; then this waits for a hint about that object (`listener.news`) and looks again, until the time is up.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from approvals.live import listener

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOK_AGAIN = b"x-countersign-look-again"
AGAIN = "countersign.again"
_ID = "([0-9A-Fa-f-]{32,36})"  # in capitals and without dashes as well: the application behind reads it as the same
POLLED, STREAMED = re.compile(f"/api/v1/actions/{_ID}"), re.compile(f"/api/v1/runs/{_ID}/events")
LONGEST_S = 60.0
STREAM_S = 3600.0  # then the reader comes again, with the id of what it had last
BREATH_S = 15.0  # a comment so often, so that nobody in between takes the silence for an end
MOST_HELD = 5_000  # in one process; more are answered at once, as if they had not asked to wait
OVERLAP = 200  # ids are given out before commit: what is read again so far back is not sent again


@dataclass
class Answer:
    """What the application behind said, held back."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    def header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.headers if key.lower() == name), "")

    async def give(self, send: Send) -> None:
        headers = [(key, value) for key, value in self.headers if key.lower() != LOOK_AGAIN]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class WaitingRoom:
    """Stands in front of an ASGI application; whatever does not wait passes straight through."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        waits = scope.get("method") == "GET" and scope["path"].startswith("/api/v1/") and self._held < MOST_HELD
        self._held += waits
        try:
            if waits and (found := _named(POLLED, scope)) and (seconds := _wanted_s(scope)):
                await self._poll(found, seconds, scope, receive, send)
            elif waits and (found := _named(STREAMED, scope)) and b"text/event-stream" in _header(scope, b"accept"):
                await self._stream(found, scope, receive, send)
            else:
                await self._application(scope, receive, send)
        finally:
            self._held -= waits

    async def _poll(self, object_id: str, seconds: float, scope: Scope, receive: Receive, send: Send) -> None:
        until = asyncio.get_running_loop().time() + seconds
        gone = asyncio.ensure_future(_hung_up(receive))
        answer = None
        try:
            async with listener.news(object_id) as news:
                answer = await self._look(scope)
                while (again := answer.header(LOOK_AGAIN)) and (left := until - asyncio.get_running_loop().time()) > 0:
                    if await _heard(news, gone, min(left, float(again))):
                        return
                    answer = await self._look({**scope, AGAIN: True})
        except asyncio.CancelledError:  # the process is stopped: what was so at the last look is the answer
            if answer is None:
                raise
        finally:
            gone.cancel()
        await answer.give(send)

    async def _stream(self, object_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        """The story of a run as server-sent events: `event` with each event, `end` with the state it ended in."""
        until = asyncio.get_running_loop().time() + STREAM_S
        gone = asyncio.ensure_future(_hung_up(receive))
        story, begun = _Story(_after(scope)), False
        try:
            async with listener.news(object_id) as news:
                while True:
                    answer = await self._look({**scope, "query_string": b"after=%d" % story.from_id, AGAIN: begun})
                    if answer.status != 200:
                        return await (_end(send) if begun else answer.give(send))
                    if not begun:
                        begun = True
                        await _begin(send)
                    frames, finished, more = story.frames(json.loads(answer.body))
                    await send({"type": "http.response.body", "body": frames or b": still here\n\n", "more_body": True})
                    if finished or asyncio.get_running_loop().time() > until:
                        return await _end(send)
                    if not more and await _heard(news, gone, BREATH_S):
                        return
        except asyncio.CancelledError:  # the process is stopped: an end, after which its reader comes again
            if not begun:
                raise
            await _end(send)
        finally:
            gone.cancel()

    async def _look(self, scope: Scope) -> Answer:
        """One whole request to the application behind; a body that was never sent is empty."""
        answer = Answer()
        asked = False
        done = asyncio.Event()

        async def receive() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await done.wait()
            return {"type": "http.disconnect"}

        await self._application(scope, receive, answer.take)
        return answer


class _Story:
    """Which events a stream has sent."""

    def __init__(self, after: int) -> None:
        self._after, self._last, self._sent = after, after, set[int]()

    @property
    def from_id(self) -> int:
        return max(self._after, self._last - OVERLAP)

    def frames(self, page: dict[str, Any]) -> tuple[bytes, bool, bool]:
        """What is new of a page as frames; whether the run has ended; whether there is more to read at once."""
        fresh = [event for event in page["events"] if event["id"] not in self._sent]
        self._sent.update(event["id"] for event in fresh)
        self._last = max([self._last, *(event["id"] for event in fresh)])
        self._sent = {i for i in self._sent if i > self._last - 2 * OVERLAP}
        frames = [f"id: {e['id']}\nevent: event\ndata: {json.dumps(e, separators=(',', ':'))}\n\n" for e in fresh]
        finished = page["finished"] and not fresh  # looked at once more after the last was sent
        if finished:
            frames.append(f"event: end\ndata: {json.dumps({'state': page['state']})}\n\n")
        return "".join(frames).encode(), finished, page["finished"] or len(fresh) >= OVERLAP


async def _heard(news: asyncio.Event, gone: "asyncio.Future[Any]", seconds: float) -> bool:
    """Wait for news, or so long; True when the other side has hung up."""
    waiting: asyncio.Future[Any] = asyncio.ensure_future(news.wait())
    try:
        await asyncio.wait({waiting, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    news.clear()
    return gone.done()


def _named(form: re.Pattern[str], scope: Scope) -> str:
    """The object of a path, spelt as hints spell it; "" for another path."""
    found = form.fullmatch(scope["path"])
    try:
        return str(UUID(found[1])) if found else ""
    except ValueError:
        return ""


async def _hung_up(receive: Receive) -> None:
    with suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass


async def _begin(send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key.lower() == name), b"")


def _wanted_s(scope: Scope) -> float:
    """What `wait` says; 0 for what is none, which the application behind refuses by name."""
    value = parse_qs(scope["query_string"].decode("latin-1")).get("wait", [""])[0]
    return min(float(value), LONGEST_S) if value.isascii() and value.isdigit() and len(value) < 4 else 0.0


def _after(scope: Scope) -> int:
    """Where a stream goes on: what its reader says it had last."""
    value = _header(scope, b"last-event-id").decode("latin-1") or parse_qs(scope["query_string"].decode("latin-1")).get("after", ["0"])[0]
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0
