"""Watching the calls that an agent makes itself: what people were asked about runs as it was approved, at most once, or not at all.

The first of two guards that work on agents nobody changed (interop.md 2.31); the other is `hearing`. `Calls` is told by LangChain's callbacks of
every tool that starts, also inside sub-agents.

Both stop with an exception that LangGraph passes on and keeps nowhere: the thread is unharmed.
"""

import functools
import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from langgraph.errors import GraphBubbleUp, GraphDrained
from langgraph.types import Command

from agents import kept
from agents.dialects.record import Made
from agents.graphs import making
from agents.tools.later import unrun


class Stopped(GraphBubbleUp):
    """The agent was about to do something else than people were shown, or to do it twice. Nothing was done."""


@dataclass
class Leave:
    """One call people were asked about.

    Attributes:
        allowed: it was approved and handed back, and has not begun.
        call_id: the model's id of the call, "" where it is not known.
        made: what came of it, where that is on record: given to whoever would make it again. begun: it has begun; allowed no more.
        instead: an edit put other arguments in the place of these, which are a leave of their own.
        why: in words, why it is allowed no more.
    """

    action: str
    tool: str
    args: Any
    call_id: str = ""
    allowed: bool = False
    made: Made | None = None
    begun: bool = False
    instead: bool = False
    why: str = ""

    @property
    def spent(self) -> bool:
        """Whether a call of this tool that nobody can tell apart may be another one: this one was approved and made."""
        return self.begun or self.instead


@dataclass(frozen=True)
class OfOurs:
    """One call that our own line asked about: nothing else may make it, whatever people said.

    Attributes:
        open: the answer is still to come, or just being given.
        task: of the outermost graph, in which it was asked; "" where it is not known.
    """

    tool: str
    call_id: str
    args: Any
    open: bool
    task: str = ""

    def may_be(self, tool: str, call_id: str, args: Any, at: str, tasks: Callable[[], Collection[str]]) -> bool:
        """Whether a call that begins in this task, "" for one that is not known, may be this one.

        With the same id and the same arguments it is. While the answer is still to come either of them tells, whatever else was changed, but not in a
        task beside the one where it is asked: two sub-agents may call equal tools alike. Later neither does: models may count their calls anew.
        """
        same_id, same_args = bool(call_id) and self.call_id == call_id, self.args == args
        if self.tool != tool or not (same_id or same_args):
            return False
        if same_id and same_args:
            return True
        return (
            self.open
            and making.named(tool, self.call_id, self.args) not in making.answered
            and not (at and self.task and at != self.task and self.task in tasks())
        )


