"""Holding on to what this process works on: leases renewed and halts heard by one thread per process.

The thread looks every half second (so a halt is heard without Redis and without NOTIFY), at what takes that long; it
never decides anything: a lost lease shows in the fence that every later write checks.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.db.models.functions import Now

from agents.models import Compensation, Effect, Run, Trial
from agents.operations import spending
from agents.states import CompensationState, EffectState, Hold, RunState
from approvals import queries as approvals_queries

log = structlog.get_logger("agents.leases")
LOOK_S = 0.5
_ASK_AFTER = f"SELECT r.fence, r.state, r.hold, r.limit_s, {spending.BUDGETED} FROM agents_run r WHERE r.id = %s"  # noqa: S608  names of ours only


@dataclass(eq=False)
class Held:
    """One run, effect, compensation or trial being worked on here."""

    kind: str
    id: UUID
    fence: int
    agent: str
    version: str = ""  # of the agent that drives it here, as orders name it
    on_halt: Callable[[str], None] = lambda reason: None
    on_look: Callable[[], None] = lambda: None
    on_budget: Callable[[], None] = lambda: None  # an operator has set one
    on_limit: Callable[[int], None] = lambda seconds: None  # how long the run may be driven, as it is now
    told: bool = field(default=False)
    wants_pause: bool = field(default=False)  # an operator wants to look before the next step
    since: float = field(default_factory=time.monotonic)


_held: set[Held] = set()
_lock = threading.Lock()
_thread: threading.Thread | None = None
_pid = 0


def lease() -> Any:
    """The end of a lease that begins now, by the database's clock."""
    return Now() + timedelta(seconds=settings.LEASE_S)


@contextmanager
def holding(held: Held) -> Iterator[None]:
    """Renew the lease of this run or effect, and pass halts on to it, while the block runs."""
    _ensure_thread()
    with _lock:
        _held.add(held)
    try:
        yield
    finally:
        with _lock:
            _held.discard(held)


def _ensure_thread() -> None:
    global _thread, _pid
    if _thread is not None and _pid == os.getpid() and _thread.is_alive():
        return
    _pid = os.getpid()  # after a fork the parent's thread is not ours
    _thread = threading.Thread(target=_look_forever, name="countersign-leases", daemon=True)
    _thread.start()


def _look_forever() -> None:
    waiting = threading.Event()
    renewed = 0
    while not waiting.wait(LOOK_S):
        renewed += 1
        before = time.monotonic() - LOOK_S  # most steps are over sooner: looking at each would cost every one of them
        with _lock:
            mine = [held for held in _held if held.since <= before]
        if not mine:
            continue
        try:
            _look(mine, renew=renewed % max(1, int(settings.LEASE_S / LOOK_S / 4)) == 0)
        except DatabaseError as error:
            log.warning("lease_not_renewed", error=str(error))
            connection.close()
        except Exception:  # this thread must outlive whatever a graph's spans can hold
            log.exception("look_failed")
        close_old_connections()


def _look(mine: list[Held], *, renew: bool) -> None:
    for held in mine:
        if renew:
            _renew(held)
        if held.kind == "run" and not held.told:
            _ask_after(held)
    stops = approvals_queries.active_halts()
    for held in mine:
        held.on_look()
        stop = next((s for s in stops if s.covers(agent=held.agent, run=str(held.id), version=held.version)), None)
        if stop is not None and not held.told:
            held.told = True
            held.on_halt(stop.reason)


def _renew(held: Held) -> None:
    if held.kind == "run":
        Run.objects.filter(pk=held.id, fence=held.fence, state=RunState.RUNNING).update(lease_until=lease())
    elif held.kind == "compensation":
        Compensation.objects.filter(pk=held.id, fence=held.fence, state=CompensationState.CLAIMED).update(lease_until=lease())
    elif held.kind == "trial":
        Trial.objects.filter(pk=held.id, fence=held.fence, ended_at=None).update(lease_until=lease())
    else:
        Effect.objects.filter(pk=held.id, fence=held.fence, state=EffectState.CLAIMED).update(lease_until=lease())


def _ask_after(held: Held) -> None:
    """Whether the run is still ours (else its graph need not go on, since nothing it does will be written), and whether an operator holds it."""
    with connection.cursor() as cursor:
        cursor.execute(_ASK_AFTER, [held.id])
        fence, state, hold, limit_s, budgeted = cursor.fetchone()
    held.on_limit(limit_s)
    if budgeted:
        held.on_budget()
    held.wants_pause = hold == Hold.PAUSE
    if (fence, state) != (held.fence, RunState.RUNNING):
        held.told = True
        held.on_halt("the run was cancelled, or another worker has it")
