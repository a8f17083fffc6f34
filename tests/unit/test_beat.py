"""Beat sleeps until something is due, and sends it then."""

import time
from typing import Any

from celery import Celery

from config.beat import Ticking
from config.celery import app


class Counting(Ticking):
    producer: Any = None  # no broker is asked for one

    def __init__(self, app: Celery) -> None:
        self.sent: list[tuple[str, float]] = []
        super().__init__(app)

    def apply_entry(self, entry: Any, producer: object = None) -> None:
        self.sent.append((entry.name, time.monotonic()))


def test_it_looks_once_or_twice_for_each_entry_that_is_due():
    table = Celery("table", set_as_current=False)
    table.conf.beat_schedule = {"often": {"task": "a", "schedule": 0.1}, "less": {"task": "b", "schedule": 0.25}}
    scheduler, looks = Counting(table), 0
    start = time.monotonic()
    while time.monotonic() - start < 1:
        time.sleep(max(scheduler.tick(), 0))
        looks += 1
    names = [name for name, _ in scheduler.sent]
    assert 6 <= names.count("often") <= 10
    assert 2 <= names.count("less") <= 4
    assert looks <= 3 * len(names) + 2
    first = scheduler.sent[0][1] - start
    assert first >= 0.1


def test_it_is_the_one_beat_uses():
    assert app.conf.beat_scheduler == "config.beat:Ticking"
