"""Driving a graph one stretch: from where its checkpoint stands to the next pause or the end.

One rule serves start, resume and recovery (design.md section 3.5): settled ids still pending are sent;
else, when tasks are left, the graph goes on; else it is done. The caller holds lease and thread lock.
"""

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import psycopg
from langgraph.errors import GraphDrained, UnknownInterruptError
from langgraph.runtime import RunControl
from langgraph.types import Command, Interrupt, StateSnapshot

from agents.graphs.loader import Graph
from agents.graphs.recorder import Recorder

RECURSION_LIMIT = 200
Control = RunControl  # one per stretch; `request_drain(reason)` stops it at the next step


class Stop(StrEnum):
    """Why a stretch ended."""

    PAUSED = "paused"
    FINISHED = "finished"
    DRAINED = "drained"
    FAILED = "failed"


@dataclass(frozen=True)
class Question:
    """One pending interrupt."""

    interrupt_id: str
    node: str
    value: Any
    response_schema: dict[str, Any] | None = None


@dataclass(frozen=True)
class Stretch:
    """What a stretch came to.

    Attributes:
        questions: everything pending now, also what was pending before.
        delivered: interrupt ids whose answers the graph took.
        nodes: where it stands; `values` the final state when finished; `error` with traceback when failed.
    """

    stop: Stop
    questions: tuple[Question, ...] = ()
    delivered: frozenset[str] = frozenset()
    nodes: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


def drive(
    graph: Graph,
    *,
    thread: str,
    first_input: Any,
    answers: Mapping[str, Any],
    control: Control,
    recorder: Recorder,
    untouched: bool = False,
) -> Stretch:
    """Take the graph as far as it goes.

    Args:
        answers: settled answers by interrupt id; those not pending any more are left alone.
        untouched: True when the caller knows that nobody has driven this thread yet: there is no checkpoint to look for.
        control: through which an operator's halt reaches the graph at its next step.

    Raises:
        psycopg.Error: the checkpoint database went away; nothing is known, the lease will tell.
    """
    config: Any = {
        "configurable": {"thread_id": thread, "__pregel_strict_resume": True},
        "callbacks": [recorder.callbacks],
        "recursion_limit": RECURSION_LIMIT,
    }
    state = None if untouched else graph.get_state(config)
    pending = _pending(state) if state else []
    deliver = {q.interrupt_id: answers[q.interrupt_id] for q in pending if q.interrupt_id in answers}
    if state is None or state.created_at is None:
        feed: Any = first_input
    elif deliver:
        feed = Command(resume=deliver)
    elif pending:
        return _ended(state, frozenset())
    elif state.tasks:
        feed = None
    else:
        return _ended(state, frozenset())
    try:
        for event in _stream(graph, feed, config, control):
            recorder.step(event)
    except GraphDrained:
        return Stretch(Stop.DRAINED, delivered=frozenset(deliver), nodes=tuple(graph.get_state(config).next))
    except UnknownInterruptError:
        pass  # already consumed: what is pending now tells where we are (reliability.md section 6.3)
    except psycopg.Error:
        raise
    except Exception as error:  # a node is somebody else's code
        return Stretch(Stop.FAILED, delivered=frozenset(deliver), nodes=tuple(recorder.open_nodes), error=_explain(error))
    return _ended(graph.get_state(config), frozenset(deliver))


def _stream(graph: Graph, feed: Any, config: Any, control: Control) -> Iterator[Any]:
    return graph.stream(feed, config, stream_mode="tasks", durability="sync", control=control, subgraphs=True)


def _pending(state: StateSnapshot) -> list[Question]:
    """Interrupts whose task has no error: a node that raised after taking its answer keeps its dead question listed."""
    return [_question(i, task.name) for task in state.tasks if task.error is None for i in task.interrupts]


def _question(interrupt: Interrupt, node: str) -> Question:
    return Question(interrupt.id, node, interrupt.value, getattr(interrupt, "response_schema", None))


def _ended(state: StateSnapshot, delivered: frozenset[str]) -> Stretch:
    failed = next((task for task in state.tasks if task.error is not None), None)
    if failed is not None and not _pending(state):
        return Stretch(Stop.FAILED, delivered=delivered, nodes=(failed.name,), error=f"{failed.name}: {failed.error}")
    if questions := _pending(state):
        nodes = tuple(dict.fromkeys(q.node for q in questions))
        return Stretch(Stop.PAUSED, tuple(questions), delivered, nodes)
    if state.tasks:
        # Something is left to do but nobody was asked: the caller drives on (trial L18).
        return Stretch(Stop.DRAINED, delivered=delivered, nodes=tuple(state.next))
    return Stretch(Stop.FINISHED, delivered=delivered, values=dict(state.values or {}))


def _explain(error: Exception) -> str:
    return "".join(traceback.format_exception(error))[-8_000:]
