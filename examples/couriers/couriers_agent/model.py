"""The model: any `init_chat_model` name from COUNTERSIGN_MODEL, else a script that says so, so that the example works with no key."""

import os
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable

_SEND = re.compile(r"\b(?:send|and) (\w+) to ([A-Z][a-z]+)\b", re.IGNORECASE)
_RECALL = re.compile(r"\brecall ([A-Z][a-z]+)\b")
_SAFE = re.compile(r"\bsafe (\d+)\b")


class ScriptedModel(BaseChatModel):
    """Does what the first message says in the words above, then says what came of it."""

    @property
    def _llm_type(self) -> str:
        return "scripted-demo-model"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind()

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=_next(messages))])


def chat_model() -> BaseChatModel:
    """The model of this installation."""
    name = os.environ.get("COUNTERSIGN_MODEL")
    if not name:
        return ScriptedModel()
    from langchain.chat_models import init_chat_model  # slow to import, and only needed here

    model: BaseChatModel = init_chat_model(name, temperature=0)
    return model


def _next(messages: list[BaseMessage]) -> AIMessage:
    wish = next((str(m.content) for m in messages if isinstance(m, HumanMessage)), "")
    results = [m for m in messages if isinstance(m, ToolMessage)]
    if results:
        return AIMessage("\n".join(f"{m.name}: {m.content}" for m in results))
    calls: list[tuple[str, dict[str, str]]] = [("list_parcels", {})]
    calls += [("send_parcel", {"content": content, "to": to}) for content, to in _SEND.findall(wish)]
    calls += [("recall_parcel", {"to": to}) for to in _RECALL.findall(wish)]
    calls += [("open_safe", {"code": code}) for code in _SAFE.findall(wish)]
    made = [{"name": name, "args": args, "id": f"call_{len(messages)}_{n}", "type": "tool_call"} for n, (name, args) in enumerate(calls)]
    return AIMessage("I would do the following.", tool_calls=made)
