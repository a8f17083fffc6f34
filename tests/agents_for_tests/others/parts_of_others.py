"""What agents in these tests are made of, without an agent: importing it builds no graph. What they do is planned in the first message, as JSON.

{"world": file, "turns": [[[tool, args], ...], ...], "note": file}: a model says one turn after the other, and every tool that acts writes a line.
"""

import json
import operator
import os
from typing import Annotated, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.graph import MessagesState
from langgraph.prebuilt import InjectedState


def plan_of(messages: list[Any]) -> dict[str, Any]:
    text = next(m.content for m in messages if isinstance(m, HumanMessage))
    found: dict[str, Any] = json.loads(str(text))
    return found


def act(plan: dict[str, Any], name: str, args: dict[str, Any]) -> str:
    """The outside world: a line per call."""
    out = os.open(plan["world"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(out, f"{name} {json.dumps(args, sort_keys=True)}\n".encode())
    os.close(out)
    return f"{name} done"


class Planned(BaseChatModel):
    """Says what the plan says."""

    @property
    def _llm_type(self) -> str:
        return "planned"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        turns, said = plan_of(messages)["turns"], sum(isinstance(m, AIMessage) for m in messages)
        calls = turns[said] if said < len(turns) else []
        made = [{"name": name, "args": args, "id": f"call-{said}-{n}"} for n, (name, args) in enumerate(calls)]
        return ChatResult(generations=[ChatGeneration(message=AIMessage("I would do this" if made else "All done", tool_calls=made))])


State = Annotated[dict[str, Any], InjectedState]


@tool
def send(to: str, state: State, copies: int = 1) -> str:
    """Send a letter."""
    return act(plan_of(state["messages"]), "send", {"to": to, "copies": copies})


@tool
def wipe(path: str, state: State) -> str:
    """Delete a file."""
    return act(plan_of(state["messages"]), "wipe", {"path": path})


@tool
def look(query: str, state: State) -> str:
    """Look something up."""
    return act(plan_of(state["messages"]), "look", {"query": query})


@tool
def burn(what: str, state: State) -> str:
    """Acts, and then falls over."""
    act(plan_of(state["messages"]), "burn", {"what": what})
    raise RuntimeError("it is on fire")


TOOLS = [send, wipe, look, burn]
GATED: dict[str, Any] = {"send": True, "wipe": True, "burn": True}


class Letters(MessagesState, total=False):
    told: Annotated[list[Any], operator.add]
