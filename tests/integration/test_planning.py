"""The supervised shape end to end, with what its planner was asked and answered kept in full."""

import json

import pytest

from agents import operations as agents
from agents.models import Run
from audit import queries
from tests import factories
from tests.factories import asked, decide, lines, work

pytestmark = pytest.mark.usefixtures("shapes")


def planned(cast, world, value: str) -> Run:
    run = factories.run(cast.reviewer, agent="planned", world=world, value=value)
    work()
    run.refresh_from_db()
    return run


@pytest.mark.parametrize(("verdict", "status"), [("approve", "done"), ("reject", "rejected"), ("respond", "answered")])
def test_the_planner_is_told_what_became_of_its_call_and_goes_on(cast, world, verdict, status):
    run = planned(cast, world, "hello")
    decide(asked(run)[0], cast.second, verdict)
    work()
    run.refresh_from_db()
    assert (run.state, [s["status"] for s in run.output["steps"]]) == ("SUCCEEDED", [status])
    assert json.loads(run.output["result"].removeprefix("It was told: "))["status"] == status
    assert len(lines(world)) == (status == "done")


def test_the_planner_is_told_which_arguments_ran(cast, world):
    run = planned(cast, world, "hello")
    action = asked(run)[0]
    agents_edit = {"label": "other", "times": 1}
    from approvals import operations

    operations.request_edit(action.pk, by=cast.second, seen_digest=action.digest, args=agents_edit, door="web")
    work()
    decide(action, cast.reviewer)
    work()
    run.refresh_from_db()
    assert json.loads(run.output["result"].removeprefix("It was told: "))["args_that_ran"] == agents_edit


def test_a_planner_that_never_ends_is_ended_and_the_run_is_partial(cast, world):
    run = planned(cast, world, "for ever")
    assert (run.state, run.error, run.output["success"]) == ("PARTIAL", "Max steps reached", False)
    assert len(lines(world)) == 3


def test_a_model_that_is_away_fails_the_run_and_its_span_says_so(cast, world):
    run = planned(cast, world, "fails")
    assert (run.state, "the model is away" in run.error) == ("FAILED", True)
    assert {s.status for s in queries.spans(str(run.pk)) if s.kind == "model"} == {"failed"}
    agents.retry_run(run.pk, by=cast.operator, door="web")
    work()
    assert Run.objects.get(pk=run.pk).state == "FAILED"


def test_prompt_and_answer_are_kept_whole_and_found_by_the_prompts_hash(cast, world):
    run = planned(cast, world, "hello")
    model = next(s for s in queries.spans(str(run.pk)) if s.kind == "model")
    said = json.dumps(model.input["messages"])
    assert "You append." in said
    assert "hello" in said
    assert {"append", "pay"} <= {t["name"] for t in model.input["tools"]}
    found = queries.prompt(model.attributes["prompt_sha256"])
    assert found is not None
    assert found.id == model.id


def test_steps_are_told_in_order(cast, world):
    run = planned(cast, world, "hello")
    assert [s.name for s in queries.spans(str(run.pk)) if s.kind == "node"] == ["plan", "propose"]
    assert asked(run)[0].summary == "Append hello"


def test_the_agents_own_words_are_kept_apart_from_what_runs(cast, world):
    from approvals.queries import action_detail

    run = planned(cast, world, "hello")
    detail = action_detail(asked(run)[0].pk, reader=cast.second)
    assert (detail.rationale, detail.args) == ("I shall append", {"label": "hello", "times": 1})
