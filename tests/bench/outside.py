"""(i) Programs over REST: from proposing to decided, with 10,000 actions pending and 200 long polls held all the while."""

import http.client
import json
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

from agents import operations
from approvals.models import User
from approvals.operations import api_keys, people
from approvals.permissions import ADMINS
from tests.bench import bulk
from tests.bench.numbers import Spread, spread
from tests.bench.stack import Stack

POLL_S = 60


@dataclass(frozen=True)
class Outside:
    """Milliseconds. `cycle`: proposing, deciding and the claim together, as the server answers them; `heard`: from deciding to the poll's answer."""

    pending: int
    held: int
    propose: Spread
    decide: Spread
    claim: Spread
    cycle: Spread
    heard: Spread
    page_meanwhile: Spread
    connections: int


class Rest:
    """One keep-alive connection with a key."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
        self._token = token

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", "Idempotency-Key": key}
        self._connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path} answered {answer.status}: {data[:300]!r}")
        return json.loads(data)


def measure(stack: Stack, *, pending: int, held: int, cycles: int) -> Outside:
    port = stack.options.port
    bulk.pending(pending)
    agent, person = _keys()
    proposes, decides = Rest(port, agent), Rest(port, person)
    waits = [proposes.call("POST", "/actions", _note(n), key=f"held-{n}")["id"] for n in range(held)]
    polls = [_poll(port, agent, pk) for pk in waits]
    time.sleep(1.0)
    times: dict[str, list[float]] = {name: [] for name in ("propose", "decide", "claim", "cycle", "heard", "page")}
    for n in range(cycles):
        _cycle(port, agent, proposes, decides, n, times)
        times["page"].append(_timed(lambda: proposes.call("GET", "/me"))[1])
    used = _connections()
    for poll in polls:
        poll.close()
    found = {name: spread(values) for name, values in times.items()}
    return Outside(
        pending, held, found["propose"], found["decide"], found["claim"], found["cycle"], found["heard"], found["page"], used,
    )  # fmt: skip


def _cycle(port: int, agent: str, proposes: Rest, decides: Rest, n: int, times: dict[str, list[float]]) -> None:
    action, proposing = _timed(lambda: proposes.call("POST", "/actions", _note(n), key=f"cycle-{n}"))
    answered: list[float] = []

    def wait() -> None:
        Rest(port, agent).call("GET", f"/actions/{action['id']}?wait=60")
        answered.append(time.monotonic())

    waiter = threading.Thread(target=wait)
    waiter.start()
    time.sleep(0.03)  # until it is held
    body = {"verdict": "approve", "digest": action["digest"], "reason": "it is what the bench asked for"}
    began = time.monotonic()
    _, deciding = _timed(lambda: decides.call("POST", f"/actions/{action['id']}/decisions", body))
    waiter.join()
    _, claiming = _timed(lambda: proposes.call("POST", f"/actions/{action['id']}/claim", {}, key=f"claim-{n}"))
    for name, value in zip(
        ("propose", "decide", "claim", "cycle", "heard"),
        (proposing, deciding, claiming, proposing + deciding, answered[0] - began),
        strict=True,
    ):
        times[name].append(value)


def _keys() -> tuple[str, str]:
    ada = people.ensure_person(username="bench-ada", roles=[ADMINS])
    rita = people.ensure_person(username="bench-rita", roles=["reviewers"])
    tools = [{"name": "note", "risk": "write", "reversible": True, "summary": "Note {text}", "schema": {"type": "object"}}]
    operations.declare(slug="bench-outside", title="", description="", environment="demo", tools=tools, by=ada, door="cli")
    agent = operations.make_key(agent="bench-outside", name="bench", scopes=["propose", "read"], days=None, by=ada, door="cli")[1]
    return agent, api_keys.make(of=User.objects.get(pk=rita.pk), name="bench", scopes=["read", "decide"], days=1, by=rita, door="cli")[1]


def _poll(port: int, token: str, action: str) -> socket.socket:
    """A long poll that nobody reads the answer of, for as long as it is held."""
    held = socket.create_connection(("127.0.0.1", port))
    held.sendall(
        f"GET /api/v1/actions/{action}?wait={POLL_S} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    return held


def _connections() -> int:
    """How many connections to PostgreSQL the web process holds, while the polls are held."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'countersign-web%%'")
        found: int = cursor.fetchone()[0]
    return found


def _note(n: int) -> dict[str, Any]:
    return {"tool": "note", "args": {"text": f"note {n}"}, "rationale": "a bench"}


def _timed(call: Any) -> tuple[Any, float]:
    began = time.monotonic()
    answer = call()
    return answer, time.monotonic() - began
