"""Pydantic AI's deferred tools: a run ends with `DeferredToolRequests`, and goes on with `DeferredToolResults`.

Pydantic AI is not among our dependencies: the classes below have the shapes of its own (`approvals`, `ToolApproved(override_args)`,
`ToolDenied(message)`); with it installed, import those instead and keep `results_of`. Edited arguments pass through `override_args`.
"""

from dataclasses import dataclass, field
from typing import Any

from countersign import ActedBefore, Client, NotApproved


@dataclass
class ToolCallPart:
    tool_name: str
    args: dict[str, Any]
    tool_call_id: str


@dataclass
class ToolApproved:
    override_args: dict[str, Any] | None = None


@dataclass
class ToolDenied:
    message: str


@dataclass
class DeferredToolResults:
    approvals: dict[str, ToolApproved | ToolDenied] = field(default_factory=dict)


def results_of(people: Client, approvals: list[ToolCallPart], *, name: str) -> DeferredToolResults:
    """People's verdicts on every call that needs one."""
    asked = [(part, people.request(part.tool_name, part.args, key=f"{name}:{part.tool_call_id}")) for part in approvals]
    results = DeferredToolResults()
    for part, action in asked:
        try:
            leave = people.approval(action.id)
        except (NotApproved, ActedBefore) as refusal:  # or it was done, or begun, before this program was started again
            results.approvals[part.tool_call_id] = ToolDenied(str(refusal))
        else:
            results.approvals[part.tool_call_id] = ToolApproved(leave.args if leave.args != part.args else None)
            people.report(action.id, "done", result={"handed_to": "the run that goes on"})
    return results


if __name__ == "__main__":
    with Client() as people:
        print(
            results_of(
                people, [ToolCallPart("refund", {"order": "A-23", "amount_cents": 500}, "call-1")], name="pydantic-example"
            ).approvals
        )
