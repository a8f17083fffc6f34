"""Driving a graph one stretch: from where its checkpoint stands to the next pause or the end.

One rule serves start, resume and recovery (design.md section 3.5): settled ids still pending are sent;
else, when tasks are left, the graph goes on; else it is done. The caller holds lease and thread lock.
"""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

import psycopg
from celery.exceptions import SoftTimeLimitExceeded
from langgraph.errors import GraphDrained, GraphRecursionError, UnknownInterruptError
from langgraph.runtime import RunControl
from langgraph.types import Command, Interrupt, StateSnapshot

from agents import dialects, kept
from agents.graphs import governed, leftover, mends
from agents.graphs.giving import given_back, named
from agents.graphs.guard import Calls, Stopped
from agents.graphs.hearing import Hearing
from agents.graphs.loader import Graph
from agents.graphs.lost import lost_nodes
from agents.graphs.needing import context_of
from agents.graphs.recorder import Recorder
from agents.graphs.standing import breakpoint_of, has_worked
from agents.graphs.typed import as_kept
from agents.graphs.unkept import Unkept

mends.mend()

_STRICT = "__pregel_strict_resume"
Control = RunControl  # one per stretch; `request_drain(reason)` stops it at the next step


class Stop(StrEnum):
    """Why a stretch ended."""

    PAUSED = "paused"
    FINISHED = "finished"
    DRAINED = "drained"
    FAILED = "failed"


