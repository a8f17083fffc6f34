"""Switching by name: the agent or the tool must exist, so that a slip of the pen is not taken for a switch. Needs only the database."""

from datetime import timedelta
from typing import Any

from agents.operations import hinting
from agents.operations.halting import CHECKS
from approvals import permissions
from approvals.models.people import User
from approvals.operations import switches


def order_switch(*, scope: str, target: str, setting: str, reason: str, by: User, door: str, lasts: timedelta | None = None) -> Any:
    """Allow (back to policy), ask or deny for an agent or a tool that there is; see `approvals.operations.switches.switch`.

    Raises:
        UnknownAgent, NotFound: there is nothing of that name. What `switch` raises.
    """
    permissions.check_operate(permissions.standing(by))  # before anything is looked up
    if scope in {"agent", "tool"} and setting != switches.ALLOW:  # what is gone can still be switched back
        target = CHECKS[scope](target)
    made = switches.switch(scope=scope, target=target, setting=setting, reason=reason, by=by, door=door, lasts=lasts)
    hinting.look_soon()  # what runs on Agent Servers is held against it there
    return made
