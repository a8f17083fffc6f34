"""Agents as anybody might have written them: nothing of ours in here. What they do is planned in the first message (parts_of_others)."""

import itertools
import json
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import InjectedToolCallId, StructuredTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Send, interrupt
from parts_of_others import GATED, TOOLS, Letters, Planned, State, act, look, plan_of
from pydantic import BaseModel, Field


def _agent(mode: Any = "batched", **more: Any) -> Any:
    gate = HumanInTheLoopMiddleware(GATED, interrupt_mode=mode)
    return create_agent(Planned(), TOOLS, middleware=[gate], **more)


def _inside(agent: Any) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("work", agent)
    graph.add_edge(START, "work")
    graph.add_edge("work", END)
    return graph.compile()


def _helped(agent: Any) -> Any:
    """A lead whose one tool is another agent."""

    @tool
    def helper(task: str, call_id: Annotated[str, InjectedToolCallId]) -> str:
        """Let the helper do a task."""
        return str(agent.invoke({"messages": [HumanMessage(task)]})["messages"][-1].content)

    return create_agent(Planned(), [helper])


batched = _agent(checkpointer=InMemorySaver())
batched_inside = _inside(_agent())
batched_helper = _helped(_agent())
per_call = _agent("per_call")
per_call_inside = _inside(_agent("per_call"))
per_call_helper = _helped(_agent("per_call"))


@tool
def post(number: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)], state: State) -> str:
    """Post a parcel, by a number that fits 64 bits."""
    return act(plan_of(state["messages"]), "post", {"number": number})


def _boxed(depth: int) -> dict[str, Any]:
    inside = _boxed(depth - 1) if depth else {"type": "string"}
    return {"type": "object", "properties": {"box": inside}, "required": ["box"], "additionalProperties": False}


deep = StructuredTool(
    name="pack", description="Pack boxes in boxes.", args_schema=_boxed(5), func=lambda box: json.dumps({"packed": box})
)  # six objects, each written inside the other: no $defs
bounded = create_agent(
    Planned(), [post, deep], middleware=[HumanInTheLoopMiddleware({"post": True, "pack": True}, interrupt_mode="per_call")]
)


def make(config: Any) -> Any:
    """A factory, as langgraph.json allows."""
    return _agent()


choosy = create_agent(
    Planned(),
    TOOLS,
    middleware=[
        HumanInTheLoopMiddleware(
            {
                "send": {"allowed_decisions": ["approve", "edit"]},
                "wipe": {"allowed_decisions": ["approve", "reject"]},
                "look": {"allowed_decisions": ["respond"]},
            }
        )
    ],
)


def _while_it_is_there(request: Any) -> bool:
    return Path(plan_of(request.state["messages"])["note"]).exists()


flipping = create_agent(
    Planned(),
    TOOLS,
    middleware=[
        HumanInTheLoopMiddleware(
            {"send": {"allowed_decisions": ["approve", "reject"], "when": _while_it_is_there}}, interrupt_mode="per_call"
        )
    ],
)


# -- Agent Inbox, as its examples are written ------------------------------------------------------------------------
class One(TypedDict):
    plan: dict[str, Any]
    calls: list[Any]


ALL = {"allow_ignore": True, "allow_respond": True, "allow_edit": True, "allow_accept": True}


def _inbox(state: One) -> dict[str, Any]:
    told = []
    for name, args in state["calls"]:
        request = {"action_request": {"action": name, "args": args}, "config": state["plan"].get("config", ALL), "description": "May I?"}
        shape = state["plan"].get("shape", "list")
        asked: Any = {"one": request, "list": [request], "nested": [[request]], "text": json.dumps([request])}[shape]
        response = interrupt(asked)[0]
        if response["type"] in ("accept", "edit"):
            told.append(act(state["plan"], response["args"]["action"], response["args"]["args"]))
        else:
            told.append(f"{response['type']}: {response['args']}")
    return {"told": told, "messages": [AIMessage("All done")]}


def _asking(node: Any) -> Any:
    """One turn after the other; the calls of a turn side by side. (A node that acts and then asks once more would act again: LangGraph's own trap.)"""
    graph = StateGraph(Letters)
    graph.add_node("plan", lambda state: {})
    graph.add_node("ask", node, input_schema=One)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", _turn, ["ask", END])
    graph.add_edge("ask", "plan")
    return graph


def _turn(state: Letters) -> Any:
    plan, told = plan_of(state["messages"]), len(state.get("told", []))
    starts = list(itertools.accumulate((len(turn) for turn in plan["turns"]), initial=0))
    return [Send("ask", One(plan=plan, calls=[call])) for call in plan["turns"][starts.index(told)]] if told < starts[-1] else END


inbox = _asking(_inbox)
inbox_inside = _inside(_asking(_inbox).compile())
inbox_helper = _helped(_asking(_inbox).compile())


# -- questions ----------------------------------------------------------------------------------------------------------
class Amount(BaseModel):
    cents: int


