"""Deciding by itself in tests: a server in this process that behaves as the real one does for one agent, and no network.

    def test_refunds(monkeypatch):
        with auto_decide() as desk:
            refund("A-17")
        assert desk.asked == [("refund", {"order": "A-17"})]

Only what `Client` calls is there; the real rules (policy, groups, digests) are the server's and are not imitated.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock
from uuid import uuid4

import httpx

from countersign import guard
from countersign.client import AsyncClient, Client
from countersign.numbers import Body

STATES = {"approve": "APPROVED", "reject": "REJECTED", "respond": "ANSWERED"}
Decide = Callable[[str, dict[str, Any]], "str | dict[str, Any]"]


class Desk:
    """What was asked, and what came of it. `decide` gives "approve", "reject", or {"verdict", "reason", "response", "args"}."""

    def __init__(self, decide: Decide | str = "approve") -> None:
        self._decide: Decide = (lambda tool, args: decide) if isinstance(decide, str) else decide
        self._actions: dict[str, dict[str, Any]] = {}
        self._keys: dict[str, tuple[tuple[str, dict[str, Any]], str]] = {}  # what was asked under each, and its action
        self._leaves: dict[str, str] = {}  # by action, the key its leave was taken under
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.outcomes: list[dict[str, Any]] = []

    def client(self) -> Client:
        return Client("http://desk.test", "cs_agent_test", transport=httpx.MockTransport(self.answer))

    def async_client(self) -> AsyncClient:
        return AsyncClient("http://desk.test", "cs_agent_test", transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.removeprefix("/api/v1/actions").strip("/").split("/")
        body = json.loads(request.content) if request.content else {}
        key = request.headers.get("Idempotency-Key", "")
        if request.method == "POST" and parts == [""]:
            return self._proposed(body, key)
        if request.method == "POST" and parts == ["known"]:
            return httpx.Response(
                200, json={"known": [self._known(key) for key in self._keys if key.startswith(body["begin"])], "next": None}
            )
        action = self._actions.get(parts[0])
        if action is None:
            return httpx.Response(404, json={"code": "not_found", "detail": "There is no such action", "status": 404})
        return self._next(action, parts[1] if len(parts) > 1 else "", body, key)

    def _known(self, key: str) -> dict[str, str]:
        call, action = self._keys[key]
        return {"key": key, "action": action, "args_sha256": Body(call[1], {}).sha256}

    def _proposed(self, body: dict[str, Any], key: str) -> httpx.Response:
        known, call = self._keys.get(key), (body["tool"], body["args"])
        if known is None and (among := body.get("among")) and sum(k.startswith(among["begin"]) for k in self._keys) != among["known"]:
            return _conflict("Others are known by now", code="moved")
        if known is None:
            known = self._keys[key] = (call, self._propose(body))
        if known[0] != call:
            return _conflict("This key was used for another proposal before; use a new key for a new proposal", action=known[1])
        return httpx.Response(201, json=self._actions[known[1]])

    def _propose(self, body: dict[str, Any]) -> str:
        self.asked.append((body["tool"], body["args"]))
        said = self._decide(body["tool"], body["args"])
        said = {"verdict": said} if isinstance(said, str) else said
        if said.get("verdict") not in STATES:
            raise ValueError(f"A verdict is one of {', '.join(STATES)}, not {said.get('verdict')!r}")
        approved, pk = said["verdict"] == "approve", str(uuid4())
        resolution = {"by": "test", "reason": said.get("reason", ""), "response": said.get("response", ""), "verdict": said["verdict"]}
        self._actions[pk] = {
            "id": pk, "tool": body["tool"], "summary": body["tool"], "state": STATES[said["verdict"]], "next": "claim" if approved else "done",
            "level": body.get("level", "medium"),
            "digest": "0" * 64, "url": f"http://desk.test/actions/{pk}/", "args": said.get("args", body["args"]), "outcome": None,
            "expires_at": "2999-01-01T00:00:00+00:00", "resolution": resolution,
        }  # fmt: skip
        return pk

    def _next(self, action: dict[str, Any], verb: str, body: dict[str, Any], key: str) -> httpx.Response:
        if verb == "claim":
            if action["next"] != "claim" and (action["next"] != "report" or not key or self._leaves.get(action["id"]) != key):
                return _conflict("It was claimed already, or may not be")
            action["next"] = "report"
            self._leaves[action["id"]] = key
            leave = {"action": action["id"], "idempotency_key": action["id"], **{k: action[k] for k in ("tool", "args", "digest")}}
            return httpx.Response(200, json=leave)
        if verb == "outcome":
            if action["next"] != "report":
                return _conflict("It was not claimed, or what came of it is known")
            action |= {"next": "done", "outcome": body}
            self.outcomes.append(body)
        if verb == "withdraw":
            return _conflict("It is decided: it cannot be withdrawn any more")
        return httpx.Response(200, json=action)


def _conflict(said: str, **more: str) -> httpx.Response:
    return httpx.Response(409, json={"code": "conflict", "detail": said, "status": 409} | more)


@contextmanager
def auto_decide(decide: Decide | str = "approve") -> Iterator[Desk]:
    """Inside, everything that asks with the default client is decided at once. A verdict that is none raises ValueError where it is asked.

    What the real server does with a proposal that nobody has decided is not there: there are none.
    """
    desk = Desk(decide)
    with mock.patch.object(guard, "_default", desk.client), mock.patch.object(guard, "_default_async", desk.async_client):
        yield desk
