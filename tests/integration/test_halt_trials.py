"""Order after order while workers claim at some 50 calls a second: once an order is acknowledged, nothing is claimed and no tool begins.

A few trials each time; a thousand with COUNTERSIGN_HALT_TRIALS=1000.
"""

import os
import random
import threading
import time
from collections.abc import Callable
from statistics import median

import pytest
from django.db import connection

from agents import operations as agents
from agents.models import Effect
from agents.tools import runner
from approvals.operations.clock import database_now
from tests import factories
from tests.factories import call
from tests.integration.test_halts import halt, release

pytestmark = [pytest.mark.usefixtures("agents"), pytest.mark.django_db(transaction=True)]
TRIALS = int(os.environ.get("COUNTERSIGN_HALT_TRIALS", "12"))
WORKERS, EACH_S, BATCH, LOW = 4, 0.05, 40, 60
SCOPES = (("everything", ""), ("agent", "calls"), ("tool", "look"))


def threaded(stop: threading.Event, work: Callable[[], None], failed: list[BaseException]) -> threading.Thread:
    def go() -> None:
        try:
            while not stop.is_set():
                work()
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=go)
    thread.start()
    return thread


def test_once_an_order_is_acknowledged_no_tool_begins(cast, world, monkeypatch):
    began: list[tuple[float, str]] = []
    really = runner.run

    def noted(tool, args, ctx):
        began.append((time.monotonic(), ctx.action_id))
        return really(tool, args, ctx)

    monkeypatch.setattr("agents.operations.executing.runner.run", noted)
    failed: list[BaseException] = []
    started = time.monotonic()
    stop = threading.Event()

    def claims() -> None:
        ready = list(Effect.objects.filter(state="READY").values_list("pk", flat=True)[:LOW])
        if ready:
            agents.execute(random.choice(ready))
        time.sleep(EACH_S)

    def proposes() -> None:
        if Effect.objects.filter(state="READY").count() < LOW:
            agents.advance_run(factories.run(cast.reviewer, *[call("look")] * BATCH, world=world).pk)
        time.sleep(EACH_S)

    threads = [threaded(stop, work, failed) for work in (*[claims] * WORKERS, proposes)]
    late: list[float] = []
    took: list[float] = []
    try:
        for number in range(TRIALS):
            time.sleep(random.uniform(0.05, 0.25))
            ordered = time.monotonic()
            order = halt(cast, *SCOPES[number % len(SCOPES)])
            acknowledged, before, by_then = time.monotonic(), len(began), database_now()
            took.append(acknowledged - ordered)
            time.sleep(0.1)
            after = {action: at - acknowledged for at, action in began[before:] if at > acknowledged}
            late += after.values()
            assert not Effect.objects.filter(pk__in=after, claimed_at__gt=by_then).exists(), "claimed under an order"
            release(cast, order)
            assert not failed, failed
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert not failed, failed
    assert len(began) > TRIALS, "they had something to do"
    print(
        f"{TRIALS} orders, {len(began)} calls in {time.monotonic() - started:.0f} s; an order took {median(took):.3f} s, at most {max(took):.3f} s"
    )
    assert late == [], "calls that came to their tools after an order was acknowledged, by how many seconds"
