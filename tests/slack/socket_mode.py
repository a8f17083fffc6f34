"""Socket Mode: the app dials in, gets envelopes, and acknowledges each by its id, perhaps with a payload."""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from tests.slack.gestures import Answer
from tests.slack.world import World

KINDS = {
    "/slack/events": "events_api",
    "/slack/commands": "slash_commands",
    "/slack/interactivity": "interactive",
    "/slack/options": "interactive",
}
PATIENCE_S = 3.0


class SocketMode:
    """One open connection at a time is enough here."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._server: Server | None = None
        self._open: list[ServerConnection] = []
        self._answers: dict[str, Any] = {}
        self._news = threading.Condition()

    @property
    def connected(self) -> bool:
        return bool(self._open)

    def start(self) -> None:
        self._server = serve(self._talk, "127.0.0.1", 0)
        self.world.socket_url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"  # type: ignore[attr-defined]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.hang_up()
        if self._server:
            self._server.shutdown()

    def hang_up(self) -> None:
        """Slack closes connections now and then; the app has to dial again."""
        gone, self._open = self._open, []
        for one in gone:
            one.close()

    def deliver(self, path: str, body: bytes, headers: Mapping[str, str], *, envelope_id: str = "") -> Answer:
        began = time.monotonic()
        payload = dict(parse_qsl(body.decode())) if "form" in headers.get("Content-Type", "") else json.loads(body)
        payload = json.loads(payload["payload"]) if "payload" in payload else payload
        envelope_id = envelope_id or f"{time.time_ns():x}-{self.world.id('E')}"
        retry = int(headers.get("X-Slack-Retry-Num", 0))
        envelope = {
            "type": KINDS[path],
            "envelope_id": envelope_id,
            "payload": payload,
            "accepts_response_payload": True,
            "retry_attempt": retry,
        }
        self._open[-1].send(json.dumps(envelope))
        with self._news:
            self._news.wait_for(lambda: envelope_id in self._answers, PATIENCE_S)
            answer = self._answers.pop(envelope_id, None)
        taken = time.monotonic() - began
        return Answer(0, {}, taken) if answer is None else Answer(200, answer.get("payload") or {}, taken)

    def _talk(self, connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": self.world.app_id}}))
        self._open.append(connection)
        try:
            for raw in connection:
                said = json.loads(raw)
                with self._news:
                    self._answers[said.get("envelope_id", "")] = said
                    self._news.notify_all()
        except ConnectionClosed:
            return
        finally:
            if connection in self._open:
                self._open.remove(connection)
