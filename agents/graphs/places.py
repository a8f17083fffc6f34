"""Where in a graph a question was asked, from what LangGraph's stream told of the step: nobody has to be asked again for it.

`{"ns": namespace, "node": innermost node, "task": id of the outermost graph's task, "calls": the turn's tool calls with their ids, "said": the model's words beside them,
"read": results of tools before it (text from outside), "for": the call by which a lead called the helper that asks}`; what is unknown is left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agents import kept

LONGEST = 4_000


def place_of(namespace: Sequence[str], task: Mapping[str, Any], interrupt: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The place of one interrupt of a task. Pure but for what it is given."""
    given = inputs.get(task["id"])
    messages = _messages(given)
    last = next((m for m in reversed(messages) if isinstance(m, AIMessage)), None)
    found: dict[str, Any] = {
        "ns": list(namespace),
        "node": task["name"],
        "task": namespace[0].rpartition(":")[2] if namespace else task["id"],
    }
    if last is not None:
        found["calls"] = [{"id": c["id"], "name": c["name"], "args": c["args"]} for c in last.tool_calls]
        found["said"] = last.text[:LONGEST]
    read = [{"title": str(kept.RESULT_OF(tool=m.name or "?")), "text": m.text[:LONGEST]} for m in messages if isinstance(m, ToolMessage)]
    if read:
        found["read"] = read[-20:]
    if (by := _called_by(namespace, inputs)) is not None:
        found["for"] = by
    return found


def call_ids(calls: Sequence[tuple[str, Any]], place: Mapping[str, Any], value: Any) -> list[str]:
    """The model's ids of these (tool, arguments), in their order; "" where they are not known."""
    if isinstance(value, Mapping) and isinstance(value.get("tool_call_id"), str):
        return [value["tool_call_id"]] * len(calls)
    left = list(place.get("calls", ()))
    found = []
    for tool, args in calls:
        match = next((one for one in left if one["name"] == tool and one["args"] == args), None)
        if match is not None:
            left.remove(match)
        found.append(str((match or {}).get("id") or ""))
    return found


def _messages(given: Any) -> list[BaseMessage]:
    messages = given.get("messages") if isinstance(given, Mapping) else getattr(given, "messages", None)
    return [m for m in messages if isinstance(m, BaseMessage)] if isinstance(messages, list) else []


def _called_by(namespace: Sequence[str], inputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """The tool call in whose task this graph was started, the innermost first."""
    for part in reversed(namespace):
        given = inputs.get(part.rpartition(":")[2])
        call = given[0] if isinstance(given, list) and given else given.get("tool_call") if isinstance(given, Mapping) else None
        if isinstance(call, Mapping) and isinstance(call.get("name"), str) and isinstance(call.get("args"), Mapping):
            return {"tool": call["name"], "args": dict(call["args"])}
    return None
