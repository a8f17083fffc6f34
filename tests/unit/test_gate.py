"""The gate and the driver on LangGraph itself, with checkpoints in memory: only the right answer goes through."""

from dataclasses import asdict
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import RunControl

from agents.graphs.driver import Stop, Stretch, drive
from agents.graphs.gate import MARK, ask, gate, proposal_digest
from agents.graphs.recorder import Recorder


class State(TypedDict, total=False):
    told: Any


label = {"now": "one"}


def propose(state: State) -> State:
    return {"told": asdict(gate("append", {"label": label["now"]}))}


def driving(node: Any) -> Any:
    """A function that drives a graph of this one node, with answers or without."""
    builder = StateGraph(State)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    builder.add_edge("node", END)
    graph = builder.compile(checkpointer=InMemorySaver())

    def go(**answers: Any) -> Stretch:
        recorder = Recorder(run="r", trace="t", fence=1)
        return drive(graph, thread="t", first_input={"told": None}, answers=answers, control=RunControl(), recorder=recorder)

    return go


@pytest.fixture
def go():
    label["now"] = "one"
    return driving(propose)


def question(stretch: Stretch) -> Any:
    assert stretch.stop is Stop.PAUSED, stretch
    return stretch.questions[0]


def test_a_proposal_says_what_it_is_and_carries_its_digest(go):
    value = question(go()).value
    assert (value[MARK], value["kind"], value["tool"], value["args"]) == (1, "tool", "append", {"label": "one"})
    assert value["digest"] == proposal_digest({k: value[k] for k in ("kind", "tool", "args")})


def test_the_answer_with_its_digest_goes_through(go):
    q = question(go())
    end = go(**{q.interrupt_id: {"digest": q.value["digest"], "status": "done", "result": 7, "args": {"label": "edited"}}})
    told = end.values["told"]
    assert (end.stop, told["status"], told["result"], told["args"]) == (Stop.FINISHED, "done", 7, {"label": "edited"})


@pytest.mark.parametrize("answer", [True, "approve", None, {}, {"status": "done"}, {"status": "done", "digest": "0" * 64}, [1]])
def test_any_other_answer_makes_it_ask_again(go, answer):
    q = question(go())
    again = question(go(**{q.interrupt_id: answer}))
    assert again.value["args"] == {"label": "one"}
    assert again.value["asked_again_after"]


def test_an_answer_for_arguments_that_have_since_changed_does_not_count(go):
    q = question(go())
    label["now"] = "two"
    again = question(go(**{q.interrupt_id: {"digest": q.value["digest"], "status": "done"}}))
    assert again.value["args"] == {"label": "two"}


def test_an_answer_that_nobody_waits_for_is_left_alone(go):
    q = question(go())
    assert question(go(**{"another": {"status": "done"}})).interrupt_id == q.interrupt_id


def test_a_finished_graph_stays_finished(go):
    q = question(go())
    answer = {q.interrupt_id: {"digest": q.value["digest"], "status": "done"}}
    assert [go(**answer).stop, go(**answer).stop, go().stop] == [Stop.FINISHED] * 3


def test_a_question_is_answered_with_words():
    go = driving(lambda state: {"told": asdict(ask("May I?", context="late"))})
    q = question(go())
    assert q.value["args"] == {"question": "May I?", "context": "late"}
    end = go(**{q.interrupt_id: {"digest": q.value["digest"], "status": "answered", "response": "no"}})
    assert (end.values["told"]["status"], end.values["told"]["response"]) == ("answered", "no")


@pytest.mark.parametrize("args", [{"x": float("nan")}, {"x": "\ud800"}, {1: 2}])
def test_a_proposal_without_canonical_form_still_has_a_digest(args):
    assert len(proposal_digest({"kind": "tool", "tool": "t", "args": args})) == 64


def test_a_node_that_raises_is_a_failed_stretch_that_says_why():
    def boom(state: State) -> State:
        raise RuntimeError("boom")

    go = driving(boom)
    first, second = go(), go()
    assert (first.stop, second.stop) == (Stop.FAILED, Stop.FAILED)
    assert "RuntimeError: boom" in first.error
