"""A Run is claimed, driven to its next pause or end, and put down. The graph runs outside any transaction of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import DatabaseError, transaction
from django.db.models import F
from django.db.models.functions import Now

from agents.crashpoints import crash
from agents.errors import AgentError, LostLease
from agents.graphs import checkpoints
from agents.graphs.driver import Control, Question, Stop, Stretch, drive
from agents.graphs.loader import Loaded, load_agent
from agents.graphs.recorder import Recorder
from agents.models import Pause, Run
from agents.operations import events, waking
from agents.operations.answering import answers
from agents.operations.leases import Held, holding, lease
from agents.operations.pausing import Prepared, digest_of, open_pause, prepare
from agents.operations.receiving import all_settled
from agents.states import PauseState, RunState
from approvals import queries as approvals_queries
from approvals.operations import close, lock
from approvals.states import ActionState
from audit import canonical, log, traces
from audit.log import Entry

logger = structlog.get_logger("agents.driving")

_graphs: dict[tuple[str, int], Any] = {}


@dataclass(frozen=True)
class Advanced:
    """What became of a wake: `state` is the run's new state, or None when there was nothing to do here."""

    state: RunState | None


def advance_run(run_id: UUID) -> Advanced:
    """Drive a run if it is ready and nobody else has it. Safe to call any number of times, from anywhere.

    Raises:
        psycopg.Error, DatabaseError: the database went away; the lease runs out and the sweeper takes over.
    """
    run = _claim(run_id)
    if run is None:
        return Advanced(None)
    crash("run_claimed")
    recorder = Recorder(run=str(run.pk), trace=run.trace, fence=run.fence)
    control = Control()
    held = Held("run", run.pk, run.fence, run.agent_id, on_halt=control.request_drain, on_look=lambda: _live(run, recorder))
    with structlog.contextvars.bound_contextvars(run=str(run.pk), trace=run.trace), holding(held):
        try:
            stretch, prepared = _drive(run, control, recorder)
            crash("graph_moved")
            return Advanced(_put_down(run, stretch, prepared, recorder))
        except checkpoints.ThreadBusy:
            # The worker that had it before still runs; its lease was lost, its fence is old: let it notice.
            return Advanced(_requeue(run))
        except LostLease:
            logger.warning("lease_lost", fence=run.fence)
            return Advanced(None)
        except (psycopg.Error, DatabaseError):
            checkpoints.drop()
            raise


@transaction.atomic
def _claim(run_id: UUID) -> Run | None:
    """READY or CREATED -> RUNNING with a new fence and a lease, unless halted. None: another worker got there first."""
    run = (
        Run.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("agent__user", "agent__owner", "started_by")
        .filter(pk=run_id, state__in=[RunState.READY, RunState.CREATED])
        .first()
    )
    if run is None or approvals_queries.halted(agent=run.agent_id, run=str(run.pk)):
        return None
    first = run.state == RunState.CREATED
    version = run.agent.current_id or run.version_id  # new code applies to old threads at once: the record says which ran
    Run.objects.filter(pk=run.pk, fence=run.fence).update(
        state=RunState.RUNNING, fence=F("fence") + 1, lease_until=lease(), changed_at=Now(), version=version
    )
    run.state, run.fence = RunState.RUNNING, run.fence + 1
    log.append(events.entry(run, "run.started" if first else "run.resumed", fence=run.fence, version=version))
    events.tell_run(run, "run.running")
    return run


def _drive(run: Run, control: Control, recorder: Recorder) -> tuple[Stretch, list[Prepared]]:
    """The stretch, and its questions looked at; an agent that cannot be loaded is a failed stretch."""
    try:
        loaded = load_agent(run.agent.project, run.agent_id, run.agent.current_id or 0)
        with checkpoints.locked(run.thread) as saver:
            stretch = drive(
                _graph(loaded, saver),
                thread=run.thread,
                first_input=loaded.prepare(run.input),
                untouched=run.fence == 1,
                answers=answers(run),
                control=control,
                recorder=recorder,
            )
        return stretch, [prepare(run, loaded, q) for q in _new(run, stretch)]
    except AgentError as error:
        return Stretch(Stop.FAILED, error=error.message), []


def _graph(loaded: Loaded, saver: Any) -> Any:
    """The compiled graph, once per process and connection."""
    key = (f"{loaded.project}:{loaded.slug}:{id(loaded)}", id(saver))
    if key not in _graphs:
        _graphs.clear() if len(_graphs) > 64 else None
        _graphs[key] = loaded.compile(saver)
    return _graphs[key]


def _new(run: Run, stretch: Stretch) -> list[Question]:
    """Questions not recorded yet, or recorded with other arguments than the node came back with."""
    if not stretch.questions:
        return []
    known = dict(Pause.objects.filter(thread=run.thread).values_list("interrupt_id", "proposal_digest"))
    return [q for q in stretch.questions if known.get(q.interrupt_id) != digest_of(q)]


