"""What a node raises is the node's failure, with its traceback; only our own checkpoints, or the end of this process, are ours."""

import sys
from typing import Any, TypedDict

import psycopg
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from agents.graphs.driver import Control, Stop, drive
from agents.graphs.recorder import Recorder
from agents.tools import runner
from agents.tools.registry import Preview, ToolError


class State(TypedDict, total=False):
    told: str


def stretch(node: Any) -> Any:
    graph = StateGraph(State)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    graph.add_edge("node", END)
    recorder = Recorder(run="r", trace="t", fence=1)
    compiled = graph.compile(InMemorySaver())
    return drive(compiled, thread="t", first_input={"told": ""}, answers={}, control=Control(), recorder=recorder, untouched=True)


@pytest.mark.parametrize("kind", [psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.UniqueViolation, KeyboardInterrupt])
def test_a_database_of_the_nodes_own_is_its_own_affair(kind):
    def node(state: State) -> State:
        raise kind("mine")

    ended = stretch(node)
    assert ended.stop is Stop.FAILED and "mine" in ended.error and "node(state" not in ended.error.splitlines()[-1]


def test_a_node_that_exits_fails_although_billiard_puts_its_own_exit_in_place(monkeypatch):
    code = compile("def exit(status=None):\n    raise SystemExit(status)\n", "/lib/billiard/pool.py", "exec")
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  as billiard's pool does in each child
    monkeypatch.setattr(sys, "exit", names["exit"])
    ended = stretch(lambda state: sys.exit(4))
    assert ended.stop is Stop.FAILED and "SystemExit: 4" in ended.error


def test_our_own_end_is_not_taken_for_a_nodes(monkeypatch):
    code = compile("def shut(): end()\ndef end(): raise SystemExit(0)\n", "/lib/billiard/common.py", "exec")
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  as billiard's signal handler does
    with pytest.raises(SystemExit):
        stretch(lambda state: names["shut"]())


@pytest.mark.parametrize(
    ("facts", "fits"),
    [
        ({"amount_cents": 12, "currency": "EUR"}, True),
        ({"note": "two 2"}, True),
        ({"amount_cents": "12"}, False),
        ({"rows": True}, False),
        ({"amount_cents": 1.5}, False),
        ({"grams": "1,200.5"}, False),
        ({"grams": 3.0}, False),
    ],
)
def test_a_figure_the_policy_cannot_read_is_refused(facts, fits):
    class Asked:
        name, timeout_s = "put", 5.0
        preview = staticmethod(lambda model, ctx: Preview(facts=facts))

    try:
        runner.preview(Asked(), None, None)  # type: ignore[arg-type]
    except ToolError as error:
        assert not fits and "whole numbers" in error.message
    else:
        assert fits
