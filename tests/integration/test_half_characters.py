"""Half a character is shown, not guessed: what people see is what the graph goes on with, and nothing of it is hidden."""

import pytest

from agents import operations
from agents.graphs import checkpoints
from agents.graphs.halves import Serializer, visible
from approvals.queries import shown
from tests import factories
from tests.factories import asked, decide, lines, work
from tests.integration.test_dialects_offers import given, hitl, inbox
from tests.integration.test_importing import bring, project

pytestmark = pytest.mark.django_db(transaction=True)
HALF, SHOWN = "x\ud83dy", "x⟨U+D83D⟩y"


@pytest.mark.parametrize("value", [f"Shall {HALF} I?", {"question": HALF}])
@pytest.mark.usefixtures("agents", "shapes")
def test_in_a_question(cast, world, value):
    run, (action,) = given(cast, world, value)
    assert SHOWN in action.summary and SHOWN in str(shown(action.pk).args)
    decide(action, cast.second, "respond", response="yes")
    work()
    run.refresh_from_db()
    assert (run.state, run.output["told"]) == ("SUCCEEDED", ["yes"]), run.error


@pytest.mark.usefixtures("agents", "shapes")
@pytest.mark.parametrize("value", [hitl(["approve", "reject"]), inbox(allow_accept=True, allow_ignore=True)])
def test_in_the_arguments_a_node_of_its_own_asks_about(cast, world, value):
    one = value["action_requests"][0] if isinstance(value, dict) else value[0]["action_request"]
    one["args"] = {"to": HALF}
    run, (action,) = given(cast, world, value)
    assert shown(action.pk).args == {"to": SHOWN}
    decide(action, cast.second)
    work()
    run.refresh_from_db()
    assert run.state == "SUCCEEDED", run.error


@pytest.mark.parametrize("agent", ["batched", "per_call", "inbox"])
def test_what_people_saw_is_what_is_called(others, world, agent):
    run = factories.planned(others.reviewer, world, [["send", {"to": HALF}]], agent=agent)
    work()
    (action,) = asked(run)
    assert shown(action.pk).args == {"to": SHOWN}
    decide(action, others.second)
    work()
    run.refresh_from_db()
    assert run.state == "SUCCEEDED", run.error
    (line,) = lines(world)
    assert (run.state, r"x\u27e8U+D83D\u27e9y" in line) == ("SUCCEEDED", True), run.error


CODE = """
from typing import TypedDict
from langgraph.graph import StateGraph
from langgraph.types import interrupt
class State(TypedDict, total=False):
    a: str
    b: str
def one(state):
    return {"a": "x\\ud83dy"}
def two(state):
    return {"b": str(interrupt("Is it " + state["a"]))}
graph = StateGraph(State)
graph.add_node("one", one)
graph.add_node("two", two)
graph.add_edge("one", "two")
graph.set_entry_point("one")
"""


def test_in_a_plain_text_of_the_state(cast, tmp_path):
    """LangGraph keeps those as JSON, where PostgreSQL refuses it: the run failed over a traceback of the driver's."""
    path = project(tmp_path, "one")
    (path.parent / "code_of_it.py").write_text(CODE)
    bring(path)
    run = operations.start_run(agent="agent", input={}, by=cast.reviewer, door="api")
    work()
    run.refresh_from_db()
    assert run.state == "WAITING", run.error
    (action,) = asked(run)
    assert SHOWN in action.summary


@pytest.mark.parametrize("value", ["?", {"a": ["?", ["é"]]}, [1, None, b"?", {"b": {"c"}}]])
def test_everything_else_is_kept_as_it_is(value):
    assert visible(value) is value
    assert checkpoints.saver().serde.loads_typed(Serializer().dumps_typed(value)) == value