@dataclass(frozen=True)
class Question:
    """One pending interrupt; `place` says where in the graph it was asked, where that is known (see `places`)."""

    interrupt_id: str
    node: str
    value: Any
    response_schema: dict[str, Any] | None = None
    place: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What it asks, by value alone: all that an Agent Server lists of it, and all that once counted."""
        return dialects.digest(self.value)


@dataclass(frozen=True)
class Stretch:
    """What a stretch came to.

    Attributes:
        questions: everything pending now, also what was pending before.
        delivered: interrupt ids whose answers the graph took.
        stopped: it failed because one of our guards would not let it do something else than people were shown.
        beside: it was to ask again, and could not: something else of that step has ended, and would run once more.
        left: interrupt ids still listed where it was drained: their answers, if any, did not end their tasks.
        struck: its task's own limit of time struck in it.
        late: the run's time is up: what it ends with; `values` and `output` are what its state holds.
        lost: nodes it was to go on at and does not have any more; nothing of it was driven then.
        nodes: where it stands; `error` with traceback when failed.
        values: the final state when finished; `output` what of it the graph gives back, as its output schema says.
    """

    stop: Stop
    questions: tuple[Question, ...] = ()
    delivered: frozenset[str] = frozenset()
    nodes: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    stopped: bool = False
    beside: bool = False
    left: frozenset[str] = frozenset()
    lost: tuple[str, ...] = ()
    struck: bool = False
    late: str = ""


def drive(
    graph: Graph,
    *,
    thread: str,
    first_input: Any,
    answers: Mapping[str, Any],
    control: Control,
    recorder: Recorder,
    known: Callable[[], Mapping[str, Any]] = dict,
    untouched: bool = False,
    as_asked: bool = False,
    forget: Collection[str] = (),
    calls: Calls | None = None,
    hearing: Hearing | None = None,
    in_a_loop: bool = False,
    marks: Mapping[str, str | int] = MappingProxyType({}),
    stop_after: Callable[[], bool] = lambda: False,
) -> Stretch:
    """Take the graph as far as it goes.

    Args:
        answers: settled answers by interrupt id; those not pending any more are left alone.
        known: every settled answer of this thread; asked only when a node has raised, which is given its own again.
        untouched: True when the caller knows that nobody has driven this thread yet: there is no checkpoint to look for.
        as_asked: True when the caller knows that `answers` are for exactly what the graph waits for: nobody has driven it since
            it asked, with a graph of this form. Where it stands is then looked up only when LangGraph says otherwise.
        forget: interrupt ids whose answers their nodes raised on, and which are to be asked again under new ids.
        calls: watches what an agent does itself. hearing: compares what it asks with what people were shown, and sees who takes an answer.
        in_a_loop: its nodes or tools can only be awaited.
        control: through which an operator's halt reaches the graph at its next step.
        marks: kept with every checkpoint it writes. stop_after: asked when a node of the outermost graph is over; it stops then, with its step.

    Raises:
        psycopg.Error: the checkpoint database went away; nothing is known, the lease will tell.
    """
    config: Any = {
        "configurable": {"thread_id": thread, _STRICT: True},
        "callbacks": [recorder.callbacks, *([calls] if calls else [])],
        "metadata": dict(marks),
    }
    if calls and calls.ours:
        calls.tasks = lambda: frozenset(task.id for task in graph.get_state(config).tasks)
    hearing = hearing or Hearing()
    drive_on = partial(
        _feed,
        partial(_awaited if in_a_loop else _stream, graph),
        graph,
        config=config,
        control=control,
        recorder=recorder,
        hearing=hearing,
        stop_after=stop_after,
    )
    ended = partial(_ended, graph, config, recorder)
    if as_asked and answers and not hearing.digests:
        given = frozenset(answers)
        if (stopped := drive_on(Command(resume=dict(answers)), given=given)) is not _Feed.NOT_WANTED:
            return stopped or ended(graph.get_state(config), given, known, moved=True)
    state = None if untouched else graph.get_state(config)
    old = known() if state and any(task.error is not None for task in state.tasks) else {}
    plan = _planned(graph, config, recorder, state, answers, old, forget) if state and state.created_at else _Plan((first_input,))
    if isinstance(plan, Stretch):
        return plan
    for feed in plan.feeds:
        if (stopped := drive_on(feed, given=plan.given)) is not _Feed.NOT_WANTED:
            return stopped or ended(graph.get_state(config), plan.given, lambda: old, moved=True)
    # Everything was consumed already, or nothing is to be given: what is pending now tells where we are (reliability.md section 6.3).
    return ended(graph.get_state(config) if plan.feeds or state is None else state, plan.given, lambda: old)


@dataclass(frozen=True)
class _Plan:
    """What to drive a graph with: the first of these that LangGraph wants, none when it only waits. `given`: interrupt ids it answers."""

    feeds: tuple[Any, ...]
    given: frozenset[str] = frozenset()


def _planned(
    graph: Graph, config: Any, recorder: Recorder, state: StateSnapshot, answers: Mapping[str, Any], old: Mapping[str, Any], forget: Collection[str]
) -> _Plan | Stretch:  # fmt: skip
    """How a graph goes on from where it stands; a Stretch when it does not."""
    pending = _pending(state, old, recorder)
    if lost := lost_nodes(graph, state):
        return Stretch(Stop.PAUSED if pending else Stop.FINISHED, tuple(pending), nodes=lost, lost=lost)
    dead = [task for task in state.tasks if any(i.id in forget for i in task.interrupts)]
    if dead:
        if any(has_worked(graph, config, state, task) for task in state.tasks if task not in dead):
            return Stretch(Stop.FAILED, nodes=tuple(state.next), error=kept.BESIDE(node=dead[0].name), beside=True)
        # A copy of the checkpoint has none of the answers that LangGraph keeps with a node's error. (Running from the checkpoint itself
        # leaves them out too, but only the first time: a fork is not forked again, and asks under the id it had.)
        graph.update_state(state.config, None, as_node="__copy__")
        return _Plan((None,))
    stop = _breakpoint(graph, config, state)
    if stop and stop.interrupt_id not in answers:  # whatever is given to others in this step would take it past its breakpoint
        return Stretch(Stop.PAUSED, (*pending, stop), nodes=tuple(state.next))
    deliver = {q.interrupt_id: answers[q.interrupt_id] for q in pending if q.interrupt_id in answers}
    again = {i.id: old[i.id] for task in state.tasks if task.error is not None for i in task.interrupts if i.id in old}
    given = frozenset({*deliver, *again, *([stop.interrupt_id] if stop else [])})
    if again:
        # Whether a node that raised had taken its answer cannot be seen. A settled fact may be given again; LangGraph says when
        # it has it already, and then only goes on.
        return _Plan((Command(resume={**deliver, **again}), Command(resume=deliver) if deliver else None), given)
    if deliver:
        return _Plan((Command(resume=deliver), *([None] if stop else [])), given)
    return _Plan(() if not stop and (pending or not state.tasks) else (None,), given)


class _Feed(Enum):
    NOT_WANTED = "LangGraph has this answer already; nothing was done"


def _feed(
    stream: Callable[..., Iterator[Any]],
    graph: Graph,
    feed: Any,
    *,
    config: Any,
    control: Control,
    recorder: Recorder,
    hearing: Hearing,
    given: frozenset[str],
    stop_after: Callable[[], bool] = lambda: False,
) -> Stretch | Literal[_Feed.NOT_WANTED] | None:
    """Drive with this input. None: it went as far as it goes, and the checkpoint tells where that is."""
    try:
        with hearing.watching(str(config["configurable"]["thread_id"])):
            for event in stream(feed, config, control):
                recorder.step(event)
                # Not inside a graph inside: its task would be half over, with answers that nobody could say were taken.
                if not event[0] and "input" not in event[1] and stop_after():
                    control.request_drain("an operator wants to look before the next step")
                if hearing.ended(event, given):
                    control.request_drain("an answer was taken by nobody")  # what comes after it would go on as if it had been
        recorder.over()
    except GraphDrained:
        state = graph.get_state(config)
        left = frozenset(i.id for task in state.tasks for i in task.interrupts)
        return Stretch(Stop.DRAINED, delivered=given, nodes=tuple(state.next), left=left)
    except UnknownInterruptError:
        return _Feed.NOT_WANTED
    except Stopped as stopped:
        return Stretch(Stop.FAILED, delivered=given, nodes=tuple(recorder.open_nodes), error=str(stopped), stopped=True)
    except GraphRecursionError as error:
        if recorder.open_nodes:  # of a graph that a node calls itself
            return Stretch(Stop.FAILED, delivered=given, nodes=tuple(recorder.open_nodes), error=_explain(error))
        return Stretch(Stop.FAILED, delivered=given, nodes=tuple(graph.get_state(config).next), error=str(kept.TOO_MANY_STEPS()))
    except Unkept as error:
        return Stretch(Stop.FAILED, delivered=given, nodes=tuple(recorder.open_nodes), error=str(error))
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # a node is somebody else's code
        if _is_ours(error):
            raise
        return Stretch(Stop.FAILED, delivered=given, nodes=tuple(recorder.open_nodes), error=_explain(error), struck=_struck(error))
    return None


def _stream(graph: Graph, feed: Any, config: Any, control: Control) -> Iterator[Any]:
    return graph.stream(feed, config, **_asked_of(graph), control=control)


def _asked_of(graph: Graph) -> dict[str, Any]:
    return {"stream_mode": "tasks", "durability": "sync", "subgraphs": True, "context": context_of(graph)}


def _awaited(graph: Graph, feed: Any, config: Any, control: Control) -> Iterator[Any]:
    """The same events of a graph that needs an event loop: a loop of its own, for this stretch."""
    events = graph.astream(feed, config, **_asked_of(graph), control=control)
    with asyncio.Runner() as runner:
        try:
            while True:
                yield runner.run(_next(events))
        except StopAsyncIteration:
            return
        finally:
            runner.run(governed.finished())  # closing the loop would cancel calls that were claimed
            runner.run(leftover.saved())


async def _next(events: AsyncIterator[Any]) -> Any:
    return await anext(events)


def _pending(state: StateSnapshot, known: Collection[str], recorder: Recorder) -> list[Question]:
    """Interrupts that wait for an answer.

    A node that raised after taking its answer keeps its dead question listed; one that raised before it asked and was
    tried again keeps its old error listed beside the new question. Only the first has an answer.
    """
    return [_question(i, task.name, recorder) for task in state.tasks for i in task.interrupts if task.error is None or i.id not in known]


def _question(interrupt: Interrupt, node: str, recorder: Recorder) -> Question:
    schema = interrupt.response_schema if isinstance(interrupt.response_schema, dict) else None
    return Question(interrupt.id, node, as_kept(interrupt.value), schema, recorder.places.get(interrupt.id, {}))


def _breakpoint(graph: Graph, config: Any, state: StateSnapshot, *, moved: bool = False) -> Question | None:
    found = breakpoint_of(graph, config, state, stopped=moved)
    return Question(found.interrupt_id, found.node, found.value) if found else None


def _ended(
    graph: Graph,
    config: Any,
    recorder: Recorder,
    state: StateSnapshot,
    delivered: frozenset[str],
    known: Callable[[], Collection[str]],
    *,
    moved: bool = False,
) -> Stretch:
    """Where it came to; `moved`: it was driven just now and stopped by itself."""
    failed = next((task for task in state.tasks if task.error is not None), None)
    questions = _pending(state, known() if failed else (), recorder)
    if failed is not None and not questions:
        return Stretch(Stop.FAILED, delivered=delivered, nodes=(failed.name,), error=f"{failed.name}: {failed.error}")
    stop = _breakpoint(graph, config, state, moved=moved)
    if moved and stop and stop.interrupt_id in delivered:
        return Stretch(Stop.FAILED, delivered=delivered, nodes=(stop.node,), error=kept.BREAKPOINT_AGAIN(node=stop.node))
    if asked := (*questions, *([stop] if stop else [])):
        return Stretch(Stop.PAUSED, asked, delivered, tuple(dict.fromkeys(q.node for q in asked)))
    if state.tasks:
        # Something is left to do but nobody was asked: the caller drives on (trial L18).
        return Stretch(Stop.DRAINED, delivered=delivered, nodes=tuple(state.next))
    values = named(state.values)
    return Stretch(Stop.FINISHED, delivered=delivered, values=values, output=given_back(graph, values))


def _is_ours(error: BaseException) -> bool:
    """Whether it is our checkpoints that went away or this process that is being ended, not something a node did.

    A node may have a database of its own; and billiard puts a function of its own in the place of `sys.exit`, so the last
    frame of a node's exit is billiard's, too.
    """
    files = [frame.filename.replace("\\", "/") for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return any("langgraph/checkpoint/postgres" in file for file in files)
    return isinstance(error, SystemExit) and len(files) > 1 and all("billiard/" in file for file in files[-2:])


def _struck(error: BaseException | None) -> bool:
    """Whether the limit of a task struck, also where a node made another error of it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, SoftTimeLimitExceeded):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def ends_late(graph: Graph, thread: str, stretch: Stretch, why: str, *, whole: bool) -> Stretch:
    """A stretch as that of a run whose time is up, with what its state holds: what the graph would give back of it, or all where that is nothing yet.

    Args:
        whole: all of it in any case.
    """
    values = named(graph.get_state({"configurable": {"thread_id": thread}}).values)
    return replace(stretch, late=why, values=values, output=values if whole else given_back(graph, values) or values)


def _explain(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-8_000:]
