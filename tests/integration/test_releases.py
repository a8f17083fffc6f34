"""Lifting a stop order: two people for all of everything, one run or one agent first, and nothing approved before it survives."""

import pytest
from django.db import transaction

from agents import operations as agents
from agents.errors import AgentError
from agents.models import Agent, AgentVersion, Run
from approvals import operations, queries
from approvals.errors import BadRequest, Conflict, Halted, NotFound, Stale
from approvals.models import Action, Decision, Halt, Release
from approvals.operations import claiming, one_person, people
from audit import queries as log
from tests import factories
from tests.factories import call, decide, lines, work
from tests.fakes import clock_moved

pytestmark = pytest.mark.usefixtures("agents", "shapes")


def halt(cast, scope="everything", target=""):
    return operations.halt(scope=scope, target=target, reason="something is wrong", by=cast.operator, door="web")


def release(order, by, scope="all", target=""):
    return operations.release(order.pk, scope=scope, target=target, reason="looked at it", by=by, door="web")


def test_everything_is_released_by_two_people(cast, world):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    order = halt(cast)
    assert release(order, cast.operator).waits
    with pytest.raises(Halted):
        decide(action, cast.second)
    with pytest.raises(Conflict, match="somebody else"):
        release(order, cast.operator)
    assert [w.by for w in queries.halt(order.pk).waits] == ["olga"]
    done = release(order, cast.admin)
    assert not done.waits and done.order.released_by_name == "olga, ada"
    assert decide(action, cast.second).resolved
    assert [e.kind for e in log.events(stream="halt").rows] == ["halt.released", "halt.release_asked", "halt.ordered"]


def test_two_accounts_of_one_person_are_not_two_people(cast):
    one_person.same("ada", "olga", by=cast.admin, door="cli")
    order = halt(cast)
    other = people.ensure_person(username="omar", roles=["operators"])
    assert release(order, cast.operator).waits
    with pytest.raises(Conflict):
        release(order, cast.admin)
    assert not release(order, other).waits


def test_who_says_what_they_have_read_confirms_nothing_else(cast):
    order = halt(cast)
    said = {"reason": "looked at it", "by": cast.admin, "door": "slack"}
    with pytest.raises(Stale, match="counts no more"):
        operations.release(order.pk, seen=7, **said)
    assert operations.release(order.pk, seen=0, **{**said, "by": cast.operator}).waits
    with pytest.raises(Stale, match="olga has asked for this meanwhile"):
        operations.release(order.pk, seen=0, **said)
    (asked,) = queries.halt(order.pk).waits
    assert Halt.objects.get().released_at is None and not operations.release(order.pk, seen=asked.id, **said).waits


def test_who_asked_counts_only_while_they_could_still_ask(cast):
    order = halt(cast)
    assert release(order, cast.operator).waits
    cast.operator.groups.clear()
    assert queries.halt(order.pk).waits == ()
    others = [people.ensure_person(username=name, roles=["operators"]) for name in ("omar", "otis")]
    assert release(order, others[0]).waits
    others[0].is_active = False
    others[0].save()
    assert release(order, others[1]).waits and Halt.objects.get().released_at is None
    assert not release(order, cast.admin).waits


def test_who_is_alone_releases_alone(cast):
    cast.admin.is_active = False
    cast.admin.save()
    assert not release(halt(cast), cast.operator).waits


def test_what_was_asked_an_hour_ago_is_asked_again(cast):
    order = halt(cast)
    release(order, cast.operator)
    with clock_moved(minutes=61):
        assert queries.halt(order.pk).waits == ()
        assert release(order, cast.admin).waits
    assert Halt.objects.get().released_at is None


def test_one_run_goes_on_first_and_the_order_stands_for_the_others(cast, world):
    run, action = factories.waiting(cast.reviewer, call(label="one"), world=world)
    _, other = factories.waiting(cast.reviewer, call(label="two"), world=world)
    decide(action, cast.second)
    order = halt(cast)
    assert not release(order, cast.operator, "run", str(run.pk)).waits
    work()
    action.refresh_from_db()
    assert (lines(world), action.state, action.version) == ([], "PENDING", 2), "an approval from before the halt survived"
    decide(action, cast.second)
    work()
    assert (Run.objects.get(pk=run.pk).state, len(lines(world))) == ("SUCCEEDED", 1)
    with pytest.raises(Halted):
        decide(other, cast.second)
    late = factories.run(cast.reviewer, call("look"), world=world)
    work()
    assert Run.objects.get(pk=late.pk).state == "CREATED"


def test_an_approval_that_was_not_listed_is_refused_by_the_claim_of_a_run_that_goes_on(cast, world, monkeypatch):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    order = halt(cast)
    monkeypatch.setattr(operations.releasing, "_approved_before", lambda done: [])
    release(order, cast.operator, "run", str(run.pk))
    work()
    action.refresh_from_db()
    assert (lines(world), action.state) == ([], "PENDING")


