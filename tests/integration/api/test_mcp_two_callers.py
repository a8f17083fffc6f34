"""Two callers of one gate over HTTP: a server that dies takes both their calls along, each hears of its own, and the next one is served."""

import asyncio
import sys
from typing import Any

import httpx
import pytest
import uvicorn
from asgiref.sync import sync_to_async
from mcp import Client

from approvals.models import Action
from countersign.behind import kept
from countersign.gateway import make_gateway
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
SERVER = """
import asyncio, os, pathlib, sys
from mcp.server.mcpserver import MCPServer

server = MCPServer("files")


@server.tool()
async def append(line: str) -> str:
    with pathlib.Path(sys.argv[1]).open("a") as file:
        file.write(line + "\\n")
    if line == "die":
        os._exit(3)
    if line == "slow":
        await asyncio.sleep(60)
    return "appended " + line


server.run("stdio")
"""


async def until(look: Any) -> Any:
    for _ in range(400):
        if found := await look():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


async def test_each_hears_that_nobody_knows_what_came_of_its_own_call_and_the_next_is_served(people, tmp_path):
    cast, client = people
    program, did = tmp_path / "files.py", tmp_path / "did"
    program.write_text(SERVER)
    did.touch()

    async def asked(mcp: Client, line: str) -> "asyncio.Task[Any]":
        calling = asyncio.create_task(mcp.call_tool("append", {"line": line}))
        action = await until(lambda: Action.objects.filter(state="PENDING").afirst())
        await sync_to_async(factories.decide)(action, cast.reviewer)
        return calling

    async with kept([sys.executable, str(program), str(did)]) as there:
        app = make_gateway(there, client(), prefix="files.").streamable_http_app()
        served = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
        serving = asyncio.create_task(served.serve())
        await until(lambda: asyncio.sleep(0, served.started))
        address = f"http://127.0.0.1:{served.servers[0].sockets[0].getsockname()[1]}/mcp"
        async with Client(address) as one, Client(address) as two:
            slow = await asked(one, "slow")
            await until(lambda: asyncio.sleep(0, "slow" in did.read_text()))
            told = [await asyncio.wait_for(calling, 30) for calling in (await asked(two, "die"), slow)]
            assert all(each.is_error and "not known" in each.content[0].text for each in told)
            unknown = [str(a.pk) async for a in Action.objects.all() if a.outcome["status"] == "unknown"]
            assert len(unknown) == 2 and all(sum(pk in each.content[0].text for pk in unknown) == 1 for each in told)
            after = await asyncio.wait_for(await asked(one, "after"), 30)
            assert after.content[0].text == "appended after"
        async with httpx.AsyncClient() as http:
            gone = await http.post(
                address,
                json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
                headers={"Accept": "application/json, text/event-stream", "mcp-session-id": "none"},
            )
            assert gone.status_code == 404, gone.text
        served.should_exit = True
        await asyncio.wait_for(serving, 20)
    assert did.read_text().split() == ["slow", "die", "after"]
