"""One call through the gate: which call it is, how long its caller is there, and the wait for people on its behalf. Used by `gateway` only."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any, TypeVar

import anyio
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from mcp.types import Tool
from referencing import Registry

from countersign.client import AsyncClient
from countersign.enduring import to_the_end
from countersign.errors import AlreadyFailed, CountersignError, NotApproved, NotDecidedInTime, OutcomeUnknown
from countersign.keyed import has_ended
from countersign.values import Action, Claim

T = TypeVar("T")
# A caller's own id of a call, in its `_meta`: MCP has none that outlives a request.
KEY = "countersign/idempotency-key"
SESSION = "mcp-session-id"
GAVE_UP = "Its caller gave up waiting"
REDECLARED = "Never sent: the server behind declared the tool anew after it was asked, so it is asked once more"
MOST_PAGES = 50
_NUMBERS = re.compile(r"\d+")
LOOK_S = 1.0  # between two looks whether a caller over HTTP is still connected


def key_of(ctx: Any) -> str:
    """Under which key this call is proposed, so that the same one again is the same action; "" when nothing tells.

    The caller's own id in `_meta`; or, in a session over HTTP, the session's and the request's id: they are what a lost request is sent again with.
    A bare request id is none: every connection begins to count at one.
    """
    said = (ctx.meta or {}).get(KEY)
    if isinstance(said, str) and said:
        return "mcp:" + sha256(said.encode("utf-8", "replace")).hexdigest()
    session = ctx.request.headers.get(SESSION) if ctx.request else None
    return f"mcp:{session[:100]}:{ctx.request_id}"[:180] if session and ctx.request_id is not None else ""


async def while_there(request: Any, work: Callable[[], Awaitable[T]], begun: anyio.Event) -> T | None:
    """Do it as long as the caller is connected and its key is one, or it has `begun`; None when it hung up before, or has none any more.

    In a session over HTTP nobody else looks whether it is connected: an answer could be fetched later, but only from a server that keeps answers, and
    this one does not. Raises what the work does.
    """
    if request is None:
        return await work()
    done: list[T] = []
    failed: list[Exception] = []
    async with anyio.create_task_group() as both:

        async def look() -> None:
            while not begun.is_set():
                if has_ended(request) or (SESSION in request.headers and await request.is_disconnected()):
                    both.cancel_scope.cancel()
                    return
                await anyio.sleep(LOOK_S)

        both.start_soon(look)
        try:
            done.append(await work())
        except Exception as error:  # not out of here: it would come as one of a group
            failed.append(error)
        both.cancel_scope.cancel()
    if failed:
        raise failed[0]
    return done[0] if done else None


class Known:
    """The tools of the server behind, as it describes them now: nobody is asked about a call that it would refuse.

    An approval is for a call of the tool as it was described when people were asked: whoever agreed to "read" has not agreed to "read, and tell
    everybody". Some descriptions hold a time or a count, which is another one each time. What has changed in nothing but its numbers is then bound
    without them (`counts`, which people are told), and what changes in its words each time is bound to nobody (`restless`).
    """

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}
        self._counting: set[str] = set()
        self._changed: set[str] = set()

    async def misfit(self, behind: Any, name: str, args: Mapping[str, Any]) -> str:
        """Why the server behind would not take this call, "" when it may. It is asked: it may be another version by now, or say otherwise."""
        found: dict[str, Tool] = {}
        cursor = None
        for _ in range(MOST_PAGES):
            page = await behind.list_tools(cursor=cursor, cache_mode="refresh")
            found |= {tool.name: tool for tool in page.tools}
            if not (cursor := page.next_cursor):
                break
        for tool, now in found.items():
            self._compare(tool, self._tools.get(tool), now)
        self._tools = found
        return _misfit(found[name].input_schema, args) if name in found else "the server behind has no such tool"

    def _compare(self, name: str, before: Tool | None, now: Tool) -> None:
        self._changed.discard(name)
        if before is None or _whole(before) == _whole(now):
            return
        if _whole(_without_numbers(before)) == _whole(_without_numbers(now)):
            self._counting.add(name)
        else:
            self._changed.add(name)

    def declared(self, name: str) -> str:
        """What it said of a tool when it was asked last: whole, but for the numbers of a description that counts."""
        tool = self._tools.get(name)
        return "" if tool is None else _whole(_without_numbers(tool) if name in self._counting else tool)

    def counts(self, name: str) -> bool:
        """Whether its description has been seen to change in its numbers alone."""
        return name in self._counting

    async def restless(self, behind: Any, name: str, args: Mapping[str, Any]) -> bool:
        """Whether it describes the tool in other words when it is asked twice in a row."""
        await self.misfit(behind, name, args)
        return name in self._changed


def _whole(tool: Tool) -> str:
    return tool.model_dump_json(exclude={"icons", "meta"})


def _without_numbers(tool: Tool) -> Tool:
    return tool.model_copy(update={"description": _NUMBERS.sub("0", tool.description or "")})


def _misfit(schema: Any, args: Mapping[str, Any]) -> str:
    """What does not fit, with its place. A schema that cannot be used says nothing: the tool itself will."""
    try:
        checks = validator_for(schema, Draft202012Validator)(schema, registry=Registry())  # no reference is fetched from anywhere
        wrong = best_match(checks.iter_errors(args))
        return f"{wrong.json_path}: {wrong.message[:300]}" if wrong else ""
    except Exception:  # a pattern, a reference or a type of somebody else's making
        return ""


class Waiting:
    """Waits for people on behalf of calls; two calls under one key are for one action, and the second is given what came of the first."""

    def __init__(self, people: AsyncClient, timeout_s: float | None) -> None:
        self._people, self._timeout_s = people, timeout_s
        self._calls: Counter[str] = Counter()  # that wait for an action, or act on it

    async def leave(self, tool: str, args: dict[str, Any], key: str, *, rationale: str) -> Claim:
        """Propose, wait, claim; say `over` when it was acted on. Raises what `AsyncClient.request` and `approval` do."""
        turn = 1
        while True:
            action = await self._proposed(tool, args, f"{key}:{turn}" if key else "", rationale)
            try:
                return await self._approval(action)
            except NotApproved as refusal:
                if not key or refusal.reason != GAVE_UP or refusal.action.state != "CANCELLED":
                    raise
                turn += 1  # what this very call withdrew before is asked anew
            except AlreadyFailed as before:
                if not key or (before.action.outcome or {}).get("reason") != REDECLARED:
                    raise
                turn += 1
            except OutcomeUnknown:
                if not self._calls[action.id]:
                    raise
                while self._calls[action.id]:  # the first call acts just now
                    await anyio.sleep(LOOK_S)

    async def _proposed(self, tool: str, args: dict[str, Any], key: str, rationale: str) -> Action:
        """Propose to the end, or there would be an action whose id nobody here has. Whom asyncio cancels meanwhile takes it along, as one who waits."""
        made: list[Action] = []

        async def propose() -> None:
            made.append(await self._people.request(tool, args, key=key, rationale=rationale))

        try:
            await to_the_end(propose)
        except asyncio.CancelledError:
            if made and not self._calls[made[0].id]:
                await self._withdraw(made[0])
            raise
        return made[0]

    async def _withdraw(self, action: Action) -> None:
        async def give_up() -> None:
            with suppress(CountersignError):  # too late: it was decided otherwise meanwhile
                await self._people.withdraw(action.id, GAVE_UP)

        await to_the_end(give_up)

    async def _approval(self, action: Action) -> Claim:
        self._calls[action.id] += 1
        try:
            return await self._people.approval(action.id, timeout_s=self._timeout_s)
        except BaseException as error:
            try:
                if self._calls[action.id] == 1 and isinstance(error, anyio.get_cancelled_exc_class() | NotDecidedInTime):
                    await self._withdraw(action)
            finally:
                self.over(action.id)
            raise

    def over(self, action: str) -> None:
        self._calls[action] -= 1
        if not self._calls[action]:
            del self._calls[action]
