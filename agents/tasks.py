"""Celery's door into the agents room: each task is given an id, makes one call, and may do the next piece itself."""

import time
from uuid import UUID

import structlog
from celery import Task, shared_task
from django.conf import settings

from agents import operations
from agents.operations import alerts, auto_halts, pulse, timing, waking
from approvals.aside import Aside

log = structlog.get_logger("agents.tasks")
WATCH_S, ALERTS_S = 3.0, 10.0  # as the beat has it
MAX_CHAIN = 40  # pieces of one run in a row, before others get their turn


@shared_task(ignore_result=True)
def drive_run(run_id: str, **_: object) -> None:
    """Drive a run to its next pause."""
    _chain(waking.Wake(waking.RUN, run_id))


@shared_task(ignore_result=True)
def run_effect(action_id: str, **_: object) -> None:
    """Execute an approved action."""
    _chain(waking.Wake(waking.EFFECT, action_id))


@shared_task(ignore_result=True)
def check_edit(edit_id: str, **_: object) -> None:
    """Try edited arguments with the tool."""
    operations.check_edit(int(edit_id))


@shared_task(ignore_result=True)
def check_outcome(check_id: str, **_: object) -> None:
    """Ask the remote side what became of a call."""
    operations.check_outcome(int(check_id))


@shared_task(ignore_result=True)
def answer_ask(ask_id: str, **_: object) -> None:
    """Let an agent answer a reviewer's question."""
    operations.answer_ask(int(ask_id))


@shared_task(ignore_result=True)
def try_run(trial_id: str, **_: object) -> None:
    """Carry out a dry run."""
    operations.carry_out_trial(UUID(trial_id))


@shared_task(ignore_result=True)
def sweep() -> None:
    """Find what nobody woke and what was left behind."""
    pulse.tick()
    found = operations.recover()
    for action_id in found.again:
        operations.execute(UUID(action_id), again=True)
    if found.again or found.unknown:
        log.warning("taken_over", again=found.again, unknown=found.unknown)


@shared_task(ignore_result=True)
def watch() -> None:
    """Halt what the rules of automatic halts say has to be."""
    for order in auto_halts.look():
        log.warning("halted_by_rule", halt=order.pk, rule=order.rule, scope=order.scope, target=order.target)


def _look_for_alerts() -> None:
    for note in alerts.look():
        log.warning(f"alert_{note.happened}", alert=note.id, rule=note.rule, value=note.value)


_alerts = Aside("alerts", _look_for_alerts)


@shared_task(bind=True, ignore_result=True)
def look_for_alerts(self: Task[[], None]) -> None:
    """Measure what alerts speak of. In a worker beside its work: workers are asked whether they answer, which takes a while."""
    _look_for_alerts() if self.request.called_directly else _alerts.wake()


@shared_task(ignore_result=True)
def look_at_servers() -> None:
    """Look at Agent Servers that are due."""
    waking.send([waking.Wake(waking.FOLLOW, str(run)) for run in operations.look_at_servers()])


@shared_task(ignore_result=True)
def follow_run(run_id: str, **_: object) -> None:
    """Look at a run that goes on on an Agent Server."""
    operations.follow(UUID(run_id))


@shared_task(ignore_result=True)
def compensate_run(run_id: str, **_: object) -> None:
    """Reverse what a run did."""
    operations.compensate(UUID(run_id))


@shared_task(ignore_result=True)
def tidy() -> None:
    """Finish what a dead process left half-way and nobody waits for."""
    operations.close_cancelled()


@shared_task(ignore_result=True)
def place_drills() -> None:
    """Put test actions among the real ones where one is due."""
    operations.place_drills()


@shared_task(ignore_result=True)
def give_opinions(*_: object) -> None:
    """Ask the second model about what is proposed."""
    operations.give_opinions()


_watch = _look = 0.0


def stand_in() -> int:
    """Find what is ready and do it here, one after the other, without the broker. Dry runs wait for it: minutes of one would hold up the rest.
    Returns how much was found."""
    global _watch, _look
    if time.monotonic() >= _watch:
        _watch = time.monotonic() + WATCH_S
        watch()
    if time.monotonic() >= _look:
        _look = time.monotonic() + ALERTS_S
        look_for_alerts()
    found = operations.recover(wake=False)
    for edit_id in found.edits:
        operations.check_edit(edit_id)
    for ask_id in found.asks:
        operations.answer_ask(ask_id)
    for check_id in found.checks:
        operations.check_outcome(check_id)
    for action_id in found.again:
        operations.execute(UUID(action_id), again=True)
    todo = [waking.Wake(waking.EFFECT, pk) for pk in found.effects] + [waking.Wake(waking.RUN, pk) for pk in found.runs]
    for wake in todo:
        _chain(wake)
    for run_id in found.compensate:
        operations.compensate(UUID(run_id))
    if found.opinions:
        operations.give_opinions()
    for run in operations.look_at_servers():
        operations.follow(run)
    return len(todo) + len(found.edits) + len(found.asks) + len(found.again) + len(found.compensate)


def _chain(wake: waking.Wake) -> None:
    """Do one piece; when it readies exactly one more that this worker serves, do that too, without the broker.

    Nothing depends on it: every piece claims its row, and a worker that dies in between leaves it to the sweeper.
    """
    one_worker_serves_all = {"runs", "effects"} <= set(settings.WORKER_QUEUES)
    began = time.monotonic()
    for _ in range(MAX_CHAIN):
        with waking.held() as wakes:
            _do(wake, go_on=one_worker_serves_all)
        # A stretch that begins late in a task has less of its time, which is one limit for all of it.
        if len(wakes) != 1 or not one_worker_serves_all or time.monotonic() - began > timing.CHAIN * settings.TASK_LIMIT_S:
            waking.send(wakes)
            return
        wake = wakes[0]
    waking.send([wake])


def _do(wake: waking.Wake, *, go_on: bool) -> None:
    if wake.task == waking.RUN:
        operations.advance_run(UUID(wake.id))
    elif wake.task == waking.EFFECT:
        operations.execute(UUID(wake.id), go_on=go_on)
