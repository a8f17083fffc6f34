"""The trips' tools under a planner: a chat model that asks for one booking after the other."""

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agents.graphs.spec import AgentSpec
from agents.graphs.supervised import supervised
from agents.planner import chat_model
from tests.agents_for_tests.saga import trips

WISHES = ("hotel", "flight")


def _script(messages: list[BaseMessage]) -> AIMessage:
    had = [str(m.content) for m in messages if isinstance(m, ToolMessage)]
    if len(had) == len(WISHES):
        return AIMessage("Booked " + " and ".join(text[:80] for text in had))
    call = {"name": "book", "args": {"label": WISHES[len(had)]}, "id": f"call_{len(had)}", "type": "tool_call"}
    return AIMessage("One after the other.", tool_calls=[call])


graph = supervised(
    name="clerk", planner=chat_model(script=_script), tools=trips.TOOLS, system_prompt="Book.", task=lambda _: "Book what is wished for."
)
AGENT = AgentSpec(slug="clerk", title="Clerk", tools=trips.TOOLS, input_model=trips.Trip, environment="demo")
