"""A Run is claimed, driven to its next pause or end, and put down. The graph runs outside any transaction of ours."""

import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models.fields.json import KT
from django.db.models.functions import Now

from agents.crashpoints import crash
from agents.dialects import calls
from agents.errors import AgentError, LostLease
from agents.graphs import checkpoints, desk
from agents.graphs.driver import Control, Stop, Stretch, drive, ends_late
from agents.graphs.guard import Calls
from agents.graphs.hearing import Hearing
from agents.graphs.loader import Loaded, load_agent
from agents.graphs.recorder import Recorder
from agents.models import Pause, Run
from agents.operations import (
    asking_again,
    budget_holds,
    events,
    forking,
    hearing,
    joined,
    leave,
    outcomes,
    proposing,
    spending,
    there,
    timing,
    versions,
)
from agents.operations.answering import answers, known_answers, open_pauses
from agents.operations.calling import Ledger
from agents.operations.handing import Handed, hand_back
from agents.operations.leases import Held, holding
from agents.operations.preparing import NATIVE
from agents.operations.stretches import Driven, put_down
from agents.states import Hold, PauseState, RunState
from approvals import queries as approvals_queries
from approvals.queries import Settled
from audit import log, rows, traces

logger = structlog.get_logger("agents.driving")

_graphs: dict[tuple[str, int], Any] = {}


@dataclass(frozen=True)
class _Watch:
    """What looks at a stretch while it is driven, and stops it."""

    control: Control
    recorder: Recorder
    meter: spending.Meter
    clock: timing.Clock
    held: Held


@dataclass(frozen=True)
class Advanced:
    """What became of a wake: `state` is the run's new state, or None when there was nothing to do here."""

    state: RunState | None


# One statement: the run is taken only while nothing halts it and no operator holds it, and new code applies to old threads at once, so the run's
# record says which version goes on with it. The agent comes along.
_TAKE = f"""
UPDATE agents_run AS r SET state = 'RUNNING', fence = r.fence + 1, changed_at = statement_timestamp(),
    lease_until = statement_timestamp() + make_interval(secs => %(lease)s), version_id = coalesce(a.current_id, r.version_id)
FROM agents_agent AS a
WHERE a.slug = r.agent_id
  AND r.id = (SELECT id FROM agents_run WHERE id = %(id)s AND state IN ('READY', 'CREATED') AND (hold NOT IN ('pause', 'budget') OR to_change) FOR UPDATE SKIP LOCKED)
  AND NOT {approvals_queries.halted_sql("r.agent_id", "r.id::text", version=versions.OF_RUN)}
  AND (r.to_change OR NOT {spending.over_sql()})
RETURNING r.*, {spending.BUDGETED} AS budgeted, {spending.BY_CUSTOMER} AS by_customer, {joined.columns("a", "agent", joined.AGENT)}
"""  # noqa: S608  names of ours only
_MINE = "SELECT 1 FROM agents_run WHERE id = %s AND fence = %s AND state = 'RUNNING'"


def advance_run(run_id: UUID) -> Advanced:
    """Drive a run if it is ready and nobody else has it. Safe to call any number of times, from anywhere.

    Raises:
        psycopg.Error, DatabaseError: the database went away; the lease runs out and the sweeper takes over.
    """
    run = _claim(run_id)
    if run is None:
        budget_holds.pause(run_id, ready=True)
        return Advanced(None)
    return advance(run)


