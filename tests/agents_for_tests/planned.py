"""The supervised shape with a scripted planner that asks for whatever calls its input names, a turn at a time."""

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.messages.tool import ToolCall

from agents.graphs.gate import gate
from agents.graphs.spec import AgentSpec
from agents.graphs.supervised import supervised
from agents.planner import ScriptedChatModel, explain_with
from tests.agents_for_tests.graphs import State, Wanted
from tests.agents_for_tests.graphs import _graph as graph_of
from tests.agents_for_tests.world import TOOLS


def script(messages: list[BaseMessage]) -> AIMessage:
    task = next(str(m.content) for m in messages if isinstance(m, HumanMessage))
    turn = sum(isinstance(m, AIMessage) for m in messages)
    if task == "for ever":
        return AIMessage("again", tool_calls=[ToolCall(name="look", args={"value": turn}, id=f"c{turn}")])
    if task == "fails":
        raise RuntimeError("the model is away")
    if task.startswith("browse ") and turn < 2:
        return AIMessage("I shall read", tool_calls=[ToolCall(name="browse", args={"value": task}, id=f"b{turn}")])
    if turn == 0 or (task.startswith("browse ") and turn == 2):
        return AIMessage("I shall append", tool_calls=[ToolCall(name="append", args={"label": task}, id="c0")])
    told = next(m for m in reversed(messages) if isinstance(m, ToolMessage))
    return AIMessage(f"It was told: {told.text}")


planner = ScriptedChatModel(script=script)
graph = supervised(
    name="planned",
    planner=planner,
    tools=TOOLS,
    system_prompt="You append.",
    task=lambda given: str(given["value"]),
    max_steps=3,
)


# -- one node that asks its model several times before it proposes; and one that awaits it ------------------------------------
def _chat(state: State) -> State:
    for _ in range(state["input"]["steps"]):
        planner.invoke([HumanMessage("for ever")])
    return {"told": [gate("append", {"label": "after much talk"}).status]}


async def _chat_awaited(state: State) -> State:
    for _ in range(state["input"]["steps"]):
        await planner.ainvoke([HumanMessage("for ever")])
    return {"told": ["talked"]}


chatty = graph_of(("chat", _chat))
chatty_awaited = graph_of(("chat", _chat_awaited))

AGENT = AgentSpec(slug="planned", title="Planned", tools=TOOLS, input_model=Wanted, environment="demo", explain=explain_with(planner))
