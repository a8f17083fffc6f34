"""Waking a worker after commit. Only a hint: what is not woken is found by the sweeper."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from agents.crashpoints import crash
from approvals.operations import knocking

RUN, EFFECT, EDIT = "agents.tasks.drive_run", "agents.tasks.run_effect", "agents.tasks.check_edit"
ASK = "agents.tasks.answer_ask"
OUTCOME = "agents.tasks.check_outcome"
FOLLOW = "agents.tasks.follow_run"
COMPENSATE = "agents.tasks.compensate_run"
OPINIONS = "agents.tasks.give_opinions"
TRIAL = "agents.tasks.try_run"


@dataclass(frozen=True)
class Wake:
    """One task to wake with the id of its row."""

    task: str
    id: str


_held: ContextVar[list[Wake] | None] = ContextVar("held_wakes", default=None)


def wake(task: str, row_id: Any) -> None:
    """Wake a worker for a row when the transaction commits (or hand it to whoever is holding wakes)."""
    transaction.on_commit(lambda: _wake(Wake(task, str(row_id))), robust=True)


@contextmanager
def held() -> Iterator[list[Wake]]:
    """Collect the wakes of this block instead of sending them: a worker may do the next piece itself."""
    collected: list[Wake] = []
    token = _held.set(collected)
    try:
        yield collected
    finally:
        _held.reset(token)


def send(wakes: list[Wake]) -> None:
    """Send what was held."""
    for one in wakes:
        _send(one)


def _wake(one: Wake) -> None:
    holder = _held.get()
    if holder is not None:
        holder.append(one)
    else:
        crash("decided")
        _send(one)


def _send(one: Wake) -> None:
    knocking.knock(one.task, one.id)
