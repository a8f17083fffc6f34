"""Real servers: a small SMTP server, a push service and a chat model, each on a port of this machine, saying what they were told to."""

import json
import os
import socketserver
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks enough SMTP for smtplib. `refuse` maps a command to the answer it gets; "hang up" ends the connection after the mail."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.mails: list[Message] = []
        self.refuse: dict[str, str] = {}

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Mail(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 here")
        for raw in self.rfile:
            word = raw.decode().strip().split(":")[0].split(" ")[0].upper()
            if answer := self.server.refuse.get(word):
                self._say(answer)
            elif word == "DATA":
                self._say("354 go on")
                self._data()
            elif word == "QUIT":
                return self._say("221 bye")
            else:
                self._say("250 fine")

    def _data(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        self.server.mails.append(message_from_bytes(b"".join(lines)))
        if answer := self.server.refuse.get("."):
            if answer == "hang up":
                self.connection.close()
                raise ConnectionAbortedError
            return self._say(answer)
        return self._say("250 taken")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


class PushService(HTTPServer):
    """A push service: keeps what it was sent, answers `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Push)
        self.status = 201
        self.headers: dict[str, str] = {}
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/push/abc"


class _Push(BaseHTTPRequestHandler):
    server: PushService

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", self.server.endpoint)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Silent."""


def browser_keys() -> dict[str, str]:
    """What a browser gives with its subscription: keys only it can read with."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {name: urlsafe_b64encode(raw).rstrip(b"=").decode() for name, raw in (("p256dh", public), ("auth", os.urandom(16)))}


@contextmanager
def running(server: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class ChatServer(ThreadingHTTPServer):
    """Speaks the OpenAI chat API. `says` is the answer's text, or a function of the request; `seen` keeps requests; `before` is called in between.

    `drip`: after the headers a byte of white space now and then, and never an end.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Chat)
        self.says: str | Callable[[dict[str, Any]], str] = '{"concern": "none", "why": "It fits."}'
        self.status = 200
        self.body: bytes | None = None
        self.drip = False
        self.before: Callable[[], None] = lambda: None
        self.seen: list[dict[str, Any]] = []
        self.stop = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Chat(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(asked)
        self.server.before()
        said = self.server.says(asked) if callable(self.server.says) else self.server.says
        message = {"role": "assistant", "content": said}
        answer = {
            "id": "chat-1", "object": "chat.completion", "created": 1, "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }  # fmt: skip
        body = self.server.body if self.server.body is not None else json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) + (1_000_000 if self.server.drip else 0)))
        self.end_headers()
        while self.server.drip and not self.server.stop.wait(0.1):
            self.wfile.write(b" ")
            self.wfile.flush()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Silent."""

    def handle(self) -> None:
        with suppress(ConnectionError):  # whoever asked has given up
            super().handle()


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that answers everything alike; its address."""

    class Alike(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Alike)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
