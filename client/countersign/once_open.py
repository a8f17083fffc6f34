"""In front of the gateway over HTTP: a request is open once. Used by `gateway` only.

The transport keeps one stream per id of a request in a session, and forgets the first when another comes with the same id: that one would wait for
ever. MCP forbids ids that were used before in the session, so the second is refused while the first is open. Once its caller has hung up, the same
request may be sent again, and is the same call (`calling.key_of`).
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]

_SESSION = b"mcp-session-id"
INVALID_REQUEST = -32600  # JSON-RPC 2.0
_OPEN = (
    "A request with this id is open in this session, and its answer goes there. Use another id for another request; to send one again whose "
    "connection was lost, close that first"
)


def once_open(app: App) -> App:
    """The same app; of requests with one id in one session that overlap, the later ones are answered with 409 and a JSON-RPC error."""
    opened: set[tuple[bytes, str]] = set()

    async def answer(scope: Any, receive: Receive, send: Send) -> None:
        session = dict(scope.get("headers") or ()).get(_SESSION)
        if scope["type"] != "http" or scope["method"] != "POST" or session is None:
            await app(scope, receive, send)
            return
        heard = await _whole(receive)
        asked = _id_of(heard)
        if asked is None:
            await app(scope, _again(heard, receive), send)
            return
        key = (session, json.dumps(asked))
        if key in opened:
            await _refuse(send, asked)
            return
        opened.add(key)
        try:
            await app(scope, _again(heard, receive), send)
        finally:
            opened.discard(key)

    return answer


async def _whole(receive: Receive) -> list[Message]:
    """The messages of a body, to its end or until the caller hangs up."""
    heard = [await receive()]
    while heard[-1]["type"] == "http.request" and heard[-1].get("more_body"):
        heard.append(await receive())
    return heard


def _id_of(heard: list[Message]) -> Any:
    """Of a request that wants an answer; None of anything else, which the app itself says something about."""
    try:
        said = json.loads(b"".join(one.get("body", b"") for one in heard))
    except ValueError:
        return None
    return said.get("id") if isinstance(said, dict) and "method" in said else None


def _again(heard: list[Message], receive: Receive) -> Receive:
    left = list(heard)

    async def next_message() -> Message:
        return left.pop(0) if left else await receive()

    return next_message


async def _refuse(send: Send, asked: Any) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": asked, "error": {"code": INVALID_REQUEST, "message": _OPEN}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 409, "headers": headers})
    await send({"type": "http.response.body", "body": body})
