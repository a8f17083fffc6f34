"""Work beside the worker's own: nobody waits for it, there is one of a kind at a time, and nothing ends it but the process."""

import threading
import time
from collections.abc import Iterator

import pytest

from approvals import aside, tasks
from approvals.aside import Aside

SOON = 10.0


class Work:
    """Takes as long as the test says, and counts."""

    def __init__(self) -> None:
        self.begun, self.go_on, self.done = threading.Semaphore(0), threading.Semaphore(0), 0
        self.fails = False

    def __call__(self) -> None:
        self.begun.release()
        assert self.go_on.acquire(timeout=SOON)
        self.done += 1
        if self.fails:
            raise RuntimeError("a mistake")


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def thread(work: Work) -> Iterator[Aside]:
    made = Aside("test", work)
    yield made
    made.end(time.monotonic() + SOON)
    aside._all.remove(made)


def test_whoever_wakes_it_does_not_wait_and_it_is_done_once_more_when_woken_meanwhile(work, thread):
    thread.wake()
    assert work.begun.acquire(timeout=SOON)
    for _ in range(5):  # it is busy: all of these are one
        thread.wake()
    assert work.done == 0
    work.go_on.release()
    assert work.begun.acquire(timeout=SOON)
    work.go_on.release()
    thread.end(time.monotonic() + SOON)
    assert work.done == 2 and not work.begun.acquire(timeout=0.1)


def test_a_mistake_does_not_end_it(work, thread):
    work.fails = True
    for _ in range(2):
        thread.wake()
        assert work.begun.acquire(timeout=SOON)
        work.go_on.release()
    thread.end(time.monotonic() + SOON)
    assert work.done == 2


def test_the_end_waits_for_what_is_begun_and_not_for_ever(work, thread):
    thread.wake()
    assert work.begun.acquire(timeout=SOON)
    thread.end(time.monotonic())  # no patience at all: it goes on by itself
    assert work.done == 0
    work.go_on.release()
    thread.end(time.monotonic() + SOON)
    assert work.done == 1


@pytest.mark.parametrize("tick", ["reach", "tell_programs", "slack", "slack_sweep"])
def test_ticks_that_call_others_are_done_aside_in_a_worker(tick, monkeypatch):
    woken = []
    monkeypatch.setattr(Aside, "wake", lambda self: woken.append(self._name))
    getattr(tasks, tick).apply()  # as a worker calls it; done here, it would need a database, which unit tests refuse
    assert woken == [tick] and getattr(tasks, tick).name == f"approvals.tasks.{tick}"
