"""Who took an answer is seen rightly, also when the calls of one task ask at the same moment."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

import langgraph.types
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

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
