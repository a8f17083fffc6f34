"""Results that people give: which calls take one, and what the tool gave back the last time, so that a misspelt field is seen."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import F

from approvals import envelopes
from approvals.errors import BadRequest, Tampered
from approvals.models import Action, Requirement
from audit.sentences import say

ALWAYS = 20  # so many results say what a tool always gives


@dataclass(frozen=True)
class Gave:
    """The newest call of this tool by this agent that was done."""

    action_id: str
    at: datetime
    result: Any


def last_result(*, agent: str, tool: str) -> Gave | None:
    """None when none of its newest 200 calls was done by the tool itself."""
    return next(_gave(agent, tool), None)


def lacking(*, agent: str, tool: str, result: Any) -> tuple[str, ...]:
    """The fields that every one of this tool's last results had, for this agent, and that this one lacks: its graph may stumble over that.

    () where the tool has given nothing back yet that is an object.
    """
    known = [set(one.result) for one in islice(_gave(agent, tool), ALWAYS) if isinstance(one.result, dict)]
    return tuple(sorted(set.intersection(*known) - set(result if isinstance(result, dict) else ()))) if known else ()


def _gave(agent: str, tool: str) -> Iterator[Gave]:
    """The newest results that the tool itself gave; what people gave or said of one is none."""
    rows = Action.objects.filter(agent=agent, tool=tool, resolved_at__isnull=False, settled_at__isnull=False).order_by("-resolved_at")
    for pk, at, outcome in rows.values_list("pk", "settled_at", "outcome")[:200]:
        if not (at and outcome and outcome.get("status") == "done") or outcome.get("answered_for") or outcome.get("taken_over"):
            continue
        found = outcome.get("result")
        if not (isinstance(found, dict) and "confirmed_by" in found and outcome.get("reason")):
            yield Gave(str(pk), at, found)


def check_takes(agent_takes: Collection[str]) -> None:
    """Raises BadRequest when the agent makes the call itself and hears no words in its stead: a result could not be told to it."""
    if agent_takes and "respond" not in agent_takes:
        raise BadRequest(say("This agent takes no result from people for this call: it makes the call itself, or hears a no"))


def taking(action_ids: Sequence[Any]) -> frozenset[str]:
    """Those of these calls whose agents take a result from people; none that cannot be read."""
    current = Requirement.objects.filter(action__in=action_ids, version=F("action__version"))
    return frozenset(str(one.action_id) for one in current if _takes(one))


def _takes(requirement: Requirement) -> bool:
    try:
        check_takes(envelopes.parse(requirement).agent_takes)
    except (BadRequest, Tampered, KeyError, TypeError, AttributeError):
        return False
    return True
