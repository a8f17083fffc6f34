"""A run paused before its next step, let take one, and let go on: an operator's order on the run's own row.

Not a stop order: people decide meanwhile, what they approve is carried out, and approvals survive. A worker that drives the run hears of it
as of a halt, and stops at the next step; the statement that takes a run leaves a paused one alone. Needs only the database.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from agents.errors import OverBudget, WrongState
from agents.models import CompensationOrder, Run
from agents.operations import budget_holds, events, waking
from agents.operations.found import locked_run
from agents.states import UNFINISHED, Hold, RunState, word
from approvals import permissions
from approvals.models.people import User
from approvals.operations.halts import check_reason
from audit import log
from audit.sentences import say

STANDS = frozenset({RunState.CREATED, RunState.READY})  # nobody moves it: it is paused at once


@transaction.atomic
def pause_run(run_id: Any, *, reason: str, by: User, door: str) -> Run:
    """Let a run take no further step. One that moves is paused when the step it is in is over.

    Raises:
        NotAllowed, BadRequest, UnknownRun. WrongState: it has ended, is paused already, or goes on elsewhere.
    """
    who = permissions.standing(by)
    permissions.check_override(who)
    reason = check_reason(reason)
    run = _live(run_id)
    if run.hold == Hold.PAUSE:
        raise WrongState(say("The run is paused already, by %(who)s", who=run.held_by))
    state = RunState.PAUSED if run.state in STANDS and not run.to_change else RunState(run.state)
    _order(run, Hold.PAUSE, state, who.user, door, "run.pause_ordered", reason)
    if state is RunState.PAUSED:
        _paused(run, door=door)
    return run


@transaction.atomic
def step_run(run_id: Any, *, reason: str, by: User, door: str) -> Run:
    """Let a paused run take its next step, and pause it again. One that waits for people takes it when they have decided.

    Raises:
        NotAllowed, BadRequest, UnknownRun. WrongState: it is not paused, or still in the step before.
    """
    who = permissions.standing(by)
    permissions.check_override(who)
    run = _held(run_id)
    if run.state == RunState.RUNNING:
        raise WrongState(say("The run is still in the step before; it pauses when that is over"))
    _order(run, Hold.STEP, _on(run), who.user, door, "run.step_ordered", check_reason(reason))
    return _woken(run)


@transaction.atomic
def go_on(run_id: Any, *, reason: str, by: User, door: str) -> Run:
    """Take the order to pause back.

    Raises:
        NotAllowed, BadRequest, UnknownRun. WrongState: it is not paused.
    """
    who = permissions.standing(by)
    permissions.check_override(who)
    run = _held(run_id)
    _order(run, Hold.NONE, _on(run), who.user, door, "run.let_on", check_reason(reason))
    return _woken(run)


@transaction.atomic
def stay(run_id: UUID) -> None:
    """The sweeper found a run ready that an operator holds: it is said to be paused."""
    run = (
        Run.objects.select_for_update(skip_locked=True)
        .filter(pk=run_id, state__in=STANDS, hold__in=[Hold.PAUSE, Hold.BUDGET], to_change=False)
        .first()
    )
    if run is None:
        return
    Run.objects.filter(pk=run.pk).update(state=RunState.PAUSED, changed_at=Now())
    run.state = RunState.PAUSED
    _paused(run, door="beat")


def _live(run_id: Any) -> Run:
    """The run, locked, if there is anything to hold. Raises UnknownRun, WrongState."""
    run = locked_run(run_id)
    if run.state not in {*UNFINISHED, RunState.FAILED}:
        raise WrongState(say("The run has ended already: %(state)s", state=word(run.state)))
    if CompensationOrder.objects.filter(run=run).exists():
        raise WrongState(say("What this run did is being reversed: it goes no further"))
    if not run.agent.project:
        raise WrongState(say("This run's graph goes on elsewhere, where only a halt reaches it: halt it instead"))
    return run


def _held(run_id: Any) -> Run:
    run = _live(run_id)
    if run.hold == Hold.BUDGET and run.pk not in budget_holds.within([run.pk]):
        raise OverBudget(say("%(why)s: raise its budget and it goes on", why=run.held_why), micros=run.needs_micros)
    if run.hold == Hold.NONE:
        raise WrongState(say("Nobody has paused this run, so there is nothing to step or to let go on"))
    return run


def _on(run: Run) -> RunState:
    return RunState.READY if run.state == RunState.PAUSED else RunState(run.state)


def _order(run: Run, hold: Hold, state: str, by: User, door: str, kind: str, reason: str) -> None:
    """The guarded UPDATE, with its event: the row is locked by the caller."""
    held = {"held_by": by.get_username() if hold else "", "held_why": reason if hold else ""}
    changed = {"changed_at": Now()} if state != run.state else {}
    Run.objects.filter(pk=run.pk, state=run.state, fence=run.fence).update(hold=hold, state=state, **held, **changed)
    run.hold, run.state, run.held_by, run.held_why = hold, state, held["held_by"], held["held_why"]
    log.append(events.entry(run, kind, by=by.actor, door=door, reason=reason, nodes=run.nodes))
    events.tell_run(run, kind)


def _paused(run: Run, *, door: str) -> None:
    log.append(events.entry(run, "run.paused", door=door, nodes=run.nodes))
    events.tell_run(run, "run.paused")


def _woken(run: Run) -> Run:
    if run.state == RunState.READY:
        waking.wake(waking.RUN, run.pk)
    return run
