"""A scripted chat model for demos and tests: it follows a plain function and says so. No key, no network."""

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable

NAME = "scripted-demo-model"


class ScriptedChatModel(BaseChatModel):
    """Answers with `script(messages)`: a pure function of the conversation, so a run replays exactly."""

    script: Callable[[list[BaseMessage]], AIMessage]

    @property
    def _llm_type(self) -> str:
        return NAME

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(tools=list(tools))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = self.script(messages)
        if answer.usage_metadata is None:  # as a model would count them, about
            given, came = (-(-sum(len(str(m.content)) for m in said) // 4) for said in (messages, [answer]))
            answer.usage_metadata = {"input_tokens": given, "output_tokens": came + 20 * len(answer.tool_calls), "total_tokens": 0}
            answer.usage_metadata["total_tokens"] = answer.usage_metadata["input_tokens"] + answer.usage_metadata["output_tokens"]
        answer.response_metadata = {"model_name": NAME, "scripted": True}
        return ChatResult(generations=[ChatGeneration(message=answer)])
