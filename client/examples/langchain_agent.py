"""LangChain: a tool of an agent, guarded. The model is a scripted one, so that this runs without a key of any provider."""

from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from countersign import require_approval


@tool
@require_approval("refund", on_rejection=str)
def refund(order: str, amount_cents: int) -> str:
    """Refund an order."""
    return f"refunded {amount_cents} cents of {order}"


class Scripted(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self


if __name__ == "__main__":
    call = {"name": "refund", "args": {"order": "A-20", "amount_cents": 700}, "id": "call-1"}
    model = Scripted(messages=iter([AIMessage("", tool_calls=[call]), AIMessage("Done.")]))
    result = create_agent(model, [refund]).invoke({"messages": [("user", "Refund A-20")]})
    print(result["messages"][-2].content)
