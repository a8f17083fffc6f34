"""A stranger's LangGraph project, as it would be without Countersign: `create_agent` and LangChain's own middleware, nothing of ours."""

from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool


@tool
def pay_back(order: str, amount_cents: int) -> str:
    """Pay money back for an order."""
    return f"paid back {amount_cents} cents for {order}"


class Scripted(BaseChatModel):
    """A model that says the same each time, so that no key is needed."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind()

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        results = [str(m.content) for m in messages if isinstance(m, ToolMessage)]
        call = {"name": "pay_back", "args": {"order": "A-7", "amount_cents": 900}, "id": "call-1"}
        said = AIMessage(results[-1]) if results else AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=said)])


agent = create_agent(Scripted(), [pay_back], middleware=[HumanInTheLoopMiddleware(interrupt_on={"pay_back": True})])
