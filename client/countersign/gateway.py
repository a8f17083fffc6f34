"""The gate before any MCP server: its tools appear as they are, and each call is an action that people (or policy) agree to first.

`countersign mcp --gateway COMMAND ...` starts the server behind and speaks MCP for it over stdio, or with `--http` over streamable HTTP on this
machine, to callers with a key of its agent (`keyed`). A tool is known to the policy as PREFIX + its name (`--prefix files.`); declare those tools for the agent, with their class, or they count as the
worst one. What runs is what the claim gave: an edit by a reviewer takes effect. A call whose outcome nobody saw is reported as unknown, one that was
never sent as failed. Nobody is asked while the server behind does not answer; one that died is started again (`behind`).

A caller that gives up (cancels, times out, hangs up) takes its action along: nobody is to approve what nobody would run. The same call again, where its
caller says that it is the same (`calling.key_of`), waits for the same action, or is given what came of it.
"""

import argparse
import asyncio
import json
from typing import Any

from anyio import Event
from anyio.lowlevel import checkpoint_if_cancelled
from mcp import Client, stdio_server, types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from countersign.behind import Gone, There, kept, lost, only
from countersign.calling import REDECLARED, Known, Waiting, key_of, while_there
from countersign.changes import Changes, Telling
from countersign.client import AsyncClient
from countersign.errors import AlreadyDone, CountersignError, NotApproved
from countersign.keyed import Keys, has_ended, keyed
from countersign.once_open import App, once_open
from countersign.reporting import Reports
from countersign.results import exact
from countersign.values import Claim

MOST_ASKED = 3  # times, of one call whose tool is declared anew meanwhile
COUNTS = (
    ". Its server describes it with other numbers each time (a time, a count): what people agree to is bound to the rest of what it says"
)
STILL = "An approval is for a call of the tool as it was described: have the server describe it alike, and tell what changes in its results"
RESTLESS = f"its server describes it in other words each time it is asked, so nobody can agree to a call of it. {STILL}"
KEPT = 20_000  # characters of a result that are reported


