"""A run paused before its next step, let take one, and let go on: what an operator's order stops, and what it leaves to the people."""

import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now

from agents import history
from agents import operations as agents
from agents.errors import WrongState
from agents.models import Run
from approvals.errors import BadRequest, NotAllowed
from audit import queries as log
from tests import factories
from tests.factories import asked, call, decide, lines, work

pytestmark = pytest.mark.usefixtures("agents", "shapes")
LOOKS = [call("look"), call("look"), call("look")]


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def pause(run: Run, cast) -> Run:
    return agents.pause_run(run.pk, reason="let me look", by=cast.operator, door="web")


def step(run: Run, cast) -> Run:
    return agents.step_run(run.pk, reason="one", by=cast.operator, door="web")


def go_on(run: Run, cast) -> Run:
    return agents.go_on(run.pk, reason="it is well", by=cast.operator, door="web")


def kinds(run: Run) -> list[str]:
    return [event.kind for event in log.timeline(run=str(run.pk)) if event.kind.startswith("run.")]


def test_a_run_that_nobody_has_taken_is_paused_at_once_and_goes_on_when_let(cast, world):
    run = factories.run(cast.reviewer, *LOOKS, world=world)
    assert pause(run, cast).state == "PAUSED"
    work()
    agents.recover()
    assert (agents.advance_run(run.pk).state, fresh(run).state, lines(world)) == (None, "PAUSED", [])
    go_on(run, cast)
    work()
    assert (fresh(run).state, len(lines(world))) == ("SUCCEEDED", 3)
    assert [k for k in kinds(run) if k in {"run.pause_ordered", "run.paused", "run.let_on"}] == [
        "run.pause_ordered", "run.paused", "run.let_on",
    ]  # fmt: skip


