"""Who may speak to the gate over HTTP: callers with a key of its agent, and nobody else, for it acts with its own key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx2
import pytest
import uvicorn
from asgiref.sync import sync_to_async
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from agents import operations
from approvals.models import Action, ApiKey
from approvals.operations import api_keys
from countersign import cli, keyed
from countersign.calling import GAVE_UP
from countersign.client import AsyncClient
from countersign.errors import Unreachable
from countersign.gateway import make_gateway, over_http
from countersign.keyed import Keys
from tests.integration.api.conftest import TOOLS, Handed, files

pytestmark = pytest.mark.django_db(transaction=True)
HELLO = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
}  # fmt: skip
AS_MCP = {"Accept": "application/json, text/event-stream"}


def of(key: str) -> AsyncClient:
    return AsyncClient("http://localhost", key, transport=Handed())


@asynccontextmanager
async def served(own: AsyncClient, keys: Keys | None, did: list[str] | None = None) -> AsyncIterator[str]:
    """The gate, over HTTP; gives its address."""
    async with Client(files(did if did is not None else [])) as behind:
        app = over_http(make_gateway(behind, own, prefix="files."), keys)
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
        server.should_exit = True
        await asyncio.wait_for(serving, 20)


async def said(address: str, key: str, kind: str = "Bearer") -> tuple[int, str]:
    async with httpx.AsyncClient() as http:
        shown = httpx.Headers([(b"Authorization", f"{kind} {key}".strip().encode())] if kind else [])
        answer = await http.post(address, json=HELLO, headers=httpx.Headers([*AS_MCP.items(), *shown.multi_items()], encoding="utf-8"))
        return answer.status_code, answer.text


async def key_of(agent: str, cast: Any, *scopes: str) -> tuple[ApiKey, str]:
    return await sync_to_async(operations.make_key)(agent=agent, name="k", scopes=list(scopes), days=None, by=cast.admin, door="web")


async def test_only_a_key_of_its_agent_opens_the_gate(people):
    """Whoever connected from this machine proposed as the agent: with no key, with nonsense, or with a person's."""
    cast, client = people
    own = client()
    _, another = await key_of("books", cast, "propose", "read")
    _, reads = await key_of("books", cast, "read")
    more: dict[str, Any] = {"slug": "others", "title": "Others", "description": "", "environment": "demo", "tools": TOOLS}
    await sync_to_async(operations.declare)(**more, by=cast.admin, door="api")
    _, others = await key_of("others", cast, "propose", "read")
    person = await sync_to_async(api_keys.make)(
        of=cast.reviewer, name="t", scopes=["read", "decide"], days=30, by=cast.reviewer, door="web"
    )
    async with served(own, Keys(own, of)) as address:
        for key in ("cs_agent_nonsense", reads, others, person[1], "caf\u00e9"):
            status, words = await said(address, key)
            assert status == 401 and "none of this gateway's agent" in words, key
        status, words = await said(address, "", kind="")
        assert status == 401 and "Send a key" in words
        for key, kind in (("", "Bearer"), (another, "Basic")):
            assert (await said(address, key, kind))[0] == 401
        own_key = own._http.headers["Authorization"].partition(" ")[2]
        assert [(await said(address, key))[0] for key in (own_key, another)] == [200, 200]
        shown = {"Authorization": f"Bearer {another}"}
        async with httpx2.AsyncClient(headers=shown) as http, Client(streamable_http_client(address, http_client=http)) as mcp:
            assert [tool.name for tool in (await mcp.list_tools()).tools] == ["append"]
    assert await Action.objects.acount() == 0


async def test_a_key_that_was_revoked_is_not_taken_for_long_and_nobody_is_served_while_nobody_can_say(people, monkeypatch):
    cast, client = people
    row, another = await key_of("books", cast, "propose", "read")
    own = client()
    keys = Keys(own, of)
    assert await keys.why_not(another) == ""
    await sync_to_async(api_keys.revoke)(row.pk, by=cast.admin, door="web")
    assert await keys.why_not(another) == ""  # asked a moment ago
    monkeypatch.setattr(keyed, "KNOWN_S", 0)
    keys._good.clear()
    assert "revoked" in await keys.why_not(another)

    def away(key: str) -> AsyncClient:
        raise Unreachable("nobody answers")

    async with served(own, Keys(own, away)) as address:
        status, words = await said(address, another)
        assert status == 503 and "could not be asked" in words


async def test_what_a_caller_asked_goes_with_its_key(people, monkeypatch):
    """It waited on, was approved and made, and its caller, who was answered with 401, would have made it again with a good key."""
    cast, client = people
    monkeypatch.setattr(keyed, "KNOWN_S", 0)
    monkeypatch.setattr(keyed, "LOOK_S", 0.1)
    row, another = await key_of("books", cast, "propose", "read")
    own, did = client(), list[str]()
    shown = {"Authorization": f"Bearer {another}"}
    async with (
        served(own, Keys(own, of), did) as address,
        httpx2.AsyncClient(headers=shown) as http,
        Client(streamable_http_client(address, http_client=http)) as mcp,
    ):
        calling = asyncio.create_task(mcp.call_tool("append", {"line": "one"}))
        while not await Action.objects.filter(state="PENDING").aexists():
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        assert await Action.objects.filter(state="PENDING").aexists()  # looked at several times by now
        await sync_to_async(api_keys.revoke)(row.pk, by=cast.admin, door="web")
        while not await Action.objects.filter(state="CANCELLED", resolution__reason=GAVE_UP).aexists():
            await asyncio.sleep(0.05)
        (said,) = (await calling).content
    assert (did, said.text) == ([], "append was not run: its caller's key was revoked, or has ended")


async def test_without_keys_whoever_is_on_this_machine_is_served(people):
    _cast, client = people
    async with served(client(), None) as address:
        assert (await said(address, "", kind=""))[0] == 200


@pytest.mark.parametrize("more", [[], ["--http", "127.0.0.1:0"], ["--gateway", "x"]])
def test_going_without_keys_is_said_of_the_gate_over_http_only(capsys, more):
    assert cli.main(["--url", "http://127.0.0.1:9", "--key", "cs_agent_x", "mcp", "--keyless", *more]) == cli.REFUSED
    assert "--keyless is for --http with --gateway" in capsys.readouterr().err
