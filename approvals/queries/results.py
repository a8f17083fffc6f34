"""What a tool gave back the last time: beside a result that a person writes, so that a misspelt field is seen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.models import Action


@dataclass(frozen=True)
class Gave:
    """The newest call of this tool by this agent that was done."""

    action_id: str
    at: datetime
    result: Any


def last_result(*, agent: str, tool: str) -> Gave | None:
    """None when none of its newest 200 calls was done by the tool itself."""
    rows = Action.objects.filter(agent=agent, tool=tool, resolved_at__isnull=False, settled_at__isnull=False).order_by("-resolved_at")
    for pk, at, outcome in rows.values_list("pk", "settled_at", "outcome")[:200]:
        if at and outcome and outcome.get("status") == "done" and not outcome.get("answered_for") and not outcome.get("taken_over"):
            return Gave(str(pk), at, outcome.get("result"))
    return None
