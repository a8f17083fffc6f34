"""Reading where a graph stands, without moving it: what an agent that is asked a question may look back at."""

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from agents.graphs.loader import Loaded
from audit import canonical

LONGEST = 24_000


def standing(loaded: Loaded, saver: Any, thread: str) -> Mapping[str, Any]:
    """The values of a thread's newest checkpoint. Only read: no lock is needed, and whoever drives the thread is not disturbed."""
    values = loaded.compile(saver).get_state({"configurable": {"thread_id": thread}}).values
    return values if isinstance(values, dict) else {"value": values}


def transcript(values: Mapping[str, Any]) -> str:
    """The messages of a state as text; of a state without messages, its values as JSON."""
    messages = values.get("messages")
    if isinstance(messages, list) and any(isinstance(m, BaseMessage) for m in messages):
        text = "\n\n".join(_line(m) for m in messages if isinstance(m, BaseMessage))
    else:
        text = json.dumps(canonical.storable(dict(values)), ensure_ascii=False, indent=1) if values else ""
    return text if len(text) <= LONGEST else f"(the beginning is left out)\n{text[-LONGEST:]}"


def last_words(messages: Any) -> str | None:
    """The text of the last message: of a graph here, or of one elsewhere, where it is JSON. None when there is none."""
    last = messages[-1] if isinstance(messages, list) and messages else None
    if isinstance(last, Mapping) and isinstance(last.get("content"), str | list):
        last = AIMessage(last["content"])
    return str(last.text) if isinstance(last, BaseMessage) else None


def _line(message: BaseMessage) -> str:
    calls = [{"tool": c["name"], "args": c["args"]} for c in getattr(message, "tool_calls", [])]
    wanted = f"\nproposed: {json.dumps(canonical.storable(calls), ensure_ascii=False)}" if calls else ""
    return f"{message.type}: {message.text}{wanted}"
