"""Halts that no person gives: what is counted, that nothing counts twice, that they stop as any other order does."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.timezone import now

from agents import operations as agents
from agents import tasks
from agents.errors import UnknownAgent
from agents.models import Effect, Run
from agents.operations import auto_halts
from approvals import operations, queries
from approvals.errors import BadRequest, NotAllowed
from approvals.models import Halt
from approvals.queries import halt_rules
from audit import queries as log
from audit import traces
from tests import factories
from tests.factories import asked, call, decide, lines, work
from tests.fakes import as_intruder, together

pytestmark = pytest.mark.usefixtures("agents", "shapes")


def rule(cast, kind, most, *, by=None, **more):
    figures = {"active": True, "share": 0, "window_s": 600, **more}
    return auto_halts.set_rule(kind=kind, most=most, reason="as agreed", by=by or cast.operator, door="web", **figures)


def ends(cast, world, *tools):
    """A run whose calls are approved one after the other; "refuse" fails, "append" is done."""
    run = factories.run(cast.reviewer, *[call(tool, label=tool) for tool in tools], world=world)
    work()
    for action in asked(run):
        decide(action, cast.second)
    work()
    return Run.objects.get(pk=run.pk)


def rejected(cast, run, times):
    for _ in range(times):
        decide(asked(run)[0], cast.second, "reject", reason="no")
        work()


def test_an_agent_whose_calls_fail_is_halted_like_by_a_person_and_says_which_rule_and_figures(cast, world):
    rule(cast, "failed_calls", 3, share=50)
    ends(cast, world, "refuse", "refuse", "append")
    assert auto_halts.look() == []
    _run, approved = factories.waiting(cast.reviewer, call(), world=world)
    _run, fails = factories.waiting(cast.reviewer, call("refuse", label="x"), world=world)
    for action in (approved, fails):
        decide(action, cast.second)
    agents.execute(fails.pk)
    tasks.watch()
    order = Halt.objects.get()
    assert (order.scope, order.target, order.by, order.by_name, order.rule, order.door) == (
        "agent", "calls", None, "Countersign", "failed_calls", "beat",
    )  # fmt: skip
    assert order.reason == "Rule failed_calls: 3 of 4 calls failed within 10 min; from 3 on, and 50 percent, it halts"
    event = next(e for e in log.events(kind="halt.ordered").rows)
    assert (event.actor_kind, event.data["rule"], event.agent) == ("system", "failed_calls", "calls")
    work()
    assert (Effect.objects.get(pk=approved.pk).state, len(lines(world))) == ("READY", 1)  # nothing is claimed under it
    factories.release(order, cast)
    work()
    approved.refresh_from_db()
    assert (approved.state, approved.version) == ("PENDING", 2)  # approvals given before do not survive it


def test_look_ups_that_passed_by_themselves_halt_nothing_when_they_fail(cast, world):
    """Whoever may start runs could have stopped the agent for everybody, by names that are not there; only operators may."""
    rule(cast, "failed_calls", 2, share=50)
    factories.run(cast.reviewer, *[call("look", value="amiss") for _ in range(6)], world=world)
    work()
    assert Effect.objects.filter(state="FAILED").count() == 6
    assert auto_halts.look() == []
    ends(cast, world, "refuse", "refuse", "append", "append")
    (order,) = auto_halts.look()
    assert "2 of 4 calls failed" in order.reason


def test_the_same_failures_halt_once_and_new_ones_again(cast, world):
    rule(cast, "failed_calls", 2)
    ends(cast, world, "refuse", "refuse")
    (order,) = auto_halts.look()
    assert auto_halts.look() == []
    factories.release(order, cast)
    assert auto_halts.look() == []
    ends(cast, world, "refuse")
    assert auto_halts.look() == []
    ends(cast, world, "refuse")
    (again,) = auto_halts.look()
    assert again.pk != order.pk


def test_what_a_person_released_counts_from_then_on_whoever_had_halted_it(cast, world):
    rule(cast, "failed_calls", 2)
    ends(cast, world, "refuse", "refuse")
    order = operations.halt(scope="everything", reason="a look", by=cast.operator, door="web")
    assert auto_halts.look() == []  # it is stopped already
    factories.release(order, cast)
    assert auto_halts.look() == []


def test_a_share_has_to_be_reached_as_well(cast, world):
    rule(cast, "failed_calls", 2, share=50)
    ends(cast, world, "refuse", "refuse", "append", "append", "append")
    assert auto_halts.look() == []
    ends(cast, world, "refuse")
    assert [order.target for order in auto_halts.look()] == ["calls"]


def test_what_is_older_than_the_window_does_not_count(cast, world):
    rule(cast, "failed_calls", 2, window_s=60)
    ends(cast, world, "refuse", "refuse")
    with as_intruder("approvals_action") as cursor:
        cursor.execute("UPDATE approvals_action SET settled_at = settled_at - interval '2 minutes'")
    assert auto_halts.look() == []


def test_an_agent_whose_runs_fail_is_halted(cast, world):
    rule(cast, "failed_runs", 2, share=50)
    for _ in range(2):
        assert auto_halts.look() == []
        factories.run(cast.reviewer, agent="poisoned", world=world)
        work()
    (order,) = auto_halts.look()
    assert (order.target, order.reason) == (
        "poisoned", "Rule failed_runs: 2 of 2 runs failed within 10 min; from 2 on, and 50 percent, it halts",
    )  # fmt: skip


def test_an_agent_that_uses_more_than_its_budget_is_halted(cast, world):
    rule(cast, "tokens", 1_000, agent="calls")
    run, _action = factories.waiting(cast.reviewer, call(), world=world)
    for n, tokens in enumerate((400, 599)):
        traces.record([span(run, n, tokens)])
    assert auto_halts.look() == []
    traces.record([span(run, 2, 1)])
    (order,) = auto_halts.look()
    assert (order.scope, order.target) == ("agent", "calls")
    assert order.reason == "Rule tokens: 1,000 tokens used within 10 min; from 1,000 on it halts"
    factories.release(order, cast)
    assert auto_halts.look() == []


def span(run, n, tokens):
    usage = {"usage": {"total_tokens": tokens}}
    return traces.SpanRecord(str(run.pk), "model", "plan", f"k{n}", now(), status="done", attributes=usage)


def test_a_run_whose_proposals_are_rejected_in_a_row_is_halted_and_no_other(cast, world):
    rule(cast, "rejected_run", 3)
    other, _ = factories.waiting(cast.reviewer, call(), world=world)
    run = factories.run(cast.reviewer, *[call(label=f"l{n}") for n in range(6)], agent="row", world=world)
    work()
    rejected(cast, run, 2)
    decide(asked(run)[0], cast.second)  # a yes ends the row
    work()
    rejected(cast, run, 2)
    assert auto_halts.look() == []
    rejected(cast, run, 1)
    assert auto_halts.look() == []  # the run has ended: there is nothing to stop
    run = factories.run(cast.reviewer, *[call(label=f"m{n}") for n in range(6)], agent="row", world=world)
    work()
    rejected(cast, run, 3)
    (order,) = auto_halts.look()
    assert (order.scope, order.target, order.rule) == ("run", str(run.pk), "rejected_run")
    assert order.reason == "Rule rejected_run: 3 proposals of this run rejected in a row within 10 min; from 3 on it halts"
    assert not queries.halted(agent="calls", run=str(other.pk))


def test_an_agent_whose_proposals_are_rejected_in_a_row_is_halted(cast, world):
    rule(cast, "rejected_agent", 3)
    for _ in range(3):
        assert auto_halts.look() == []
        rejected(cast, factories.waiting(cast.reviewer, call(), world=world)[0], 1)
    assert [(order.scope, order.target) for order in auto_halts.look()] == [("agent", "calls")]


def test_a_rule_of_its_own_counts_instead_of_that_of_all(cast, world):
    rule(cast, "failed_calls", 1)
    rule(cast, "failed_calls", 1, agent="calls", active=False)
    ends(cast, world, "refuse", "refuse")
    assert auto_halts.look() == []


def test_a_loop_is_automatic_too(cast, world, policy):
    run = factories.run(cast.reviewer, *[call()] * 7, agent="row", world=world)
    work()
    decide(asked(run)[0], cast.second, "reject", reason="no")
    work()
    assert [stop.rule for stop in queries.active_halts()] == ["loop"]


@pytest.mark.django_db(transaction=True)
def test_many_who_look_at_once_give_one_order(cast, world):
    rule(cast, "failed_calls", 2)
    ends(cast, world, "refuse", "refuse")
    found = together([auto_halts.look] * 6)
    assert sorted(len(orders) for orders in found) == [0, 0, 0, 0, 0, 1]
    assert Halt.objects.count() == 1


def test_operators_set_rules_with_a_reason_which_is_kept(cast):
    with pytest.raises(NotAllowed):
        rule(cast, "failed_calls", 3, by=cast.reviewer)
    with pytest.raises(UnknownAgent):
        rule(cast, "failed_calls", 3, agent="nobody-of-that-name")
    for wrong in ({"kind": "mood", "most": 3}, {"kind": "tokens", "most": 0}, {"kind": "tokens", "most": 3, "window_s": 5}):
        with pytest.raises(BadRequest):
            rule(cast, **wrong)
    (set_,) = [r for r in (rule(cast, "failed_calls", 3),) if r]
    event = next(e for e in log.events(kind="halt.rule_set").rows)
    assert (set_.by, event.data["most"], event.data["before"]["most"], event.data["reason"]) == ("olga", 3, 10, "as agreed")


def test_the_settings_say_what_counts_before_anybody_did(settings):
    settings.AUTO_HALTS = {**settings.AUTO_HALTS, "failed_calls": 0, "tokens": 5}
    found = {r.kind: r for r in halt_rules.rules()}
    assert (found["failed_calls"].active, found["tokens"].active, found["tokens"].most, found["tokens"].by) == (False, True, 5, "")


def test_the_small_indexes_are_the_ones_that_lead(cast, world):
    ends(cast, world, "refuse")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT 1 FROM approvals_action a WHERE (a.outcome -> 'status') = '\"failed\"'::jsonb AND a.settled_at > now()"
        )
        assert "action_failed" in str(cursor.fetchall())


def test_a_rule_is_set_in_a_terminal(cast, capsys):
    call_command("halt_rules", "set", "rejected_run", most=7, minutes=20, reason="so", by="olga")
    assert "from 7 on within 20 min" in capsys.readouterr().out
    call_command("halt_rules", "set", "rejected_run", off=True, reason="so", by="olga")
    assert halt_rules.rule_for(halt_rules.rules(), "rejected_run", "").active is False
    with pytest.raises(CommandError, match="Only operators"):
        call_command("halt_rules", "set", "rejected_run", most=7, reason="so", by="rita")
    with pytest.raises(CommandError, match="There is no rule"):
        call_command("halt_rules", "set", "mood", reason="so", by="olga")
