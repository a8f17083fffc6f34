"""Driving a graph once more from what was recorded of a run: the model's answers and the people's, and nothing that acts.

The graph gets a saver of its own that is gone afterwards. A model is never asked: LangChain looks into its cache first, and the cache is
the record. Whatever is asked that the record does not know ends the replay there, which is the difference that is looked for.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langchain_core.caches import BaseCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.globals import get_llm_cache, set_llm_cache
from langchain_core.messages import BaseMessage, messages_from_dict, messages_to_dict
from langchain_core.outputs import ChatGeneration, Generation, LLMResult
from langgraph.checkpoint.base import copy_checkpoint
from langgraph.checkpoint.memory import InMemorySaver

from agents import kept
from agents.graphs import changing
from agents.graphs.driver import Control, Question, Stop, Stretch, drive
from agents.graphs.loader import Loaded
from agents.graphs.recorder import Recorder
from agents.graphs.typed import reading
from agents.graphs.unpacked import neutral, unpacked
from audit import canonical

THREAD = "replay"
_asked: ContextVar[str] = ContextVar("asked_of_the_model", default="")


class NotRecorded(ValueError):
    """The model is asked something the recorded run did not ask. A ValueError: LangGraph's retries leave those alone."""


@dataclass(frozen=True)
class Record:
    """What a run recorded.

    Attributes:
        answers: digest of what was asked, and the answer it got, in the order in which it was asked.
        models: prompt (LangChain's dicts) and answer (one such dict) of each call of a model, in order.
    """

    first_input: Any
    answers: Sequence[tuple[str, Any]] = ()
    models: Sequence[tuple[Any, Mapping[str, Any]]] = ()


@dataclass(frozen=True)
class Step:
    """One checkpoint of a replay: what came about, and which nodes run from it."""

    step: int
    source: str
    next: tuple[str, ...]
    values: dict[str, Any]


@dataclass(frozen=True)
class Replay:
    """Every checkpoint in order, how it ended, and what was asked that the record does not know."""

    steps: tuple[Step, ...]
    stop: Stop
    nodes: tuple[str, ...]
    error: str
    unknown: str


@dataclass(frozen=True)
class At:
    """A checkpoint of a thread."""

    thread: str
    checkpoint: str


@dataclass(frozen=True)
class Asked:
    """What a fork asked, and where its answer came from: "recorded", "assumed", or "open": it stopped there."""

    question: Question
    answer: str


@dataclass(frozen=True)
class Fork(Replay):
    """A replay that may go elsewhere: what it asked, and how often a model's answer was the recorded one, or a new one."""

    asked: tuple[Asked, ...] = ()
    models_recorded: int = 0
    models_asked: int = 0
    models_named: tuple[str, ...] = ()


Assume = Callable[[Question], Any]


class _Models(BaseCache, BaseCallbackHandler):
    """The record as LangChain's cache: what a model is asked is told first, then looked up, in one thread."""

    run_inline = True
    raise_error = True

    def __init__(self, models: Sequence[tuple[Any, Mapping[str, Any]]], *, ask: bool = False) -> None:
        self._left: dict[str, deque[Mapping[str, Any]]] = {}
        self._ask = ask  # a model that is asked something new is let answer, instead of ending it there
        self.unknown = ""
        self.recorded = self.asked = 0
        self.names: dict[str, None] = {}  # of models that were asked something new
        self._new: set[UUID] = set()
        for prompt, answer in models:
            self._left.setdefault(key_of(prompt), deque()).append(answer)

    def on_chat_model_start(self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: UUID, **kwargs: Any) -> None:
        prompt = messages_to_dict(messages[0])
        key = key_of(prompt)
        if not self._left.get(key) and not self._ask:
            self.unknown = self.unknown or str(prompt[-1]["data"].get("content", ""))[:500] or "(an empty prompt)"
            raise NotRecorded("The model is asked something that the recorded run did not ask")
        if not self._left.get(key):
            params = kwargs.get("invocation_params") or {}
            self._new.add(run_id)
            self.names[str(params.get("model") or params.get("model_name") or params.get("_type") or "")] = None
        _asked.set(key)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        self.asked += run_id in self._new

    def lookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        left = self._left.get(_asked.get())
        if not left:
            return None
        self.recorded += 1
        answer = left.popleft()
        message = messages_from_dict([dict(answer)])[0]
        return [ChatGeneration(message=message)]

    async def alookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        return self.lookup(prompt, llm_string)

    def update(self, prompt: str, llm_string: str, return_val: Any) -> None:
        """Only a model that looks into no cache gets here, or nobody."""

    def clear(self, **kwargs: Any) -> None:
        """Nothing is kept."""


