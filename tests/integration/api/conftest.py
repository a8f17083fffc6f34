"""Programs: clients with an agent's key, a person's token or a session, and the agent they speak for."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.core.wsgi import get_wsgi_application
from django.test import Client
from mcp.server.mcpserver import MCPServer

from agents import operations
from approvals.models import User
from approvals.operations import api_keys
from countersign.client import AsyncClient
from tests.factories import Cast, signed_in
from tests.factories import cast as make_cast

BACKEND = "django.contrib.auth.backends.ModelBackend"
TOOLS: list[dict[str, Any]] = [
    {"name": "note", "risk": "write", "reversible": True, "summary": "Note {text}", "schema": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}, "times": {"type": "integer"}}}},
    {"name": "look", "risk": "read", "schema": {"type": "object"}},
    {"name": "pay", "risk": "money", "summary": "Pay {amount_cents|money}", "figures": {"amount_cents": "amount_cents"}, "confirm": "to"},
]  # fmt: skip


class Handed(httpx.AsyncBaseTransport):
    """The server of this process, one request after the other, in the thread where its database connection is."""

    def __init__(self) -> None:
        self._plain = httpx.WSGITransport(get_wsgi_application())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()

        def send() -> httpx.Response:
            plain = httpx.Request(request.method, request.url, headers=request.headers, content=body)
            answer = self._plain.handle_request(plain)
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())

        return await sync_to_async(send)()


class Program(Client):
    """JSON in, JSON out; answers with status and value."""

    def __init__(self, token: str = "", **more: Any) -> None:
        super().__init__(raise_request_exception=False, **more)
        self.token = token

    def call(self, method: str, path: str, body: Any = None, key: str = "", **headers: str) -> tuple[int, Any]:
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if key:
            sent["Idempotency-Key"] = key
        raw = body if isinstance(body, str | bytes) else "" if body is None else json.dumps(body)
        answer = self.generic(method, f"/api/v1{path}", raw, content_type="application/json", headers={**sent, **headers})
        self.answer = answer
        if answer["Content-Type"].startswith("application/") and "ndjson" not in answer["Content-Type"]:
            return answer.status_code, answer.json() if answer.content else None
        return answer.status_code, answer.content

    def get(self, path: str, **headers: str) -> tuple[int, Any]:  # type: ignore[override]
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, key: str = "", **headers: str) -> tuple[int, Any]:  # type: ignore[override]
        return self.call("POST", path, {} if body is None else body, key, **headers)


@pytest.fixture(autouse=True)
def _no_collected_files(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def outside(cast: Cast) -> str:
    """An agent that runs elsewhere, of ada."""
    operations.declare(slug="books", title="Books", description="", environment="demo", tools=TOOLS, by=cast.admin, door="api")
    return "books"


@pytest.fixture
def agent(outside: str, cast: Cast) -> Program:
    """The agent, with its key."""
    _, token = operations.make_key(agent=outside, name="its key", scopes=["propose", "read"], days=None, by=cast.admin, door="web")
    return Program(token)


@pytest.fixture
def token(cast: Cast) -> Callable[..., Program]:
    """A person with a token of theirs."""

    def make(user: User, *scopes: str) -> Program:
        wanted = scopes or ("read", "decide", "operate", "govern")
        return Program(api_keys.make(of=user, name="my token", scopes=wanted, days=30, by=user, door="web")[1])

    return make


@pytest.fixture
def session(db: None) -> Callable[[User], Program]:
    """A person signed in on the web, a moment ago, by password."""

    def sign_in(user: User) -> Program:
        program = Program()
        program.force_login(user, backend=BACKEND)
        stored = program.session
        stored["sign_in"] = signed_in(user)
        stored.save()
        return program

    return sign_in


@pytest.fixture
async def people(monkeypatch):
    monkeypatch.setattr("countersign._timing.LEAST_S", 0.02)

    def begin() -> tuple[Cast, str]:
        cast = make_cast()
        tools = [*TOOLS, {"name": "files.append", "risk": "write", "reversible": True, "summary": "Append {line}"}]
        operations.declare(slug="books", title="Books", description="", environment="demo", tools=tools, by=cast.admin, door="api")
        return cast, operations.make_key(agent="books", name="k", scopes=["propose", "read"], days=None, by=cast.admin, door="web")[1]

    cast, token = await sync_to_async(begin)()
    return cast, lambda: AsyncClient("http://localhost", token, transport=Handed())


def files(did: list[str]) -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("files")

    @server.tool()
    def append(line: str) -> str:
        """Append a line."""
        did.append(line)
        return f"appended {line}"

    return server
