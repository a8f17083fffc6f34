"""A conversation as the steps it consists of, and the two things a script can say next: `propose` or `finish`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A tool call to propose."""

    name: str
    args: Json


@dataclass(frozen=True)
class Step:
    """A tool call that was proposed, and what became of it."""

    name: str
    args: Json
    round: int  # calls proposed in one message share a round
    status: str  # done rejected answered expired failed unknown invalid cancelled
    result: Json
    reason: str  # the people's words, or the tool's
    by_hand: bool = False  # a person did it outside: the result is their word, with the arguments for what they did not say

    @property
    def done(self) -> bool:
        return self.status == "done"


def task_text(messages: Sequence[BaseMessage]) -> str:
    """What the run was asked to do: the first human message."""
    return next((str(message.content) for message in messages if isinstance(message, HumanMessage)), "")


def steps(messages: Sequence[BaseMessage]) -> list[Step]:
    """Every settled tool call in order. A call without an answer is not a step yet."""
    answers = {message.tool_call_id: message for message in messages if isinstance(message, ToolMessage)}
    found = []
    rounds = (message for message in messages if isinstance(message, AIMessage) and message.tool_calls)
    for number, message in enumerate(rounds):
        for call in message.tool_calls:
            answer = answers.get(str(call["id"]))
            if answer is not None:
                found.append(_step(call["name"], dict(call["args"]), number, answer))
    return found


def _step(name: str, args: Json, number: int, answer: ToolMessage) -> Step:
    try:
        outcome = json.loads(str(answer.content))
    except ValueError:
        outcome = None
    if not isinstance(outcome, dict):
        return Step(name, args, number, "failed", {}, str(answer.content))
    result = outcome.get("result")
    by_hand = bool(outcome.get("taken_over")) or (isinstance(result, dict) and "confirmed_by" in result)
    if by_hand and isinstance(result, dict):
        result = {**args, **result}
    return Step(
        name=name,
        args=args,
        round=number,
        status=str(outcome.get("status", "failed")),
        result=result if isinstance(result, dict) else {"value": result},
        reason=str(outcome.get("reason") or outcome.get("response") or ""),
        by_hand=by_hand,
    )


def propose(messages: Sequence[BaseMessage], calls: Sequence[Call], words: str = "") -> AIMessage:
    """Say `words` and propose the calls, all at once. The ids repeat exactly when the conversation is replayed."""
    return AIMessage(
        content=words,
        tool_calls=[
            {"name": call.name, "args": call.args, "id": _call_id(len(messages), index, call), "type": "tool_call"}
            for index, call in enumerate(calls)
        ],
    )


def finish(words: str) -> AIMessage:
    """End the run; the words are its result."""
    return AIMessage(content=words)


def _call_id(position: int, index: int, call: Call) -> str:
    body = json.dumps([position, index, call.name, call.args], sort_keys=True, ensure_ascii=True)
    return f"call_{hashlib.sha256(body.encode()).hexdigest()[:20]}"