@dataclass(eq=False)
class Calls(BaseCallbackHandler):
    """Asks before each call, and remembers what came of it.

    Attributes:
        leaves: every call of this run that people were asked about.
        ours: what our own line asked about.
        begin: writes down that a call begins; gives the reason why it must not, or "".
        paused: a call that stopped at a question of its own has not been made yet.
        tasks: those of the outermost graph that its newest checkpoint has.
    """

    leaves: Sequence[Leave]
    begin: Callable[[str, str], str]
    paused: Callable[[str], None]
    ours: Sequence[OfOurs] = ()
    tasks: Callable[[], Collection[str]] = tuple
    made: dict[str, Made] = field(default_factory=dict)
    stopped: str = ""
    raise_error = True
    run_inline = True

    def __post_init__(self) -> None:
        self._lock = threading.Lock()  # tools of one turn start in threads of the graph's own
        self._open: dict[UUID, Leave] = {}
        self._unlined: set[str] = set()
        self._older = frozenset(threading.enumerate()) - {threading.current_thread()}

    @contextmanager
    def here(self) -> Iterator[None]:
        """While the block runs, this process drives the run whose calls these are: a worker drives one at a time (prefork)."""
        _here.append(self)
        making.answered.clear()
        try:
            yield
        finally:
            _here.remove(self)

    def on_tool_start(self, serialized: dict[str, Any], input_str: str, *, run_id: UUID, inputs: Any = None, **kwargs: Any) -> None:
        tool, call_id = str((serialized or {}).get("name") or ""), str(kwargs.get("tool_call_id") or "")
        if self._is_ours(tool, call_id, inputs, at=_task_of(kwargs.get("metadata"))):
            self._hold_back(tool, call_id)
        with self._lock:
            leave = self._leave(tool, inputs if inputs is not None else input_str, call_id)
            if leave is None:
                return
            if why := self.begin(leave.action, call_id):
                leave.allowed = True
                if why == kept.HALTED_BEFORE():
                    raise GraphDrained(why)  # as if the halt had been heard one step earlier: the run is taken up where it stands
                self._stop(why)
            self._open[run_id] = leave

    def begins_unheard(self, tool: str, call_id: str, args: Any) -> None:
        """A call that no callback tells of: it begins in a thread of the agent's own, or with callbacks of its own. What our line asked about is stopped.

        A thread that an earlier run left behind may begin an equal call of that run: there only the model's own id counts.
        """
        if threading.current_thread() in self._older and not (call_id and any(one.call_id == call_id for one in self.ours)):
            return
        if self._is_ours(tool, call_id, args):
            self._hold_back(tool, call_id)

    def _is_ours(self, tool: str, call_id: str, args: Any, *, at: str = "") -> bool:
        return tool in self._unlined or any(one.may_be(tool, call_id, args, at, self.tasks) for one in self.ours)

    def _hold_back(self, tool: str, call_id: str) -> None:
        """Stop what our own line does not make, and from then on every call of that tool: its siblings were to be asked about as well, and the run fails."""
        if not making.is_governed(tool, call_id, itself=any((one.tool, one.call_id) == (tool, call_id) for one in self.ours)):
            self._unlined.add(tool)
            self._stop(kept.ASKED_BY_OUR_LINE(tool=tool))

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        with self._lock:
            if leave := self._open.pop(run_id, None):
                self.made[leave.action] = outcome_of(output)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        with self._lock:
            leave = self._open.pop(run_id, None)
            if leave is None:
                return
            if isinstance(error, GraphBubbleUp):
                leave.allowed = True
                self.paused(leave.action)
            else:
                self.made[leave.action] = Made("unknown", error=f"{type(error).__name__}: {error}")

    def recorded(self, tool: str, args: Any, call_id: str) -> Made | None:
        """What is on record of this call; then it is not made again. Of calls that nobody can tell apart, each is given once."""
        with self._lock:
            for one in self.leaves:
                if one.made and one.tool == tool and one.args == args and (not one.call_id or one.call_id == call_id):
                    made, one.made = one.made, None
                    return made
        return None

    def _leave(self, tool: str, args: Any, call_id: str) -> Leave | None:
        """The leave this call takes; None for a call that nobody was ever asked about. Stops what was asked about and is not allowed."""
        mine = [one for one in self.leaves if one.tool == tool and (not one.call_id or not call_id or one.call_id == call_id)]
        same = [one for one in mine if one.args == args]
        for one in sorted(same, key=lambda leave: leave.call_id != call_id):
            if one.allowed:
                one.allowed = False
                return one
        if any(one.begun for one in same):
            self._stop(kept.DIED_IN_IT(tool=tool))
        if same:
            self._stop(next((one.why for one in same if one.why), kept.NOT_APPROVED(tool=tool)))
        # With a model's own id it is told apart. Without one it may be another call; not while what was approved of this tool waits to be made, nor
        # after people said no to it: then nobody knows that it is not the same with other words, and it has to be asked about.
        if any(one.call_id == call_id if call_id else one.allowed for one in mine):
            self._stop(kept.OTHER_THAN_APPROVED(tool=tool))
        if not call_id and not all(one.spent or one.action in self._open_actions() for one in mine):
            self._stop(kept.REFUSED_AND_OTHERWISE(tool=tool))
        return None

    def _open_actions(self) -> set[str]:
        """Calls that are being made just now."""
        return {leave.action for leave in self._open.values()} | self.made.keys()

    def _stop(self, why: str) -> None:
        self.stopped = self.stopped or why
        raise Stopped(why)