def key_of(prompt: Any) -> str:
    """A prompt by what it says: messages are given new ids each time."""
    return canonical.fingerprint(canonical.storable(neutral(prompt)))


def replay(loaded: Loaded, record: Record) -> Replay:
    """Take a graph as far as the record goes."""
    saver, models = InMemorySaver(), _Models(record.models)
    graph = loaded.compile(saver)
    left = _by_digest(record.answers)
    stretch = _driven(loaded, graph, record, models, lambda question: _next_of(left, question))
    return Replay(tuple(_steps(graph, saver)), stretch.stop, stretch.nodes, stretch.error, models.unknown)


def fork(loaded: Loaded, saver: Any, *, of: At, values: Mapping[str, Any], record: Record, assume: Assume, models: bool) -> Fork:
    """Take a graph on from a checkpoint, beside its run: recorded answers are given where the same is asked, what is new is assumed.

    Args:
        saver: only read. values: put in place of what the state held there. record: `models` empty: every model is asked anew.
        assume: what is answered where the record knows nothing; None leaves it asked, and the fork stops there.
        models: a model may be asked what the record does not know.

    Raises:
        CannotChange: there is no such checkpoint, or a value the graph does not take.
    """
    beside, asker = InMemorySaver(), _Models(record.models, ask=models)
    graph = loaded.compile(beside)
    saved = reading(graph, saver).get_tuple({"configurable": {"thread_id": of.thread, "checkpoint_ns": "", "checkpoint_id": of.checkpoint}})
    if saved is None:
        raise changing.CannotChange(kept.NO_SUCH_CHECKPOINT())
    here: Any = {"configurable": {"thread_id": THREAD, "checkpoint_ns": ""}}
    beside.put(here, copy_checkpoint(saved.checkpoint), saved.metadata, saved.checkpoint["channel_versions"])
    if values:
        changing.copied(graph, THREAD, of.checkpoint, values, {})
    left, asked = _by_digest(record.answers), dict[str, Asked]()

    def answered(question: Question) -> Any:
        found = _next_of(left, question)
        given = assume(question) if found is None else found
        asked[question.interrupt_id] = Asked(question, "recorded" if found is not None else "open" if given is None else "assumed")
        return given

    stretch = _driven(loaded, graph, record, asker, answered)
    steps = tuple(_steps(graph, beside))
    return Fork(
        steps,
        stretch.stop,
        stretch.nodes,
        stretch.error,
        asker.unknown,
        tuple(asked.values()),
        asker.recorded,
        asker.asked,
        tuple(asker.names),
    )


def _driven(loaded: Loaded, graph: Any, record: Record, models: _Models, answered: Callable[[Question], Any]) -> Stretch:
    """As far as there are answers."""
    recorder = Recorder(run=THREAD, trace="", fence=0)
    recorder.callbacks = models  # type: ignore[assignment]  # nothing of it is logged as a decision
    given: dict[str, Any] = {}
    with _instead_of_models(models):
        while True:
            stretch = drive(
                graph,
                thread=THREAD,
                first_input=record.first_input,
                answers=given,
                control=Control(),
                recorder=recorder,
                in_a_loop=loaded.needs_a_loop,
            )
            questions = stretch.questions if stretch.stop is Stop.PAUSED else ()
            given = {q.interrupt_id: answer for q in questions if (answer := answered(q)) is not None}
            if not given:
                return stretch


def _by_digest(answers: Sequence[tuple[str, Any]]) -> dict[str, deque[Any]]:
    left: dict[str, deque[Any]] = {}
    for digest, answer in answers:
        left.setdefault(digest, deque()).append(answer)
    return left


def _next_of(left: Mapping[str, deque[Any]], question: Question) -> Any:
    waits = left.get(str(question.value.get("digest", "")) if isinstance(question.value, Mapping) else "")
    return waits.popleft() if waits else None


def _steps(graph: Any, saver: InMemorySaver) -> Iterator[Step]:
    history = list(graph.get_state_history({"configurable": {"thread_id": THREAD}}))
    for at in reversed(history):
        kept = saver.get_tuple(at.config)
        values = kept.checkpoint["channel_values"] if kept else {}
        plain = {name: unpacked(*saver.serde.dumps_typed(value)) for name, value in values.items()}
        yield Step(int(at.metadata["step"]), str(at.metadata["source"]), tuple(at.next), plain)


@contextmanager
def _instead_of_models(models: _Models) -> Iterator[None]:
    before = get_llm_cache()
    set_llm_cache(models)
    try:
        yield
    finally:
        set_llm_cache(before)
