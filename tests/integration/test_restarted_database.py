"""A database that goes away between a call and its record: what came of the call is written as soon as it is there again, not called unknown."""

import psycopg
import pytest
from django.db import OperationalError, connection

from agents import operations as agents
from agents.graphs import checkpoints
from agents.models import Compensation, Effect, Piece, Run
from agents.operations import calling, compensating, executing, owing, patience
from tests import factories
from tests.factories import asked, call, decide, lines, work
from tests.integration.test_dialects_hidden import HEAD, deployed

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


CUT = """
import psycopg
from agents.graphs import checkpoints
from langchain.agents.middleware import HumanInTheLoopMiddleware

@tool
def cut(to: str, state: Annotated[dict, InjectedState]) -> str:
    "Acts, and the server is restarted, which ends every connection."
    said = act(plan_of(state["messages"]), "cut", {"to": to})
    with psycopg.connect(checkpoints.direct_dsn(), autocommit=True) as conn:
        conn.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        TAKEN
    return said

graph = create_agent(Planned(), [cut, send], middleware=[LINE])
"""
BY_LANGCHAIN = 'HumanInTheLoopMiddleware(interrupt_on={"cut": True})'


def cutting_agent(others, world, tmp_path, line: str, *, taken: str = "") -> Run:
    head = HEAD.replace(
        "\nimport threading", "\nimport threading\nfrom typing import Annotated\nfrom langgraph.prebuilt import InjectedState", 1
    )
    deployed(tmp_path, head + CUT.replace("LINE", line).replace("TAKEN", taken))
    run = factories.planned(others.reviewer, world, [["cut", {"to": "ada"}]], agent="hidden")
    work()
    (action,) = asked(run)
    decide(action, others.second)
    return run


@pytest.mark.parametrize("line", [BY_LANGCHAIN, "Countersigned()"])
def test_an_agent_that_acts_while_the_server_is_restarted_goes_on(others, world, tmp_path, newly_loaded, line):
    """What its graph had done was in no checkpoint: the run was taken up again, and of LangChain's own line nobody could say what came of the call."""
    run = cutting_agent(others, world, tmp_path, line)
    work()
    run.refresh_from_db()
    assert (run.state, len(lines(world)), run.attempts) == ("SUCCEEDED", 1, 0), run.error
    assert Effect.objects.get().state == "DONE"


@pytest.mark.parametrize("line", [BY_LANGCHAIN, "Countersigned()"])
def test_the_first_call_after_a_restart_begins(others, world, tmp_path, newly_loaded, line):
    """Each worker's first call that an agent makes itself was refused: its connection, kept for such calls, was that of the server before."""
    agent = "graph = create_agent(Planned(), [send], middleware=[LINE])\nfrom langchain.agents.middleware import HumanInTheLoopMiddleware"
    agent = "\n".join(reversed(agent.replace("LINE", line.replace("cut", "send")).split("\n")))
    deployed(tmp_path, HEAD + agent)
    for whom in ("ada", "bob"):
        run = factories.planned(others.reviewer, world, [["send", {"to": whom}]], agent="hidden")
        work()
        (action,) = asked(run)
        decide(action, others.second)
        with psycopg.connect(checkpoints.direct_dsn(), autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connection.close()  # as celery's look before each task does
        work()
        run.refresh_from_db()
        assert run.state == "SUCCEEDED", run.error
    assert len(lines(world)) == 2


def test_whoever_lost_the_run_while_the_server_was_away_writes_no_checkpoint(others, world, tmp_path, newly_loaded, monkeypatch):
    taken = "conn.execute('UPDATE agents_run SET fence = fence + 1')"
    run = cutting_agent(others, world, tmp_path, BY_LANGCHAIN, taken=taken)
    with pytest.raises((psycopg.Error, OperationalError)):
        work()
    connection.close()
    run.refresh_from_db()
    assert (run.state, len(lines(world))) == ("RUNNING", 1)


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
