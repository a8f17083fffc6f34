"""A Run is claimed, driven to its next pause or end, and put down. The graph runs outside any transaction of ours."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from agents.crashpoints import crash
from agents.errors import AgentError, LostLease
from agents.graphs import checkpoints
from agents.graphs.driver import Control, Question, Stop, Stretch, drive
from agents.graphs.loader import Loaded, load_agent
from agents.graphs.recorder import Recorder
from agents.models import Pause, Run
from agents.operations import events, joined, waking
from agents.operations.answering import answers, open_pauses
from agents.operations.leases import Held, holding
from agents.operations.pausing import Prepared, digest_of, open_pause, prepare
from agents.operations.receiving import all_settled
from agents.states import PauseState, RunState
from approvals import queries as approvals_queries
from approvals.models.people import User
from approvals.operations import close, lock, notices
from approvals.states import ActionState
from audit import canonical, log, rows, traces
from audit.log import Entry

logger = structlog.get_logger("agents.driving")

_graphs: dict[tuple[str, int], Any] = {}


@dataclass(frozen=True)
class Advanced:
    """What became of a wake: `state` is the run's new state, or None when there was nothing to do here."""

    state: RunState | None


@dataclass(frozen=True)
class Driven:
    """A stretch and what was known around it.

    Attributes:
        prepared: its new questions, looked at. pauses: what was open when the run was taken.
        settled: those actions of the pauses whose outcome was final then.
    """

    stretch: Stretch
    prepared: Sequence[Prepared] = ()
    pauses: Sequence[Pause] = ()
    settled: frozenset[str] = frozenset()


# One statement: the run is taken only while nothing halts it, and new code applies to old threads at once, so the run's
# record says which version goes on with it. The agent comes along.
_TAKE = f"""
UPDATE agents_run AS r SET state = 'RUNNING', fence = r.fence + 1, changed_at = statement_timestamp(),
    lease_until = statement_timestamp() + make_interval(secs => %(lease)s), version_id = coalesce(a.current_id, r.version_id)
FROM agents_agent AS a
WHERE a.slug = r.agent_id
  AND r.id = (SELECT id FROM agents_run WHERE id = %(id)s AND state IN ('READY', 'CREATED') FOR UPDATE SKIP LOCKED)
  AND NOT {approvals_queries.halted_sql("r.agent_id", "r.id::text")}
RETURNING r.*, {joined.columns("a", "agent", joined.AGENT)}
"""  # noqa: S608  names of ours only
_LEAVE = """
UPDATE agents_run SET state = %(state)s, nodes = %(nodes)s::jsonb, error = %(error)s, lease_until = NULL, attempts = 0,
    changed_at = statement_timestamp(),
    finished_at = CASE WHEN %(ended)s THEN statement_timestamp() ELSE finished_at END,
    output = CASE WHEN %(ended)s THEN %(output)s::jsonb ELSE output END
WHERE id = %(id)s AND state = 'RUNNING' AND fence = %(fence)s
"""
ENDED = frozenset({RunState.SUCCEEDED, RunState.PARTIAL, RunState.FAILED})


def advance_run(run_id: UUID) -> Advanced:
    """Drive a run if it is ready and nobody else has it. Safe to call any number of times, from anywhere.

    Raises:
        psycopg.Error, DatabaseError: the database went away; the lease runs out and the sweeper takes over.
    """
    run = _claim(run_id)
    return Advanced(None) if run is None else advance(run)


def advance(run: Run) -> Advanced:
    """Drive a run that this worker has just taken. Raises as `advance_run` does."""
    crash("run_claimed")
    recorder = Recorder(run=str(run.pk), trace=run.trace, fence=run.fence)
    control = Control()
    held = Held("run", run.pk, run.fence, run.agent_id, on_halt=control.request_drain, on_look=lambda: _live(run, recorder))
    with structlog.contextvars.bound_contextvars(run=str(run.pk), trace=run.trace), holding(held):
        try:
            driven = _drive(run, control, recorder)
            crash("graph_moved")
            state = _put_down(run, driven, recorder)
        except checkpoints.ThreadBusy:
            # The worker that had it before still runs; its lease was lost, its fence is old: let it notice.
            return Advanced(_requeue(run))
        except LostLease:
            logger.warning("lease_lost", fence=run.fence)
            return Advanced(None)
        except (psycopg.Error, DatabaseError):
            checkpoints.drop()
            raise
    crash("t1_done")
    return Advanced(state)


@transaction.atomic
def _claim(run_id: UUID) -> Run | None:
    return take(run_id)


def take(run_id: UUID) -> Run | None:
    """READY or CREATED -> RUNNING with a new fence and a lease, unless halted, in the caller's transaction.

    None: it is halted, or another worker got there first.
    """
    run = rows.first(Run, _TAKE, {"id": run_id, "lease": settings.LEASE_S})
    if run is None:
        return None
    run.agent = joined.agent_of(run, run.agent_id)
    log.append(events.entry(run, "run.started" if run.fence == 1 else "run.resumed", fence=run.fence, version=run.version_id))
    events.tell_run(run, "run.running")
    return run