def advance(run: Run, *, as_asked: bool = False) -> Advanced:
    """Drive a run that this worker has just taken. Raises as `advance_run` does.

    Args:
        as_asked: it was waiting until the moment it was taken, so its graph stands where its open pauses say.
    """
    crash("run_claimed")
    if run.agent.server_id is not None:  # its graph is on an Agent Server
        return Advanced(there.advance(run))
    control = Control()
    meter = spending.Meter(run, on_over=control.request_drain)
    clock = timing.Clock(run, on_over=control.request_drain)
    recorder = Recorder(run=str(run.pk), trace=run.trace, fence=run.fence, meter=meter)
    held = Held(
        "run",
        run.pk,
        run.fence,
        run.agent_id,
        versions.version_of(run),
        on_halt=control.request_drain,
        on_look=partial(_look, run, recorder, clock),
        on_budget=partial(setattr, meter, "governed", True),
        on_limit=partial(setattr, clock, "limit_s"),
    )
    with structlog.contextvars.bound_contextvars(run=str(run.pk), trace=run.trace), holding(held):
        try:
            driven = _drive(run, _Watch(control, recorder, meter, clock, held), as_asked=as_asked)
            crash("graph_moved")
            state = put_down(run, driven, recorder)
        except checkpoints.ThreadBusy:
            # The worker that had it before still runs; its lease was lost, its fence is old: let it notice.
            return Advanced(_requeue(run))
        except LostLease:
            logger.warning("lease_lost", fence=run.fence)
            spending.count(run.pk, recorder.spent())
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

    None: it is halted or held, or another worker got there first.
    """
    run = rows.first(Run, _TAKE, {"id": run_id, "lease": settings.LEASE_S})
    if run is None:
        return None
    run.agent = joined.agent_of(run, run.agent_id)
    log.append(events.entry(run, "run.started" if run.fence == 1 else "run.resumed", fence=run.fence, version=run.version_id))
    events.tell_run(run, "run.running")
    return run


def _drive(run: Run, watch: _Watch, *, as_asked: bool) -> Driven:
    """The stretch, and its questions looked at; an agent that cannot be loaded is a failed stretch."""
    try:
        return _driven(run, watch, as_asked=as_asked)
    except AgentError as error:
        return Driven(Stretch(Stop.FAILED, error=error.message))
    except (psycopg.Error, DatabaseError, checkpoints.ThreadBusy, LostLease):
        raise
    except Exception as error:  # the project's own code: its input model, its previews, what it puts into an interrupt
        logger.exception("agent_code_failed")
        return Driven(Stretch(Stop.FAILED, error="".join(traceback.format_exception(error))[-8_000:]))


def _driven(run: Run, watch: _Watch, *, as_asked: bool) -> Driven:
    untouched = _untouched(run)
    loaded = load_agent(*run.agent.code)
    with checkpoints.locked(run.thread, mine=partial(_still_mine, run)) as saver:
        if run.to_change and (stood := forking.carry_out(run, _graph(loaded, saver))) is not None:
            return Driven(Stretch(Stop.DRAINED, nodes=stood))
        # Only whoever holds the fence writes pauses: what is read here holds until this stretch is put down.
        pauses = [] if untouched else open_pauses(run)
        if watch.clock.over():  # its worker died in its last step, or an operator gave it less
            return Driven(_late(run, loaded, saver, Stretch(Stop.DRAINED), watch.clock), (), pauses, watched=True)
        settled = approvals_queries.settled([a for pause in pauses for a in pause.actions])
        if lost := hearing.lost(loaded, pauses):
            deaf = frozenset(pause.interrupt_id for pause in lost)
            return Driven(Stretch(Stop.DRAINED), (), pauses, frozenset(settled), watched=True, deaf=deaf)
        given = _hand(run, loaded, saver, pauses, settled)
        watch.meter.refuses = not given.acts  # what it has been told to do it would do again
        if given.handed.unanswerable:
            return Driven(Stretch(Stop.FAILED, error=given.handed.unanswerable), (), pauses, frozenset(settled))
        with desk.at(run.thread, Ledger(run.pk, run.fence)), given.calls.here() if given.calls else nullcontext():
            stretch = drive(
                _graph(loaded, saver),
                thread=run.thread,
                first_input=loaded.prepare(run.input),
                untouched=untouched,
                answers={**answers([p for p in pauses if not p.again], settled), **given.handed.answers},
                calls=given.calls,
                hearing=(ears := Hearing(given.shown, given.tell, hearing.tasks_of(pauses), by_value=given.by_value)),
                in_a_loop=loaded.needs_a_loop,
                forget=frozenset(p.interrupt_id for p in pauses if p.again),
                known=lambda: known_answers(run),
                marks=versions.marks(run),
                stop_after=lambda: run.hold == Hold.STEP or watch.held.wants_pause,
                as_asked=as_asked and not run.to_change and all(pause.asked_by.get("graph") == loaded.fingerprint for pause in pauses),
                control=watch.control,
                recorder=watch.recorder,
            )
        if saver.line.mended:  # then this connection was cut as well
            connection.close()
        heard, deaf = hearing.heard(run, loaded, saver, pauses, stretch, ears)
        if stretch.struck or (watch.clock.over() and stretch.stop in {Stop.DRAINED, Stop.PAUSED}):
            stretch = _late(run, loaded, saver, stretch, watch.clock)
    came_back = asking_again.came_back(pauses, stretch.questions)
    if stretch.late:  # nobody is asked any more
        return Driven(stretch, (), pauses, frozenset(settled), given.calls, False, given.calls is not None, came_back, heard, deaf)
    prepared = proposing.new_questions(run, loaded, stretch, pauses=pauses, settled=settled, came_back=came_back, untouched=untouched)
    return Driven(
        stretch,
        prepared,
        pauses,
        frozenset(settled),
        given.calls,
        given.handed.waits,
        given.calls is not None,
        came_back,
        heard,
        deaf,
        needs=given.handed.needs,
    )


def _still_mine(run: Run) -> bool:
    """Asked on a connection of its own, by whichever thread of the graph writes: with the thread's lock taken, no other worker drives it from here on."""
    with psycopg.connect(checkpoints.direct_dsn(), connect_timeout=5) as conn:
        return conn.execute(_MINE, [run.pk, run.fence]).fetchone() is not None


