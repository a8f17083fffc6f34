"""Waking workers: whoever decides never waits for a broker that is there and does not answer."""

import threading
import time

import pytest

from approvals.operations import knocking


@pytest.fixture
def broker(monkeypatch):
    """Stands for the broker: it keeps who knocks until it is let go, and refuses what `refuse` says."""

    class Broker:
        def __init__(self):
            self.answers, self.heard, self.refuse = threading.Event(), [], False

        def send_task(self, task, args, **_):
            self.answers.wait(10)
            if self.refuse:
                raise ConnectionError("not there")
            self.heard.append((task, args))

    found = Broker()
    monkeypatch.setattr(knocking, "current_app", found)
    monkeypatch.setattr(knocking, "_rest_until", 0.0)
    yield found
    found.answers.set()


def until(condition):
    for _ in range(200):
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("role", ["web", "slack"])
def test_where_people_wait_a_broker_that_does_not_answer_keeps_nobody(broker, settings, role):
    settings.ROLE = role
    began = time.monotonic()
    for n in range(knocking.MOST + 50):  # more than are kept: they are dropped, and found by the sweeper
        knocking.knock("a.task", str(n))
    assert time.monotonic() - began < 1
    broker.answers.set()
    assert until(lambda: len(broker.heard) >= knocking.MOST)
    assert broker.heard[0] == ("a.task", ["0"])


def test_commands_and_workers_send_by_themselves(broker, settings):
    settings.ROLE = "command"
    broker.answers.set()
    knocking.knock("a.task", "1")
    assert broker.heard == [("a.task", ["1"])]


def test_after_a_failure_it_is_left_alone_by_all(broker, settings):
    settings.ROLE, broker.refuse = "web", True
    broker.answers.set()
    knocking.knock("a.task", "1")
    assert until(knocking.resting)
    broker.refuse = False
    knocking.knock("another.task", "2")
    time.sleep(0.1)
    assert broker.heard == []
