"""Driving a graph once more from what was recorded of a run: the model's answers and the people's, and nothing that acts.

The graph gets a saver of its own that is gone afterwards. A model is never asked: LangChain looks into its cache first, and the cache is
the record. Whatever is asked that the record does not know ends the replay there, which is the difference that is looked for.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langchain_core.caches import BaseCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.globals import get_llm_cache, set_llm_cache
from langchain_core.messages import BaseMessage, messages_from_dict, messages_to_dict
from langchain_core.outputs import ChatGeneration, Generation
from langgraph.checkpoint.memory import InMemorySaver

from agents.graphs.driver import Control, Stop, Stretch, drive
from agents.graphs.loader import Loaded
from agents.graphs.recorder import Recorder
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


class _Models(BaseCache, BaseCallbackHandler):
    """The record as LangChain's cache: what a model is asked is told first, then looked up, in one thread."""

    run_inline = True
    raise_error = True

    def __init__(self, models: Sequence[tuple[Any, Mapping[str, Any]]]) -> None:
        self._left: dict[str, deque[Mapping[str, Any]]] = {}
        self.unknown = ""
        for prompt, answer in models:
            self._left.setdefault(key_of(prompt), deque()).append(answer)

    def on_chat_model_start(self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: UUID, **kwargs: Any) -> None:
        prompt = messages_to_dict(messages[0])
        key = key_of(prompt)
        if not self._left.get(key):
            self.unknown = self.unknown or str(prompt[-1]["data"].get("content", ""))[:500] or "(an empty prompt)"
            raise NotRecorded("The model is asked something that the recorded run did not ask")
        _asked.set(key)

    def lookup(self, prompt: str, llm_string: str) -> list[Generation]:
        answer = self._left[_asked.get()].popleft()
        message = messages_from_dict([dict(answer)])[0]
        return [ChatGeneration(message=message)]

    async def alookup(self, prompt: str, llm_string: str) -> list[Generation]:
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
    recorder = Recorder(run=THREAD, trace="", fence=0)
    recorder.callbacks = models  # type: ignore[assignment]  # nothing of it is logged as a decision
    left: dict[str, deque[Any]] = {}
    for digest, answer in record.answers:
        left.setdefault(digest, deque()).append(answer)
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
            given = _answered(stretch, left)
            if not given:
                break
    return Replay(tuple(_steps(graph, saver)), stretch.stop, stretch.nodes, stretch.error, models.unknown)


def _answered(stretch: Stretch, left: Mapping[str, deque[Any]]) -> dict[str, Any]:
    if stretch.stop is not Stop.PAUSED:
        return {}
    found = {}
    for question in stretch.questions:
        waits = left.get(str(question.value.get("digest", "")) if isinstance(question.value, Mapping) else "")
        if waits:
            found[question.interrupt_id] = waits.popleft()
    return found


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
