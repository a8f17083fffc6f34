"""Stop orders: who may give them, what they freeze, and what does not survive their release."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models.functions import Now

from agents import operations as agents
from agents.errors import AgentError, UnknownAgent
from agents.models import Effect, Run
from agents.tools import runner
from agents.views import halt_scopes
from approvals import operations, queries
from approvals.errors import BadRequest, Conflict, Halted, NotAllowed, NotFound
from approvals.models import Action, Halt, Release
from audit import queries as log
from tests import factories
from tests.factories import call, decide, lines, work
from tests.fakes import clock_moved

pytestmark = pytest.mark.usefixtures("agents", "shapes")


def halt(cast, scope="everything", target=""):
    return operations.halt(scope=scope, target=target, reason="something is wrong", by=cast.operator, door="web")


def release(cast, order):
    return factories.release(order, cast)


@pytest.fixture(params=["everything", "agent", "version", "tool", "customer", "run"])
def stopped(request, cast, world):
    """A run that waits with its question, and the order that stops it."""
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    action.refresh_from_db()
    named = {"version": action.agent_version, "tool": action.tool, "customer": action.customer}
    target = {"everything": "", "agent": "calls", "run": str(run.pk), **named}[request.param]
    return run, action, lambda: halt(cast, request.param, target)


def test_a_terminal_says_why_a_run_does_not_go_on(cast, world, capsys):
    run = factories.run(cast.reviewer, call(), world=world)
    order = halt(cast, "agent", "calls")
    call_command("runs", "show", str(run.pk))
    assert f"halted by olga: something is wrong; nothing of it goes on until order {order.pk} is released" in capsys.readouterr().out
    release(cast, order)
    call_command("runs", "show", str(run.pk))
    assert "halted" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("scope", "target", "name", "why"),
    [
        ("everything", "agent", "cals", "There is no agent"),
        ("everything", "run", "667e7f3d", "copy it whole"),
        ("everything", "run", "667e7f3d-4f49-4cfe-bd85-0054f07b8782", "no such run"),
        ("agent", "run", "", "does not stop that run"),
        ("version", "run", "", "does not stop that run"),
    ],
)
def test_what_is_let_go_on_is_there_and_under_the_order(cast, world, scope, target, name, why):
    """A slip of the pen is not taken for a release: it was said to go on."""
    run, _action = factories.waiting(cast.reviewer, call(), world=world)
    order = halt(cast, scope, {"agent": "another", "version": "calls@7"}.get(scope, ""))
    with pytest.raises((BadRequest, AgentError), match=why):
        agents.order_release(order.pk, scope=target, target=name or str(run.pk), reason="a try", by=cast.operator, door="cli")
    assert not Release.objects.exists()


def test_a_run_under_the_order_goes_on(cast, world):
    run, _action = factories.waiting(cast.reviewer, call(), world=world)
    order = halt(cast, "version", "calls@1")
    assert not agents.order_release(order.pk, scope="run", target=str(run.pk), reason="a try", by=cast.operator, door="cli").waits


@pytest.mark.parametrize("scope", ["", "agent", "version"])
def test_a_terminal_says_that_a_run_it_starts_is_halted(cast, world, capsys, scope):
    if scope:
        halt(cast, scope, "calls@1" if scope == "version" else "calls")
    call_command("runs", "start", "calls", "--input", json.dumps({"todo": [], "world": str(world)}), "--by", "olga")
    said = capsys.readouterr()
    assert str(Run.objects.get().pk) in said.out and ("It is halted" in said.err) == bool(scope)


def test_the_fence_of_a_call_never_falls(cast, world):
    _run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    agents.execute(action.pk)
    with pytest.raises(Exception, match="fence_only_rises"), transaction.atomic():
        Effect.objects.filter(pk=action.pk).update(fence=0)


def test_what_is_halted_is_not_decided(cast, stopped):
    _, action, order = stopped
    order()
    for verdict in ("approve", "reject", "respond"):
        with pytest.raises(Halted, match=r"halted by olga \(something is wrong\)"):
            decide(action, cast.second, verdict)
    with pytest.raises(Halted):
        operations.request_edit(action.pk, by=cast.second, seen_digest=action.digest, args={"label": "x"}, door="web")


def test_what_is_halted_is_not_executed_and_its_approval_does_not_survive(cast, world, stopped):
    run, action, order = stopped
    decide(action, cast.second)
    given = order()
    work()
    assert (lines(world), Effect.objects.get().state, Action.objects.get(pk=action.pk).state) == ([], "READY", "APPROVED")
    release(cast, given)
    work()
    action.refresh_from_db()
    assert (lines(world), action.state, action.version, Effect.objects.count()) == ([], "PENDING", 2, 0)
    decide(action, cast.second)
    work()
    assert len(lines(world)) == 1
    assert Run.objects.get(pk=run.pk).state == "SUCCEEDED"


def test_what_is_halted_does_not_run_out(cast, stopped):
    _, action, order = stopped
    order()
    with clock_moved(days=3):
        assert operations.expire_due() == 0
    assert Action.objects.get(pk=action.pk).state == "PENDING"


def test_what_is_halted_is_not_driven(cast, world):
    run = factories.run(cast.reviewer, call("look"), world=world)
    order = halt(cast)
    work()
    assert (Run.objects.get(pk=run.pk).state, lines(world)) == ("CREATED", [])
    release(cast, order)
    work()
    assert Run.objects.get(pk=run.pk).state == "SUCCEEDED"


def test_another_agent_goes_on(cast, world):
    halt(cast, "agent", "row")
    run = factories.run(cast.reviewer, call("look"), world=world)
    work()
    assert Run.objects.get(pk=run.pk).state == "SUCCEEDED"


def test_what_policy_passes_is_halted_too_and_passes_again_after_the_release(cast, world):
    run = factories.run(cast.reviewer, call("look"), world=world)
    agents.advance_run(run.pk)
    order = halt(cast)
    work()
    assert lines(world) == []
    release(cast, order)
    work()
    assert len(lines(world)) == 1
    assert Run.objects.get(pk=run.pk).state == "SUCCEEDED"


def test_what_once_needed_a_person_is_not_passed_by_policy_after_a_release(cast, world, policy):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    order = operations.halt(scope="everything", reason="why", by=cast.operator, door="web")
    policy.write_text(policy.read_text().replace("write: 26", "write: 0"))
    factories.release(order, cast)
    work()
    action.refresh_from_db()
    assert (action.state, action.level, lines(world)) == ("PENDING", "medium", [])


def test_a_call_already_claimed_ends_with_its_own_outcome(cast, world, monkeypatch):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    ran = runner.run

    def and_halt(*args):
        halt(cast)
        return ran(*args)

    monkeypatch.setattr(runner, "run", and_halt)
    assert agents.execute(action.pk) == "DONE"
    assert len(lines(world)) == 1
    work()
    assert Run.objects.get(pk=run.pk).state == "READY"


def test_two_orders_are_lifted_one_by_one(cast, stopped):
    _, action, order = stopped
    first, second = order(), halt(cast, "agent", "calls") if not Halt.objects.filter(scope="agent").exists() else halt(cast)
    release(cast, first)
    with pytest.raises(Halted):
        decide(action, cast.second)
    release(cast, second)
    assert decide(action, cast.second).resolved


def test_the_same_scope_is_halted_once_and_released_once(cast):
    order = halt(cast)
    with pytest.raises(Conflict, match="halted already"):
        halt(cast)
    release(cast, order)
    with pytest.raises(Conflict, match="Released already by olga"):
        release(cast, order)
    assert halt(cast).pk != order.pk


@pytest.mark.parametrize(
    ("scope", "target", "reason"),
    [
        ("everything", "", ""),
        ("everything", "", " \n"),
        ("everything", "", "x" * 2_001),
        ("everything", "", "nul\x00"),
        ("everything", "", "\ud800"),
        ("everything", "calls", "why"),
        ("agent", "", "why"),
        ("run", "", "why"),
        ("agent", "nul\x00", "why"),
        ("agent", "\ud800", "why"),
        ("agent", "x" * 201, "why"),
        ("world", "", "why"),
        ("", "", "why"),
    ],
)
def test_an_order_that_says_too_little_stops_nothing(cast, scope, target, reason):
    with pytest.raises(BadRequest):
        operations.halt(scope=scope, target=target, reason=reason, by=cast.operator, door="web")
    assert not Halt.objects.exists()


def test_only_operators_and_admins_halt_and_release(cast):
    order = operations.halt(scope="everything", reason="why", by=cast.admin, door="web")
    for person in (cast.reviewer, cast.auditor, cast.outsider, cast.locked):
        with pytest.raises(NotAllowed):
            operations.halt(scope="agent", target="calls", reason="why", by=person, door="web")
        with pytest.raises(NotAllowed):
            operations.release(order.pk, reason="why", by=person, door="web")


@pytest.mark.parametrize("unknown", [0, -1, 10**30, "", "x", "\x00", "\u0661" * 3, None])
def test_an_unknown_order_is_not_found(cast, unknown):
    with pytest.raises(NotFound):
        operations.release(unknown, reason="why", by=cast.operator, door="web")


def test_release_needs_a_reason(cast):
    order = halt(cast)
    with pytest.raises(BadRequest):
        factories.release(order, cast, reason=" ")


def test_orders_are_in_the_log(cast):
    release(cast, halt(cast, "agent", "calls"))
    assert [(e.kind, e.agent, e.data["reason"]) for e in log.events(stream="halt").rows] == [
        ("halt.released", "calls", "it was nothing"),
        ("halt.ordered", "calls", "something is wrong"),
    ]


def test_frozen_rows_do_not_starve_others(cast, world):
    """Each sweep takes a limited batch: what a halt freezes must not fill it."""
    for _ in range(3):
        frozen = factories.run(cast.reviewer, call("look"), agent="row", world=world)
    _, waits = factories.waiting(cast.reviewer, call(), agent="row", world=world)
    halt(cast, "agent", "row")
    free = factories.run(cast.reviewer, call("look"), world=world)
    mine = factories.action()
    with clock_moved(minutes=40):
        assert operations.expire_due(limit=1) == 1
        assert agents.recover(limit=1).runs == [str(free.pk)]
    assert Action.objects.get(pk=mine.pk).state == "EXPIRED"
    assert Action.objects.get(pk=waits.pk).state == "PENDING"
    assert Run.objects.get(pk=frozen.pk).state != "FAILED"


@pytest.mark.django_db(transaction=True)
def test_a_running_graph_stops_at_its_next_step_and_goes_on_after_the_release(cast, world):
    import threading
    import time

    from django.db import connection

    run = factories.run(cast.reviewer, agent="slow", world=world, steps=12)

    def drive():
        agents.advance_run(run.pk)
        connection.close()

    driver = threading.Thread(target=drive)
    driver.start()
    while len(lines(world)) < 2:
        time.sleep(0.02)
    order = halt(cast, "run", str(run.pk))
    driver.join(20)
    steps = len(lines(world))
    assert (Run.objects.get(pk=run.pk).state, steps < 12) == ("HALTED", True)
    assert agents.recover().runs == []
    release(cast, order)
    agents.recover()
    work()
    assert Run.objects.get(pk=run.pk).state == "SUCCEEDED"
    assert len(lines(world)) == 12


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_runs_graph_stops_at_its_next_step(cast, world):
    import threading
    import time

    from django.db import connection

    run = factories.run(cast.reviewer, agent="slow", world=world, steps=20)

    def drive():
        agents.advance_run(run.pk)
        connection.close()

    driver = threading.Thread(target=drive)
    driver.start()
    while len(lines(world)) < 2:
        time.sleep(0.02)
    agents.cancel_run(run.pk, reason="enough", by=cast.operator, door="web")
    driver.join(20)
    assert (Run.objects.get(pk=run.pk).state, len(lines(world)) < 12) == ("CANCELLED", True)


@pytest.mark.django_db(transaction=True)
def test_an_order_given_while_somebody_decides_waits_for_the_decision(cast, monkeypatch):
    """What is approved is older than the order, so that it does not survive the release."""
    import threading

    from django.db import connection

    from approvals.operations import counting

    action, seen, votes = factories.action(), threading.Event(), counting.votes

    def slow(*args):
        seen.set()
        ordered.join(1)
        return votes(*args)

    monkeypatch.setattr(counting, "votes", slow)

    def order():
        seen.wait(10)
        halt(cast, "everything")
        connection.close()

    ordered = threading.Thread(target=order)
    ordered.start()
    decide(action, cast.reviewer)
    ordered.join(10)
    resolved_at = Action.objects.get(pk=action.pk).resolved_at
    assert resolved_at is not None and resolved_at < Halt.objects.get().created_at


@pytest.mark.parametrize("what", ["--agent", "--run", "--tool", "--customer", "--agent-version"])
def test_an_empty_name_halts_nothing(cast, what):
    """A shell's variable that is not set halted everything."""
    with pytest.raises(CommandError):
        call_command("halt", what, "", "--reason", "x", "--by", "olga")
    assert not queries.active_halts()


