"""What changes between a decision and its execution: a cancelled run, a lost role, a halt that came and went, new code."""

import pytest
from django.contrib.auth.models import Group

from agents import operations as agents
from agents.graphs import loader
from agents.models import Effect, Pause, Run
from agents.operations import driving, stretches
from approvals import operations
from approvals.errors import NotAllowed
from approvals.models import Action
from tests import factories
from tests.factories import call, decide, lines
from tests.fakes import clock_moved

pytestmark = pytest.mark.usefixtures("agents")


def leave_the_reviewers(user):
    user.groups.remove(Group.objects.get(name="reviewers"))


def test_a_run_cancelled_before_its_worker_writes_asks_nothing(cast, world, monkeypatch):
    run = factories.run(cast.reviewer, call(), world=world)
    put_down = stretches.put_down

    def cancelled_first(*args):
        agents.cancel_run(run.pk, reason="enough", by=cast.operator, door="web")
        return put_down(*args)

    monkeypatch.setattr(driving, "put_down", cancelled_first)
    assert agents.advance_run(run.pk).state is None
    assert (Run.objects.get().state, Action.objects.count(), Pause.objects.count()) == ("CANCELLED", 0, 0)


def test_an_approved_action_of_a_cancelled_run_is_not_executed(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    Run.objects.filter(pk=run.pk).update(state="CANCELLED")  # its canceller died before closing what it asks
    assert agents.execute(action.pk) is None
    agents.close_cancelled()
    assert (lines(world), Effect.objects.get().state, Pause.objects.get().state) == ([], "FAILED", "SUPERSEDED")


def test_an_approval_by_somebody_who_left_the_group_counts_no_more(cast):
    action = factories.action("critical")
    decide(action, cast.reviewer)
    leave_the_reviewers(cast.reviewer)
    assert not decide(action, cast.second).resolved
    assert decide(action, factories.another_reviewer()).resolved


def test_an_approver_who_left_the_group_before_the_claim_sends_it_back(cast, world):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    leave_the_reviewers(cast.second)
    assert agents.execute(action.pk) is None
    action.refresh_from_db()
    assert (lines(world), action.state, action.version) == ([], "PENDING", 2)


def test_a_role_taken_away_counts_at_once(cast):
    action = factories.action()
    leave_the_reviewers(cast.reviewer)
    with pytest.raises(NotAllowed):
        decide(action, cast.reviewer)


def test_what_ran_out_of_time_during_a_halt_gets_its_time_again(cast):
    action = factories.action()
    order = operations.halt(scope="everything", reason="wait", by=cast.operator, door="web")
    with clock_moved(hours=2):
        operations.expire_due()
        factories.release(order, cast)
        operations.expire_due()
        action.refresh_from_db()
        assert (action.state, action.version) == ("PENDING", 2)
        assert decide(action, cast.reviewer).resolved


def test_a_halt_that_came_and_went_voids_an_approval_even_if_nobody_reopened_it(cast, world, monkeypatch):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    order = operations.halt(scope="everything", reason="wait", by=cast.operator, door="web")
    monkeypatch.setattr("approvals.operations.releasing._approved_before", lambda done: [])
    factories.release(order, cast)
    assert agents.execute(action.pk) is None
    action.refresh_from_db()
    assert (lines(world), action.state) == ([], "PENDING")


def test_a_new_version_of_a_project_is_loaded_by_a_running_worker(tmp_path):
    project = tmp_path / "langgraph.json"
    project.write_text('{"dependencies": ["."], "graphs": {"late": "./late_graph.py:graph"}}')
    code = "from langgraph.graph import StateGraph\ngraph = StateGraph(dict)\ngraph.add_node('{0}', lambda s: s)\ngraph.add_edge('__start__', '{0}')\n"
    (tmp_path / "late_graph.py").write_text(code.format("first"))
    before = loader.code_sha256(project)
    assert "first" in loader.load_agent(str(project), "late", 1).compile(None).nodes
    (tmp_path / "late_graph.py").write_text(code.format("second"))
    assert loader.code_sha256(project) != before
    assert "first" in loader.load_agent(str(project), "late", 1).compile(None).nodes
    assert "second" in loader.load_agent(str(project), "late", 2).compile(None).nodes
