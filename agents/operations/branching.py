"""A fork that goes on for real: a run of its own, from a checkpoint of another, under the gate like any run.

One transaction writes the run, the order by which its first worker seeds its thread (`forking`), and why. It needs only the database: no
graph is loaded and no checkpoint written here, so a crash leaves either nothing, or a row that any worker takes up.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from agents import history, queries
from agents.errors import KeyUsed, UnknownRun, WrongState
from agents.models import AgentVersion, Override, Run
from agents.operations import events, lineage, overriding, waking
from agents.operations.found import as_uuid, hold
from agents.operations.starting import budget_of, checked_key, found_agent, lock_key, tighter
from agents.states import OverrideKind
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.models.people import User
from approvals.operations.halts import check_reason
from audit import canonical, log, rows, schemas
from audit.sentences import say


@dataclass(frozen=True)
class Branch:
    """Where the fork begins: `checkpoint` "" at the beginning, `values` put into the state there."""

    checkpoint: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def branch_run(run_id: Any, wanted: Branch, *, reason: str, by: User, door: str, idempotency_key: str | None = None) -> Run:
    """Begin a run of its own from a checkpoint of another. One person's same key for the same fork is the same run.

    Everything it wants done is asked anew: it is another run, on another thread, with keys of its own.

    Raises:
        NotAllowed, BadRequest, UnknownRun, UnknownAgent, UnknownCheckpoint. KeyUsed: the key began another run before.
        WrongState: nothing comes after that checkpoint, an order stops the run, it goes on elsewhere, or leave for it is in the state.
        BadInput: values that are not there, of another type, or not other values.
    """
    who = permissions.standing(by)
    permissions.check_override(who)
    reason = check_reason(reason)
    known = as_uuid(run_id)
    parent = Run.objects.select_related("agent", "version").filter(pk=known).first() if known else None
    if parent is None:
        raise UnknownRun(say("There is no such run"))
    agent, version = found_agent(parent.agent_id)
    at = _begins(parent, wanted.checkpoint)
    values: dict[str, Any] = {}
    before: dict[str, Any] = {}
    if wanted.values:
        values, before = overriding.changed(history.values(parent.thread, at.id), wanted.values, begins=version.input_schema)
    if key := checked_key(idempotency_key):
        lock_key(agent, who.user, key)
        if existing := Run.objects.filter(agent=agent, started_by=who.user, idempotency_key=key).first():
            return _same(existing, parent, at.id, values)
    lineage.check_unused(parent, at.id)
    pk = uuid.uuid4()
    run = Run(
        id=pk, agent=agent, version=version, thread=str(pk), trace=uuid.uuid4().hex, input=_input(parent, version, values), door=door, started_by=who.user,
        idempotency_key=key, parent=parent, parent_checkpoint=at.id, to_change=True, **tighter(budget_of(agent, version), parent),
    )  # fmt: skip
    hold(parent.pk)  # what it begins is told in both stories
    rows.insert(run)
    order = Override.objects.create(
        run=run, kind=OverrideKind.FORK, checkpoint=at.id, head="", values=values, before=before, reason=reason, by=who.user,
        by_name=who.user.get_username(), door=door,
    )  # fmt: skip
    _record(run, parent, order, at, who.user)
    waking.wake(waking.RUN, run.pk)
    return run


def _input(parent: Run, version: AgentVersion, values: Mapping[str, Any]) -> Any:
    """What the run is said to begin with: the parent's, or what an operator put in the place of it."""
    given = values.get("input")
    return given if given is not None and not schemas.why_not(version.input_schema, given) else parent.input


def _begins(parent: Run, checkpoint: str) -> history.Checkpoint:
    """The checkpoint it begins from. Raises WrongState, UnknownCheckpoint."""
    if not parent.agent.project:
        raise WrongState(say("This run's graph goes on elsewhere, and its state with it: fork it there"))
    if any(stop.scope == "run" and stop.target == str(parent.pk) for stop in approvals_queries.active_halts()):
        raise WrongState(say("This run is halted: release it before another goes on from it"))
    at = history.checkpoint(parent.thread, checkpoint) if checkpoint else history.first(parent.thread)
    if not at.next:
        raise WrongState(say("Nothing comes after that checkpoint: fork from an earlier one"))
    overriding.check_nodes(parent.agent_id, at.next)
    return at


def _same(existing: Run, parent: Run, checkpoint: str, values: Mapping[str, Any]) -> Run:
    order = Override.objects.filter(run=existing, kind=OverrideKind.FORK).first()
    same = order is not None and existing.parent_id == parent.pk and existing.parent_checkpoint == checkpoint
    if order is None or not same or canonical.dumps(order.values) != canonical.dumps(dict(values)):
        raise KeyUsed(say("This key began another run before; use a new key for a new one"), run=str(existing.pk))
    return existing


def _record(run: Run, parent: Run, order: Override, at: history.Checkpoint, by: User) -> None:
    """In both stories: what was begun, from where, with which values and versions, why, and what of the state has happened already."""
    done = [effect for one in [parent, *lineage.parents(parent)] for effect in queries.done_since(one.pk, one.created_at)]
    told = {"checkpoint": at.id, "before": order.before, "values": order.values, "reason": order.reason}
    log.append(
        events.entry(
            run, "run.created", by=by.actor, door=order.door, parent=str(parent.pk), **told, order=order.pk, input=run.input,
            version=run.version.number, version_then=at.version, trace=run.trace,
            parent_did=[{"action": effect.action_id, "tool": effect.tool} for effect in done],
        )
    )  # fmt: skip
    log.append(events.entry(parent, "run.forked", by=by.actor, door=order.door, fork=str(run.pk), **told))
    events.tell_run(run, "run.created")
    events.tell_run(parent, "run.forked")