def make_gateway(
    behind: Client | There, people: AsyncClient, *, prefix: str = "", timeout_s: float | None = None, changes: Changes | None = None
) -> Server[Any]:
    """An MCP server that shows the tools of the one behind and asks before each call; `changes` are those that `kept` hears of."""
    waiting, known, news, reports = Waiting(people, timeout_s), Known(), changes or Changes(), Reports(people)
    there = only(behind) if isinstance(behind, Client) else behind

    async def list_tools(ctx: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        news.listed_by(ctx.session)
        try:
            return await (await there()).list_tools(cursor=params.cursor if params else None)
        except Gone as gone:
            raise MCPError(code=types.INTERNAL_ERROR, message=str(gone)) from gone

    async def unfit(name: str, args: dict[str, Any]) -> str:
        try:
            return await known.misfit(await there(), name, args)
        except (Gone, MCPError) as error:
            return str(error)

    async def agreed(name: str, args: dict[str, Any], key: str, again: bool) -> Claim | types.CallToolResult:
        why = f"A call of {name} over MCP{', which its server declared anew since it was asked first' if again else ''}"
        why += COUNTS if known.counts(name) else ""
        try:
            return await waiting.leave(prefix + name, args, key, rationale=why)
        except AlreadyDone as before:
            return _recorded(name, before)
        except NotApproved as refusal:
            return _error(f"{name} was not run. {refusal}")
        except CountersignError as error:
            return _error(f"{name} was not run: {error}")

    async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        begun = Event()

        async def call() -> types.CallToolResult:
            for turn in range(MOST_ASKED):
                if why := await unfit(params.name, params.arguments or {}):
                    asked = "was agreed to and not run" if turn else "was not run, and nobody was asked"
                    return _error(f"{params.name} {asked}: {why}")
                if turn and await known.restless(await there(), params.name, params.arguments or {}):
                    return _error(f"{params.name} was not run: {RESTLESS}")
                declared = known.declared(params.name)
                leave = await agreed(params.name, params.arguments or {}, key_of(ctx), again=turn > 0)
                if not isinstance(leave, Claim):
                    return leave
                try:
                    if (result := await _run(there, known, reports, params.name, leave, declared, begun)) is not None:
                        return result
                finally:
                    waiting.over(leave.action)
            return _error(f"{params.name} was not run: its server declared it anew {MOST_ASKED} times before people had agreed. {STILL}")

        done = await while_there(ctx.request, call, begun)
        gone = "its caller's key was revoked, or has ended" if has_ended(ctx.request) else "its caller hung up"
        return done or _error(f"{params.name} was not run: {gone}")

    return Telling("countersign-gateway", news, on_list_tools=list_tools, on_call_tool=call_tool)


async def _run(
    there: There, known: Known, reports: Reports, name: str, leave: Claim, declared: str, begun: Event
) -> types.CallToolResult | None:
    """Call it once, with the arguments of the claim, and report what came of it, also when the caller gives up meanwhile.

    People may have taken hours: whether the server behind is there is asked again, and what was not sent is reported as failed. None when it
    declares the tool otherwise than when they were asked.
    """
    try:
        await checkpoint_if_cancelled()
        behind = await there()
        why = await known.misfit(behind, name, leave.args)
        if not (now := known.declared(name)):
            await reports.tell(leave, "failed", reason=f"It was never sent: {why}")
            return _error(f"{name} was agreed to and not run: {why}")
        if now != declared:
            await reports.tell(leave, "failed", reason=REDECLARED)
            return None
        if why:
            await reports.tell(leave, "failed", reason=f"As edited it does not fit: {why}")
            return _error(f"{name} was not run: as a reviewer edited it, {why}")
        await checkpoint_if_cancelled()
        begun.set()
        result = await behind.call_tool(name, leave.args)
    except Gone as gone:
        await reports.tell(leave, "failed", reason=f"It was never sent: {gone}")
        return _error(f"{name} was agreed to and not run: {gone}")
    except BaseException as error:
        said = _midway(error) if begun.is_set() else _unsent(error)
        heard = await reports.tell(leave, "unknown" if begun.is_set() else "failed", reason=said)
        if begun.is_set() and lost(error):
            return _error(_unheard(name, behind.server_info.name if behind.server_info else "", leave, heard))
        if (
            begun.is_set() and isinstance(error, Exception) and not isinstance(error, MCPError)
        ):  # an answer of no use, not the server's own no
            return _error(_unusable(name, error, leave, heard))
        raise
    kept = result.model_dump(mode="json", by_alias=True, exclude_none=True, include={"content", "structured_content"})
    text = json.dumps(kept)
    if result.is_error:
        await reports.tell(leave, "unknown", reason=f"The tool said that it failed: {text[:1_500]}")
    else:
        whole = len(text) <= KEPT and exact(kept)
        await reports.tell(leave, "done", result=kept if whole else {"words": text[:KEPT], "cut": len(text)})
    return result


def _unheard(name: str, server: str, leave: Claim, heard: bool) -> str:
    """What its caller is told of a call that was sent and never answered: a model that only hears of a closed connection would call again."""
    sent = f"{name} was sent to {server or 'the server behind'!r}, which ended before it answered."
    return f"{sent} Whether it was done is not known: {_look_first(leave, heard)}"


def _unusable(name: str, error: Exception, leave: Claim, heard: bool) -> str:
    """The same of a call whose answer is none that its tool may give."""
    return f"{name} was run, and what it answered cannot be used ({error}). What it did is not known: {_look_first(leave, heard)}"


def _look_first(leave: Claim, heard: bool) -> str:
    stands = "stands as UNKNOWN" if heard else "could not be told so, and calls it UNKNOWN once its time is over"
    return f"do not call it again before somebody has looked. In Countersign its action {leave.action} {stands}"


def _midway(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, Exception) else "Its caller gave up, or ended the session, while it ran"


def _unsent(error: BaseException) -> str:
    return f"It was never sent: {error}" if isinstance(error, Exception) else "Its caller gave up before it was begun"


def _recorded(name: str, before: AlreadyDone) -> types.CallToolResult:
    """What the tool had said the first time."""
    try:
        return types.CallToolResult.model_validate({"content": None, **(before.result or {})})
    except ValueError:
        return _error(f"{name} was not run again: {before}. What it had said: {json.dumps(before.result)[:KEPT]}")


def _error(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)


def over_http(gateway: Server[Any], keys: Keys | None) -> App:
    """The gateway as it is served over HTTP. Without `keys`, whoever reaches it acts as its agent."""
    app: App = once_open(gateway.streamable_http_app())
    return keyed(app, keys) if keys else app


def serve(options: argparse.Namespace) -> None:
    asyncio.run(_serve(options))


async def _serve(options: argparse.Namespace) -> None:
    changes = Changes()
    async with AsyncClient(options.url or None, options.key or None) as people, kept(options.gateway, changes) as there:
        gateway = make_gateway(there, people, prefix=options.prefix, changes=changes)
        if not options.http:
            async with stdio_server() as (reads, writes):
                await gateway.run(reads, writes, gateway.create_initialization_options())
            return
        import uvicorn

        host, _, port = options.http.rpartition(":")
        # It acts with this process's own key: only this machine may speak to it, whatever address was asked for.
        if host not in {"", "127.0.0.1", "localhost", "::1"}:
            raise CountersignError("A gateway acts with its own key: over HTTP it listens on this machine only (127.0.0.1)")
        keys = None if options.keyless else Keys(people, lambda key: AsyncClient(options.url or None, key))
        config = uvicorn.Config(over_http(gateway, keys), host="127.0.0.1", port=int(port), log_level="warning", timeout_keep_alive=75)
        await uvicorn.Server(config).serve()
