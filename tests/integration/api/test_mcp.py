"""The MCP server and the gate: asked through, never decided by; a real MCP client speaks to both."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from mcp import Client
from mcp.server.mcpserver import MCPServer

from approvals.models import Action
from countersign.behind import kept
from countersign.gateway import make_gateway
from countersign.mcp import make_server
from tests import factories
from tests.integration.api.conftest import files

pytestmark = pytest.mark.django_db(transaction=True)


def value(result: Any) -> Any:
    found = result.structured_content
    return found["result"] if set(found) == {"result"} else found


async def test_it_asks_waits_gives_leave_once_and_reports(people):
    cast, client = people
    async with Client(make_server(lambda ctx: client())) as mcp:
        names = {tool.name for tool in (await mcp.list_tools()).tools}
        assert names == {"request_approval", "get_approval", "list_my_pending", "report_outcome"}  # and none that decides
        asked = value(await mcp.call_tool("request_approval", {"tool": "note", "args": {"text": "hi"}, "idempotency_key": "k-1"}))
        assert (asked["state"], asked["leave"], asked["waiting"]) == ("PENDING", None, True)
        assert [one["id"] for one in value(await mcp.call_tool("list_my_pending", {}))] == [asked["id"]]
        await sync_to_async(lambda: factories.decide(Action.objects.get(), cast.reviewer))()
        seen = value(await mcp.call_tool("get_approval", {"id": asked["id"], "wait_s": 5}))
        assert seen["leave"]["args"] == {"text": "hi"}
        again = value(await mcp.call_tool("get_approval", {"id": asked["id"]}))
        assert (again["leave"], again["next"]) == (None, "report")  # handed out once: a model that asks twice would act twice
        done = value(await mcp.call_tool("report_outcome", {"id": asked["id"], "status": "done", "result": {"n": 1}}))
        assert done["outcome"]["result"] == {"n": 1}
        assert value(await mcp.call_tool("get_approval", {"id": asked["id"]}))["leave"] is None


async def test_what_is_refused_is_told_to_the_model_as_a_sentence(people):
    _cast, client = people
    async with Client(make_server(lambda ctx: client())) as mcp:
        wrong = await mcp.call_tool("request_approval", {"tool": "note", "args": {"text": 5}})
        assert wrong.is_error and "do not fit" in wrong.content[0].text
        nobody = await mcp.call_tool("get_approval", {"id": "00000000-0000-0000-0000-000000000000"})
        assert nobody.is_error and "no such action" in nobody.content[0].text


async def test_a_server_behind_the_gate_is_called_once_people_agreed_with_what_they_agreed_to(people):
    cast, client = people
    did: list[str] = []
    async with Client(files(did)) as behind, Client(make_gateway(behind, client(), prefix="files.")) as mcp:
        assert [tool.name for tool in (await mcp.list_tools()).tools] == ["append"]
        calling = asyncio.create_task(mcp.call_tool("append", {"line": "one"}))

        def edit_and_approve() -> bool:
            action = Action.objects.filter(state="PENDING").first()
            if action is None or action.version == 2:
                return bool(action and factories.decide(action, cast.second))
            from approvals import operations as approvals

            approvals.request_edit(action.pk, by=cast.reviewer, seen_digest=action.digest, args={"line": "two"}, door="web")
            factories.work()
            return False

        for _ in range(400):
            if await sync_to_async(edit_and_approve)():
                break
            await asyncio.sleep(0.05)
        result = await asyncio.wait_for(calling, 20)
        assert did == ["two"] and result.content[0].text == "appended two"
        outcome = (await Action.objects.aget()).outcome
        assert outcome["status"] == "done" and outcome["result"]["content"][0]["text"] == "appended two"


async def test_what_people_refuse_never_reaches_the_server_behind(people):
    cast, client = people
    did: list[str] = []
    async with Client(files(did)) as behind, Client(make_gateway(behind, client(), prefix="files.")) as mcp:
        calling = asyncio.create_task(mcp.call_tool("append", {"line": "one"}))
        for _ in range(400):
            if action := await Action.objects.filter(state="PENDING").afirst():
                await sync_to_async(factories.decide)(action, cast.reviewer, "reject", reason="not this")
                break
            await asyncio.sleep(0.05)
        result = await asyncio.wait_for(calling, 20)
        assert result.is_error and "not this" in result.content[0].text and did == []


async def test_without_a_key_of_its_own_nobody_is_served_over_http():
    import argparse

    from mcp.server.mcpserver.exceptions import ToolError

    from countersign.mcp import _bearer

    class Asked(argparse.Namespace):
        headers = {"Authorization": "Basic x"}

    with pytest.raises(ToolError, match="Send the key"):
        _bearer(Asked())  # type: ignore[arg-type]
    Asked.headers = {"Authorization": "Bearer cs_agent_x"}
    assert _bearer(Asked()) == "cs_agent_x"  # type: ignore[arg-type]


async def test_nobody_is_asked_about_a_call_that_the_server_behind_would_refuse(people):
    _cast, client = people
    did: list[str] = []
    async with Client(files(did)) as behind, Client(make_gateway(behind, client(), prefix="files.")) as mcp:
        for name, args in (("append", {"line": 7}), ("append", {}), ("erase", {"line": "one"})):
            refused = await mcp.call_tool(name, args)
            assert refused.is_error and "nobody was asked" in refused.content[0].text
    assert (did, await Action.objects.acount()) == ([], 0)


@pytest.mark.parametrize(
    ("answer", "status"),
    [(2**60, "done"), ("nul\x00", "done"), ("x" * 30_000, "done"), ([[[[[[[[[["deep"]]]]]]]]]] * 2, "done"), (None, "unknown")],
)
async def test_what_the_server_behind_answered_is_on_record_whatever_it_holds(people, answer, status):
    """A result the API does not take was lost: the call stayed open, and became one of unknown outcome."""
    cast, client = people
    server: MCPServer[Any] = MCPServer("files")

    @server.tool()
    def append(line: str) -> dict[str, Any]:
        if answer is None:
            raise RuntimeError("nul\x00")
        return {"value": answer}

    async with Client(server) as behind, Client(make_gateway(behind, client(), prefix="files.")) as mcp:
        calling = asyncio.create_task(mcp.call_tool("append", {"line": "one"}))
        for _ in range(400):
            if action := await Action.objects.filter(state="PENDING").afirst():
                await sync_to_async(factories.decide)(action, cast.reviewer)
                break
            await asyncio.sleep(0.05)
        result = await asyncio.wait_for(calling, 20)
    assert bool(result.is_error) == (answer is None)
    outcome = (await Action.objects.aget()).outcome
    assert outcome and outcome["status"] == status
    if answer == 2**60:
        assert str(answer) in outcome["result"]["words"]


ENVIRONED = """
import os
from mcp.server.mcpserver import MCPServer

server = MCPServer("environed")


@server.tool()
def has() -> list[str]:
    return sorted(name for name in os.environ if name == "SHOP_TOKEN" or name.upper().startswith("COUNTERSIGN"))


server.run("stdio")
"""


async def test_a_server_behind_has_the_environment_of_the_gate_without_the_key_of_the_gate(tmp_path: Path, monkeypatch):
    (tmp_path / "environed.py").write_text(ENVIRONED)
    monkeypatch.setenv("SHOP_TOKEN", "s-1")
    monkeypatch.setenv("COUNTERSIGN_URL", "http://localhost")
    monkeypatch.setenv("COUNTERSIGN_KEY", "cs_agent_x")
    async with kept([sys.executable, str(tmp_path / "environed.py")]) as there:
        assert value(await (await there()).call_tool("has", {})) == ["SHOP_TOKEN"]