def _question(state: One) -> dict[str, Any]:
    told: list[Any] = []
    for kind, args in state["calls"]:
        if kind == "agui":
            schema = {"type": "object", "properties": {"cents": {"type": "integer"}}, "required": ["cents"], "additionalProperties": False}
            told.append(interrupt({"reason": "input_required", "message": "How much?", "response_schema": schema}))
        elif kind == "typed":
            told.append(interrupt("How much?", response_schema=Amount).cents)
        elif kind == "gate":  # as LangGraph's own documentation has it
            told.append("proceed" if interrupt({"question": "Do you approve?", "details": args}) else "cancel")
        else:
            told.append(interrupt(args))
        act(state["plan"], kind, {"told": told[-1]})
    return {"told": told, "messages": [AIMessage("All done")]}


questions = _asking(_question)
questions_inside = _inside(_asking(_question).compile())
questions_helper = _helped(_asking(_question).compile())


def _reads_its_note(state: Letters) -> dict[str, Any]:
    """What it asks about is read anew each time the node runs."""
    plan = plan_of(state["messages"])
    amount = Path(plan["note"]).read_text()
    if interrupt({"pay": amount}) == "yes":
        act(plan, "pay", {"amount": amount})
    return {"messages": [AIMessage("All done")]}


moving = StateGraph(Letters)
moving.add_node("pay", _reads_its_note)
moving.add_edge(START, "pay")
moving.add_edge("pay", END)


# -- static breakpoints, and nodes that only an event loop can run ---------------------------------------------------------
def _step(name: str) -> Any:
    return lambda state: {"told": [act(plan_of(state["messages"]), name, {})]}


def _broken() -> Any:
    graph = StateGraph(Letters)
    for name in ("first", "second", "third"):
        graph.add_node(name, _step(name))
    graph.add_edge(START, "first")
    graph.add_edge("first", "second")
    graph.add_edge("second", "third")
    graph.add_edge("third", END)
    return graph.compile(interrupt_before=["second"], interrupt_after=["second"])


broken_in_two = _broken()


# Breakpoints that are not the graph's own: of a graph that is a node, two deep, beside a question, called by a node, called by a tool.
def _chain(*names: str, **stops: Any) -> Any:
    graph = StateGraph(Letters)
    for before, name in itertools.pairwise((START, *names)):
        graph.add_node(name, _step(name))
        graph.add_edge(before, name)
    graph.add_edge(names[-1], END)
    return graph.compile(**stops)


def _around(middle: Any, *beside: Any, **more: Any) -> Any:
    graph = StateGraph(Letters)
    for name, node in (("before", _step("before")), ("middle", middle), ("after", _step("after"))):
        graph.add_node(name, node)
    graph.add_edge(START, "before")
    graph.add_edge("before", "middle")
    for n, node in enumerate(beside):
        graph.add_node(f"beside{n}", node)
        graph.add_edge("before", f"beside{n}")
        graph.add_edge(f"beside{n}", "after")
    graph.add_edge("middle", "after")
    graph.add_edge("after", END)
    return graph.compile(**more)


def _asks_beside(state: Letters) -> dict[str, Any]:
    return {"told": [act(plan_of(state["messages"]), "beside", {"told": interrupt("Beside?")})]}


_stopped = _chain("one", "two", "three", interrupt_before=["two"], interrupt_after=["two"])


def _calls(state: Letters) -> dict[str, Any]:
    return {"told": [str(len(_stopped.invoke({"messages": state["messages"]})["told"]))]}


broken_inside = _around(_stopped)
broken_deep = _around(_around(_stopped), interrupt_after=["before"])
broken_beside = _around(_stopped, _asks_beside)
broken_called = _around(_calls)
broken_agent_inside = _inside(create_agent(Planned(), [look], interrupt_before=["tools"]))
broken_helper = _helped(create_agent(Planned(), [look], interrupt_before=["tools"]))


async def _asks_slowly(state: Letters) -> dict[str, Any]:
    answer = interrupt("Go on?")
    return {"told": [act(plan_of(state["messages"]), "awaited", {"told": answer})]}


awaiting = StateGraph(Letters)
awaiting.add_node("asks", _asks_slowly)
awaiting.add_edge(START, "asks")
awaiting.add_edge("asks", END)


# -- a question per letter, and a node that cannot use every answer ---------------------------------------------------------
class _Letter(TypedDict, total=False):
    messages: list[Any]
    to: str


def _picky(state: _Letter) -> dict[str, Any]:
    answer = interrupt({"to": state["to"]})
    if answer == "bad" and not Path(plan_of(state["messages"])["note"]).exists():
        raise ValueError("bad answer")
    return {"told": [act(plan_of(state["messages"]), "picked", {"to": state["to"], "told": answer})]}


picky = StateGraph(Letters)
picky.add_node("pick", _picky)
picky.add_conditional_edges(
    START, lambda state: [Send("pick", {"messages": state["messages"], "to": to}) for to in plan_of(state["messages"])["to"]], ["pick"]
)
picky.add_edge("pick", END)
