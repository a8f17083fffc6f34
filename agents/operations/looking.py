"""The look at Agent Servers, by the beat: threads that wait become runs, runs whose thread moved are readied, what was halted or cancelled is stopped.

A webhook only brings the look forward. Network first, outside any transaction; then one small transaction per thing that changed.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from agents import kept
from agents.errors import ServerTrouble
from agents.models import Agent, Pause, Run, Server, Thread
from agents.operations import events, servers, timing, versions, waking
from agents.operations.found import hold
from agents.operations.receiving import ready_if_settled
from agents.remote.calling import Connection
from agents.remote.reading import Waiting, graph_in
from agents.states import UNFINISHED, PauseState, RunState
from approvals import queries as approvals_queries
from approvals.operations.clock import database_now
from audit import canonical, log
from audit.actors import SYSTEM
from audit.log import Entry

DOOR = "server"
_ANYTHING = "SELECT EXISTS (SELECT 1 FROM agents_server)"
_DUE = """
UPDATE agents_server SET look_at = statement_timestamp() + make_interval(secs => %s)
WHERE id = (SELECT id FROM agents_server WHERE look_at <= statement_timestamp() ORDER BY look_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""
# A run that goes on there is looked at when its time has come, and at once when a halt covers it: then it is stopped there.
_PARKED = f"""
SELECT t.run_id FROM agents_thread t JOIN agents_run r ON r.id = t.run_id
WHERE t.look_at IS NOT NULL AND r.state = 'RUNNING'
    AND (t.look_at <= statement_timestamp() OR {approvals_queries.halted_sql("r.agent_id", "r.id::text", version=versions.OF_RUN)})
ORDER BY t.look_at LIMIT 100
"""  # noqa: S608  names of ours only


def look_at_servers() -> list[UUID]:
    """Look at every server that is due. Gives the runs that go on there and are to be followed (`there.follow`)."""
    with connection.cursor() as cursor:
        cursor.execute(_ANYTHING)
        if not cursor.fetchone()[0]:
            return []
    while (server := _due()) is not None:
        look(server)
    with connection.cursor() as cursor:
        cursor.execute(_PARKED)
        return [row[0] for row in cursor.fetchall()]


def look(server: Server) -> None:
    """One look at one server."""
    began = database_now()
    try:
        with servers.opened(server) as there:
            version = there.version()
            _stop_what_is_stopped(server, there)
            waiting, all_of_them = there.interrupted()
            missing = _graphs_missing(server, there)
    except ServerTrouble as error:
        servers.missed(server, error)
        return
    servers.reached(server, version, _note(server, missing, waiting))
    agents = {a.assistant: a for a in Agent.objects.filter(server=server, enabled=True).exclude(current=None)}
    ours = [one for one in waiting if one.asks and one.assistant in agents]
    known = _known(server, ours)
    for one in ours:
        _compare(server, agents[one.assistant], one, known.get(one.thread, _Known()), began)
    if all_of_them:
        _moved(server, {one.thread for one in waiting if one.asks}, began)
    waits = Run.objects.filter(there__server=server, state=RunState.WAITING)
    for slug, graph in missing.items():
        waits.filter(agent=slug).update(error=kept.GRAPH_NOT_THERE(graph=graph))
    for run in waits.exclude(error="").exclude(agent__in=missing).values_list("pk", flat=True):
        with transaction.atomic():  # it came back without its answer, since the server or its graph was away
            if not ready_if_settled(run):
                waits.filter(pk=run).update(error="")


def _graphs_missing(server: Server, there: Connection) -> dict[str, str]:
    """Agents whose threads wait in a graph that the server does not have now, and that graph: asked of one thread of each."""
    found = {}
    rows = Thread.objects.filter(server=server, run__state=RunState.WAITING).order_by("run__agent", "-run__changed_at")
    for row in rows.distinct("run__agent").select_related("run"):
        try:
            there.standing(row.thread)
        except ServerTrouble as error:
            if error.lacks == "graph":  # of all else its run hears when it is looked at
                found[row.run.agent_id] = graph_in(error.detail)
    return found


def _note(server: Server, missing: Mapping[str, str], waiting: Sequence[Waiting]) -> str:
    """What is wrong on a server that answers, a sentence a line."""
    known = set(Agent.objects.filter(server=server).values_list("assistant", flat=True))
    unseen = sum(1 for one in waiting if one.asks and one.assistant and one.assistant not in known)
    lines: list[str] = [kept.GRAPH_MISSING(graph=graph, agent=slug) for slug, graph in sorted(missing.items())]
    return "\n".join([*lines, *([kept.UNSEEN(n=unseen)] if unseen else [])])


@dataclass
class _Known:
    """What we have of a thread there: its unfinished run, what that asks now, and which of what the thread asks now was ever asked on it."""

    run: Run | None = None
    asks: Mapping[str, str] | None = None
    ever: frozenset[str] = frozenset()


@transaction.atomic
def _due() -> Server | None:
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [servers.PERIOD_S])
        row = cursor.fetchone()
    return Server.objects.get(pk=row[0]) if row else None


