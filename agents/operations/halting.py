"""Halting by name: what is named must exist, so that a slip of the pen is not taken for a stop. Needs only the database."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from agents import queries
from agents.errors import UnknownAgent, UnknownRun
from agents.models import Agent, AgentVersion, Run
from agents.operations import hinting
from approvals import operations as approvals
from approvals import permissions
from approvals.covering import version_name
from approvals.errors import BadRequest, NotFound
from approvals.models.people import User
from approvals.operations import stopping
from approvals.operations.halts import check_scope
from approvals.queries import active_halts
from approvals.queries.standing import is_called
from audit.sentences import say


def order_halt(*, scope: str, target: str = "", reason: str, by: User, door: str) -> Any:
    """Stop everything, or an agent, a version of one, a tool, a customer or a run that there is; see `approvals.operations.halt`.

    Raises:
        UnknownAgent, UnknownRun, NotFound: there is nothing of that name to stop. What `approvals.operations.halt` raises.
    """
    permissions.check_halt(permissions.standing(by))  # before anything is looked up
    if scope in CHECKS:
        target = CHECKS[scope](target)
    order = approvals.halt(scope=scope, target=target, reason=reason, by=by, door=door)
    hinting.look_soon()  # what runs on Agent Servers is stopped there
    return order


def count_halt(*, scope: str, target: str = "", by: User) -> tuple[str, queries.WouldStop]:
    """What such an order would stop, and its target as it would be written. Orders nothing; refused as the order would be.

    Raises:
        NotAllowed, BadRequest, UnknownAgent, UnknownRun, NotFound: as `order_halt`.
    """
    permissions.check_halt(permissions.standing(by))
    if scope in CHECKS:
        target = CHECKS[scope](target)
    check_scope(scope, target)
    return target, queries.would_stop(scope, target)


def order_release(halt_id: Any, *, scope: str = "all", target: str = "", reason: str, by: User, door: str, seen: int | None = None) -> Any:
    """Let go on what an order stops, or an agent or run of it that there is; see `approvals.operations.release`.

    Raises:
        UnknownAgent, UnknownRun: there is nothing of that name. BadRequest: the order does not stop that run. What `approvals.operations.release` raises.
    """
    permissions.check_halt(permissions.standing(by))  # before anything is looked up
    if target and scope in {"agent", "run"}:
        target = CHECKS[scope](target)
        if scope == "run" and _is_elsewhere(halt_id, target):
            raise BadRequest(say("This order does not stop that run"))
    return approvals.release(halt_id, scope=scope, target=target, reason=reason, by=by, door=door, seen=seen)


def _is_elsewhere(halt_id: Any, run_id: str) -> bool:
    """Whether the order is one of another agent, or version of one, than the run's."""
    run = Run.objects.select_related("version").get(pk=run_id)
    theirs = {"agent": run.agent_id, "version": version_name(run.agent_id, run.version.number)}
    return any(stop.id == halt_id and theirs.get(stop.scope, stop.target) != stop.target for stop in active_halts())


def order_by_rule(*, rule: str, scope: str, target: str, reason: str) -> Any:
    """The same order by a rule, in the caller's transaction; see `approvals.operations.stopping.by_rule`."""
    order = stopping.by_rule(rule=rule, scope=scope, target=target, reason=reason, door="beat")
    if order:
        hinting.look_soon()
    return order


def _agent(target: str) -> str:
    if not target.isprintable():
        raise UnknownAgent(say("That is not the name of an agent"))
    if not Agent.objects.filter(slug=target).exists():
        raise UnknownAgent(say("There is no agent %(target)s", target=repr(target[:60])))
    return target


def _version(target: str) -> str:
    agent, _at, number = target.rpartition("@")
    known = number.isascii() and number.isdecimal() and len(number) < 10 and target.isprintable()
    if not known or not AgentVersion.objects.filter(agent=agent, number=int(number)).exists():
        raise UnknownAgent(say("There is no version %(target)s; write the agent's name, then @ and the number", target=repr(target[:80])))
    return version_name(agent, int(number))


def _run(target: str) -> str:
    try:
        target = str(UUID(target))
    except ValueError:
        raise UnknownRun(say("That is not the id of a run; copy it whole from the run's page")) from None
    if not Run.objects.filter(pk=target).exists():
        raise UnknownRun(say("There is no such run"))
    return target


def _tool(target: str) -> str:
    declared = AgentVersion.objects.filter(tools__contains=[{"name": target}]) if target.isprintable() else AgentVersion.objects.none()
    if not declared.exists() and not is_called(tool=target):
        raise NotFound(say("No agent has a tool %(target)s", target=repr(target[:80])))
    return target


def _customer(target: str) -> str:
    if not is_called(customer=target):
        raise NotFound(say("No action was ever for a customer %(target)s; names are compared exactly", target=repr(target[:80])))
    return target


CHECKS: dict[str, Callable[[str], str]] = {"agent": _agent, "version": _version, "run": _run, "tool": _tool, "customer": _customer}
