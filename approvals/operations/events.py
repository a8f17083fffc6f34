"""Entries of the audit log about actions, spelled once."""

from typing import Any

from approvals.models import Action, Requirement
from audit.actors import Actor
from audit.log import Entry


def entry(action: Action, kind: str, *, by: Actor, door: str, requirement: Requirement | None = None, **data: Any) -> Entry:
    """An event of one action; `requirement` adds the policy it was asked under."""
    return Entry(
        stream=f"action:{action.pk}",
        kind=kind,
        by=by,
        door=door,
        agent=action.agent,
        run="" if action.drill else action.run,  # no run ever asked for a test action, whatever its page says
        action=str(action.pk),
        digest=action.digest,
        policy=requirement.policy if requirement else "",
        data={"tool": action.tool, "version": action.version, "state": str(action.state), **data},
    )
