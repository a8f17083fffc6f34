"""Governed cycles: start, pause, policy, a person's decision, execution, record, resume, finish."""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from django.db import connection, connections

from agents.models import Run
from agents.operations import start_run
from approvals.models import Action
from tests.bench import cast
from tests.bench.cast import Reviewer
from tests.bench.client import Browser, Ears
from tests.bench.numbers import Spread, spread
from tests.bench.stack import Stack

ENDED = ("run.succeeded", "run.failed", "run.partial", "run.halted")
_number = count(1)

# Stamps each new Action at the very beginning of COMMIT: what is measured from there holds the write to disk,
# the NOTIFY, the ASGI process and the socket.
_STAMPS = """
CREATE UNLOGGED TABLE IF NOT EXISTS bench_commit (action uuid PRIMARY KEY, at timestamptz NOT NULL);
CREATE OR REPLACE FUNCTION bench_stamp() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN INSERT INTO bench_commit VALUES (NEW.id, clock_timestamp()); RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER bench_stamp AFTER INSERT ON approvals_action
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bench_stamp();
"""


@dataclass(frozen=True)
class Cycle:
    """One cycle's moments, seconds since the epoch."""

    started: float
    action: str
    heard: float
    sent: float
    answered: float
    gate_passed: float
    stepped: float
    finished: float


@dataclass(frozen=True)
class OneByOne:
    """(a) and (b), and where the rest of a cycle goes; milliseconds."""

    decision_to_step: Spread
    decision_to_gate: Spread
    post_to_step: Spread
    post: Spread
    row_to_browser: Spread
    start_to_ask: Spread
    whole: Spread


@dataclass(frozen=True)
class Rate:
    """(c): cycles per second, and the share of the machine's CPU time each part took meanwhile."""

    per_s: float
    cycles: int
    in_flight: int
    cpu_share: dict[str, float]


def one_by_one(stack: Stack, reviewer: Reviewer, *, cycles: int, warm_up: int = 15) -> OneByOne:
    ears, browser = Ears(stack.options.port, reviewer), Browser(stack.options.port, reviewer)
    try:
        for _ in range(warm_up):
            cycle(reviewer, ears, browser)
        with _stamps():
            done = [cycle(reviewer, ears, browser) for _ in range(cycles)]
            with connection.cursor() as cursor:
                cursor.execute("SELECT action::text, extract(epoch FROM at)::float8 FROM bench_commit")
                committed = dict(cursor.fetchall())
    finally:
        ears.close()
    return OneByOne(
        decision_to_step=spread(c.stepped - c.answered for c in done),
        decision_to_gate=spread(c.gate_passed - c.answered for c in done),
        post_to_step=spread(c.stepped - c.sent for c in done),
        post=spread(c.answered - c.sent for c in done),
        row_to_browser=spread(c.heard - committed[c.action] for c in done),
        start_to_ask=spread(c.heard - c.started for c in done),
        whole=spread(c.finished - c.started for c in done),
    )


def in_flight(stack: Stack, reviewer: Reviewer, *, cycles: int, at_once: int) -> Rate:
    """As many cycles as asked, so many at once, each on its own connection."""
    ears = Ears(stack.options.port, reviewer)
    todo = iter(range(cycles))
    lock = threading.Lock()

    def work() -> int:
        browser, done = Browser(stack.options.port, reviewer), 0
        try:
            while True:
                with lock:
                    if next(todo, None) is None:
                        return done
                cycle(reviewer, ears, browser)
                done += 1
        finally:
            connections.close_all()

    before, began = stack.cpu_s(), time.monotonic()
    with ThreadPoolExecutor(at_once, thread_name_prefix="bench") as pool:
        done = sum(future.result() for future in [pool.submit(work) for _ in range(at_once)])
    took, after = time.monotonic() - began, stack.cpu_s()
    ears.close()
    cores = os.cpu_count() or 1
    return Rate(done / took, done, at_once, {name: round((after[name] - before[name]) / took / cores, 3) for name in after})


class Decides(Protocol):
    """The page, or Slack: whoever answers a decision; the moments it was sent and answered."""

    def decide(self, action_id: str, digest: str) -> tuple[float, float]: ...


def cycle(reviewer: Reviewer, ears: Ears, door: Decides) -> Cycle:
    """One whole governed cycle, decided at a door."""
    started = time.time()
    run = start_run(agent=cast.AGENT, input={"number": next(_number)}, by=reviewer.asks, door="cli")
    run_id = str(run.pk)
    ears.wait(run_id, "run.waiting")
    action, digest = Action.objects.values_list("pk", "digest").get(run=run_id)
    _, heard = ears.wait(str(action), "action.opened")
    sent, answered = door.decide(str(action), digest)
    kind, finished = ears.wait(run_id, *ENDED)
    output = Run.objects.values_list("output", flat=True).get(pk=run.pk)
    if kind != "run.succeeded" or not output:
        raise RuntimeError(f"run {run_id} ended as {kind}: {Run.objects.get(pk=run.pk).error[-500:]}")
    return Cycle(started, str(action), heard, sent, answered, output["gate_passed_at"], output["step_started_at"], finished)


@contextmanager
def _stamps() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(_STAMPS)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER bench_stamp ON approvals_action; DROP FUNCTION bench_stamp; DROP TABLE bench_commit")
