"""How many steps a graph takes in one go is its own affair: its `recursion_limit`, or LangGraph's where it says none."""

from agents import kept
from agents import operations as agents
from agents.models import Run
from tests.factories import work


def circle(others, rounds: int, agent: str = "circling") -> Run:
    run = agents.start_run(agent=agent, input={"wanted": rounds}, by=others.reviewer, door="web")
    work()
    run.refresh_from_db()
    return run


def test_a_limit_of_the_graphs_own_holds_and_the_run_goes_on_from_there_when_tried_again(others):
    assert circle(others, 10).state == "SUCCEEDED"
    run = circle(others, 20)
    assert (run.state, run.error) == ("FAILED", str(kept.TOO_MANY_STEPS()))
    agents.retry_run(run.pk, by=others.operator, door="web")
    work()
    run.refresh_from_db()
    assert (run.state, run.output["made"]) == ("SUCCEEDED", 20)


def test_a_graph_that_sets_none_goes_as_far_as_langgraph_lets_it(others):
    run = circle(others, 300, agent="circling_far")
    assert (run.state, run.output["made"]) == ("SUCCEEDED", 300)
