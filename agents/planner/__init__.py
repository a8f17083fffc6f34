"""The planner: the chat model that reasons for an agent. It has no tools of its own and no database."""

from agents.planner.explaining import explain_with
from agents.planner.models import OWN_MODEL, chat_model, name_of
from agents.planner.scripted import ScriptedChatModel

__all__ = ["OWN_MODEL", "ScriptedChatModel", "chat_model", "explain_with", "name_of"]
