"""How long workers drive a run: counted as each stretch is put down, watched while it runs, and what it may come to.

Waiting for people, halts, pauses and queues do not count: only while it is RUNNING does the clock go. On an Agent Server that is while it runs there.
"""

import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db.models.expressions import RawSQL
from django.db.models.fields import BigIntegerField

from agents import kept
from agents.models import Agent, AgentVersion, Run
from audit.sentences import Sentence

MOST_S = 30 * 86_400
# Of a task's time, after which its run is put back at its next step, and its next piece is left to another task: a stretch has the rest to come to an end.
TURN, CHAIN = 0.8, 0.1
# Since when a run is RUNNING says `changed_at`, which nothing else moves meanwhile. Of a worker that died it counts until it last renewed its lease.
_UNTIL = f"CASE WHEN lease_until <= statement_timestamp() THEN lease_until - make_interval(secs => {settings.LEASE_S}) ELSE statement_timestamp() END"
_RUNNING_MS = f"greatest(0, 1000 * extract(epoch FROM {_UNTIL} - changed_at))::bigint"
DRIVEN = f"driven_ms + CASE WHEN state = 'RUNNING' THEN {_RUNNING_MS} ELSE 0 END"


def counted() -> RawSQL:
    """For an update that takes a run out of RUNNING: what it was driven in all."""
    return RawSQL(DRIVEN, [], output_field=BigIntegerField())  # noqa: S611  names of ours only


def limit_of(agent: Agent, version: AgentVersion | None) -> int:
    """How many seconds a new run of this agent may be driven: as operators say, else as its developer does, else as the setting does; 0: no limit."""
    declared = version.budget.get("seconds") if version else None
    said = declared if agent.run_seconds is None else agent.run_seconds
    return settings.RUN_LIMIT_S if said is None else int(said)


class Clock:
    """The time of one stretch. The worker's own thread asks it, and the one that looks after leases every half second.

    Attributes:
        limit_s: what the run may be driven in all; 0: no limit. An operator may set another while it runs.
    """

    def __init__(self, run: Run, *, on_over: Callable[[str], None]) -> None:
        self._before = run.driven_ms / 1000 + float(getattr(run, "running_s", 0))
        self._began, self._on_over = time.monotonic(), on_over
        self._told = threading.Event()
        self.limit_s = run.limit_s

    def over(self) -> bool:
        return bool(self.limit_s) and self._before + self._here() >= self.limit_s

    def look(self) -> None:
        """Have the graph stop at its next step, once: its time is up, or this worker's turn is over."""
        if not self._told.is_set() and (self.over() or self._here() >= TURN * settings.TASK_LIMIT_S):
            self._told.set()
            self._on_over("its time is up" if self.over() else "its worker's turn is over")

    def sentence(self) -> Sentence:
        """What a run ends with whose time is up, or one step of which took all of a task's."""
        return kept.TIMED_OUT(seconds=self.limit_s if self.over() else settings.TASK_LIMIT_S)

    def _here(self) -> float:
        return time.monotonic() - self._began
