"""In front of the gateway over HTTP: a caller brings a key of the agent that the gateway is. Used by `gateway`, and by `mcp` to read the header.

The gateway acts with its own key. Whoever may speak to it acts as its agent, so each request has to show that its caller may: the gateway's own key, or
another of the same agent that may propose. Countersign is asked whose a key is, and again after a while, since keys are revoked and end: also while a
request is open, which may wait for people for hours.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any

import anyio

from countersign._calls import Call
from countersign.client import AsyncClient
from countersign.errors import ApiError, CountersignError, NotConfigured
from countersign.once_open import INVALID_REQUEST, App, Receive, Send

KNOWN_S = 30  # how long a key that was good is taken for good
LOOK_S = 5.0  # between two looks while a request is open
ENDED = "countersign.key_ended"  # in a request's scope: an event, set once its key is none any more
MOST_KNOWN = 1_000
NO_KEY = "Send a key of this gateway's agent as Authorization: Bearer cs_agent_…"
NOT_ITS_KEY = "This key is none of this gateway's agent that may propose, or it was revoked, or has ended: send the gateway's own, or another of that agent"
AWAY = "Countersign could not be asked whose this key is, so nothing is done: try again in a while"


class NotAsked(Exception):
    """Nobody could say whose a key is."""


class Keys:
    """Which keys may speak to a gateway: `own` is what it asks with, `another` makes a client for somebody else's."""

    def __init__(self, own: AsyncClient, another: Callable[[str], AsyncClient]) -> None:
        self._own, self._another = own, another
        self._agent = ""
        self._good: dict[bytes, float] = {}  # by digest: until when

    async def why_not(self, key: str) -> str:
        """Why this key is not taken, "" when it is. Raises NotAsked."""
        name = sha256(key.encode("utf-8", "replace")).digest()
        if self._good.get(name, 0) > time.monotonic():
            return ""
        try:
            self._agent = self._agent or await _agent_of(self._own)
        except CountersignError as error:
            raise NotAsked from error
        if not (self._agent and await self._whose(key) == self._agent):
            return NOT_ITS_KEY
        if len(self._good) >= MOST_KNOWN:
            self._good.clear()
        self._good[name] = time.monotonic() + KNOWN_S
        return ""

    async def _whose(self, key: str) -> str:
        try:
            async with self._another(key) as caller:
                return await _agent_of(caller)
        except NotConfigured:  # what no header can hold is no key
            return ""
        except ApiError as error:
            if error.status in {401, 403}:
                return ""
            raise NotAsked from error
        except CountersignError as error:
            raise NotAsked from error


async def _agent_of(client: AsyncClient) -> str:
    """The agent that this key proposes for, "" for none."""
    me = await client.call(Call("GET", "/me"))
    return str(me.get("agent") or "") if "propose" in me["scopes"] else ""


def keyed(app: App, keys: Keys) -> App:
    """The same app, for callers with a key; others are answered with 401, and all with 503 while nobody can say whose a key is."""

    async def answer(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        key = bearer(dict(scope.get("headers") or ()).get(b"authorization", b"").decode("latin-1"))
        try:
            why = await keys.why_not(key) if key else NO_KEY
        except NotAsked:
            await _refuse(send, 503, AWAY)
            return
        if why:
            await _refuse(send, 401, why)
            return
        ended = anyio.Event()
        async with anyio.create_task_group() as both:
            both.start_soon(_look_again, keys, key, ended)
            await app({**scope, ENDED: ended}, receive, send)
            both.cancel_scope.cancel()

    return answer


async def _look_again(keys: Keys, key: str, ended: anyio.Event) -> None:
    """Until the key is none any more. While nobody can say whose it is, it is taken for what it was."""
    while not ended.is_set():
        await anyio.sleep(LOOK_S)
        with suppress(NotAsked):
            if await keys.why_not(key):
                ended.set()


def has_ended(request: Any) -> bool:
    """Whether the key with which this request was made is none any more."""
    ended = request.scope.get(ENDED) if request is not None else None
    return ended is not None and ended.is_set()


def bearer(header: str) -> str:
    """The key in an Authorization header, "" where there is none."""
    kind, _, key = header.partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


async def _refuse(send: Send, status: int, why: str) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": INVALID_REQUEST, "message": why}}, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    asks = [(b"www-authenticate", b"Bearer")] if status == 401 else []
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *asks]})
    await send({"type": "http.response.body", "body": body})