@transaction.atomic
@log.together()
def _put_down(run: Run, stretch: Stretch, prepared: Sequence[Prepared], recorder: Recorder) -> RunState:
    """T1: pauses, actions, spans and the Run's next state together, only while the fence is ours."""
    asked = {question.interrupt_id for question in stretch.questions}
    entries, orphans = _reconcile(run, stretch, asked)
    for one in prepared:
        open_pause(run, one)
    traces.record(recorder.taken())
    # From here on a settling action waits for us, or has been seen: nobody is left waiting for an answer that is there.
    if not Run.objects.select_for_update().filter(pk=run.pk, state=RunState.RUNNING, fence=run.fence).exists():
        raise LostLease("Another worker took this run over")
    state, error = _next_state(run, stretch, orphans)
    finished = state in {RunState.SUCCEEDED, RunState.PARTIAL, RunState.FAILED}
    output = _output(stretch) if stretch.stop is Stop.FINISHED and not orphans else None
    Run.objects.filter(pk=run.pk, state=RunState.RUNNING, fence=run.fence).update(
        state=state,
        nodes=list(stretch.nodes),
        error=canonical.storable(error),
        lease_until=None,
        changed_at=Now(),
        attempts=0,
        **({"finished_at": Now(), "output": output} if finished else {}),
    )
    crash("t1_open")
    run.state = state
    data: dict[str, Any] = {"nodes": list(stretch.nodes), "questions": len(stretch.questions)}
    if error:
        data["error"] = error[-2_000:]
    log.append(*entries, events.entry(run, f"run.{state.lower()}", fence=run.fence, **data))
    events.tell_run(run, f"run.{state.lower()}")
    if state == RunState.READY:
        waking.wake(waking.RUN, run.pk)
    return state


def _next_state(run: Run, stretch: Stretch, orphans: list[str]) -> tuple[RunState, str]:
    if stretch.stop is Stop.FAILED:
        return RunState.FAILED, stretch.error
    if stretch.stop is Stop.DRAINED:
        stopped = approvals_queries.halted(agent=run.agent_id, run=str(run.pk))
        return (RunState.HALTED if stopped else RunState.READY), ""
    if orphans:
        where = ", ".join(sorted(set(orphans)))
        return (
            RunState.FAILED,
            f"The graph no longer has the question asked at {where}: the node was renamed or removed, and its answer can reach nobody",
        )
    if stretch.stop is Stop.PAUSED:
        return (RunState.READY if all_settled(run.pk) else RunState.WAITING), ""
    result = stretch.values.get("result")
    failed = isinstance(result, dict) and result.get("success") is False
    return (RunState.PARTIAL if failed else RunState.SUCCEEDED), str(result.get("error", "")) if failed and isinstance(result, dict) else ""


def _reconcile(run: Run, stretch: Stretch, asked: set[str]) -> tuple[list[Entry], list[str]]:
    """Compare our open pauses with what the graph lists: answered, or orphaned (design.md section 3.5)."""
    entries: list[Entry] = []
    orphans: list[str] = []
    if stretch.stop in {Stop.FAILED, Stop.DRAINED}:
        return entries, orphans  # nothing certain is known of the others yet
    gone = list(Pause.objects.filter(run=run, state=PauseState.OPEN).exclude(interrupt_id__in=asked))
    lock([UUID(action_id) for pause in gone for action_id in pause.actions])
    for pause in gone:
        actions = approvals_queries.settled(pause.actions)
        taken = pause.interrupt_id in stretch.delivered or not pause.node or pause.node in _nodes(run)
        answered = len(actions) == len(pause.actions) and taken
        state = PauseState.ANSWERED if answered else PauseState.ORPHANED
        Pause.objects.filter(pk=pause.pk).update(state=state, closed_at=Now())
        entries.append(events.entry(run, f"pause.{state.lower()}", node=pause.node, interrupt=pause.interrupt_id, actions=pause.actions))
        if not answered:
            orphans.append(pause.node)
            for action_id in pause.actions:
                close(UUID(action_id), ActionState.SUPERSEDED, reason="The graph no longer asks this")
    return entries, orphans


def _nodes(run: Run) -> set[str]:
    loaded = load_agent(run.agent.project, run.agent_id, run.agent.current_id or 0)
    return set(loaded.compile(None).nodes)


def _output(stretch: Stretch) -> Any:
    values = stretch.values.get("result", stretch.values)
    plain = values if isinstance(values, dict) else {"result": values}
    return canonical.storable({k: v for k, v in plain.items() if k != "messages"})


@transaction.atomic
def _requeue(run: Run) -> RunState | None:
    """Put a claimed run back without having moved it."""
    changed = Run.objects.filter(pk=run.pk, state=RunState.RUNNING, fence=run.fence).update(
        state=RunState.READY, lease_until=None, changed_at=Now()
    )
    if not changed:
        return None
    log.append(events.entry(run, "run.ready", why="another worker still holds the thread"))
    return RunState.READY


def _live(run: Run, recorder: Recorder) -> None:
    """Let pages follow a slow graph: write the spans told so far. Runs in the leases' thread, every half second."""
    if spans := recorder.taken():
        with transaction.atomic():
            traces.record(spans)
            Run.objects.filter(pk=run.pk, fence=run.fence, state=RunState.RUNNING).update(nodes=recorder.open_nodes)
            events.tell_run(run, "run.stepped")
