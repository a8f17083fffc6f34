"""The messages of the graph whose step runs now, for a tool that is handed only its arguments."""

from collections.abc import Sequence
from typing import Any

from langgraph._internal._constants import CONFIG_KEY_READ
from langgraph.config import get_config


def messages_here() -> Sequence[Any]:
    """As LangGraph's own tool node reads them; nothing where the state has none."""
    try:
        found = get_config()["configurable"][CONFIG_KEY_READ]("messages", True)
    except Exception:  # a state without messages, or a graph that reads otherwise: only words beside the call are missing
        return ()
    return found if isinstance(found, list) else ()
