"""The server behind the gate dies: it is started again, or nobody is asked; what was never sent is no open question."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from mcp import Client
from mcp.shared.exceptions import MCPError

import countersign
from approvals.models import Action
from countersign.behind import Gone, kept
from countersign.gateway import make_gateway
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
SERVER = """
import os, pathlib, sys
from mcp.server.mcpserver import MCPServer
from mcp.types import CallToolResult, TextContent

did = pathlib.Path(sys.argv[1])
server = MCPServer("files")


def note(line):
    with did.open("a") as file:
        file.write(line + "\\n")


@server.tool()
def append(line: str) -> str:
    note(line)
    if line == "die":
        os._exit(3)
    return "appended " + line


@server.tool()
def count(line: str) -> CallToolResult:
    note(line)
    return CallToolResult(content=[TextContent(type="text", text="4")], structured_content={"n": "four"})


server._tool_manager.get_tool("count").fn_metadata.output_schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
note(f"start {os.getpid()}")
server.run("stdio")
"""


class Files:
    """A server of its own process, and what it wrote down."""

    def __init__(self, folder: Path) -> None:
        self.program, self.did = folder / "files.py", folder / "did"
        self.program.write_text(SERVER)
        self.command = [sys.executable, str(self.program), str(self.did)]

    def lines(self) -> list[str]:
        return [line for line in self.did.read_text().splitlines() if not line.startswith("start")]

    def starts(self) -> list[int]:
        return [int(line.split()[1]) for line in self.did.read_text().splitlines() if line.startswith("start")]

    def kill(self, *, for_good: bool = False) -> None:
        if for_good:
            self.program.unlink()
        os.kill(self.starts()[-1], signal.SIGKILL)


@pytest.fixture
def behind(tmp_path: Path) -> Files:
    return Files(tmp_path)


async def approved(cast: Any, before: Callable[[], None] = lambda: None) -> None:
    """Somebody approves what is asked next."""
    for _ in range(400):
        if action := await Action.objects.filter(state="PENDING").afirst():
            before()
            await sync_to_async(factories.decide)(action, cast.reviewer)
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nobody was asked")


async def called(mcp: Client, cast: Any, line: str, before: Callable[[], None] = lambda: None, tool: str = "append") -> Any:
    calling = asyncio.create_task(mcp.call_tool(tool, {"line": line}))
    await approved(cast, before)
    return await asyncio.wait_for(calling, 30)


async def test_a_server_that_died_is_started_again_and_what_people_agree_to_runs(people, behind):
    cast, client = people
    async with kept(behind.command) as there, Client(make_gateway(there, client(), prefix="files.")) as mcp:
        assert (await called(mcp, cast, "one")).content[0].text == "appended one"
        behind.kill()
        assert (await called(mcp, cast, "two")).content[0].text == "appended two"
        assert (await called(mcp, cast, "three", behind.kill)).content[0].text == "appended three"  # it died while people looked
    assert behind.lines() == ["one", "two", "three"] and len(behind.starts()) == 3
    assert [a.outcome["status"] async for a in Action.objects.all()] == ["done"] * 3


async def test_nobody_is_asked_while_it_cannot_be_started(people, behind):
    cast, client = people
    async with kept(behind.command) as there, Client(make_gateway(there, client(), prefix="files.")) as mcp:
        await called(mcp, cast, "one")
        behind.kill(for_good=True)
        refused = await asyncio.wait_for(mcp.call_tool("append", {"line": "two"}), 30)
        assert refused.is_error and "nobody was asked" in refused.content[0].text and "started" in refused.content[0].text
        with pytest.raises(MCPError, match="started"):
            await mcp.list_tools(cache_mode="refresh")
    assert (await Action.objects.acount(), behind.lines()) == (1, ["one"])


async def test_what_was_agreed_to_and_never_sent_is_failed_and_not_an_open_question(people, behind):
    cast, client = people
    async with kept(behind.command) as there, Client(make_gateway(there, client(), prefix="files.")) as mcp:
        refused = await called(mcp, cast, "one", lambda: behind.kill(for_good=True))
        assert refused.is_error and "not run" in refused.content[0].text
    outcome = (await Action.objects.aget()).outcome
    assert outcome["status"] == "failed" and "never sent" in outcome["reason"] and behind.lines() == []


async def test_what_was_sent_to_a_server_that_died_over_it_stays_unknown_and_its_caller_is_told_so(people, behind):
    cast, client = people
    async with kept(behind.command) as there, Client(make_gateway(there, client(), prefix="files.")) as mcp:
        told = await called(mcp, cast, "die")
    action = await Action.objects.aget()
    assert action.outcome["status"] == "unknown" and behind.lines() == ["die"]
    assert told.is_error and all(
        part in told.content[0].text for part in ("append", "'files'", "not known", f"{action.pk} stands as UNKNOWN")
    )


async def test_what_ran_and_answered_what_its_tool_may_not_is_told_as_that(people, behind):
    """Its caller heard "Internal server error", and would have called again."""
    cast, client = people
    async with kept(behind.command) as there, Client(make_gateway(there, client(), prefix="files.")) as mcp:
        told = await called(mcp, cast, "four", tool="count")
    action = await Action.objects.aget()
    assert (action.outcome["status"], behind.lines()) == ("unknown", ["four"])
    assert told.is_error and all(part in told.content[0].text for part in ("count was run", "not known", f"{action.pk} stands as UNKNOWN"))


@pytest.mark.parametrize("gateway", [True, False])
def test_a_caller_that_reads_no_more_ends_it_quietly(behind, gateway):
    more = ["--gateway", *behind.command] if gateway else []
    env = {**os.environ, "PYTHONPATH": str(Path(countersign.__file__).parents[1])}
    command = [sys.executable, "-m", "countersign", "--url", "http://127.0.0.1:9", "--key", "cs_agent_x", "mcp", *more]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as mcp:
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
        mcp.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}).encode() + b"\n")
        mcp.stdin.flush()
        assert mcp.stdout.readline()
        mcp.stdout.close()
        mcp.stdin.write(b'{"jsonrpc": "2.0", "id": 2, "method": "ping"}\n')
        mcp.stdin.flush()
        time.sleep(0.5)  # it is being told something when nobody is there any more
        mcp.stdin.close()
        code, said = mcp.wait(30), mcp.stderr.read().decode()
    assert code == 0 and "Traceback" not in said and "BrokenPipe" not in said


async def test_a_server_that_cannot_be_started_at_all_is_said_at_once(tmp_path):
    with pytest.raises(Gone, match="could not be started"):
        async with kept([str(tmp_path / "none")]):
            raise AssertionError("it is not there")
