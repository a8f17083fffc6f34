"""T1: what a stretch of a run came to is written down: its pauses and actions, its spans, and the run's next state."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from agents import kept
from agents.crashpoints import crash
from agents.errors import LostLease
from agents.graphs.driver import Stop, Stretch
from agents.graphs.guard import Calls
from agents.graphs.inside import path_of
from agents.graphs.loader import load_agent
from agents.graphs.recorder import Recorder
from agents.models import Pause, Run
from agents.operations import asking_again, budget_holds, events, other_code, outcomes, owing, spending, timing, versions, waking
from agents.operations.hearing import has_to_be_taken
from agents.operations.outputs import output_of
from agents.operations.pausing import open_pause
from agents.operations.preparing import Prepared
from agents.operations.receiving import all_settled, close_open_pauses
from agents.prices import Used
from agents.states import Hold, PauseState, RunState
from approvals.operations import close, lock, notices, unheard
from approvals.states import ActionState
from audit import canonical, log, traces
from audit.actors import SYSTEM
from audit.log import Entry
from audit.sentences import say

# The one step that was asked for is over, and what would go on while an operator holds it does not.
_OVER = spending.over_sql("%(tokens)s", "%(micros)s")
_LEAVE = f"""
UPDATE agents_run AS r SET state = CASE WHEN %(state)s = 'READY' AND (hold <> '' OR {_OVER}) THEN 'PAUSED'
        WHEN %(state)s = 'WAITING' AND hold = '' AND limit_s > 0 AND {timing.DRIVEN} >= limit_s * 1000 THEN 'READY' ELSE %(state)s END,
    hold = CASE WHEN hold = 'step' THEN 'pause' WHEN hold = '' AND %(state)s = 'READY' AND {_OVER} THEN 'budget' ELSE hold END,
    spent_tokens = spent_tokens + %(tokens)s, spent_micros = spent_micros + %(micros)s, unpriced = unpriced + %(unpriced)s,
    driven_ms = {timing.DRIVEN}, customer = %(customer)s, nodes = %(nodes)s::jsonb, error = %(error)s, lease_until = NULL, attempts = 0,
    changed_at = statement_timestamp(),
    finished_at = CASE WHEN %(ended)s THEN statement_timestamp() ELSE finished_at END,
    output = CASE WHEN %(ended)s THEN %(output)s::jsonb ELSE output END
