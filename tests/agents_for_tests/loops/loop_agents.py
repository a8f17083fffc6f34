"""Agents that run their own tools, each made loop-safe by one line: the middleware in the list, or the decorator on a tool."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ToolRetryMiddleware
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, ToolException, tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command
from parts_of_others import Planned, State, act, burn, look, plan_of, send, wipe

from agents.graphs.loops import Countersigned, aonce, once, require_approval


@tool
def send_again(to: str, state: State) -> str:
    """Send a letter; the post throws away a second one of the same."""
    return act(plan_of(state["messages"]), "send_again", {"to": to})


@tool
def send_in_pieces(to: str, state: State) -> str:
    """Print, then post."""
    plan = plan_of(state["messages"])
    once(f"print:{to}", lambda: act(plan, "print", {"to": to}))
    if (note := Path(plan.get("note", "/nowhere"))).exists():
        note.unlink()
        raise SystemExit("the worker is taken away here")
    return once(f"post:{to}", lambda: act(plan, "post", {"to": to}))


@tool
def refuse(why: str, state: State) -> str:
    """Does nothing."""
    raise ToolException(f"no: {why}")


@tool
def remember(what: str, state: State, call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
    """Answers with a Command."""
    text = act(plan_of(state["messages"]), "remember", {"what": what})
    return Command(update={"messages": [ToolMessage(text, tool_call_id=call_id)]})


@tool
def begins_later(to: str, state: State) -> Iterator[str]:
    """A generator: nothing of it runs when it is called."""
    yield act(plan_of(state["messages"]), "begins_later", {"to": to})


@tool
def gives_later(to: str, state: State) -> Any:
    """Does something, and gives a generator of the rest."""
    text = act(plan_of(state["messages"]), "gives_later", {"to": to})
    return (letter for letter in text)


@tool
async def post(to: str, state: State) -> str:
    """Send a letter, awaited."""
    plan = plan_of(state["messages"])

    async def posting() -> str:
        return act(plan, "post", {"to": to})

    return await aonce(f"post:{to}", posting)


ALL = [send, wipe, look, burn, send_again, send_in_pieces, refuse, remember, begins_later, gives_later]
LINE = Countersigned(idempotent=("send_again", "send_in_pieces"))

governed = create_agent(Planned(), ALL, middleware=[LINE])
decorated = create_agent(
    Planned(), [require_approval(send), require_approval(risk="delete", reversible=True)(wipe), require_approval(burn), look]
)
awaited = create_agent(Planned(), [post], middleware=[LINE])
awaited_decorated = create_agent(Planned(), [require_approval(post)])
narrow = create_agent(Planned(), ALL, middleware=[LINE])


_helping = create_agent(Planned(), [send, wipe], middleware=[LINE])


def _leading(*lines: Any) -> Any:
    helping = _helping

    @tool
    def helper(task: str) -> str:
        """Let the helper do a task."""
        return str(helping.invoke({"messages": [HumanMessage(task)]})["messages"][-1].content)

    return create_agent(Planned(), [helper], middleware=lines)


leading = _leading(Countersigned(unasked=("helper",)))
leading_asked = _leading(Countersigned())
leading_free = _leading()  # only its helper's calls are asked about; both number theirs alike


class FromANote(AgentMiddleware[Any, Any, Any]):
    """Puts into every call what a note says now: other arguments each time the step runs."""

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        note = json.loads(Path(plan_of(request.state["messages"])["note"]).read_text())
        return handler(request.override(tool_call={**request.tool_call, "args": {**request.tool_call["args"], **note}}))


class Late(AgentMiddleware[Any, Any, Any]):
    """Brings a tool that nobody saw when the agent was imported."""

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return handler(request.override(tool=wipe) if request.tool_call["name"] == "wipe" else request)


class Twice(AgentMiddleware[Any, Any, Any]):
    """Makes every call, and makes it again."""

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        handler(request)
        return handler(request)


class TwiceUnderOtherIds(AgentMiddleware[Any, Any, Any]):
    """The same, each time as a call of its own."""

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        handler(request.override(tool_call={**request.tool_call, "id": "one"}))
        return handler(request.override(tool_call={**request.tool_call, "id": "other"}))


class Impatient(AgentMiddleware[Any, Any, Any]):
    """Gives a call up when it takes long, tries it again, and makes words of it in the end."""

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        for _ in range(3):
            with suppress(TimeoutError):
                return await asyncio.wait_for(handler(request), 0.2)
        return ToolMessage("It took too long", tool_call_id=request.tool_call["id"])


@tool
async def post_and_wait(to: str, state: State) -> str:
    """Send a letter, and wait until it has come."""
    text = act(plan_of(state["messages"]), "post_and_wait", {"to": to})
    await asyncio.sleep(2)
    return text


made_twice = create_agent(Planned(), ALL, middleware=[LINE, Twice()])
made_twice_otherwise = create_agent(Planned(), ALL, middleware=[LINE, TwiceUnderOtherIds()])
impatient = create_agent(Planned(), [post_and_wait], middleware=[LINE, Impatient()])
moving_args = create_agent(Planned(), ALL, middleware=[FromANote(), LINE])
tries_again = create_agent(Planned(), ALL, middleware=[LINE, ToolRetryMiddleware(max_retries=2, initial_delay=0, jitter=False)])
late_tools = create_agent(Planned(), [send], middleware=[Late(), LINE])


def _turn(state: MessagesState) -> dict[str, Any]:
    return {"messages": [Planned().invoke(state["messages"])]}


@tool
async def post_slowly(to: str, state: State) -> str:
    """Send a letter, awaited for longer than a sibling takes to ask."""
    await asyncio.sleep(0.3)
    if to == "nobody":
        raise ToolException("there is nobody")
    return act(plan_of(state["messages"]), "post_slowly", {"to": to})


def _plain(*tools: Any) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("model", _turn)
    graph.add_node("tools", ToolNode(list(tools)))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", lambda state: "tools" if state["messages"][-1].tool_calls else END, ["tools", END])
    graph.add_edge("tools", "model")
    return graph


plain_node = _plain(require_approval(send), require_approval(wipe))
plain_awaited = _plain(require_approval(send), require_approval(post_slowly))
