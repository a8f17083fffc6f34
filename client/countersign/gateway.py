"""The gate before any MCP server: its tools appear as they are, and each call is an action that people (or policy) agree to first.

`countersign mcp --gateway COMMAND ...` starts the server behind and speaks MCP for it over stdio, or with `--http` over streamable HTTP on this
machine. A tool is known to the policy as PREFIX + its name (`--prefix files.`); declare those tools for the agent, with their class, or they count as the
worst one. What runs is what the claim gave: an edit by a reviewer takes effect. A call whose outcome nobody saw is reported as unknown.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client, StdioServerParameters, stdio_server, types
from mcp.server.lowlevel import Server

from countersign.client import AsyncClient
from countersign.errors import CountersignError, NotApproved
from countersign.values import Claim

KEPT = 20_000  # characters of a result that are reported


def make_gateway(behind: Client, people: AsyncClient, *, prefix: str = "", timeout_s: float | None = None) -> Server[Any]:
    """An MCP server that shows the tools of the one behind and asks before each call."""

    async def list_tools(ctx: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return await behind.list_tools(cursor=params.cursor if params else None)

    async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            action = await people.request(prefix + params.name, params.arguments or {}, rationale=f"A call of {params.name} over MCP")
            leave = await people.approval(action.id, timeout_s=timeout_s)
        except NotApproved as refusal:
            return _error(f"{params.name} was not run. {refusal}")
        except CountersignError as error:
            return _error(f"{params.name} was not run: {error}")
        return await _run(behind, people, params.name, leave)

    return Server("countersign-gateway", on_list_tools=list_tools, on_call_tool=call_tool)


async def _run(behind: Client, people: AsyncClient, name: str, leave: Claim) -> types.CallToolResult:
    """Call it once, with the arguments of the claim, and report what came of it."""
    try:
        result = await behind.call_tool(name, leave.args)
    except BaseException as error:
        await people.report(leave.action, "unknown", reason=f"{type(error).__name__}: {error}")
        raise
    said = [block.model_dump(mode="json", exclude_none=True) for block in result.content]
    text = json.dumps(said)
    kept = {"content": said} if len(text) <= KEPT else {"content": text[:KEPT], "cut": len(text)}
    if result.is_error:
        await people.report(leave.action, "unknown", reason=f"The tool said that it failed: {text[:1_500]}")
    else:
        await people.report(leave.action, "done", result=kept)
    return result


def _error(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)


def serve(options: argparse.Namespace) -> int:
    asyncio.run(_serve(options))
    return 0


async def _serve(options: argparse.Namespace) -> None:
    async with AsyncClient(options.url or None, options.key or None) as people, _behind(options.gateway) as behind:
        gateway = make_gateway(behind, people, prefix=options.prefix)
        if not options.http:
            async with stdio_server() as (reads, writes):
                await gateway.run(reads, writes, gateway.create_initialization_options())
            return
        import uvicorn

        host, _, port = options.http.rpartition(":")
        # The key is this process's own: only this machine may speak to it, whatever address was asked for.
        if host not in {"", "127.0.0.1", "localhost", "::1"}:
            raise CountersignError("A gateway acts with its own key: over HTTP it listens on this machine only (127.0.0.1)")
        config = uvicorn.Config(gateway.streamable_http_app(), host="127.0.0.1", port=int(port), log_level="warning")
        await uvicorn.Server(config).serve()


@asynccontextmanager
async def _behind(command: list[str]) -> AsyncIterator[Client]:
    """The server behind: a command that speaks over stdio, or the address of one that speaks HTTP."""
    target: Any = (
        command[0] if command[0].startswith(("http://", "https://")) else StdioServerParameters(command=command[0], args=command[1:])
    )
    async with Client(target) as client:
        yield client
