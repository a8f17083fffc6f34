"""Questions that come back: their node is given the answer to what was shown, and it is noticed whether it took it.

`langgraph.types.interrupt` is wrapped. A question that comes back with other words than were shown is stopped before the old answer reaches
it. And LangGraph tells nobody when an answer reaches no question, because its node was renamed inside a graph inside, or asks no more
(interop.md 2.11): the task ends as if all were well. So whoever takes an answer is seen here, the graph is stopped at its next step when
a task ends that took none, and what was not seen is looked up in the checkpoints (`kept_answers`).
"""

import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import langgraph.types
from langgraph._internal._constants import CONFIG_KEY_CHECKPOINT_NS, CONFIG_KEY_SCRATCHPAD, CONFIG_KEY_SEND, RESUME
from langgraph.config import get_config
from langgraph.errors import GraphDrained
from pydantic import TypeAdapter

from agents import dialects, kept
from agents.graphs import guard
from agents.graphs.guard import Stopped
from agents.graphs.typed import as_kept

_original = langgraph.types.interrupt
_watched: dict[str, "Hearing"] = {}


@dataclass(eq=False)
class Hearing:
    """What one stretch is told of its answers, and sees of them.

    Attributes:
        digests: of what people were shown, by interrupt id: a question is only given the answer to that.
        by_value: those of them that were recorded when the schema of the answer did not count yet.
        tell: writes down that a question's node is given its answer now; gives the reason why it must not be, or "".
        tasks: the task of the outermost graph that asked, by interrupt id, where that is known.
        taken: interrupt ids whose answers were taken, in this stretch. deaf: given, and their tasks ended without taking them.
    """

    digests: Mapping[str, str] = field(default_factory=dict)
    tell: Callable[[str], str] = lambda interrupt_id: ""
    tasks: Mapping[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    by_value: Collection[str] = ()

    def __post_init__(self) -> None:
        self._lock = threading.Lock()  # nodes of one step run in threads
        self._seen: dict[int, _Count] = {}

    @contextmanager
    def watching(self, thread: str) -> Iterator[None]:
        """While the block runs, what this thread asks is compared, and who takes an answer is seen."""
        if self.digests or langgraph.types.interrupt is _original:  # else whatever was loaded has it
            install()
        _watched[thread] = self
        try:
            yield
        finally:
            _watched.pop(thread, None)

    def ended(self, event: Any, given: Collection[str]) -> bool:
        """Whether this event of the stream is the end of a task that was given an answer and took none."""
        namespace, task = event
        if namespace or "input" in task or task.get("interrupts") or task.get("error"):
            return False
        mine = {one for one in given if self.tasks.get(one) == task["id"]} - self.taken
        self.deaf |= mine
        return bool(mine)

    def compare(self, config: Mapping[str, Any], value: Any, response_schema: Any = None) -> str:
        """The id of what is asked now, "" when it has no answer yet. Raises when the answer at hand is for something else."""
        pad = config[CONFIG_KEY_SCRATCHPAD]
        number = self._next(pad)
        if number >= len(pad.resume) and pad.get_null_resume(False) is None:
            return ""  # it is asked for the first time
        interrupt_id: str = langgraph.types._interrupt_id(config[CONFIG_KEY_CHECKPOINT_NS], number)
        known = self.digests.get(interrupt_id)
        if known is not None and known != self._digest(interrupt_id, value, response_schema):
            raise Stopped(kept.QUESTION_MOVED())
        self._told(interrupt_id)
        return interrupt_id

    def given(self, config: Mapping[str, Any], mine: Callable[[Any], bool]) -> Any:
        """The newest answer of this task that is for the one who asks, None when it has none. Raises as `compare` does."""
        pad = config[CONFIG_KEY_SCRATCHPAD]
        for number in reversed(range(len(pad.resume))):
            if mine(pad.resume[number]):
                interrupt_id: str = langgraph.types._interrupt_id(config[CONFIG_KEY_CHECKPOINT_NS], number)
                self._told(interrupt_id)
                self.taken.add(interrupt_id)
                self._count(pad).out_of_turn = True
                self.keep(config)
                return pad.resume[number]
        return None

    def keep(self, config: Mapping[str, Any]) -> None:
        """Have LangGraph keep every answer of a task in which one was taken out of turn: it keeps those up to the one it gave out last."""
        pad = config[CONFIG_KEY_SCRATCHPAD]
        if self._count(pad).out_of_turn:
            config[CONFIG_KEY_SEND]([(RESUME, list(pad.resume))])

    def _told(self, interrupt_id: str) -> None:
        if why := self.tell(interrupt_id):
            raise GraphDrained(why) if why == kept.HALTED_BEFORE() else Stopped(why)

    def _digest(self, interrupt_id: str, value: Any, response_schema: Any) -> str:
        if response_schema is None or interrupt_id in self.by_value:
            return dialects.digest(as_kept(value))
        schema = response_schema if isinstance(response_schema, dict) else TypeAdapter(response_schema).json_schema()  # as `interrupt` does
        return dialects.digest(as_kept(value), schema)

    def turn(self, pad: Any) -> threading.Lock:
        """Held while one question of a task is compared and asked: calls of a plain `ToolNode` ask in threads, under one count of LangGraph's."""
        return self._count(pad).lock

    def _next(self, pad: Any) -> int:
        """Which question of its task this is: LangGraph counts them too, and tells nobody."""
        count = self._count(pad)
        count.asked += 1
        return count.asked - 1

    def _count(self, pad: Any) -> "_Count":
        with self._lock:
            return self._seen.setdefault(id(pad), _Count(pad))


@dataclass(eq=False)
class _Count:
    """How many questions a task has asked, and whether an answer of it was taken out of turn. It holds the task's scratchpad, whose place in memory another one would get otherwise."""

    pad: Any
    asked: int = 0
    out_of_turn: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


def kept_answers(saver: Any, thread: str, wanted: Collection[str], *, known: Collection[str], names: Collection[str]) -> set[str]:
    """Which of these questions took their answers, as the thread's checkpoints have it: LangGraph keeps an answer with the task that took it.

    Args:
        wanted: interrupt ids. known: every one this thread ever asked. names: of the nodes that may have asked.
    """
    found: set[str] = set()
    nameless = False
    for one in saver.list({"configurable": {"thread_id": thread}}):
        within = one.config["configurable"].get("checkpoint_ns", "")
        for task, channel, given in one.pending_writes or ():
            if channel == RESUME and isinstance(given, list):
                places = [f"{within}|{name}:{task}".lstrip("|") for name in names]
                ids = {langgraph.types._interrupt_id(place, n) for place in places for n in range(len(given))}
                found |= ids.intersection(wanted)
                nameless = nameless or not ids.intersection(known)
    # A task of LangGraph's functional API has a name that nobody can list: what it took may have been any of these.
    return set(wanted) if nameless else found


def install() -> None:
    """Put `_checked` in the place of `interrupt`, wherever it has been imported to already. Called before a project is loaded."""
    guard.install()
    if langgraph.types.interrupt is not _original and not _stray():
        return
    langgraph.types.interrupt = _checked
    for module in _stray():
        vars(module)["interrupt"] = _checked


def _stray() -> list[Any]:
    return [m for name, m in list(sys.modules.items()) if name != __name__ and getattr(m, "__dict__", {}).get("interrupt") is _original]


def at_hand(mine: Callable[[Any], bool]) -> bool:
    """Whether the task that runs has been given such an answer already, this time or before. Nothing is asked, and nothing taken."""
    config = get_config()["configurable"] if _watched else {}
    return str(config.get("thread_id")) in _watched and any(map(mine, config[CONFIG_KEY_SCRATCHPAD].resume))


def ask(value: Any, mine: Callable[[Any], bool]) -> Any:
    """`interrupt`, for calls that share one step: an answer among those its task has already is taken, whichever of them it was given to.

    LangGraph hands a task's answers out in the order in which it asks, and calls in threads ask in another order each time. A call that was
    answered would ask again when it comes late, and once all have found their answers, nobody would take the second one.
    """
    return _checked(value, mine=mine)


def _checked(value: Any, *, response_schema: Any = None, mine: Callable[[Any], bool] | None = None) -> Any:
    """LangGraph's `interrupt`, which stops when the answer at hand is for something else than is asked now; a refusal is false."""
    config = get_config()["configurable"] if _watched else {}
    hearing = _watched.get(str(config.get("thread_id")))
    if hearing is None:
        return dialects.no_yes(_original(value, response_schema=response_schema))
    with hearing.turn(config[CONFIG_KEY_SCRATCHPAD]):
        if mine and (given := hearing.given(config, mine)) is not None:
            return dialects.no_yes(given)
        taken = hearing.compare(config, value, response_schema)
        answer = _original(value, response_schema=response_schema)
        if taken:
            hearing.taken.add(taken)
            hearing.keep(config)
    return dialects.no_yes(answer)
