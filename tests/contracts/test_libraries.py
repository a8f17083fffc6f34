"""What we lean on in other people's code, some of it private: each must still be so after an upgrade."""

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypedDict

import ormsgpack
import pytest
from kombu.transport.redis import Channel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.errors import GraphDrained, UnknownInterruptError
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import RunControl
from langgraph.types import Command, interrupt


class State(TypedDict, total=False):
    told: Any


calls: list[str] = []


def graph_of(*nodes: Any) -> Any:
    builder = StateGraph(State)
    names = [START, *(node.__name__ for node in nodes), END]
    for node in nodes:
        builder.add_node(node.__name__, node)
    for before, after in pairwise(names):
        builder.add_edge(before, after)
    return builder.compile(checkpointer=InMemorySaver())


def one_question(state: State) -> State:
    return {"told": interrupt("first?")}


def two_questions(state: State) -> State:
    return {"told": [interrupt("first?"), interrupt("second?")]}


def config(**more: Any) -> Any:
    return {"configurable": {"thread_id": "t", "__pregel_strict_resume": True, **more}}


def pending(graph: Any) -> list[Any]:
    return [i for task in graph.get_state(config()).tasks for i in task.interrupts]


def test_strict_resume_refuses_an_answer_nobody_waits_for():
    graph = graph_of(one_question)
    graph.invoke({"told": None}, config())
    answer: Any = Command(resume={pending(graph)[0].id: "yes"})
    assert graph.invoke(answer, config())["told"] == "yes"
    with pytest.raises(UnknownInterruptError):
        graph.invoke(answer, config())


def test_strict_resume_refuses_an_unknown_id_before_anything_is_written():
    graph = graph_of(one_question)
    graph.invoke({"told": None}, config())
    before = graph.get_state(config()).config
    with pytest.raises(UnknownInterruptError):
        graph.invoke(Command(resume={"0" * 32: "yes"}), config())
    assert graph.get_state(config()).config == before


def test_an_answer_given_twice_reaches_no_second_question():
    graph = graph_of(two_questions)
    graph.invoke({"told": None}, config())
    answer: Any = Command(resume={pending(graph)[0].id: "yes"})
    graph.invoke(answer, config())
    with pytest.raises(UnknownInterruptError):
        graph.invoke(answer, config())
    assert [i.value for i in pending(graph)] == ["second?"]


def test_draining_stops_at_the_next_step_and_loses_nothing():
    control = RunControl()

    def first(state: State) -> State:
        control.request_drain("halt")
        return {"told": 1}

    def second(state: State) -> State:
        return {"told": state["told"] + 1}

    graph = graph_of(first, second)
    with pytest.raises(GraphDrained):
        list(graph.stream({"told": 0}, config(), control=control, durability="sync"))
    assert graph.get_state(config()).next == ("second",)
    assert graph.invoke(None, config())["told"] == 2


def test_a_renamed_node_looks_just_like_the_end():
    saver = InMemorySaver()

    def compiled(name: str) -> Any:
        builder = StateGraph(State)
        builder.add_node(name, one_question)
        builder.add_edge(START, name)
        return builder.compile(checkpointer=saver)

    compiled("old").invoke({"told": None}, config())
    state = compiled("new").get_state(config())
    assert (state.next, state.tasks) == ((), ())


@dataclass
class Unlisted:
    a: int


class Exploit:
    def __reduce__(self) -> Any:
        return (calls.append, ("executed",))


def test_strict_msgpack_is_on_wherever_our_settings_are(settings):
    assert os.environ["LANGGRAPH_STRICT_MSGPACK"] == "true"


FORGERIES = [(0, lambda path: f"touch {path}"), (1, lambda path: (f"touch {path}",)), (2, lambda path: {"command": f"touch {path}"})]


def forged(code: int, arguments: Any) -> bytes:
    """A checkpoint value that asks for os.system to be called with these arguments."""
    return ormsgpack.packb(ormsgpack.Ext(code, ormsgpack.packb(("os", "system", arguments))))


@pytest.mark.parametrize(("code", "arguments"), FORGERIES)
def test_a_forged_checkpoint_row_is_not_executed(code, arguments, tmp_path):
    JsonPlusSerializer().loads_typed(("msgpack", forged(code, arguments(tmp_path / "called"))))
    assert not (tmp_path / "called").exists()


