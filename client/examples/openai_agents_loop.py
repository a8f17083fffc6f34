"""The loop of the OpenAI Agents SDK: a run stops with `interruptions`, each is approved or rejected, the run goes on from its state.

The SDK is not among our dependencies: `Run` below has its shape (`interruptions`, `state.approve`, `state.reject`) and nothing else; with the
SDK installed, `settle` is what you copy.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from countersign import ActedBefore, AlreadyDone, Client, NotApproved


@dataclass
class Interruption:
    tool_name: str
    arguments: str
    call_id: str


@dataclass
class Run:
    interruptions: list[Interruption]
    decided: dict[str, str] = field(default_factory=dict)

    def approve(self, item: Interruption) -> None:
        self.decided[item.call_id] = "approved"

    def reject(self, item: Interruption, *, rejection_message: str) -> None:
        self.decided[item.call_id] = f"rejected: {rejection_message}"


def settle(people: Client, run: Any, *, name: str) -> list[str]:
    """Ask people about everything a run stopped for, all at once, then wait for each. Returns the actions to report on."""
    asked = [(item, people.request(item.tool_name, json.loads(item.arguments), key=f"{name}:{item.call_id}")) for item in run.interruptions]
    claimed = []
    for item, action in asked:
        try:
            leave = people.approval(action.id)
        except AlreadyDone as before:  # before this program was started again: approved now, the SDK would do it once more
            run.reject(item, rejection_message=f"It was done before, with this result: {json.dumps(before.result)}")
            continue
        except (NotApproved, ActedBefore) as refusal:  # or it was begun, and somebody has to look
            run.reject(item, rejection_message=str(refusal))
            continue
        if leave.args != json.loads(item.arguments):  # this SDK cannot take edited arguments: say no with what was wanted instead
            people.report(action.id, "failed", reason="the arguments were edited, which this loop cannot pass on")
            run.reject(item, rejection_message=f"Propose it again with {json.dumps(leave.args)}")
            continue
        run.approve(item)
        claimed.append(action.id)
    return claimed


if __name__ == "__main__":
    run = Run(
        [
            Interruption("refund", '{"order": "A-21", "amount_cents": 300}', "call-1"),
            Interruption("refund", '{"order": "A-22", "amount_cents": 400}', "call-2"),
        ]
    )
    with Client() as people:
        for action in settle(people, run, name="openai-example"):
            people.report(action, "done", result={"by": "the run that went on"})
    print(run.decided)