def test_an_approval_survives_a_pause_and_is_carried_out_in_it(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    assert pause(run, cast).state == "WAITING"
    decide(action, cast.second)
    work()
    action.refresh_from_db()
    assert (action.state, len(lines(world)), fresh(run).state) == ("APPROVED", 1, "PAUSED")
    go_on(run, cast)
    work()
    assert (fresh(run).state, len(lines(world))) == ("SUCCEEDED", 1)


@pytest.mark.parametrize("agent", ["row", "calls", "inside"])
def test_one_step_at_a_time_goes_from_checkpoint_to_checkpoint(cast, world, agent):
    run = factories.run(cast.reviewer, *LOOKS, agent=agent, world=world)
    pause(run, cast)
    heads = [history.head(run.thread)]
    for _ in range(30):
        step(run, cast)
        work()
        run = fresh(run)
        heads.append(history.head(run.thread))
        if run.state == "SUCCEEDED":
            break
        assert (run.state, run.hold) == ("PAUSED", "pause"), run.error[-3000:]
        written = [c for c in history.checkpoints(run.thread).rows if c.id > heads[-2]]
        assert (
            len([c for c in written if c.source == "loop"]) <= 2
        )  # the input is read and the first node runs: that is one step of the two
    assert run.state == "SUCCEEDED"
    assert len(lines(world)) == 3


def test_a_step_that_asks_people_waits_for_them_and_is_held_after_their_answer(cast, world):
    run = factories.run(cast.reviewer, call(), world=world)
    pause(run, cast)
    for _ in range(5):
        step(run, cast)
        work()
        if fresh(run).state == "WAITING":
            break
    assert (fresh(run).state, fresh(run).hold) == ("WAITING", "pause")
    decide(asked(run)[0], cast.second)
    work()
    assert (fresh(run).state, len(lines(world))) == ("PAUSED", 1)


@pytest.mark.django_db(transaction=True)
def test_a_run_that_moves_hears_of_it_and_stops_after_its_step(cast, world, monkeypatch):
    """The order is given while the graph is in a step; the worker's own look passes it on."""
    from agents.graphs import driver
    from agents.operations import driving, leases

    run = factories.run(cast.reviewer, *LOOKS, world=world)
    began, drive = threading.Event(), driver.drive

    def slow(graph, **more):
        def order():
            pause(run, cast)
            connection.close()

        ordering = threading.Thread(target=order)
        ordering.start()
        ordering.join()
        assert (fresh(run).state, fresh(run).hold) == ("RUNNING", "pause")
        assert kinds(run)[-1] == "run.pause_ordered"
        for held in list(leases._held):
            leases._look([held], renew=False)
        began.set()
        return drive(graph, **more)

    monkeypatch.setattr(driving, "drive", slow)
    agents.advance_run(run.pk)
    monkeypatch.setattr(driving, "drive", drive)
    assert began.is_set()
    assert (fresh(run).state, lines(world)) == ("PAUSED", [])
    go_on(run, cast)
    work()
    assert fresh(run).state == "SUCCEEDED"


def test_what_a_dying_worker_puts_back_stays_paused(cast, world):
    run = factories.run(cast.reviewer, *LOOKS, world=world)
    pause(run, cast)
    Run.objects.filter(pk=run.pk).update(
        state="READY", changed_at=Now() - timedelta(seconds=9)
    )  # as the sweeper does with an abandoned run
    assert agents.advance_run(run.pk).state is None
    agents.recover()
    assert fresh(run).state == "PAUSED"


def test_a_failed_run_that_is_tried_again_is_held(cast, world):
    run = factories.run(cast.reviewer, *LOOKS, world=world)
    agents.advance_run(run.pk)
    Run.objects.filter(pk=run.pk, state="WAITING").update(state="FAILED")
    pause(run, cast)
    agents.retry_run(run.pk, by=cast.operator, door="web")
    assert agents.advance_run(run.pk).state is None


def test_only_operators_with_a_reason_and_only_what_can_be_held(cast, world):
    run = factories.run(cast.reviewer, *LOOKS, world=world)
    for order in (agents.pause_run, agents.step_run, agents.go_on):
        for who in (cast.reviewer, cast.auditor, cast.outsider):
            with pytest.raises(NotAllowed):
                order(run.pk, reason="so", by=who, door="web")
    with pytest.raises(BadRequest):
        agents.pause_run(run.pk, reason=" ", by=cast.operator, door="web")
    for held in (step, go_on):
        with pytest.raises(WrongState, match="Nobody has paused"):
            held(run, cast)
    pause(run, cast)
    with pytest.raises(WrongState, match="paused already, by olga"):
        pause(run, cast)
    go_on(run, cast)
    work()
    with pytest.raises(WrongState, match="ended already"):
        pause(run, cast)


def test_a_paused_run_can_be_cancelled(cast, world):
    run = factories.run(cast.reviewer, *LOOKS, world=world)
    pause(run, cast)
    assert agents.cancel_run(run.pk, reason="no", by=cast.operator, door="web").state == "CANCELLED"


def test_the_command_and_the_page_say_where_it_stands(cast, world, client, settings, tmp_path, capsys):
    settings.STATIC_ROOT = tmp_path
    run = factories.run(cast.reviewer, *LOOKS, world=world)
    client.force_login(cast.operator, backend="django.contrib.auth.backends.ModelBackend")
    page = lambda: client.get(f"/runs/{run.pk}/").content.decode()  # noqa: E731
    assert f"/runs/{run.pk}/pause" in page()
    call_command("runs", "pause", str(run.pk), reason="let me look", by="olga")
    assert "paused" in capsys.readouterr().out
    assert "Paused by olga: let me look" in page()
    assert client.post(f"/runs/{run.pk}/step", {"reason": "one"}).status_code == 302
    assert "lets it take one step" in page()
    work()
    assert client.post(f"/runs/{run.pk}/go-on", {"reason": "well"}).status_code == 302
    work()
    assert fresh(run).state == "SUCCEEDED"
    client.force_login(cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(f"/runs/{run.pk}/pause", {"reason": "so"}).status_code == 403