def test_an_empty_name_releases_nothing(cast):
    call_command("halt", "--everything", "--reason", "x", "--by", "olga")
    (order,) = queries.active_halts()
    for on in ("--on-agent", "--on-run"):
        with pytest.raises(CommandError):
            call_command("halt", "--release", str(order.id), on, "", "--reason", "x", "--by", "ada")
    assert [one.id for one in queries.active_halts()] == [order.id]


def test_what_a_halt_would_stop_is_counted_before_and_nothing_is_ordered(cast, world, capsys):
    """The one count of the page, the API and the command line."""
    run, action = factories.waiting(cast.reviewer, call(label="a"), call(label="b"), world=world)
    factories.waiting(cast.reviewer, call(label="c"), agent="row", world=world)
    decide(action, cast.second)
    claimed = Action.objects.filter(run=str(run.pk), state="PENDING").get()
    decide(claimed, cast.second)
    Effect.objects.filter(pk=claimed.pk).update(state="CLAIMED", claimed_at=Now(), lease_until=Now() + timedelta(minutes=1), fence=1)
    Action.objects.filter(pk=claimed.pk).update(claimed_at=Now())
    expected = {
        ("everything", ""): (2, 2, 1),
        ("agent", "calls"): (1, 1, 1),
        ("version", "calls@1"): (1, 1, 1),
        ("tool", "append"): (2, 2, 1),
        ("run", str(run.pk)): (1, 1, 1),
    }
    for (scope, target), counts in expected.items():
        named, found = agents.count_halt(scope=scope, target=target, by=cast.operator)
        assert (named, found.runs, found.actions, found.calls) == (target, *counts), scope
        said = halt_scopes.scope(scope, target).counts
        assert f"freezes {counts[1]} action" in said and "1 call has begun" in said
    call_command("halt", "--agent", "calls", "--count", "--by", "olga")
    assert capsys.readouterr().out.startswith(
        "Nothing is ordered. Halting agent calls now: 1 run stopped, 1 action frozen, 1 call already runs"
    )
    assert not queries.active_halts()
    call_command("halt", "--agent", "calls", "--reason", "x", "--by", "olga")
    assert "1 run stopped, 1 action frozen, 1 call already runs" in capsys.readouterr().out


def test_a_count_is_refused_as_the_order_would_be(cast):
    for scope, target, error in (("agent", "nobody", UnknownAgent), ("everything", "calls", BadRequest), ("galaxy", "x", BadRequest)):
        with pytest.raises(error):
            agents.count_halt(scope=scope, target=target, by=cast.operator)
    with pytest.raises(NotAllowed):
        agents.count_halt(scope="everything", by=cast.reviewer)
    with pytest.raises(CommandError):
        call_command("halt", "--agent", "", "--count", "--by", "olga")
    stop = operations.halt(scope="tool", target="append", reason="x", by=cast.operator, door="web")
    for words in (["--release", str(stop.pk)], ["--list"]):  # whoever only counts lets nothing go
        with pytest.raises(CommandError, match="not with --list or --release"):
            call_command("halt", *words, "--count", "--reason", "looking", "--by", "olga")
    assert [s.id for s in queries.active_halts()] == [stop.pk]
