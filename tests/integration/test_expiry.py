"""What the database's clock ends: its own outcome, never an approval and never a rejection."""

import pytest

from approvals import operations, queries
from approvals.models import Action, Decision, Halt, Notification
from tests import factories
from tests.factories import call, decide, lines, work
from tests.fakes import clock_moved, policy_text, with_rules

pytestmark = pytest.mark.usefixtures("agents")


def test_what_nobody_decided_in_time_expires_and_the_agent_is_told(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    with clock_moved(minutes=29):
        assert operations.expire_due() == 0
    with clock_moved(minutes=31):
        assert operations.expire_due() == 1
        assert operations.expire_due() == 0
    work()
    run.refresh_from_db()
    assert (Action.objects.get(pk=action.pk).state, Decision.objects.count()) == ("EXPIRED", 0)
    assert (run.output["told"][0]["status"], lines(world)) == ("expired", [])


def test_an_approval_nobody_acted_on_in_time_expires(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    with clock_moved(minutes=20):
        assert operations.expire_due() == 1
    work()
    run.refresh_from_db()
    assert (run.output["told"][0]["status"], lines(world)) == ("expired", [])


def test_one_approval_of_two_runs_out_with_its_action(cast):
    action = factories.action("critical")
    decide(action, cast.reviewer)
    with clock_moved(hours=3):
        assert operations.expire_due() == 1
    assert Action.objects.get(pk=action.pk).resolution["verdict"] == ""


def test_what_is_decided_or_settled_does_not_expire(cast):
    decide(factories.action(), cast.reviewer, "reject")
    action = factories.approved(cast.reviewer)
    operations.claim(action.pk, digest=action.digest)
    with clock_moved(days=40):
        assert operations.expire_due() == 0


def test_an_agent_may_ask_for_less_time(cast, world):
    _, action = factories.waiting(cast.reviewer, call(extra={"timeout_s": 60}), world=world)
    with clock_moved(seconds=61):
        assert operations.expire_due() == 1
    assert Action.objects.get(pk=action.pk).state == "EXPIRED"


def test_old_hints_are_forgotten(cast):
    factories.action()
    assert operations.prune() == 0
    with clock_moved(hours=7):
        assert operations.prune() > 0
    assert not Notification.objects.filter(channel="live").exists()  # what is still owed to people stays


def test_a_browser_that_was_away_catches_up(cast):
    factories.action()
    since = queries.last_notification()
    action = factories.action()
    assert str(action.pk) in [h["object_id"] for h in queries.catch_up(since).hints]
    assert queries.catch_up(since + 10_000).resync
    assert not queries.catch_up(queries.last_notification()).resync


@pytest.mark.parametrize(
    "rule", ["{name: no-waiting, require: {at_deadline: stop_run}}", "{name: no-waiting, instead: {at_deadline: stop_run}}"]
)
def test_policy_may_halt_the_run_when_nobody_decides_in_time(cast, world, policy, rule):
    policy.write_text(with_rules(f"- {rule}"))
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    policy.write_text(policy_text())  # what was asked stands
    with clock_moved(minutes=31):
        assert operations.expire_due() == 1
    work()
    run.refresh_from_db()
    order = Halt.objects.get(scope="run", target=str(run.pk), released_at=None)
    assert (Action.objects.get(pk=action.pk).state, run.output, order.by) == ("EXPIRED", None, None)
    assert order.reason == "Nobody decided on append in time, and policy halts the run then"
    factories.release(order, cast)
    work()
    run.refresh_from_db()
    assert (run.output["told"][0]["status"], lines(world)) == ("expired", [])
