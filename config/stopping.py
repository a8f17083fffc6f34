"""In front of everything over HTTP: a request that is still on its way when the process is stopped is told so.

uvicorn cancels what did not end within its grace and answers with a bare 500 then. Stands before `waiting`, whose polls answer for themselves.
"""

import asyncio
import json
from http import HTTPStatus

from approvals.live.waiting import Application, Message, Receive, Scope, Send
from audit.languages import told
from audit.sentences import say

RETRY_S = 5
WORDS = say(
    "Countersign is being started again: ask once more in a few seconds. Whether what was sent is recorded is seen then; with the same "
    "idempotency key nothing happens twice"
)


class Stopping:
    """Passes everything on; what is cut off before its answer began is answered 503."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._application(scope, receive, sent)
        except asyncio.CancelledError:
            if begun:
                raise
            for message in _answer(scope["path"]):
                await send(message)


def _answer(path: str) -> list[Message]:
    """A problem document for programs, a sentence for people."""
    status, words = HTTPStatus.SERVICE_UNAVAILABLE, told(WORDS)
    problem = {
        "type": "urn:countersign:problem:stopping",
        "title": status.phrase,
        "status": int(status),
        "code": "stopping",
        "detail": words,
        "instance": path[:200],
    }
    program = path.startswith("/api/")
    headers = {
        b"content-type": b"application/problem+json" if program else b"text/plain; charset=utf-8",
        b"retry-after": str(RETRY_S).encode(),
        b"cache-control": b"no-store",
    }
    body = json.dumps(problem).encode() if program else words.encode()
    return [
        {"type": "http.response.start", "status": int(status), "headers": list(headers.items())},
        {"type": "http.response.body", "body": body},
    ]
