"""Halting by name: the agent or run must exist, so that a slip of the pen is not taken for a stop. Needs only the database."""

from typing import Any
from uuid import UUID

from agents.errors import UnknownAgent, UnknownRun
from agents.models import Agent, Run
from agents.operations import hinting
from approvals import operations as approvals
from approvals import permissions
from approvals.models.people import User
from audit.sentences import say


def order_halt(*, scope: str, target: str = "", reason: str, by: User, door: str) -> Any:
    """Stop everything, one agent or one run that exists; see `approvals.operations.halt` for what that means and raises.

    Raises:
        UnknownAgent, UnknownRun: there is nothing of that name to stop.
    """
    permissions.check_halt(permissions.standing(by))  # before anything is looked up
    if scope == "agent" and not target.isprintable():
        raise UnknownAgent(say("That is not the name of an agent"))
    if scope == "agent" and not Agent.objects.filter(slug=target).exists():
        raise UnknownAgent(say("There is no agent %(target)s to halt", target=repr(target[:60])))
    if scope == "run":
        try:
            target = str(UUID(target))
        except ValueError:
            raise UnknownRun(say("That is not the id of a run; copy it whole from the run's page")) from None
        if not Run.objects.filter(pk=target).exists():
            raise UnknownRun(say("There is no such run to halt"))
    order = approvals.halt(scope=scope, target=target, reason=reason, by=by, door=door)
    hinting.look_soon()  # what runs on Agent Servers is stopped there
    return order
