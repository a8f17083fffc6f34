"""The ports of this Slack: `/api/<method>`, the page of the channel at `/`, and Socket Mode."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.slack import faults, methods, page
from tests.slack.gestures import Answer, Deliver, Gestures
from tests.slack.socket_mode import SocketMode
from tests.slack.world import Json, World

HERE = Path(__file__).parent
FILES = {"/": ("page.html", "text/html"), "/page.js": ("page.js", "text/javascript"), "/page.css": ("page.css", "text/css")}


def over_http(base: str) -> Deliver:
    """To a product that listens somewhere."""
    parts = urlsplit(base)

    def deliver(path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        began = time.monotonic()
        connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=10)
        try:
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            return Answer(answer.status, _json(answer.read()), time.monotonic() - began)
        except OSError:
            return Answer(0, {}, time.monotonic() - began)
        finally:
            connection.close()

    return deliver


def _json(raw: bytes) -> Json:
    try:
        found = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class SlackServer(ThreadingHTTPServer):
    """One Slack on a port of this machine."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, world: World | None = None, *, app: str = "", deliver: Deliver | None = None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.world = world or World()
        self.wire = SocketMode(self.world)
        self.hands = Gestures(self.world, self._deliver)
        self._http = deliver or over_http(app)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def api(self) -> str:
        return f"{self.url}/api/"

    def _deliver(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Through the socket while the app holds one open, as Slack does; else to its address."""
        if self.wire.connected:
            return self.wire.deliver(path, body, headers)
        return self._http(path, body, headers)

    def serve(self) -> None:
        self.wire.start()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self.wire.close()


class _Handler(BaseHTTPRequestHandler):
    server: SlackServer
    protocol_version = "HTTP/1.1"

    def _ours(self) -> bool:
        """Whether a browser sent this from our own page: a page of elsewhere may not press buttons here, by whatever name it calls us."""
        host = self.headers.get("Host", "")
        named = urlsplit(f"//{host}").hostname in {"127.0.0.1", "localhost"}
        return named and self.headers.get("Origin", f"http://{host}") == f"http://{host}"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if not self._ours():
            return self._say(403, b"not from here", "text/plain")
        if url.path in FILES:
            name, kind = FILES[url.path]
            return self._say(200, (HERE / name).read_bytes(), f"{kind}; charset=utf-8")
        if url.path == "/oauth/v2/authorize":
            return self._say(200, page.authorize(self.server, dict(parse_qsl(url.query))), "text/html; charset=utf-8")
        if url.path == "/oauth/answer":
            return self._say(302, b"", "text/plain", {"Location": page.answered(self.server, dict(parse_qsl(url.query)))})
        if url.path == "/page/state":
            return self._tell(page.state(self.server, dict(parse_qsl(url.query))))
        return self._say(404, b"nothing here", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/api/"):
            return self._api(self.path.removeprefix("/api/").split("?")[0], body)
        if self.path.startswith("/page/") and self._ours():
            return self._tell(page.act(self.server, self.path.removeprefix("/page/"), json.loads(body or b"{}")))
        return self._say(404, b"nothing here", "text/plain")

    def _api(self, method: str, body: bytes) -> None:
        fault = self.server.world.faults.next(method)
        if fault and fault.kind == "down":
            self.close_connection = True
            return None
        if fault and fault.kind == "429":
            return self._say(
                429, b'{"ok":false,"error":"ratelimited"}', "application/json", {"Retry-After": str(max(1, int(fault.seconds)))}
            )
        if fault and fault.kind == "500":
            return self._say(500, b"oops", "text/plain")
        if fault and fault.kind == "slow":
            faults.wait(fault.seconds)
        answer = self._answer(method, body)
        if fault and fault.kind == "lost":
            self.close_connection = True
            return None
        return self._tell(answer, self._scopes())

    def _scopes(self) -> dict[str, str]:
        """The header that every answer to a token's call has."""
        team = self.server.world.team_of(self.headers.get("Authorization", "").removeprefix("Bearer "))
        return {"x-oauth-scopes": methods.scopes(team)} if team else {}

    def _answer(self, method: str, body: bytes) -> Json:
        args: Json = (
            _json(body) if "json" in self.headers.get("Content-Type", "") else dict(parse_qsl(body.decode(), keep_blank_values=True))
        )
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            import base64

            args["_basic"] = base64.b64decode(token).decode().split(":", 1)
        with self.server.world.lock:
            try:
                return methods.call(self.server.world, method, args, token or str(args.get("token", "")))
            except methods.Refused as refused:
                return refused.answer

    def _tell(self, answer: Any, more: Mapping[str, str] | None = None) -> None:
        self._say(200, json.dumps(answer).encode(), "application/json", more)

    def _say(self, status: int, body: bytes, kind: str, more: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store", **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Silent."""


Serve = Callable[[], None]
