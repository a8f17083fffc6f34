"""Which chat model an agent thinks with: the scripted one, or any `init_chat_model` name from the settings."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from agents.planner.scripted import NAME, ScriptedChatModel

TIMEOUT_S = 60
_ours: list[BaseChatModel] = []


def chat_model(*, script: Callable[[list[BaseMessage]], AIMessage]) -> BaseChatModel:
    """The planner's model: COUNTERSIGN_MODEL when set (temperature 0), else the labelled script.

    Raises:
        ImportError, ValueError: the named model's package is missing, or nobody knows the name.
    """
    model = _made(script)
    _ours.append(model)
    return model


def _made(script: Callable[[list[BaseMessage]], AIMessage]) -> BaseChatModel:
    if not settings.MODEL:
        return ScriptedChatModel(script=script)
    from langchain.chat_models import init_chat_model  # slow to import, and only needed here

    options: dict[str, Any] = {"temperature": 0, "timeout": TIMEOUT_S, "max_retries": 2}
    if settings.MODEL_BASE_URL:
        options["base_url"] = settings.MODEL_BASE_URL
    model: BaseChatModel = init_chat_model(settings.MODEL, **options)
    return model


OWN_MODEL = "its own"


def name_of(models: Iterable[BaseChatModel]) -> str:
    """How versions and pages name what an agent thinks with, by the models of its module. Others bring their own, whose name nobody tells us."""
    found = list(models)
    if any(isinstance(model, ScriptedChatModel) for model in found):
        return NAME
    return settings.MODEL or OWN_MODEL if any(model is ours for model in found for ours in _ours) else OWN_MODEL