def _late(run: Run, loaded: Loaded, saver: Any, stretch: Stretch, clock: timing.Clock) -> Stretch:
    """The stretch as that of a run whose time is up, with what its state holds."""
    return ends_late(_graph(loaded, saver), run.thread, stretch, clock.sentence(), whole=loaded.spec is not None)


def _untouched(run: Run) -> bool:
    """Whether nobody has driven its thread: it has no checkpoint yet. A fork's begins with one."""
    return run.fence == 1 and run.parent_id is None


@dataclass(frozen=True)
class _Given:
    """What a stretch is given beside the answers of our own gates, and what watches it."""

    handed: Handed = field(default_factory=Handed)
    calls: Calls | None = None
    shown: Mapping[str, str] = field(default_factory=dict)
    tell: Callable[[str], str] = lambda interrupt_id: ""
    by_value: Collection[str] = ()
    acts: bool = False


def _hand(run: Run, loaded: Loaded, saver: Any, pauses: Sequence[Pause], settled: Mapping[str, Settled]) -> _Given:
    """The answer due in a dialect of others. Asks nothing of the database while the run only ever asked through our own gate."""
    others = [pause for pause in pauses if pause.dialect != NATIVE]
    if not others and (loaded.spec is not None or _untouched(run)):
        return _Given()
    taken = partial(hearing.may_be_taken, run, loaded, saver)
    handed = hand_back(run, others, settled, nodes=loaded.nodes, quirks=loaded.quirks, tools=loaded.found, taken=taken)
    watching = Calls(outcomes.leaves(run), partial(leave.begin, run=run.pk, fence=run.fence), leave.not_begun, outcomes.of_our_line(run))
    # What our own dialect asks, its own digests hold against its answers: it asks again by itself.
    asked = Pause.objects.filter(run=run, again=False).exclude(dialect__in=[NATIVE, calls.NAME]).exclude(state=PauseState.SUPERSEDED)
    by_hand = {pause.interrupt_id for pause in others if outcomes.by_hand(pause)}
    acting = outcomes.acting(others)
    tell = partial(_tell, run, acting, by_hand)
    shown = list(asked.values_list("interrupt_id", "proposal_digest", KT("record__schema"), KT("asked_by__answers")))
    by_value = {interrupt_id for interrupt_id, _, schema, counted in shown if schema and not counted}
    return _Given(handed, watching, {interrupt_id: digest for interrupt_id, digest, _, _ in shown}, tell, by_value, bool(acting))


def _tell(run: Run, acting: Mapping[str, Sequence[str]], by_hand: Collection[str], interrupt_id: str) -> str:
    """Write down that a node is about to hear what it may do; why it must not, or ""."""
    if interrupt_id not in acting:
        return ""
    return leave.tell(acting[interrupt_id], run=run.pk, fence=run.fence, begins=interrupt_id not in by_hand)


def _graph(loaded: Loaded, saver: Any) -> Any:
    """The compiled graph, once per process and connection."""
    key = (f"{loaded.project}:{loaded.slug}:{id(loaded)}", id(saver))
    if key not in _graphs:
        _graphs.clear() if len(_graphs) > 64 else None
        _graphs[key] = loaded.compile(saver)
    return _graphs[key]


@transaction.atomic
def _requeue(run: Run) -> RunState | None:
    """Put a claimed run back without having moved it."""
    changed = Run.objects.filter(pk=run.pk, state=RunState.RUNNING, fence=run.fence).update(
        state=RunState.READY, driven_ms=timing.counted(), lease_until=None, changed_at=Now()
    )
    if not changed:
        return None
    log.append(events.entry(run, "run.ready", why="another worker still holds the thread"))
    return RunState.READY


def _look(run: Run, recorder: Recorder, clock: timing.Clock) -> None:
    """What the leases' thread does for a stretch every half second."""
    clock.look()
    _live(run, recorder)


def _live(run: Run, recorder: Recorder) -> None:
    """Let pages follow a slow graph: write the spans told so far."""
    if spans := recorder.taken():
        used = recorder.spent()
        try:
            with transaction.atomic():
                traces.record(spans)
                Run.objects.filter(pk=run.pk, fence=run.fence, state=RunState.RUNNING).update(nodes=recorder.open_nodes)
                spending.count(run.pk, used)
                events.tell_run(run, "run.stepped")
        except DatabaseError:
            recorder.use(used)
            raise