def test_the_forgery_is_real_where_strict_is_off(tmp_path):
    """Else the test above proves nothing. Should this fail, LangGraph blocks by default now, and strict may go."""
    data = forged(0, f"touch {tmp_path / 'called'}")
    code = f"from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer as S; S().loads_typed(('msgpack', {data!r}))"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "LANGGRAPH_STRICT_MSGPACK": "false"}, check=True, capture_output=True)
    assert (tmp_path / "called").exists()


def test_a_pickled_checkpoint_row_is_not_executed():
    with pytest.raises(Exception, match=r"(?i)pickle|unknown|not"):
        JsonPlusSerializer().loads_typed(("pickle", pickle.dumps(Exploit())))
    assert calls == []


def test_an_unlisted_class_comes_back_as_plain_data():
    kind, data = JsonPlusSerializer().dumps_typed(Unlisted(1))
    assert not isinstance(JsonPlusSerializer().loads_typed((kind, data)), Unlisted)


def test_the_rooms_import_in_one_direction_only():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3_000:]


def test_celery_is_set_up_as_the_trials_ask():
    from config.celery import app

    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
    options = app.conf.broker_transport_options
    assert options["ack_emulation"] is False and not Channel.do_restore, "a worker must hold nothing that it could die of giving back"


# -- what the two guards of agents that act themselves lean on (agents.graphs.guard) --------------------------------------
def test_an_interrupt_is_known_by_its_place_before_it_is_answered():
    from langgraph._internal._constants import CONFIG_KEY_CHECKPOINT_NS, CONFIG_KEY_SCRATCHPAD
    from langgraph.config import get_config
    from langgraph.types import _interrupt_id

    seen = []

    def node(state: State) -> State:
        for number in range(2):
            config = get_config()["configurable"]
            pad = config[CONFIG_KEY_SCRATCHPAD]
            seen.append((_interrupt_id(config[CONFIG_KEY_CHECKPOINT_NS], number), len(pad.resume), pad.get_null_resume(False)))
            interrupt(f"question {number}")
        return {"told": "both"}

    graph = graph_of(node)
    config = {"configurable": {"thread_id": "1", "__pregel_strict_resume": True}}
    graph.invoke({}, config)
    first = graph.get_state(config).interrupts[0]
    assert seen[0][:2] == (first.id, 0)
    graph.invoke(Command(resume={first.id: "yes"}), config)
    assert graph.get_state(config).interrupts[0].id == seen[-1][0] and seen[-1][1] == 1


def test_a_callback_sees_each_tool_before_it_runs_and_can_stop_it_without_harm_to_the_thread():
    from langchain.agents import create_agent
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.tools import tool
    from langgraph.errors import GraphBubbleUp

    ran: list[str] = []

    class Model(FakeMessagesListChatModel):
        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            return self

    @tool
    def act(what: str) -> str:
        """Acts."""
        ran.append(what)
        return "done"

    class Stops(BaseCallbackHandler):
        raise_error = True
        stop = True

        def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
            assert (serialized["name"], kwargs["inputs"], kwargs["tool_call_id"]) == ("act", {"what": "it"}, "call-1")
            if self.stop:
                raise GraphBubbleUp("not now")

    call = {"name": "act", "args": {"what": "it"}, "id": "call-1"}
    graph = create_agent(Model(responses=[AIMessage("", tool_calls=[call]), AIMessage("over")]), [act], checkpointer=InMemorySaver())
    handler = Stops()
    config: Any = {"configurable": {"thread_id": "1"}, "callbacks": [handler]}
    with pytest.raises(GraphBubbleUp):
        graph.invoke({"messages": [("user", "hi")]}, config)
    assert ran == [] and graph.get_state(config).tasks[0].error is None
    handler.stop = False
    graph.invoke(None, config)
    assert ran == ["it"]


def test_a_graph_that_saves_nothing_still_fails_where_saves_are_waited_for():
    """When this fails, LangGraph is mended: `agents.graphs.mends` can go."""
    code = """
from langgraph.graph import START, StateGraph
inner = StateGraph(dict).add_node("one", lambda state: state).add_edge(START, "one").compile(checkpointer=False)
try:
    inner.invoke({"x": 1}, durability="sync")
except AttributeError as error:
    assert "_put_checkpoint_fut" in str(error)
else:
    raise SystemExit("LangGraph does not need our mend any more")
from agents.graphs import mends
mends.mend()
assert inner.invoke({"x": 1}, durability="sync") == {"x": 1}
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
