"""A database that goes away between a call and its record: what came of the call is written as soon as it is there again, not called unknown."""

import psycopg
import pytest
from django.db import OperationalError, connection

from agents import operations as agents
from agents.models import Compensation, Effect, Piece, Run
from agents.operations import calling, compensating, executing, owing, patience
from tests import factories
from tests.factories import asked, call, decide, lines, work

pytestmark = pytest.mark.usefixtures("transactional_db", "agents")
ADA = [["send", {"to": "ada"}]]


def cutting(monkeypatch, module, point: str) -> list[str]:
    """At this point the server ends this thread's connection, once, as a restart does."""
    cut: list[str] = []

    def crash(at: str) -> None:
        if at == point and not cut:
            cut.append(at)
            connection.ensure_connection()
            pid = connection.connection.info.backend_pid
            with psycopg.connect(connection.connection.info.dsn, password=connection.connection.info.password) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    monkeypatch.setattr(module, "crash", crash)
    return cut


def approved(cast, world) -> Run:
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    return run


@pytest.mark.parametrize("point", ["effect_done", "t4_open"])
def test_what_came_of_an_approved_call_is_written_all_the_same(cast, world, monkeypatch, point):
    run = approved(cast, world)
    cut = cutting(monkeypatch, executing, point)
    work()
    run.refresh_from_db()
    assert (cut, Effect.objects.get().state, len(lines(world)), run.state) == ([point], "DONE", 1, "SUCCEEDED")


def test_a_commit_whose_answer_was_lost_is_not_written_twice(cast, world, monkeypatch):
    run = approved(cast, world)
    record = executing._record
    tried: list[int] = []

    def lost(*args):
        tried.append(1)
        recorded = record(*args)
        if len(tried) == 1:
            raise OperationalError("the connection is gone, and the commit was made")
        return recorded

    monkeypatch.setattr(executing, "_record", lost)
    work()
    work()
    run.refresh_from_db()
    assert (len(tried), Effect.objects.get().state, len(lines(world))) == (2, "DONE", 1)
    assert run.state in {"READY", "RUNNING", "SUCCEEDED"}


def test_a_database_that_stays_away_is_given_up_and_a_person_looks(cast, world, monkeypatch):
    run = approved(cast, world)
    monkeypatch.setattr(patience, "PATIENCE_S", 0.0)
    cut = cutting(monkeypatch, executing, "effect_done")
    with pytest.raises(OperationalError):
        work()
    Effect.objects.update(lease_until="2000-01-01T00:00Z")
    agents.recover()
    run.refresh_from_db()
    assert (cut, Effect.objects.get().state, len(lines(world)), run.state) == (["effect_done"], "UNKNOWN", 1, "WAITING")


def test_so_it_is_of_a_call_that_an_agent_makes_itself(others, world, monkeypatch):
    factories.register(factories.LOOPS)
    run = factories.planned(others.reviewer, world, ADA, agent="governed")
    work()
    (action,) = asked(run)
    decide(action, others.second)
    cut = cutting(monkeypatch, calling, "effect_done")
    work()
    run.refresh_from_db()
    assert (cut, Effect.objects.get().state, len(lines(world)), run.state) == (["effect_done"], "DONE", 1, "SUCCEEDED")
    assert not Piece.objects.filter(done_at=None).exists()


def test_and_of_what_reverses_it(others, cast, world, monkeypatch):
    factories.register(factories.SAGA)
    calls = [{"tool": "book", "args": {"label": "hotel"}}]
    run = agents.start_run(agent="trip", input={"world": world, "calls": calls}, by=cast.operator, door="web")
    work()
    for action in asked(run):
        decide(action, cast.second)
    work()
    owing.order_compensation(run.pk, reason="so", by=cast.operator, door="web")
    cut = cutting(monkeypatch, compensating, "compensated")
    work()
    agents.compensate(run.pk)
    assert (cut, Compensation.objects.get().state, len(lines(world))) == (["compensated"], "DONE", 2)
