"""Who took an answer is seen rightly, also when the calls of one task ask at the same moment."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

import langgraph.types
from hypothesis import example, given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphInterrupt
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

from agents.graphs import hearing
from agents.graphs.hearing import Hearing


class State(TypedDict, total=False):
    said: list[str]


def _asks_twice_at_once(state: State) -> State:
    """As a plain `ToolNode` does: a thread for each call, all of one task."""
    with ThreadPoolExecutor(2) as pool:
        both: list[Any] = []
        for name in ("ada", "bob"):
            both.append(pool.submit(copy_context().run, partial(langgraph.types.interrupt, {"to": name})))
            time.sleep(0.05)
        return {"said": [one.result() for one in both]}


def test_an_answer_was_taken_by_the_question_that_got_it(monkeypatch):
    """The first is delayed between being counted by us and by LangGraph: the second was given its answer there, and nobody had been seen to take it."""
    builder = StateGraph(State)
    builder.add_node("asks", _asks_twice_at_once)
    builder.add_edge(START, "asks")
    builder.add_edge("asks", END)
    graph: Any = builder.compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "t"}}
    counted = Hearing._next

    def slowly(self: Hearing, pad: Any) -> int:
        number = counted(self, pad)
        time.sleep(0 if number else 0.2)
        return number

    monkeypatch.setattr(Hearing, "_next", slowly)
    with Hearing().watching("t"):
        graph.invoke({"said": []}, config)
    (first,) = graph.get_state(config).interrupts
    second = Hearing()
    with second.watching("t"):
        graph.invoke(Command(resume={first.id: "yes"}), config)
    (left,) = graph.get_state(config).interrupts
    assert (first.value, left.value) == ({"to": "ada"}, {"to": "bob"})
    assert second.taken == {first.id}


NAMES = ("ada", "bob", "cyd")


def _in_turns(orders: list[tuple[str, ...]]) -> Any:
    """A task whose calls come in another order each time it runs, as threads do; the question of the first in the model's order is the one that counts."""
    turns = iter(orders)

    def node(state: State) -> State:
        said, asked = dict[str, Any](), dict[str, GraphInterrupt]()
        for name in next(turns, NAMES):
            try:
                answer: Any = None
                while not (answer and answer["to"] == name):
                    answer = hearing.ask({"to": name}, lambda given, name=name: given["to"] == name)
                said[name] = answer
            except GraphInterrupt as question:
                asked[name] = question
        for name in NAMES:
            if name in asked:
                raise asked[name]
        return {"said": [said[name]["to"] for name in NAMES]}

    builder = StateGraph(State)
    builder.add_node("calls", node)
    builder.add_edge(START, "calls")
    builder.add_edge("calls", END)
    return builder.compile(checkpointer=InMemorySaver())


@given(st.lists(st.permutations(NAMES).map(tuple), max_size=8))
@example([NAMES, ("bob", "ada", "cyd"), NAMES, ("ada", "cyd", "bob"), NAMES, ("cyd", "ada", "bob"), NAMES])
@settings(deadline=None)
def test_calls_of_one_task_are_asked_about_once_each_in_whatever_order_they_come(orders):
    """Asked about twice, the second answer reached nobody once all had found their first: the run failed, and its node was said to be gone."""
    graph, config = _in_turns(orders), {"configurable": {"thread_id": "t"}}
    with Hearing().watching("t"):
        graph.invoke({"said": []}, config)
    people_said = list[str]()
    while questions := graph.get_state(config).interrupts:
        people_said.append(questions[0].value["to"])
        heard = Hearing()
        with heard.watching("t"):
            graph.invoke(Command(resume={questions[0].id: questions[0].value}), config)
        assert questions[0].id in heard.taken, "nobody took it"
    assert (people_said, graph.get_state(config).values["said"]) == (list(NAMES), list(NAMES))
