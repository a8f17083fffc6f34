"""Budgets over the API: the same operations, permissions and sentences as the page and `manage.py`."""

import pytest

from agents import operations as agents
from agents.models import Budget, Run
from audit import queries as log
from tests import factories
from tests.factories import call, work

pytestmark = pytest.mark.usefixtures("transactional_db", "cast", "agents", "shapes")


@pytest.fixture
def run(cast, world) -> Run:
    return agents.start_run(agent="planned", input={"value": "for ever", "world": world}, by=cast.reviewer, door="web")


def test_a_run_is_paused_for_its_budget_says_why_and_goes_on_when_it_is_raised(token, cast, run):
    olga = token(cast.operator)
    status, said = olga.post(f"/runs/{run.pk}/budget", {"money": "0.000001", "tokens": 10**9, "reason": "little"})
    assert (status, said["spending"]["most_money"], said["spending"]["most_tokens"]) == (200, "0.000001", 10**9)
    work()
    said = olga.get(f"/runs/{run.pk}/budget")[1]
    assert (said["state"], said["hold"]) == ("PAUSED", "budget") and said["why"].startswith("Over its budget: ")
    assert float(said["spending"]["money"]) > 0 and said["spending"]["percent"] > 100 and said["spending"]["currency"] == "USD"
    status, refusal = olga.post(f"/runs/{run.pk}/go-on", {"reason": "go"})
    assert (status, refusal["code"]) == (409, "over_budget") and "raise its budget" in refusal["detail"]
    assert olga.post(f"/runs/{run.pk}/budget", {"money": None, "reason": "no limit"})[1]["state"] == "READY"
    work()
    found = olga.get(f"/runs/{run.pk}/budget")[1]
    assert found["state"] in {"SUCCEEDED", "PARTIAL"} and found["spending"]["most_money"] is None and found["why"] == ""
    assert [e.door for e in log.timeline(run=str(run.pk)) if e.kind == "run.budget_set"] == ["api", "api"]


@pytest.mark.parametrize(
    "body",
    [{"money": "-1"}, {"money": "NaN"}, {"money": "1e400"}, {"money": "9" * 28}, {"money": 5}, {"money": "0.0000001"}, {"tokens": -1}, {"tokens": 2 * 10**15},
     {"tokens": "many"}, {"tokens": 1.5}, {}, {"money": "1", "more": 1}],
)  # fmt: skip
def test_what_is_no_budget_is_422_and_changes_nothing(token, cast, run, body):
    status, refusal = token(cast.operator).post(f"/runs/{run.pk}/budget", {**body, "reason": "r"})
    assert (status, refusal["status"]) == (422, 422) and refusal["detail"]
    assert (Run.objects.get().budget_micros, Run.objects.get().budget_tokens) == (None, None)


@pytest.mark.parametrize("number", ["NaN", "1e400", "Infinity", "-1e999"])
def test_numbers_that_json_does_not_have_are_refused(token, cast, run, number):
    olga = token(cast.operator)
    status, refusal = olga.post(f"/runs/{run.pk}/budget", f'{{"tokens": {number}, "reason": "r"}}')
    assert status in {400, 422} and refusal["detail"] and Run.objects.get().budget_tokens is None


def test_budgets_of_days_and_of_new_runs_are_set_and_listed(token, cast):
    olga = token(cast.operator)
    assert olga.get("/budgets")[1] == {"items": [], "next": None}
    olga.post("/budgets", {"scope": "agent", "target": "planned", "money": "3.5", "reason": "r"})
    olga.post("/budgets", {"scope": "customer", "target": "C-1", "tokens": 5_000, "reason": "agreed"})
    status, said = olga.post("/budgets", {"scope": "run", "target": "planned", "tokens": 700, "reason": "r"})
    rows = {(row["scope"], row["target"]): (row["most_money"], row["most_tokens"], row["by"]) for row in said["items"]}
    assert (status, rows) == (200, {
        ("agent", "planned"): ("3.50", None, "olga"), ("customer", "C-1"): (None, 5_000, "olga"), ("run", "planned"): (None, 700, "olga"),
    })  # fmt: skip
    assert Budget.objects.count() == 2
    assert olga.post("/budgets", {"scope": "agent", "target": "nobody", "money": "1", "reason": "r"})[0] == 404


def test_only_operators_set_them_and_agents_do_not_read_them(token, cast, run, world):
    rita = token(cast.reviewer)
    assert rita.post(f"/runs/{run.pk}/budget", {"money": "1", "reason": "r"})[0] == 403
    assert rita.post("/budgets", {"scope": "agent", "target": "planned", "money": "1", "reason": "r"})[0] == 403
    assert rita.get("/budgets")[0] == 200
    other = factories.run(cast.reviewer, call(), world=world)
    assert rita.get(f"/runs/{other.pk}/budget")[0] == 200


def test_how_long_runs_may_be_driven_is_set_and_said(token, cast, run):
    olga = token(cast.operator)
    status, said = olga.post(f"/runs/{run.pk}/budget", {"seconds": 50, "reason": "r"})
    assert (status, said["limit_s"], said["driven_s"], said["trace"], said["tool_calls"]) == (200, 50, 0, run.trace, 0)
    assert olga.post(f"/runs/{run.pk}/budget", {"seconds": None, "reason": "r"})[1]["limit_s"] == 0
    assert olga.post(f"/runs/{run.pk}/budget", {"seconds": -1, "reason": "r"})[0] == 422
    (row,) = olga.post("/budgets", {"scope": "run", "target": "planned", "seconds": 70, "reason": "r"})[1]["items"]
    assert (row["most_seconds"], row["most_money"]) == (70, None)
    status, refusal = olga.post("/budgets", {"scope": "agent", "target": "planned", "seconds": 70, "money": "1", "reason": "r"})
    assert (status, refusal["fields"]) == (422, {"seconds": "of a run only"}) and not Budget.objects.exists()


def test_a_run_whose_time_is_up_is_partial_with_what_it_has(token, cast, world):
    run = agents.start_run(agent="slow", input={"world": world, "steps": 40}, by=cast.reviewer, door="api")
    Run.objects.filter(pk=run.pk).update(limit_s=1)
    work()
    rita = token(cast.reviewer)
    found = rita.get(f"/runs/{run.pk}")[1]
    assert (found["state"], found["error"]) == ("PARTIAL", "Task timed out after 1 s") and set(found["output"]["told"]) == {"step"}
    assert found["driven_s"] >= 1
    status, refusal = rita.post(f"/runs/{run.pk}/resume")
    assert (status, refusal["code"]) == (409, "wrong_state") and "fork it" in refusal["detail"]
