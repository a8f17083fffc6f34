"""One line that makes an agent which runs its own tools loop-safe: what a project imports.

    agent = create_agent(model, tools, middleware=[Countersigned()])        every tool
    @require_approval                                                       one tool, in whatever graph calls it
    once("invoice:4711", lambda: create_invoice(...))                       a piece of a tool's body

Each call becomes an Action under the policy in force, is claimed in the ledger as it begins and recorded as it ends (`governed`, `desk`). Belongs
here: what users call. Imports the rest of `agents.graphs`, and no database.
"""

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar, cast, overload

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.runnables.config import run_in_executor
from langchain_core.tools import BaseTool, StructuredTool, Tool, ToolException
from langchain_core.tools import tool as make_tool
from langgraph.errors import GraphBubbleUp

from agents import kept
from agents.graphs import desk, governed, making
from agents.graphs.found import DECLARED
from agents.graphs.governed import Call
from agents.graphs.making import Turn
from agents.graphs.state_of import messages_here
from agents.tools.later import begins_later
from agents.tools.registry import RiskClass, ToolError

T = TypeVar("T")
_BY_HAND = (
    "{tool} requires approval: it can be called by an agent's tool node, not by hand. Give it to a ToolNode or an agent; in a node's own code, "
    'ask with `interrupt` and act with `once("{tool}", ...)`'
)
__all__ = ["Countersigned", "NotGoverned", "Unfinished", "aonce", "once", "require_approval"]
NotGoverned = desk.NotGoverned


class Unfinished(RuntimeError):
    """A piece began in an earlier execution and nobody knows whether it was done. It is not run again."""


class Countersigned(AgentMiddleware[Any, Any, Any]):  # type: ignore[misc]  # langchain's own types are not followed
    """Every tool call of this agent is an Action: scored, decided by policy or people, made at most once.

    Put it last in the list, so that what other middleware makes of a call is what people see. Sub-agents need their own.

    Args:
        unasked: tools that only start what is governed itself (a sub-agent's `task`) or touch nothing but the agent's own state. No
            action is made of their calls and policy does not see them; they still have to be granted.
        idempotent: tools that may be called again with the same arguments after a crash, instead of becoming UNKNOWN.
    """

    def __init__(self, *, unasked: Collection[str] = (), idempotent: Collection[str] = ()) -> None:
        super().__init__()
        self._unasked, self._idempotent = frozenset(unasked), frozenset(idempotent)

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Any]) -> Any:
        if isinstance(request.tool, _Governed):
            return handler(request)

        def make(args: Any) -> Any:
            with self._turn(request) as turn:
                output = handler(_with(request, args))
            return _unless_broken(turn, output)

        return governed.run(self._steps(request), make)

    async def awrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Any]]) -> Any:
        if isinstance(request.tool, _Governed):
            return await handler(request)

        async def make(args: Any) -> Any:
            with self._turn(request) as turn:
                output = await handler(_with(request, args))
            return _unless_broken(turn, output)

        return await governed.arun(self._steps(request), make)

    def _turn(self, request: ToolCallRequest) -> AbstractContextManager[Turn | None]:
        """Middleware behind ours may make it again: one approval is one call, unless it may be repeated."""
        name = request.tool_call["name"]
        free = name in self._unasked or self._repeatable(name, request.tool)
        return nullcontext() if free else making.turn(name, str(request.tool_call["id"] or ""))

    def _repeatable(self, name: str, tool: BaseTool | None) -> bool:
        return name in self._idempotent or bool(_declared(tool).get("idempotent"))

    def _steps(self, request: ToolCallRequest) -> governed.Steps:
        name, tool = request.tool_call["name"], request.tool
        state = request.state if isinstance(request.state, dict) else {}
        call = Call(
            name,
            request.tool_call["args"],
            str(request.tool_call["id"] or ""),
            messages=state.get("messages") or (),
            idempotent=self._repeatable(name, tool),
            unasked=name in self._unasked,
        )
        return governed.steps(call, tool)


@overload
def require_approval(found: Callable[..., Any] | BaseTool) -> BaseTool: ...
@overload
def require_approval(
    *, risk: RiskClass | str = "", reversible: bool = False, idempotent: bool = False
) -> Callable[[Callable[..., Any] | BaseTool], BaseTool]: ...
def require_approval(found: Any = None, *, risk: RiskClass | str = "", reversible: bool = False, idempotent: bool = False) -> Any:
    """One tool, governed wherever a graph calls it; above `@tool`, or on a plain function, which becomes one.

    Args:
        risk: what kind of thing it does (a `RiskClass`); without it the class is guessed from its name, and a policy may say otherwise.
        reversible: whether what it did can be undone; not declared means no.
        idempotent: it may be called again with the same arguments after a crash, instead of becoming UNKNOWN.

    Raises:
        ValueError: there is no such class of risk. TypeError: it is a generator, which returns before its body runs.
    """
    declared = {"reversible": reversible, "idempotent": idempotent, **({"risk": str(RiskClass(risk))} if risk else {})}
    return _governed(found, declared) if found is not None else partial(_governed, declared=declared)


