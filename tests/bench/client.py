"""The browser of the bench: one keep-alive connection per thread for pages and decisions, one socket for hints."""

import http.client
import json
import threading
import time
from collections import defaultdict
from urllib.parse import urlencode

from websockets import Origin
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.bench.cast import Reviewer

TIMEOUT_S = 30.0
REASON = "It is what the bench asked for"


class Browser:
    """HTTP as a signed-in person; not to be shared between threads."""

    def __init__(self, port: int, reviewer: Reviewer) -> None:
        self._reviewer = reviewer
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)

    def get(self, path: str) -> tuple[int, bytes]:
        return self._send("GET", path, None, {})

    def post(self, path: str, *, as_fragment: bool = False, **form: str) -> tuple[int, bytes]:
        body = urlencode({**form, "csrfmiddlewaretoken": self._reviewer.csrf})
        headers = {"Content-Type": "application/x-www-form-urlencoded"} | ({"HX-Request": "true"} if as_fragment else {})
        return self._send("POST", path, body, headers)

    def decide(self, action_id: str, digest: str, *, typed: str = "", as_fragment: bool = False) -> tuple[float, float]:
        """Post a decision; the wall clock when it was sent and when its answer had arrived.

        A plain form is answered by a redirect; a fragment, as the inbox asks for, by the receipt.
        """
        sent = time.time()
        form = {
            "verdict": "approve",
            "seen_digest": digest,
            "key": action_id,
            "reason": REASON,
            "response": "",
            "typed": typed,
            "opened": "all",
        }
        status, body = self.post(f"/actions/{action_id}/decide", as_fragment=as_fragment, **form)
        answered = time.time()
        if status != (200 if as_fragment else 302):
            raise RuntimeError(f"the decision on {action_id} was answered {status}: {body[:2000]!r}")
        return sent, answered

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        self._connection.request(method, path, body, {"Cookie": self._reviewer.cookies, **headers})
        answer = self._connection.getresponse()
        return answer.status, answer.read()


class Ears:
    """Listens to the live socket in a thread; remembers when each (object id, kind) was heard."""

    def __init__(self, port: int, reviewer: Reviewer) -> None:
        self._socket = connect(
            f"ws://127.0.0.1:{port}/live/",
            additional_headers={"Cookie": reviewer.cookies},
            origin=Origin(f"http://127.0.0.1:{port}"),
        )
        self._heard: dict[str, dict[str, float]] = defaultdict(dict)
        self._news: dict[str, threading.Event] = {}  # one per object: nobody wakes for another's news
        self._thread = threading.Thread(target=self._listen, name="bench-ears", daemon=True)
        self._thread.start()

    def wait(self, object_id: str, *kinds: str, seconds: float = TIMEOUT_S) -> tuple[str, float]:
        """The first of these kinds heard of this object, and when."""
        deadline = time.monotonic() + seconds
        while True:
            news = self._news_of(object_id)
            news.clear()
            if kind := next((kind for kind in kinds if kind in self._heard[object_id]), None):
                return kind, self._heard[object_id][kind]
            if not news.wait(deadline - time.monotonic()):
                raise TimeoutError(f"nothing was heard of {object_id} ({', '.join(kinds)}) within {seconds:.0f} s")

    def close(self) -> None:
        self._socket.close()
        self._thread.join(5)

    def _listen(self) -> None:
        while True:
            try:
                text = self._socket.recv()
            except ConnectionClosed:
                return
            at = time.time()
            frame = json.loads(text)
            if frame["type"] == "hint":
                self._heard[frame["object_id"]].setdefault(frame["kind"], at)
                self._news_of(frame["object_id"]).set()

    def _news_of(self, object_id: str) -> threading.Event:
        # Not a defaultdict: two threads that miss at once would each get an Event of their own, and one would wait in vain.
        return self._news.setdefault(object_id, threading.Event())
