"""Callers of the gate that give up, or call again: nobody is asked for what nobody would run, and nothing runs twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import httpx
import pytest
import uvicorn
from asgiref.sync import sync_to_async
from mcp import Client, ClientSession
from mcp.server.mcpserver import MCPServer
from mcp.shared.memory import create_client_server_memory_streams

from approvals.models import Action
from countersign.calling import GAVE_UP, KEY
from countersign.gateway import make_gateway
from countersign.once_open import once_open
from tests import factories
from tests.integration.api.conftest import files

pytestmark = pytest.mark.django_db(transaction=True)


async def until(found: Callable[[], Awaitable[Any]]) -> Any:
    for _ in range(400):
        if seen := await found():
            return seen
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


def waits() -> Awaitable[Action | None]:
    return Action.objects.filter(state="PENDING").afirst()


async def gave_up(times: int = 1) -> bool:
    return await Action.objects.filter(state="CANCELLED", resolution__reason=GAVE_UP).acount() == times


async def test_a_caller_that_gives_up_takes_its_action_along(people):
    _someone, client = people
    did: list[str] = []
    async with Client(files(did)) as behind, Client(make_gateway(behind, client(), prefix="files.")) as mcp:
        calling = asyncio.create_task(mcp.call_tool("append", {"line": "one"}))
        await until(waits)
        calling.cancel()
        await until(gave_up)
    assert did == []


async def test_a_caller_that_closes_its_end_of_stdio_takes_its_action_along(people):
    _someone, client = people
    did: list[str] = []
    async with Client(files(did)) as behind, create_client_server_memory_streams() as (ours, theirs):
        gateway = make_gateway(behind, client(), prefix="files.")
        serving = asyncio.create_task(gateway.run(*theirs, gateway.create_initialization_options()))
        async with ClientSession(*ours) as session:
            await session.initialize()
            calling = asyncio.create_task(session.call_tool("append", {"line": "one"}))
            await until(waits)
            await ours[1].aclose()
            await asyncio.wait_for(serving, 20)
            assert await gave_up() and did == []
            calling.cancel()


async def test_a_call_that_its_caller_knows_is_one_action_however_often_it_is_made(people):
    someone, client = people
    did: list[str] = []
    async with Client(files(did)) as behind, Client(make_gateway(behind, client(), prefix="files.")) as mcp:

        def call(line: str = "one") -> "asyncio.Task[Any]":
            return asyncio.create_task(mcp.call_tool("append", {"line": line}, meta=cast(Any, {KEY: "call-7"})))

        first, second = call(), call()
        await until(waits)
        await asyncio.sleep(0.3)
        first.cancel()
        await asyncio.sleep(0.3)
        assert await Action.objects.acount() == 1 and await waits()  # the other one still waits for it
        second.cancel()
        await until(gave_up)
        third = call()
        await sync_to_async(factories.decide)(await until(waits), someone.reviewer)
        result = await asyncio.wait_for(third, 20)
        assert (await asyncio.wait_for(call(), 20)).content == result.content and did == ["one"]
        other = await asyncio.wait_for(call("two"), 20)
        assert other.is_error and "another proposal" in other.content[0].text
    assert await Action.objects.acount() == 2 and did == ["one"]


async def test_what_was_begun_when_its_caller_gave_up_is_unknown(people):
    someone, client = people
    begun = asyncio.Event()
    server: MCPServer[Any] = MCPServer("slow")

    @server.tool()
    async def append(line: str) -> str:
        """Append a line, for ever."""
        begun.set()
        await asyncio.sleep(600)
        return "never"

    async with Client(server) as behind, Client(make_gateway(behind, client(), prefix="files.")) as mcp:
        calling = asyncio.create_task(mcp.call_tool("append", {"line": "one"}))
        await sync_to_async(factories.decide)(await until(waits), someone.reviewer)
        await asyncio.wait_for(begun.wait(), 20)
        calling.cancel()
        action = await until(lambda: Action.objects.exclude(settled_at=None).afirst())
    assert action.outcome["status"] == "unknown"


async def test_over_http_a_caller_that_hangs_up_takes_its_action_along_and_a_request_sent_again_is_the_same(people, monkeypatch):
    someone, client = people
    did: list[str] = []
    monkeypatch.setattr("countersign.calling.LOOK_S", 0.05)
    async with Client(files(did)) as behind:
        app = once_open(make_gateway(behind, client(), prefix="files.").streamable_http_app())
        served = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
        serving = asyncio.create_task(served.serve())
        await until(lambda: asyncio.sleep(0, served.started))
        port = served.servers[0].sockets[0].getsockname()[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            headers = {"Accept": "application/json, text/event-stream"}

            async def post(**body: Any) -> httpx.Response:
                return await http.post("/mcp", json={"jsonrpc": "2.0", **body}, headers=headers)

            info = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            headers["mcp-session-id"] = (await post(id=1, method="initialize", params=info)).headers["mcp-session-id"]
            await post(method="notifications/initialized")
            call = {"method": "tools/call", "params": {"name": "append", "arguments": {"line": "one"}}}
            hung_up = asyncio.create_task(post(id=2, **call))
            await until(waits)
            hung_up.cancel()
            await until(gave_up)
            again = asyncio.create_task(post(id=2, **call))
            action = await until(waits)
            beside = await post(id=2, **call)
            assert (beside.status_code, beside.json()["id"]) == (409, 2)
            await sync_to_async(factories.decide)(action, someone.reviewer)
            assert "appended one" in (await again).text
            assert "appended one" in (await post(id=2, **call)).text  # it has its answer: the same again
            assert await Action.objects.acount() == 2 and did == ["one"]
        served.should_exit = True
        await serving