WHERE id = %(id)s AND state = 'RUNNING' AND fence = %(fence)s RETURNING state, hold, spent_tokens, spent_micros, driven_ms
"""  # noqa: S608  names of ours only
_CLOSE = "UPDATE agents_pause SET state = %s, closed_at = statement_timestamp() WHERE id = ANY(%s)"
# It would be driven for ever otherwise.
_NOWHERE = kept.NOWHERE()
PLACEHOLDER = "placeholder-id"  # of what was raised outside interrupt(): langgraph.types.Interrupt
ENDED = frozenset({RunState.SUCCEEDED, RunState.PARTIAL, RunState.FAILED})


@dataclass(frozen=True)
class Driven:
    """A stretch and what was known around it.

    Attributes:
        prepared: its new questions, looked at. pauses: what was open when the run was taken.
        calls: what was seen of calls the agent made itself; `watched` when it makes its calls itself.
        held: something is approved that cannot be handed back now, and whatever changes that will ready the run.
        settled: those actions of the pauses whose outcome was final then.
        came_back: open pauses whose questions were asked beside one that is asked again, by the ids they have now.
        needs: what a call would cost that was not handed back, since no budget has that left.
        heard: interrupt ids whose answers were taken by the node that asked. deaf: whose answers nobody can take, or nobody took.
    """

    stretch: Stretch
    prepared: Sequence[Prepared] = ()
    pauses: Sequence[Pause] = ()
    settled: frozenset[str] = frozenset()
    calls: Calls | None = None
    held: bool = False
    watched: bool = False
    came_back: Mapping[str, Pause] = field(default_factory=dict)
    heard: frozenset[str] = frozenset()
    deaf: frozenset[str] = frozenset()
    needs: int | None = None


@transaction.atomic
@notices.together()
@log.together()
def put_down(run: Run, driven: Driven, recorder: Recorder) -> RunState:
    """T1: pauses, actions, spans and the Run's next state together, only while the fence is ours."""
    stretch = driven.stretch
    asking_again.keep(run, driven.came_back, refused=stretch.beside)
    entries, orphans = _reconcile(run, driven)
    if driven.watched:  # actions, then effects, then the run: locks are taken in one order everywhere
        entries += outcomes.conclude(run, stretch, driven.calls, driven.pauses, driven.deaf)
    before = run.customer
    # A run that lost a question is never driven on: an answer to what else it asks would reach nobody.
    lost = stretch.late or (_gone(orphans) if orphans else "")
    waits = [] if orphans else [open_pause(run, one, first=run.fence == 1) for one in driven.prepared]
    traces.record(recorder.taken())
    state, error = _next_state(run, stretch, orphans)
    used = recorder.spent()
    entries += other_code.seen(run)
    if lost:
        close_open_pauses(run.pk, reason=lost, by=SYSTEM, door="worker")
    # From here on, the run's row is locked: a settling action waits for us, or has been seen.
    output = _output(run, stretch, orphans)
    try:
        state = _leave(run, state, stretch, error, used, output=output)
    except BaseException:
        recorder.use(used)
        raise
    if run.hold == Hold.BUDGET and state is RunState.PAUSED:
        entries.append(budget_holds.say_why(run))
    if run.customer != before and getattr(run, "by_customer", False):
        spending.now_for(run, run.customer)
    if state is RunState.WAITING and not driven.held and not (any(waits) and not _alone(driven)) and all_settled(run.pk):
        moved = stretch.delivered or driven.prepared or entries
        state, error = (RunState.PAUSED if run.hold else RunState.READY, "") if moved else (RunState.FAILED, _NOWHERE)
        Run.objects.filter(pk=run.pk, fence=run.fence).update(state=state, error=error)
    if state in ENDED and (declared := _compensates_on(run, state)):
        owing.at_end(run, state, declared)
    crash("t1_open")
    run.state = state
    data: dict[str, Any] = {"nodes": list(stretch.nodes), "questions": len(stretch.questions)}
    if error:
        data["error"] = error[-2_000:]
    if stretch.late:
        data |= {"timed_out": True, "driven_s": run.driven_ms // 1000}
    log.append(*entries, events.entry(run, f"run.{state.lower()}", fence=run.fence, **data))
    events.tell_run(run, f"run.{state.lower()}")
    if state == RunState.READY:
        waking.wake(waking.RUN, run.pk)
    if driven.needs is not None and budget_holds.pause(run.pk, needs=driven.needs):
        run.state = state = RunState.PAUSED
    return state


def _leave(run: Run, state: RunState, stretch: Stretch, error: str, used: Used, *, output: Any) -> RunState:
    """The guarded UPDATE that ends a stretch; the state it came to, which an operator's hold may have changed. Raises LostLease when the fence is not ours any more."""
    left = {"state": str(state), "nodes": json.dumps(list(stretch.nodes)), "error": canonical.storable(error), "ended": state in ENDED}
    left |= {"tokens": used.tokens, "micros": used.micros, "unpriced": used.unpriced, "customer": run.customer}
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, {**left, "output": None if output is None else json.dumps(output), "id": run.pk, "fence": run.fence})
        if cursor.rowcount != 1:
            raise LostLease(say("Another worker took this run over"))
        left_in, run.hold, run.spent_tokens, run.spent_micros, run.driven_ms = cursor.fetchone()
    return RunState(left_in)


def _next_state(run: Run, stretch: Stretch, orphans: list[str]) -> tuple[RunState, str]:
    if stretch.late:
        return RunState.PARTIAL, stretch.late
    if stretch.stop is Stop.FAILED:
        return RunState.FAILED, stretch.error
    if orphans:
        return RunState.FAILED, _gone(orphans)
    if stretch.lost:
        return RunState.FAILED, kept.NEXT_GONE(nodes=", ".join(stretch.lost))
    if stretch.stop is Stop.DRAINED:
        return (RunState.HALTED if versions.halted(run) else RunState.READY), ""
    if stretch.stop is Stop.PAUSED:
        return _asked(stretch)
    result = stretch.values.get("result")
    failed = isinstance(result, dict) and result.get("success") is False
    return (RunState.PARTIAL if failed else RunState.SUCCEEDED), str(result.get("error", "")) if failed and isinstance(result, dict) else ""


def _gone(orphans: Collection[str]) -> str:
    return kept.NODE_GONE(where=", ".join(sorted(set(orphans))))