def _drive(run: Run, control: Control, recorder: Recorder) -> Driven:
    """The stretch, and its questions looked at; an agent that cannot be loaded is a failed stretch."""
    untouched = run.fence == 1
    try:
        loaded = load_agent(run.agent.project, run.agent_id, run.agent.current_id or 0)
        with checkpoints.locked(run.thread) as saver:
            # Only whoever holds the fence writes pauses: what is read here holds until this stretch is put down.
            pauses = [] if untouched else open_pauses(run)
            settled = approvals_queries.settled([a for pause in pauses for a in pause.actions])
            stretch = drive(
                _graph(loaded, saver),
                thread=run.thread,
                first_input=loaded.prepare(run.input),
                untouched=untouched,
                answers=answers(pauses, settled),
                control=control,
                recorder=recorder,
            )
        new = _new(run, stretch, untouched=untouched)
        if new:
            _bring_people(run)
        return Driven(stretch, [prepare(run, loaded, q) for q in new], pauses, frozenset(settled))
    except AgentError as error:
        return Driven(Stretch(Stop.FAILED, error=error.message))


def _bring_people(run: Run) -> None:
    """Who a question is asked for and by: the agent's account, its owner, and who started the run, in one statement."""
    wanted = [pk for pk in (run.agent.user_id, run.agent.owner_id, run.started_by_id) if pk]
    found = {user.pk: user for user in rows.fetch(User, "SELECT * FROM approvals_user WHERE id = ANY(%s)", [wanted])}
    run.agent.user = found[run.agent.user_id]
    run.agent.owner = found.get(run.agent.owner_id)
    run.started_by = found.get(run.started_by_id)


def _graph(loaded: Loaded, saver: Any) -> Any:
    """The compiled graph, once per process and connection."""
    key = (f"{loaded.project}:{loaded.slug}:{id(loaded)}", id(saver))
    if key not in _graphs:
        _graphs.clear() if len(_graphs) > 64 else None
        _graphs[key] = loaded.compile(saver)
    return _graphs[key]


def _new(run: Run, stretch: Stretch, *, untouched: bool) -> list[Question]:
    """Questions not recorded yet, or recorded with other arguments than the node came back with."""
    if untouched or not stretch.questions:
        return list(stretch.questions)
    known = dict(Pause.objects.filter(thread=run.thread).values_list("interrupt_id", "proposal_digest"))
    return [q for q in stretch.questions if known.get(q.interrupt_id) != digest_of(q)]


@transaction.atomic
@notices.together()
@log.together()
def _put_down(run: Run, driven: Driven, recorder: Recorder) -> RunState:
    """T1: pauses, actions, spans and the Run's next state together, only while the fence is ours."""
    stretch = driven.stretch
    entries, orphans = _reconcile(run, driven)
    waits = [open_pause(run, one, first=run.fence == 1) for one in driven.prepared]
    traces.record(recorder.taken())
    state, error = _next_state(run, stretch, orphans)
    # From here on, the run's row is locked: a settling action waits for us, or has been seen.
    _leave(run, state, stretch, error, output=_output(stretch) if stretch.stop is Stop.FINISHED and not orphans else None)
    if state is RunState.WAITING and not any(waits) and all_settled(run.pk):
        state = RunState.READY
        Run.objects.filter(pk=run.pk, fence=run.fence).update(state=state)
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


def _leave(run: Run, state: RunState, stretch: Stretch, error: str, *, output: Any) -> None:
    """The guarded UPDATE that ends a stretch. Raises LostLease when the fence is not ours any more."""
    left = {"state": str(state), "nodes": json.dumps(list(stretch.nodes)), "error": canonical.storable(error), "ended": state in ENDED}
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, {**left, "output": None if output is None else json.dumps(output), "id": run.pk, "fence": run.fence})
        if cursor.rowcount != 1:
            raise LostLease("Another worker took this run over")


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
        return RunState.WAITING, ""
    result = stretch.values.get("result")
    failed = isinstance(result, dict) and result.get("success") is False
    return (RunState.PARTIAL if failed else RunState.SUCCEEDED), str(result.get("error", "")) if failed and isinstance(result, dict) else ""


def _reconcile(run: Run, driven: Driven) -> tuple[list[Entry], list[str]]:
    """Compare our open pauses with what the graph lists: answered, or orphaned (design.md section 3.5)."""
    stretch = driven.stretch
    if stretch.stop in {Stop.FAILED, Stop.DRAINED}:
        return [], []  # nothing certain is known of the others yet
    asked = {question.interrupt_id for question in stretch.questions}
    gone = [pause for pause in driven.pauses if pause.interrupt_id not in asked]
    answered = [pause for pause in gone if _answered(run, pause, driven)]
    orphaned = [pause for pause in gone if pause not in answered]
    if answered:
        Pause.objects.filter(pk__in=[p.pk for p in answered]).update(state=PauseState.ANSWERED, closed_at=Now())
    if orphaned:
        _close_orphans(orphaned)
    entries = [
        events.entry(run, f"pause.{state.lower()}", node=pause.node, interrupt=pause.interrupt_id, actions=pause.actions)
        for state, pauses in ((PauseState.ANSWERED, answered), (PauseState.ORPHANED, orphaned))
        for pause in pauses
    ]
    return entries, [pause.node for pause in orphaned]


def _answered(run: Run, pause: Pause, driven: Driven) -> bool:
    """Whether a question that is gone was taken with its answer; a settled fact needs no lock to be looked at."""
    settled = all(action_id in driven.settled for action_id in pause.actions)
    return settled and (pause.interrupt_id in driven.stretch.delivered or not pause.node or pause.node in _nodes(run))


def _close_orphans(pauses: Sequence[Pause]) -> None:
    lock([UUID(action_id) for pause in pauses for action_id in pause.actions])
    Pause.objects.filter(pk__in=[p.pk for p in pauses]).update(state=PauseState.ORPHANED, closed_at=Now())
    for action_id in [a for pause in pauses for a in pause.actions]:
        close(UUID(action_id), ActionState.SUPERSEDED, reason="The graph no longer asks this")


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
