"""Static breakpoints that are not the graph's own: inside a node, deeper, beside a question, in a graph that code calls. Each is asked, once."""

import json

import psycopg
import pytest
from django.core.management import call_command

from agents import operations as agents
from agents.errors import BadProject
from agents.models import Effect, Run
from agents.operations import driving
from approvals.queries import action_detail
from tests import factories
from tests.factories import asked, decide, lines, work


def driven(run: Run, others, *, most: int = 9) -> list[list[str]]:
    """Let it go on from every breakpoint; what each said comes next."""
    stops = []
    for _ in range(most):
        work()
        waiting = asked(run)
        if not waiting:
            break
        assert [action.tool for action in waiting] == ["go_on"]
        stops.append(action_detail(waiting[0].pk, reader=others.second).args["next"])
        decide(waiting[0], others.second)
    run.refresh_from_db()
    assert (run.state, run.error) == ("SUCCEEDED", "")
    assert set(Effect.objects.filter(run=run).values_list("state", flat=True)) == {"DONE"}
    return stops


@pytest.mark.parametrize(
    ("agent", "stops", "acts"),
    [
        ("broken_inside", [["middle / two"], ["middle / three"]], ["before", "one", "two", "three", "after"]),
        (
            "broken_deep",
            [["middle"], ["middle / middle / two"], ["middle / middle / three"]],
            ["before", "before", "one", "two", "three", "after", "after"],
        ),
        ("broken_called", [["middle / two"], ["middle / three"]], ["before", "one", "two", "three", "after"]),
    ],
)
def test_a_breakpoint_inside_is_asked_as_one_of_its_own_and_once(others, world, agent, stops, acts):
    run = factories.planned(others.reviewer, world, agent=agent)
    work()
    assert lines(world)[-1] != "two {}" and asked(run)
    assert driven(run, others) == stops
    assert lines(world) == [f"{name} {{}}" for name in acts]


@pytest.mark.parametrize("agent", ["broken_agent_inside", "broken_helper"])
def test_the_breakpoint_of_an_agent_that_is_a_node_or_called_by_a_tool_holds_its_tools(others, world, agent):
    turns = [[["look", {"query": "x"}]]]
    if agent == "broken_helper":
        turns = [[["helper", {"task": json.dumps({"world": world, "turns": turns})}]]]
    run = factories.planned(others.reviewer, world, *turns, agent=agent)
    work()
    assert lines(world) == [] and len(asked(run)) == 1
    assert len(driven(run, others)) == 1
    assert lines(world) == ['look {"query": "x"}']


@pytest.mark.parametrize("first", ["go_on", "question"])
def test_an_answer_beside_a_breakpoint_does_not_take_the_graph_past_it(others, world, first):
    run = factories.planned(others.reviewer, world, agent="broken_beside")
    work()
    by_tool = {action.tool: action for action in asked(run)}
    question = by_tool.pop(next(tool for tool in by_tool if tool != "go_on"))
    if first == "question":
        decide(question, others.second, "respond", response="yes")
        work()
        run.refresh_from_db()
        assert (run.state, lines(world)) == ("WAITING", ["before {}", "one {}"])
    decide(by_tool["go_on"], others.second)
    work()
    assert lines(world)[:3] == ["before {}", "one {}", "two {}"]
    work()
    again = next(action for action in asked(run) if action.tool == "go_on")
    assert again.pk != by_tool["go_on"].pk and "three {}" not in lines(world)
    decide(again, others.second)
    work()
    if first == "go_on":
        decide(question, others.second, "respond", response="yes")
    work()
    run.refresh_from_db()
    assert (run.state, run.error) == ("SUCCEEDED", "")
    assert sorted(lines(world)) == sorted(["before {}", "one {}", "two {}", "three {}", 'beside {"told": "yes"}', "after {}"])


def test_a_breakpoint_inside_that_is_rejected_ends_there(others, world):
    run = factories.planned(others.reviewer, world, agent="broken_inside")
    work()
    decide(asked(run)[0], others.second, "reject")
    work()
    run.refresh_from_db()
    assert (run.state, lines(world)) == ("FAILED", ["before {}", "one {}"]) and "breakpoint" in run.error


def test_a_breakpoint_inside_whose_worker_died_before_it_was_written_down_is_asked(others, world, monkeypatch):
    run = factories.planned(others.reviewer, world, agent="broken_inside")

    def dead(*args, **kwargs):
        monkeypatch.undo()
        raise psycopg.OperationalError("the worker is gone")

    monkeypatch.setattr(driving, "put_down", dead)
    with pytest.raises(psycopg.OperationalError):
        agents.advance_run(run.pk)
    Run.objects.filter(pk=run.pk).update(lease_until="2020-01-01T00:00Z")
    agents.recover(wake=False)
    work()
    assert len(asked(run)) == 1 and lines(world) == ["before {}", "one {}"]


def test_a_breakpoint_that_code_calls_is_told_of_at_the_import(others, capsys):
    call_command("agents", "import", str(factories.OTHERS))
    said = capsys.readouterr().out
    assert "warning: middle is called from code" in said and "warning: helper is called from code" in said
    assert said.count("warning:") == 2


STARTS_OVER = """
from agents_of_others import _around, _chain
graph = _around(_chain("one", "two", interrupt_before=["two"], checkpointer=False))
"""


def test_a_breakpoint_that_could_not_be_kept_is_refused_at_the_import(tmp_path):
    (tmp_path / "others").symlink_to(factories.OTHERS.parent)
    (tmp_path / "agent.py").write_text(STARTS_OVER)
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": [".", "./others"], "graphs": {"forgets": "./agent.py:graph"}}))
    with pytest.raises(BadProject, match="middle has breakpoints"):
        agents.register_project(tmp_path / "langgraph.json")