def _output(run: Run, stretch: Stretch, orphans: list[str]) -> Any:
    """What it came to; of a run whose time is up what it has so far."""
    if stretch.late:
        return output_of(stretch.output, ours=False)
    return output_of(stretch.output, ours=_declared(run)) if stretch.stop is Stop.FINISHED and not orphans and not stretch.lost else None


def _declared(run: Run) -> bool:
    return load_agent(*run.agent.code).spec is not None


def _compensates_on(run: Run, state: RunState) -> Collection[str]:
    if state is RunState.FAILED:  # perhaps because its project cannot be loaded
        return owing.declared(run)
    spec = load_agent(*run.agent.code).spec
    return spec.compensate_on if spec else ()


def _asked(stretch: Stretch) -> tuple[RunState, str]:
    """It waits for people, unless what it asks cannot be answered: driving it again would go on for ever, and do again what its node does."""
    if dead := next((q for q in stretch.questions if q.interrupt_id == PLACEHOLDER), None):
        return RunState.FAILED, kept.RETIRED_INTERRUPT(node=dead.node)
    if deaf := next((q for q in stretch.questions if q.interrupt_id in stretch.delivered), None):
        return RunState.FAILED, kept.NOT_HEARD(node=deaf.node)
    return RunState.WAITING, ""


def _reconcile(run: Run, driven: Driven) -> tuple[list[Entry], list[str]]:
    """Compare our open pauses with what the graph lists: answered, or orphaned (design.md section 3.5)."""
    stretch = driven.stretch
    asked = {question.interrupt_id for question in stretch.questions}
    gone = [pause for pause in driven.pauses if pause.interrupt_id not in asked and not pause.again]
    again = [pause for pause in driven.pauses if pause.again]  # asked anew, as a pause of its own
    if stretch.stop in {Stop.FAILED, Stop.DRAINED}:  # nothing certain is known of the others yet
        # Drained behind a step whose nodes took their answers: nobody would know of it later.
        over = driven.heard - stretch.left if stretch.stop is Stop.DRAINED else frozenset()
        gone, again = [pause for pause in gone if pause.interrupt_id in driven.deaf | over], []
    answered = [pause for pause in gone if _answered(run, pause, driven)]
    orphaned = [pause for pause in gone if pause not in answered]
    close_pauses(answered, PauseState.ANSWERED)
    close_pauses(again, PauseState.SUPERSEDED)
    if orphaned or stretch.late:  # what else it asked is closed with them: all are locked at once, in one order
        lock([UUID(action_id) for pause in driven.pauses for action_id in pause.actions])
    if orphaned:
        close_pauses(orphaned, PauseState.ORPHANED)
        for action_id in [a for pause in orphaned for a in pause.actions]:
            if not close(UUID(action_id), ActionState.SUPERSEDED, reason=kept.NO_LONGER_ASKED()):
                unheard(UUID(action_id), reason=kept.NO_LONGER_ASKED())
    entries = [
        events.entry(run, f"pause.{state.lower()}", node=pause.node, interrupt=pause.interrupt_id, actions=pause.actions)
        for state, pauses in ((PauseState.ANSWERED, answered), (PauseState.SUPERSEDED, again), (PauseState.ORPHANED, orphaned))
        for pause in pauses
    ]
    return entries, [" / ".join(path_of(pause.place)) or pause.node for pause in orphaned]


def _answered(run: Run, pause: Pause, driven: Driven) -> bool:
    """Whether a question that is gone was taken with its answer; a settled fact needs no lock to be looked at."""
    settled = pause.answer is not None or all(action_id in driven.settled for action_id in pause.actions)
    if has_to_be_taken(pause):
        return settled and pause.interrupt_id in driven.heard
    there = pause.interrupt_id in driven.stretch.delivered or pause.node in _nodes(run)
    return settled and there and pause.interrupt_id not in driven.deaf


def _alone(driven: Driven) -> bool:
    """Whether a question that is answered by itself is open: then the others' waiting does not keep the run."""
    return any(pause.record is not None for pause in driven.pauses) or any(one.record is not None for one in driven.prepared)


def close_pauses(pauses: Sequence[Pause], state: PauseState) -> None:
    if pauses:
        with connection.cursor() as cursor:
            cursor.execute(_CLOSE, [str(state), [pause.pk for pause in pauses]])


def _nodes(run: Run) -> frozenset[str]:
    return load_agent(*run.agent.code).nodes
