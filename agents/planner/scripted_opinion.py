"""The scripted second model, for demos and tests: a short list of signs, and it says that it is one. No key, no network, no thinking.

It reads what any model would be given (`opinion.prompt`), so that the whole way is walked: an order to the machine in what the agent read is
dangerous, an address or a number that stands nowhere in it is doubtful.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

NAME = "scripted"
# No word boundary in front: what was read is often JSON itself, where a line begins with "\n" written out.
ORDER = re.compile(
    r"(ignore|disregard|forget)\b.{0,40}\b(instructions|rules|above|before)\b|SYSTEM:|\bautomatic assistant\b|\bif you are an AI\b",
    re.IGNORECASE | re.DOTALL,
)
NAMED = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+|[A-Za-z]{1,8}[-_#/]\d{2,12}")


def second_opinion(messages: list[BaseMessage]) -> AIMessage:
    """What the list of signs makes of one call."""
    _mark, data, _end = str(messages[-1].content).split("\n")
    call = json.loads(data)
    heard = json.dumps([call["what_the_agent_says"], call["what_the_agent_had_read"]], ensure_ascii=False)
    if ORDER.search(heard):
        return _said("dangerous", "What the agent had read holds an order to it.")
    for text in _texts(call["arguments"]):
        if NAMED.fullmatch(text) and text.lower() not in heard.lower():
            return _said("doubtful", f"{text[:100]} stands nowhere in what the agent had read.")
    return _said("none", "Nothing on its list of signs was found.")


def _said(concern: str, why: str) -> AIMessage:
    return AIMessage(json.dumps({"concern": concern, "why": f"{why} (This is a list of signs, not a model.)"}))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
