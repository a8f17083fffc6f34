"""A run whose graph is on an Agent Server is looked at there: an answer that is due is given, what runs is followed a while, and all is put down.

The same Run, Pause, Action and claim as for graphs that run here (`driving`); only the graph is driven by somebody else. What the server says is
looked at before anything is claimed, so that an approval is used only for a question that still stands.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from agents import kept
from agents.dialects import Quirks
from agents.errors import LostLease, ServerTrouble, WrongState
from agents.graphs.driver import Question
from agents.graphs.loader import load_agent
from agents.models import Agent, Handover, Pause, Run, Thread
from agents.operations import handovers, hinting, joined, overtaken, servers, timing
from agents.operations.answering import open_pauses
from agents.operations.fates import Came, lost_in
from agents.operations.handing import hand_back
from agents.operations.leases import Held, holding
from agents.operations.preparing import Prepared, foreign_prepared
from agents.operations.putting import put_down
from agents.operations.receiving import all_settled
from agents.operations.versions import version_of
from agents.remote.calling import Connection
from agents.remote.reading import Standing, graph_in, lacking
from agents.states import HandoverState, RunState
from approvals import queries as approvals_queries
from approvals.errors import ApprovalError
from approvals.operations.entering import may_enter
from audit import rows

FOLLOW_S, STEP_S = 8.0, 0.25  # how long a worker waits for what it began there; the beat looks after the rest

_TAKE_UP = f"""
UPDATE agents_run AS r SET fence = r.fence + 1, lease_until = statement_timestamp() + make_interval(secs => %(lease)s)
FROM agents_agent AS a WHERE a.slug = r.agent_id AND r.id = %(id)s AND r.state = 'RUNNING'
RETURNING r.*, extract(epoch FROM statement_timestamp() - r.changed_at) AS running_s, {joined.columns("a", "agent", joined.AGENT)}
"""  # noqa: S608  names of ours only


def follow(run_id: UUID) -> RunState | None:
    """Look at a run that goes on there. None: it does not any more, or somebody else looks."""
    run = _take_up(run_id)
    return None if run is None else advance(run)


def advance(run: Run) -> RunState | None:
    """Look at, answer and put down a run that this worker has taken. None: another worker has taken it since."""
    halted = threading.Event()
    if approvals_queries.halted(agent=run.agent_id, run=str(run.pk), version=version_of(run)):
        halted.set()
    clock = timing.Clock(run, on_over=lambda _: None)
    held = Held("run", run.pk, run.fence, run.agent_id, version_of(run), on_halt=lambda _: halted.set())
    held.on_limit = partial(setattr, clock, "limit_s")
    with holding(held):
        try:
            return put_down(run, _prepared(run, _Look(run, halted, clock).look()))
        except LostLease:
            return None


@transaction.atomic
def _take_up(run_id: UUID) -> Run | None:
    parked = Thread.objects.select_for_update(skip_locked=True).filter(run=run_id, look_at__isnull=False).first()
    run = rows.first(Run, _TAKE_UP, {"id": run_id, "lease": settings.LEASE_S}) if parked else None
    if run is not None:
        Thread.objects.filter(run=run_id).update(look_at=None)
        run.agent = joined.agent_of(run, run.agent_id)
    return run


@dataclass
class _Look:
    """One look at a thread, from connecting to what it came to."""

    run: Run
    halted: threading.Event
    clock: timing.Clock
    pauses: list[Pause] = field(default_factory=list)
    sent: Mapping[int, Handover] = field(default_factory=dict)
    held: bool = False
    moved: bool = False
    settled: bool = False

    def look(self) -> Came:
        row = Thread.objects.select_related("server").get(run=self.run.pk)
        self.pauses = open_pauses(self.run)
        self.sent = handovers.of(self.pauses)
        self.settled = bool(self.pauses) and all_settled(self.run.pk)
        try:
            with servers.opened(row.server) as there:
                return self._seen(there, row)
        except ServerTrouble as error:
            return self._came(None, trouble=why_away(error), gone=error.lacks == "thread")

    def _seen(self, there: Connection, row: Thread) -> Came:
        self._clear_up(there, row.thread)
        stands = self._still(there, row.thread)
        if not stands.busy and not self._stopped:
            answer = self._due(stands)
            if isinstance(answer, str):
                return self._came(stands, trouble=answer)
            if answer is not None:
                refusal = self._deliver(there, row, *answer)
                stands = self._still(there, row.thread)
                if refusal:
                    return self._came(stands, trouble=refusal)
        if stands.busy and self._stopped:
            there.stop(row.thread)
            stands = self._still(there, row.thread)
        taken = [h for h in self.sent.values() if h.state == HandoverState.TAKEN]
        ends = {} if stands.busy else {h.pause_id: there.status(row.thread, h.there) for h in taken}
        asked = {pause.pk: pause.interrupt_id for pause in self.pauses}
        late = [h.pause_id for h in taken if lost_in(stands, ends.get(h.pause_id, ""))]
        others = {pause for pause in late if there.taken_by_another(row.thread, self.sent[pause].there, asked[pause])}
        return replace(self._came(stands, ends=ends), others=others)

    def _clear_up(self, there: Connection, thread: str) -> None:
        """What was on its way when the connection broke or a worker died: the server is asked whether it has it."""
        for pause in self.pauses:
            sent = self.sent.get(pause.pk)
            if sent is None or sent.state != HandoverState.SENDING:
                continue
            if found := there.carrying(thread, handovers.mark(pause)):
                handovers.taken(self.run, pause, found)
            elif handovers.is_old(pause):
                handovers.lost(self.run, pause)
        self.sent = handovers.of(self.pauses)

    def _still(self, there: Connection, thread: str) -> Standing:
        """Where the thread stands once nothing runs on it, or after a while, or when it is to be stopped."""
        until = time.monotonic() + FOLLOW_S
        stands = there.standing(thread)
        while stands.busy and time.monotonic() < until and not self.halted.wait(STEP_S) and not self.clock.over():
            stands = there.standing(thread)
        return stands

    @property
    def _stopped(self) -> bool:
        return self.halted.is_set() or self.clock.over()

    def _due(self, stands: Standing) -> tuple[Pause, object] | str | None:
        """The answer that is due for a question that stands as it was shown, claimed now; or why it cannot be told."""
        asked = {question.interrupt_id: question.digest for question in stands.questions}
        unsent = [p for p in self.pauses if p.pk not in self.sent or self.sent[p.pk].state in {HandoverState.REFUSED, HandoverState.ANEW}]
        free = [p for p in unsent if asked.get(p.interrupt_id) == p.proposal_digest and not p.again]
        if not free:
            return None
        self.run.agent = Agent.objects.get(pk=self.run.agent_id)
        settled = approvals_queries.settled([action for pause in free for action in pause.actions])
        handed = hand_back(self.run, free, settled, nodes={p.node for p in free}, quirks=Quirks(far=True), tools={})
        self.held = handed.waits
        if handed.unanswerable:
            return handed.unanswerable
        return next(((p, handed.answers[p.interrupt_id]) for p in free if p.interrupt_id in handed.answers), None)

    def _deliver(self, there: Connection, row: Thread, pause: Pause, value: object) -> str:
        """Give one answer, at most once. Why the server does not take it, "" when it does or nobody knows yet. Raises ServerTrouble: it is away."""
        hook = hinting.hook_of(row.server) if row.server.tells else ""
        sure_at = time.monotonic()
        try:
            handovers.begin(self.run, pause)
        except WrongState:
            return self._overtaken(pause)
        mark = handovers.mark(pause)
        give = partial(there.resume, row.thread, self.run.agent.assistant, interrupt=pause.interrupt_id, value=value, mark=mark)
        try:
            began = _with_or_without(give, hook, sure_at, partial(handovers.stopped, pause))
        except _Overtaken:
            handovers.refused(self.run, pause, kept.HALTED_BEFORE())
            return self._overtaken(pause)
        except ServerTrouble as error:
            if error.sent:  # perhaps it was taken: the next look asks the server
                return ""
            handovers.refused(self.run, pause, error.message)
            if error.answered == 409:  # somebody else answers at this moment
                return ""
            if error.answered in {0, 302, 401, 403, 404, 429} and not lacking(error.detail):
                raise  # else the server itself says that the assistant is gone, whose thread stands
            return kept.REFUSED_THERE(why=error.message)
        else:
            handovers.taken(self.run, pause, began)
            self.moved = True
            return ""
        finally:
            self.sent = handovers.of(self.pauses)

    def _overtaken(self, pause: Pause) -> str:
        """An order came before the answer could be sent: what was claimed for it is taken back, and the claim is asked once more. Why not, or ""."""
        if approvals_queries.halted(agent=self.run.agent_id, run=str(self.run.pk), version=version_of(self.run)):
            self.halted.set()
        try:
            overtaken.take_back(self.run, pause)
        except ApprovalError as error:  # what is stored is not what was claimed
            return error.message
        self.moved = True
        return ""

    def _came(self, stands: Standing | None, *, trouble: str = "", gone: bool = False, ends: Mapping[int, str] | None = None) -> Came:
        return Came(
            stands, tuple(self.pauses), self.sent, ends or {}, trouble, gone, self.halted.is_set(), self.held,
            settled=self.settled, moved=self.moved, late=self.clock.sentence() if self.clock.over() else "",
        )  # fmt: skip


def why_away(error: ServerTrouble) -> str:
    """Why a thread cannot be looked at, as its run says it."""
    if error.lacks == "thread":
        return kept.THREAD_GONE()
    if error.lacks == "graph":
        return kept.GRAPH_NOT_THERE(graph=graph_in(error.detail))
    return kept.SERVER_AWAY(why=error.message)


class _Overtaken(Exception):
    """An order came between the claim and the request: nothing was sent."""


def _with_or_without(give: Callable[..., str], hook: str, sure_at: float, stopped: Callable[[], bool]) -> str:
    """Servers refuse webhooks to private addresses: the hint is not worth the answer, which is then given without.

    Each request is one that an order must come before or wait for (`may_enter`). Raises ServerTrouble, _Overtaken.
    """
    for hint in dict.fromkeys([hook, ""]):
        if not may_enter(sure_at, stopped):
            raise _Overtaken
        try:
            return give(hook=hint)
        except ServerTrouble as error:
            if not hint or error.answered not in {400, 422}:
                raise
    raise AssertionError("the last one returns or raises")


def _prepared(run: Run, came: Came) -> Came:
    """Its new questions, looked at outside any transaction, as those of graphs that run here are."""
    if came.stands is None or came.stands.busy or came.gone:
        return came
    known = dict(Pause.objects.filter(thread=run.thread).values_list("interrupt_id", "proposal_digest"))
    again = {p.interrupt_id for p in came.pauses if p.again}
    changed = (q for q in came.stands.questions if known.get(q.interrupt_id) != q.digest and not _answered(came, q))
    new = [*(q for q in came.stands.questions if q.interrupt_id in again), *(q for q in changed if q.interrupt_id not in again)]
    if not new:
        return came
    loaded = load_agent("", run.agent_id)
    run.agent = Agent.objects.select_related("user", "owner").get(pk=run.agent_id)
    found: list[Prepared] = [foreign_prepared(run, loaded, question) for question in new]
    return came.with_new(found)


def _answered(came: Came, question: Question) -> bool:
    """Whether people have answered what now asks otherwise under the same id: then it is not asked again, but shown as trouble."""
    return any(p.interrupt_id == question.interrupt_id and p.answer is not None for p in came.pauses)
