"""An MCP server that asks people: `request_approval`, `get_approval`, `list_my_pending`, `report_outcome`. No tool decides, and none ever will.

`countersign mcp` speaks over stdio with the key in COUNTERSIGN_KEY. `--http HOST:PORT` speaks streamable HTTP at /mcp, and each caller brings a key
of its own as `Authorization: Bearer cs_agent_…`: the server holds none. Needs the extra `countersign[mcp]`.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from countersign.client import AsyncClient
from countersign.errors import Conflict, CountersignError
from countersign.keyed import bearer
from countersign.values import Action

MOST_WAIT_S = 50
MOST_LISTED = 50
INSTRUCTIONS = """Before you do something that people want to see first, call request_approval with the tool and the exact arguments, and wait with
get_approval. Act only when `leave` is there, once, with exactly the arguments in it: people may have changed them. Then call report_outcome."""

ClientFor = Callable[["Context[Any, Any]"], AbstractAsyncContextManager[AsyncClient]]


def make_server(client_for: ClientFor) -> MCPServer[Any]:
    """The server; `client_for` gives what a request speaks to the installation with."""
    server: MCPServer[Any] = MCPServer("countersign", instructions=INSTRUCTIONS)

    @server.tool()
    async def request_approval(
        ctx: Context[Any, Any], tool: str, args: dict[str, Any], rationale: str = "", idempotency_key: str = "", wait_s: int = 0
    ) -> dict[str, Any]:
        """Ask people for leave to call a tool with these arguments. The same idempotency_key is the same request."""
        async with _asking(client_for, ctx) as people:
            action = await people.request(tool, args, key=idempotency_key, rationale=rationale)
            return await _seen(people, action, wait_s)

    @server.tool()
    async def get_approval(ctx: Context[Any, Any], id: str, wait_s: int = 30) -> dict[str, Any]:
        """What became of a request; waits up to wait_s seconds (50 at most). When it was approved, `leave` holds the arguments to act with.
        It is given once: if `next` is "report", it was given before; act on that one or not at all, and report."""
        async with _asking(client_for, ctx) as people:
            return await _seen(people, await people.get(id), wait_s)

    @server.tool()
    async def list_my_pending(ctx: Context[Any, Any]) -> list[dict[str, Any]]:
        """What of mine still waits for people."""
        async with _asking(client_for, ctx) as people:
            names = ("id", "tool", "summary", "level", "expires_at", "url")
            found: list[dict[str, Any]] = []
            async for row in people.items("/actions", state="PENDING", limit=MOST_LISTED):
                found.append({name: row[name] for name in names})
                if len(found) == MOST_LISTED:
                    break
            return found

    @server.tool()
    async def report_outcome(
        ctx: Context[Any, Any], id: str, status: str, result: dict[str, Any] | None = None, reason: str = ""
    ) -> dict[str, Any]:
        """Say what came of it: done, failed (nothing was done) or unknown."""
        async with _asking(client_for, ctx) as people:
            return _told(await people.report(id, status, result=result, reason=reason))

    return server


def serve(options: argparse.Namespace) -> int:
    """Run until the other side hangs up, which is no error however it does so: also while it is being told something."""
    try:
        _serve(options)
    except* BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _serve(options: argparse.Namespace) -> None:
    if options.keyless and not (options.gateway and options.http):
        raise CountersignError(
            "--keyless is for --http with --gateway: over stdio nobody brings a key, and without --gateway the server has none"
        )
    if options.gateway:
        from countersign.gateway import serve as serve_gateway

        serve_gateway(options)
        return
    if not options.http:
        AsyncClient(options.url or None, options.key or None)  # a missing key is said now, not with the first call
        make_server(lambda ctx: AsyncClient(options.url or None, options.key or None)).run("stdio")
        return
    host, _, port = options.http.rpartition(":")
    url = options.url or os.environ.get("COUNTERSIGN_URL") or None
    asyncio.run(make_server(lambda ctx: AsyncClient(url, _bearer(ctx))).run_streamable_http_async(host=host or "127.0.0.1", port=int(port)))


def _bearer(ctx: "Context[Any, Any]") -> str:
    """The caller's own key. Raises ToolError."""
    given = {name.lower(): value for name, value in (ctx.headers or {}).items()}.get("authorization", "")
    if not (key := bearer(given)):
        raise ToolError("Send the key of your agent as Authorization: Bearer cs_agent_…")
    return key


@asynccontextmanager
async def _asking(client_for: ClientFor, ctx: "Context[Any, Any]") -> AsyncIterator[AsyncClient]:
    """A client for one call; whatever is refused becomes the tool's error, as a sentence."""
    try:
        async with client_for(ctx) as people:
            yield people
    except CountersignError as error:
        raise ToolError(str(error)) from error


async def _seen(people: AsyncClient, action: Action, wait_s: int) -> dict[str, Any]:
    """An action as the model sees it, with leave to act if there is one: handed out once, for a model that asks twice would act twice."""
    if action.next == "wait" and wait_s > 0:
        action = await people.get(action.id, wait_s=min(wait_s, MOST_WAIT_S))
    leave = None
    if action.next == "claim":
        try:
            claimed = await people.claim(action.id)
            leave = {"tool": claimed.tool, "args": claimed.args, "idempotency_key": claimed.idempotency_key}
        except Conflict:
            leave = None  # held, halted, asked again, or handed out meanwhile: what it is now says so
        action = await people.get(action.id)
    return {**_told(action), "leave": leave}


def _told(action: Action) -> dict[str, Any]:
    names = ("id", "tool", "summary", "state", "next", "level", "url", "decided_by", "reason", "response", "outcome")
    return {**{name: getattr(action, name) for name in names}, "waiting": action.next == "wait"}
