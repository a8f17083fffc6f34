"""A run paused for its budget goes on when what kept it is gone, says why it is held as things are now, and keeps an operator's order to take one step."""

import pytest

from agents import operations as agents
from agents.models import Run
from approvals import operations as approvals
from approvals.models import Action
from tests import factories
from tests.factories import asked, call, decide, lines, work
from tests.fakes import clock_moved
from tests.integration.test_budgets import DAY, a_day, costs, fresh, give, kinds, state
from tests.integration.test_overriding import order, start_of

pytestmark = pytest.mark.usefixtures("transactional_db", "agents", "shapes")


def stuck(cast, world, *more):
    """A run paused since one approved call costs five where one is left."""
    run, action = factories.waiting(cast.reviewer, costs(5), *more, world=world)
    give(run, cast, money="1")
    decide(action, cast.second)
    work()
    assert (state(run), fresh(run).needs_micros) == (("PAUSED", "budget"), 5_000_000)
    action.refresh_from_db()
    return run, action


def swept():
    for _ in range(2):
        agents.recover(wake=False)
        work()


def test_a_call_that_an_operator_answers_for_keeps_its_run_no_more(cast, world):
    run, action = stuck(cast, world)
    agents.answer_for(action.pk, {"appended": "by hand"}, seen_digest=action.digest, reason="done by hand", by=cast.operator, door="web")
    work()
    assert (fresh(run).state, fresh(run).hold, fresh(run).needs_micros, lines(world)) == ("SUCCEEDED", "", 0, [])


def test_a_call_whose_approval_expires_keeps_its_run_no_more(cast, world):
    run, action = stuck(cast, world)
    with clock_moved(minutes=3 * DAY):
        swept_and_expired()
    assert (Action.objects.get(pk=action.pk).state, lines(world)) == ("EXPIRED", [])
    assert fresh(run).hold == "" and fresh(run).state not in {"PAUSED", "WAITING"}


def swept_and_expired():
    approvals.expire_due()
    swept()


def test_a_call_that_a_rewind_took_away_keeps_its_run_no_more(cast, world):
    run, _action = stuck(cast, world)
    order(run, cast.operator, checkpoint=start_of(run))
    work()
    (anew,) = asked(run)
    decide(anew, cast.second, "reject", reason="never mind")
    swept()
    assert fresh(run).hold == "" and fresh(run).state not in {"PAUSED", "WAITING", "READY"}


def test_a_call_that_is_gone_leaves_its_run_paused_where_nothing_is_left_and_its_reason_is_the_budgets_own(cast, world):
    run, action = stuck(cast, world)
    Run.objects.filter(pk=run.pk).update(spent_micros=1_000_000)
    agents.answer_for(action.pk, {"appended": "x"}, seen_digest=action.digest, reason="done by hand", by=cast.operator, door="web")
    swept()
    assert state(run) == ("PAUSED", "budget")
    assert fresh(run).held_why == "Over its budget: 1.00 of 1.00 USD"
    give(run, cast, money="1.01")
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", [])


def test_a_cancelled_run_is_not_let_on_by_what_its_calls_would_have_cost(cast, world):
    run, _action = stuck(cast, world)
    agents.cancel_run(run.pk, reason="enough", by=cast.operator, door="web")
    swept()
    assert (fresh(run).state, lines(world)) == ("CANCELLED", []) and "run.within_budget" not in kinds(run)


def test_an_order_to_take_one_step_outlives_a_pause_for_the_budget(cast, world):
    """The control is the same without a budget: after its step the run is paused."""
    ends = {}
    for name in ("control", "budget"):
        run, _action = factories.waiting(cast.reviewer, costs(0.5, name), call("append", label="next"), world=world)
        agents.pause_run(run.pk, reason="look", by=cast.operator, door="web")
        agents.step_run(run.pk, reason="one by one", by=cast.operator, door="web")
        if name == "budget":
            give(run, cast, money="0.1")
        for one in asked(run):
            decide(one, cast.second)
        work()
        if name == "budget":
            assert state(run) == ("PAUSED", "budget")
            give(run, cast, money="9")
            assert (fresh(run).hold, fresh(run).held_by, fresh(run).held_why) == ("step", cast.operator.get_username(), "one by one")
            work()
        swept()
        ends[name] = state(run)
    assert ends["control"] == ends["budget"] == ("PAUSED", "pause"), ends


def test_the_reason_of_a_pause_is_that_of_the_limits_as_they_are_now(cast, world):
    run, _action = stuck(cast, world)
    give(run, cast, money="2")
    assert (state(run), fresh(run).held_why) == (
        ("PAUSED", "budget"),
        "Over its budget: a call would cost 5.00 more, and 0.00 of 2.00 USD is spent",
    )
    a_day(cast, "calls", money="3")
    give(run, cast, money="none")
    assert "what the agent calls may" in fresh(run).held_why and "of 3.00 USD" in fresh(run).held_why
    a_day(cast, "calls", money="4")
    assert "of 4.00 USD" in fresh(run).held_why and state(run) == ("PAUSED", "budget")