def outcome_of(output: Any) -> Made:
    """What a tool that gave this says of its call."""
    if isinstance(output, list):
        output = next((one for one in output if isinstance(one, ToolMessage | Command)), output)
    if isinstance(output, Command):
        messages = output.update.get("messages", []) if isinstance(output.update, dict) else []
        output = next((m for m in messages if isinstance(m, ToolMessage)), output)
    if isinstance(output, ToolMessage):
        return made_of(output)
    return _done(str(output))


def told(values: Mapping[str, Any], call_id: str) -> Made | None:
    """What the graph's own messages say of a call whose end nobody saw."""
    messages = values.get("messages") if call_id else None
    found = messages if isinstance(messages, list) else []
    return next((made_of(m) for m in found if isinstance(m, ToolMessage) and m.tool_call_id == call_id), None)


def made_of(message: ToolMessage) -> Made:
    """What a tool's own message says came of the call."""
    content = message.content if isinstance(message.content, str) else message.text
    return Made("failed", error=str(content)) if message.status == "error" else _done(str(content))


def _done(words: str) -> Made:
    kind = unrun(words)
    return Made("unknown", error=kept.NOT_RUN(kind=kind)) if kind else Made("done", words)


def _task_of(metadata: Any) -> str:
    """The task of the outermost graph in which a call begins, as LangGraph tells callbacks; "" where it does not."""
    namespace = metadata.get("langgraph_checkpoint_ns") if isinstance(metadata, Mapping) else None
    return str(namespace or "").partition("|")[0].rpartition(":")[2]


# -- calls whose outcome is on record, and those that no callback tells of ------------------------------------------
_here: list[Calls] = []


def _facts(callbacks: Any, tool: BaseTool, args: Any, call_id: str | None) -> ToolMessage | None:
    """The message of a call that was made before its worker died, as it is on record; None when it is to be made."""
    handlers = callbacks if isinstance(callbacks, list) else getattr(callbacks, "handlers", ())
    watching = next((h for h in handlers if isinstance(h, Calls)), None)
    plain = tool._filter_injected_args(args) if isinstance(args, dict) else args  # as callbacks see them
    if watching is None and len(_here) == 1:
        _here[0].begins_unheard(tool.name, call_id or "", plain)
    made = watching.recorded(tool.name, plain, call_id or "") if watching else None
    if made is None:
        return None
    content = made.error if made.status != "done" else made.result if isinstance(made.result, str) else json.dumps(made.result)
    return ToolMessage(content, name=tool.name, tool_call_id=call_id, status="success" if made.status == "done" else "error")


_run, _arun = BaseTool.run, BaseTool.arun


@functools.wraps(_run)
def _run_once(self: BaseTool, tool_input: Any, *args: Any, **more: Any) -> Any:
    told = _facts(more.get("callbacks"), self, tool_input, more.get("tool_call_id"))
    mine = making.turn_of(self.name, more.get("tool_call_id"))
    if told or mine.begun:
        return told or mine.again()
    with mine.making():
        mine.gave = _run(self, tool_input, *args, **more)
    return mine.gave


@functools.wraps(_arun)
async def _arun_once(self: BaseTool, tool_input: Any, *args: Any, **more: Any) -> Any:
    told = _facts(more.get("callbacks"), self, tool_input, more.get("tool_call_id"))
    mine = making.turn_of(self.name, more.get("tool_call_id"))
    if told or mine.begun:
        return told or mine.again()
    with mine.making():
        mine.gave = await _arun(self, tool_input, *args, **more)
    return mine.gave


def install() -> None:
    """Give calls that are on record instead of making them again, in every tool."""
    BaseTool.run, BaseTool.arun = _run_once, _arun_once  # type: ignore[method-assign]
