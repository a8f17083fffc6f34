"""A planner answering a reviewer's question from its run's messages: in words, with no tools and no way to propose anything."""

from collections.abc import Callable

from django.conf import settings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from agents.planner.models import chat_model
from agents.planner.scripted import ScriptedChatModel
from agents.tools.asked import Asked

RULES = """You proposed a tool call, and a person is deciding whether it may run. They ask you a question first.
Answer it in a few plain sentences, only from the conversation below. Say so when you do not know. Do not argue for a decision."""


def explain_with(planner: BaseChatModel, system_prompt: str = "") -> Callable[[Asked], str]:
    """An `AgentSpec.explain` by the planner that proposed it. The scripted one cannot think: it says what it had to go by."""

    def explain(asked: Asked) -> str:
        if isinstance(planner, ScriptedChatModel):
            return scripted_answer(asked)
        told = f"{asked.transcript}\n\nWaiting for a decision: {asked.tool} with {asked.args}\n\nThe question: {asked.question}"
        answer = planner.invoke([SystemMessage(f"{system_prompt}\n\n{RULES}".strip()), HumanMessage(told)])
        return str(answer.text)

    return explain


def configured() -> Callable[[Asked], str] | None:
    """The model of the settings, for agents that bring no explanation of their own; None when no model is set."""
    return explain_with(chat_model(script=lambda messages: AIMessage(""))) if settings.MODEL else None


def scripted_answer(asked: Asked) -> str:
    """What the labelled script can honestly say."""
    read = ", ".join(str(e.get("title", "")) for e in asked.evidence if e.get("title"))
    said = f'When I proposed it I said: "{asked.rationale.strip()}"' if asked.rationale.strip() else "I gave no reason when I proposed it."
    went_by = f"What I went by: {read}." if read else "I had read nothing from outside before."
    return f"I follow a script and cannot think about your question. {said} {went_by}"