def _known(server: Server, waiting: Sequence[Waiting]) -> dict[str, _Known]:
    """By thread, of what this look names: everything a server ever asked grows for ever, and this is read every few seconds."""
    threads = [one.thread for one in waiting]
    asked = Q(state=PauseState.OPEN) | Q(interrupt_id__in={interrupt for one in waiting for interrupt in one.asks})
    found: dict[str, _Known] = {}
    open_ones: dict[UUID, dict[str, str]] = {}
    for pause in Pause.objects.filter(asked, run__there__server=server, run__there__thread__in=threads).values(
        "run", "run__there__thread", "interrupt_id", "state", "proposal_digest", "handover"
    ):
        one = found.setdefault(pause["run__there__thread"], _Known())
        # Taken for gone with its thread, and nothing was ever sent: if it waits there again, it is asked again.
        if pause["state"] != PauseState.ORPHANED or pause["handover"] is not None:
            one.ever |= {pause["interrupt_id"]}
        if pause["state"] == PauseState.OPEN:
            open_ones.setdefault(pause["run"], {})[pause["interrupt_id"]] = pause["proposal_digest"]
    for row in Thread.objects.filter(server=server, thread__in=threads, run__state__in=UNFINISHED).select_related("run"):
        one = found.setdefault(row.thread, _Known())
        one.run, one.asks = row.run, open_ones.get(row.run_id, {})
    return found


def _compare(server: Server, agent: Agent, waiting: Waiting, known: _Known, began: Any) -> None:
    """A thread that waits: a run of ours that knows, one that does not know yet, or a new one. What was once asked is not asked again."""
    if known.run is not None:
        if known.asks != waiting.asks:
            _ready(known.run.pk, "the thread asks something else", began)
    elif not set(waiting.asks) <= known.ever:
        _found(server, agent, waiting)


@transaction.atomic
def _found(server: Server, agent: Agent, waiting: Waiting) -> None:
    """A run for a thread that waits; two looks at one moment make one."""
    Server.objects.select_for_update().get(pk=server.pk)
    before = Thread.objects.filter(server=server, thread=waiting.thread)
    if before.filter(run__state__in=UNFINISHED).exists():
        return
    number = before.count() + 1
    asked = canonical.storable({"request": waiting.request, "thread": waiting.thread})
    name = f"{server.pk}:{waiting.thread}" + (f"#{number}" if number > 1 else "")
    run = Run.objects.create(
        agent=agent,
        version_id=agent.current_id or 0,
        thread=name,
        trace=uuid.uuid4().hex,
        input=asked,
        door=DOOR,
        limit_s=timing.limit_of(agent, agent.current),
    )
    Thread.objects.create(run=run, server=server, thread=waiting.thread)
    log.append(events.entry(run, "run.found", door=DOOR, server=server.url, thread=waiting.thread, input=asked, trace=run.trace))
    events.tell_run(run, "run.created")
    waking.wake(waking.RUN, run.pk)


def _moved(server: Server, waiting: set[str], began: Any) -> None:
    """Runs that wait for people although their thread does not ask any more: looked at one by one."""
    for row in Thread.objects.filter(server=server, run__state=RunState.WAITING).exclude(thread__in=waiting):
        _ready(row.run_id, "the thread does not wait any more", began)


@transaction.atomic
def _ready(run_id: UUID, why: str, began: Any) -> None:
    """Let a waiting run be looked at; what was put down after our look began knew better than we do."""
    moved = Run.objects.filter(pk=run_id, state=RunState.WAITING, changed_at__lt=began).update(state=RunState.READY, changed_at=Now())
    if not moved:
        return
    run = Run.objects.get(pk=run_id)
    log.append(events.entry(run, "run.ready", door=DOOR, why=why))
    events.tell_run(run, "run.ready")
    waking.wake(waking.RUN, run_id)


def _stop_what_is_stopped(server: Server, there: Connection) -> None:
    """Cancel there what was cancelled here, and whatever an agent that is halted works on."""
    for row in Thread.objects.filter(server=server, run__state=RunState.CANCELLED, stopped_at=None).select_related("run"):
        _write_stopped(row, _stop(there, row.thread))
    for agent in Agent.objects.filter(server=server):
        if approvals_queries.halted(agent=agent.pk, run="", version=versions.named(agent)):
            for thread in there.busy(agent.assistant):
                if runs := _stop(there, thread):
                    data = {"server": server.url, "thread": thread, "runs": runs}
                    log_entry = Entry(f"agent:{agent.pk}", "agent.stopped_there", SYSTEM, DOOR, agent=agent.pk, data=data)
                    with transaction.atomic():
                        log.append(log_entry)


def _stop(there: Connection, thread: str) -> Sequence[str]:
    try:
        return there.stop(thread)
    except ServerTrouble as error:
        if error.lacks == "thread":  # it is gone, and what ran on it
            return ()
        raise


@transaction.atomic
def _write_stopped(row: Thread, runs: Sequence[str]) -> None:
    hold(row.run_id)
    if Thread.objects.filter(pk=row.pk, stopped_at=None).update(stopped_at=Now(), look_at=None):
        log.append(events.entry(row.run, "run.stopped_there", door=DOOR, thread=row.thread, runs=list(runs)))