def once(key: str, piece: Callable[[], T]) -> T:
    """Run a piece of a tool's or node's body once per key and run; its recorded result on every later execution.

    What it returns must be JSON, and is given back as JSON each time but the first. A piece that raises, or whose worker dies, is not run
    again; one that raises `ToolError` or `ToolException` says that it did nothing, and is.

    Raises:
        Unfinished: it began before and nobody knows whether it was done. NotGoverned: outside of a run.
    """
    here = desk.here()
    kind, known = desk.do(partial(here.piece, key))
    if kind != desk.GO:
        return cast(T, _known(key, kind, known))
    try:
        result = piece()
    except (ToolError, ToolException, GraphBubbleUp):
        desk.do(partial(here.piece_undone, key))
        raise
    desk.do(partial(here.piece_done, key, result))
    return result


async def aonce(key: str, piece: Callable[[], Awaitable[T]]) -> T:
    """`once` for a piece that is awaited."""
    here = desk.here()
    kind, known = await desk.do_async(partial(here.piece, key))
    if kind != desk.GO:
        return cast(T, _known(key, kind, known))
    try:
        result = await piece()
    except (ToolError, ToolException, GraphBubbleUp):
        await desk.do_async(partial(here.piece_undone, key))
        raise
    await desk.do_async(partial(here.piece_done, key, result))
    return result


class _Governed:
    """Put before a tool's own class: `invoke` goes the governed way. It is a tool, also where it was a function: nodes cannot call it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotGoverned(_BY_HAND.format(tool=cast(BaseTool, self).name))

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        tool, plain = cast(BaseTool, self), cast(BaseTool, super())
        call = _call_of(tool, input)
        return governed.run(governed.steps(call, tool), lambda args: plain.invoke(_given(input, call, args), config, **kwargs))

    async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        tool, plain = cast(BaseTool, self), cast(BaseTool, super())
        call = _call_of(tool, input)
        given = partial(_given, input, call)
        if (
            isinstance(tool, StructuredTool | Tool) and tool.coroutine is None
        ):  # its `ainvoke` is its own `invoke`, which would ask once more
            return await governed.arun(
                governed.steps(call, tool), lambda args: run_in_executor(config, plain.invoke, given(args), config, **kwargs)
            )
        return await governed.arun(governed.steps(call, tool), lambda args: plain.ainvoke(given(args), config, **kwargs))


def _governed(found: Any, declared: dict[str, Any]) -> BaseTool:
    tool = found if isinstance(found, BaseTool) else cast(BaseTool, make_tool(found))
    if begins_later(tool):
        raise TypeError(kept.BEGINS_LATER(tool=tool.name))
    own = type(tool)
    made = tool.model_copy(update={"metadata": {**(tool.metadata or {}), DECLARED: declared}})
    # The same fields, another class: LangGraph looks at a tool's schema and function for what it injects, and finds them as they were.
    object.__setattr__(made, "__class__", type(f"Governed{own.__name__}", (_Governed, own), {"__module__": own.__module__}))
    return made


def _call_of(tool: BaseTool, given: Any) -> Call:
    """The call as the model made it: what LangChain injected is nobody's to approve.

    Raises:
        NotGoverned: called by hand, with arguments only.
    """
    if not (isinstance(given, dict) and given.get("type") == "tool_call"):
        raise NotGoverned(_BY_HAND.format(tool=tool.name))
    schema: Any = tool.tool_call_schema
    seen = schema.get("properties", {}) if isinstance(schema, dict) else schema.model_fields
    args = {name: value for name, value in given["args"].items() if name in seen}
    idempotent = bool(_declared(tool).get("idempotent"))
    return Call(tool.name, args, str(given.get("id") or ""), messages=messages_here(), idempotent=idempotent)


def _given(given: dict[str, Any], call: Call, args: dict[str, Any]) -> dict[str, Any]:
    injected = {name: value for name, value in given["args"].items() if name not in call.args}
    return {**given, "args": {**args, **injected}}


def _unless_broken(turn: Turn | None, output: Any) -> Any:
    """What it gave. Raises what its tool raised: whoever stands between may have made words of that."""
    if turn is not None and turn.broke is not None:
        raise turn.broke
    return output


def _with(request: ToolCallRequest, args: Any) -> ToolCallRequest:
    return request.override(tool_call={**request.tool_call, "args": args})


def _declared(tool: BaseTool | None) -> dict[str, Any]:
    return dict((tool.metadata or {}).get(DECLARED, {})) if tool is not None else {}


def _known(key: str, kind: str, known: Any) -> Any:
    if kind == desk.MADE:
        return known
    raise Unfinished(f"{key} began before and nobody knows whether it was done")