def test_an_agent_under_everything_takes_two_and_under_a_tool_one(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    order = halt(cast)
    assert release(order, cast.operator, "agent", "calls").waits
    assert not release(order, cast.admin, "agent", "calls").waits
    decide(action, cast.second)
    work()
    assert Run.objects.get(pk=run.pk).state == "SUCCEEDED"
    tool = halt(cast, "tool", action.tool)
    _, second = factories.waiting(cast.reviewer, call(label="two"), world=world)
    with pytest.raises(Halted, match=f"tool {action.tool} is halted"):
        decide(second, cast.second)
    assert not release(tool, cast.operator, "agent", "calls").waits
    assert decide(second, cast.second).resolved


def test_what_ran_out_under_the_order_gets_its_time_again_when_it_goes_on(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    order = halt(cast)
    with clock_moved(days=3):
        release(order, cast.operator, "run", str(run.pk))
        action.refresh_from_db()
        assert (action.state, action.version, operations.expire_due()) == ("PENDING", 2, 0)


@pytest.mark.parametrize(
    ("scope", "target"), [("some", ""), ("all", "calls"), ("run", ""), ("agent", ""), ("run", "\x00"), ("agent", "a" * 201), ("", "x")]
)
def test_bad_steps_are_refused(cast, scope, target):
    order = halt(cast)
    with pytest.raises(BadRequest):
        release(order, cast.operator, scope, target)
    assert not Release.objects.exists()


def test_steps_that_make_no_sense_are_refused(cast, world):
    run, _ = factories.waiting(cast.reviewer, call(), world=world)
    with pytest.raises(BadRequest, match="one run only"):
        release(halt(cast, "run", str(run.pk)), cast.operator, "run", str(run.pk))
    agent = halt(cast, "agent", "calls")
    with pytest.raises(BadRequest, match="no other agents"):
        release(agent, cast.operator, "agent", "row")
    release(agent, cast.operator, "run", str(run.pk))
    with pytest.raises(Conflict, match="already"):
        release(agent, cast.operator, "run", str(run.pk))


def test_a_halted_tool_stops_its_calls_and_nothing_else(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    halt(cast, "tool", "look")
    decide(action, cast.second)
    work()
    assert Run.objects.get(pk=run.pk).state == "SUCCEEDED"
    looks = factories.run(cast.reviewer, call("look"), world=world)
    work()
    assert (Run.objects.get(pk=looks.pk).state, len(lines(world))) == ("WAITING", 1)
    assert agents.recover(wake=False) is not None
    factories.release(Halt.objects.get(), cast)
    work()
    assert Run.objects.get(pk=looks.pk).state == "SUCCEEDED"


def test_a_version_is_halted_while_it_is_in_force_and_what_it_asked_stays_frozen(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    action.refresh_from_db()
    assert action.agent_version.startswith("calls@")
    halt(cast, "version", action.agent_version)
    late = factories.run(cast.reviewer, call("look"), world=world)
    work()
    assert Run.objects.get(pk=late.pk).state == "CREATED"
    with pytest.raises(Halted, match="what it asked cannot be decided"):
        decide(action, cast.second)
    assert not Decision.objects.filter(action=action).exists() and run.pk != late.pk


def test_an_order_for_the_version_that_would_act_voids_what_an_older_one_asked(cast, world):
    """The older code asked, people approved, the newer would run it: halted and released in between, it is asked again."""
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    old = AgentVersion.objects.get(agent="calls")
    values = {f: getattr(old, f) for f in ("drawing", "tools", "input_schema", "sample_inputs", "model", "policy")}
    new = AgentVersion.objects.create(agent_id="calls", number=old.number + 1, sha256="0" * 64, **values)
    Agent.objects.filter(pk="calls").update(current=new)
    order = halt(cast, "version", f"calls@{new.number}")
    with clock_moved(seconds=10):
        assert agents.recover(wake=False).effects == []
        with pytest.raises(Halted), transaction.atomic():
            operations.claim(action.pk, digest=action.digest, version=f"calls@{new.number}")
    release(order, cast.operator)
    with pytest.raises(claiming.Reopened), transaction.atomic():
        operations.claim(action.pk, digest=action.digest, version=f"calls@{new.number}")


@pytest.mark.parametrize(
    ("scope", "target"),
    [
        ("version", "calls@99"),
        ("version", "calls"),
        ("version", "calls@\u0663"),
        ("tool", "no_such"),
        ("tool", "\x00"),
        ("customer", "nobody"),
    ],
)
def test_a_slip_of_the_pen_is_not_taken_for_a_stop(cast, scope, target):
    with pytest.raises((AgentError, NotFound)):
        agents.order_halt(scope=scope, target=target, reason="why", by=cast.operator, door="cli")
    assert not Halt.objects.exists() and not Action.objects.exists()
