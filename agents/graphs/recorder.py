"""Telling what a graph does while it does it: a span per step and per model call, with full prompts and answers."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import structlog
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage, messages_to_dict
from langchain_core.outputs import LLMResult
from langgraph.errors import GraphDrained

from agents import prices
from agents.graphs.places import place_of
from agents.prices import Used
from audit.traces import SpanRecord, prompt_hash

log = structlog.get_logger("agents.planner")


class Meter(Protocol):
    """What counts model calls against a budget (`agents.operations.spending`)."""

    def begin(self, key: str, guess: Used) -> bool:
        """Whether a call may be made, which will use at least so much."""

    def end(self, key: str, used: Used) -> Used:
        """It is over; what of it the recorder has to hand on with `spent`."""


class Recorder:
    """Collects the spans of one stretch; whoever drives writes them (`taken`), now and then and at the end."""

    def __init__(self, *, run: str, trace: str, fence: int, on_step: Callable[[], None] | None = None, meter: Meter | None = None) -> None:
        self._run, self._trace, self._fence = run, trace, fence
        self._lock = threading.Lock()  # model callbacks come from the graph's own threads
        self._spans: dict[str, SpanRecord] = {}
        self._open: dict[str, SpanRecord] = {}
        self._on_step, self.meter = on_step, meter
        self._spent = Used()
        self._inputs: dict[str, Any] = {}  # of each task by its id: a question is told apart by what its node was given
        self.places: dict[str, dict[str, Any]] = {}
        self.callbacks = ModelCalls(self)

    @property
    def open_nodes(self) -> list[str]:
        return list(dict.fromkeys(span.name for span in self._open.values() if span.kind == "node"))

    def step(self, event: Any) -> None:
        """One event of the stream mode "tasks": ((namespace...), {"id", "name", "input"} or {"id", "result", ...})."""
        namespace, task = event
        key = f"node:{task['id']}:{self._fence}"
        if "input" in task:
            self._inputs[task["id"]] = task["input"]
            self.start(
                SpanRecord(self._run, "node", task["name"], key, _now(), self._trace, "/".join(namespace), input=plain(task["input"]))
            )
            if self._on_step:
                self._on_step()
            return
        for one in task.get("interrupts") or ():
            # The innermost graph tells it first, then each that is around it.
            self.places.setdefault(one["id"], place_of(namespace, task, one, self._inputs))
        status = "failed" if task.get("error") else "paused" if task.get("interrupts") else "done"
        self.end(key, status, output=plain(task.get("result")), error=str(task.get("error") or ""))

    def start(self, span: SpanRecord) -> None:
        with self._lock:
            self._open[span.key] = self._spans[span.key] = span

    def end(self, key: str, status: str, *, output: Any = None, error: str = "", **attributes: Any) -> None:
        with self._lock:
            span = self._open.pop(key, None)
            if span is None:
                return
            span.ended_at, span.status, span.output, span.error = _now(), status, output, error
            span.attributes.update(attributes)
            self._spans[key] = span

    def over(self) -> None:
        """The stretch is over: steps that were told of and never ended ran nothing, their results are from an earlier stretch."""
        with self._lock:
            for key in [key for key, span in self._open.items() if span.kind == "node"]:
                del self._open[key]
                self._spans.pop(key, None)

    def taken(self) -> list[SpanRecord]:
        """The spans told since the last call, to be written by the caller."""
        with self._lock:
            spans, self._spans = list(self._spans.values()), {}
            return spans

    def use(self, used: Used) -> None:
        """Calls used this, and nobody has counted it; also to give back what could not be written."""
        with self._lock:
            self._spent += used

    def spent(self) -> Used:
        """What calls used since the last call of this, to be counted by the caller."""
        with self._lock:
            spent, self._spent = self._spent, Used()
            return spent

    def span(self, kind: str, name: str, key: str) -> SpanRecord:
        return SpanRecord(self._run, kind, name, f"{kind}:{key}", _now(), self._trace)


class ModelCalls(BaseCallbackHandler):
    """LangChain's callbacks for model calls: prompt and answer whole into a span, one log record per decision (R7)."""

    run_inline = True
    raise_error = True  # a call over its budget is refused by raising; whatever else goes wrong here is our own affair

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._started: dict[UUID, tuple[float, str, str, int]] = {}

    def on_chat_model_start(self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: UUID, **kwargs: Any) -> None:
        """Raises GraphDrained: its budget is spent, and the call must not be made; the run is taken up where it stands."""
        try:
            model, characters = self._begin(messages, run_id, kwargs)
            guess = prices.guessed(model, characters)
        except Exception:
            log.exception("call_not_recorded")
            return
        if self._recorder.meter and not self._recorder.meter.begin(str(run_id), guess):
            self._started.pop(run_id, None)
            self._recorder.end(f"model:{run_id}", "halted", error="over its budget: not called")
            raise GraphDrained("over its budget")

    def _begin(self, messages: list[list[BaseMessage]], run_id: UUID, kwargs: dict[str, Any]) -> tuple[str, int]:
        """The span of a call; its model, and how long its prompt is."""
        params = kwargs.get("invocation_params") or {}
        prompt = messages_to_dict(messages[0]) if messages else []
        digest = prompt_hash(prompt)
        model = str(params.get("model") or params.get("_type") or "chat model")
        characters = sum(len(str(m.content)) for m in messages[0]) if messages else 0
        self._started[run_id] = (time.monotonic(), digest, model, characters)
        span = self._recorder.span("model", model, str(run_id))
        span.input = {"messages": prompt, "tools": [t.get("function", t) for t in params.get("tools", []) if isinstance(t, dict)]}
        # The task of the node that calls, as the spans of nodes name theirs: nodes run side by side, so times do not tell.
        span.parent = str((kwargs.get("metadata") or {}).get("langgraph_checkpoint_ns") or "").replace("|", "/")
        span.attributes = {"prompt_sha256": digest}
        self._recorder.start(span)
        return model, characters

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        try:
            self._end(response, run_id)
        except Exception:
            log.exception("call_not_recorded")

    def _end(self, response: LLMResult, run_id: UUID) -> None:
        began, digest, model, characters = self._started.pop(run_id, (time.monotonic(), "", "", 0))
        message = getattr(response.generations[0][0], "message", None) if response.generations else None
        answer = messages_to_dict([message])[0] if isinstance(message, BaseMessage) else {}
        calls = getattr(message, "tool_calls", [])
        text = str(getattr(message, "text", "") or "")
        usage = getattr(message, "usage_metadata", None) or prices.estimated(characters, len(text) + sum(len(str(c)) for c in calls))
        took, used = round(1000 * (time.monotonic() - began), 1), prices.used(model, usage)
        # What it cost by the prices of now: kept with the call, whatever they are later.
        cost = {"no_price": True} if used.unpriced else {"cost_micros": used.micros}
        self._recorder.end(f"model:{run_id}", "done", output=answer, usage=dict(usage), duration_ms=took, **cost)
        self._count(run_id, used)
        log.info(
            "DECISION_MADE",
            component="LLM_PLANNER",
            input_prompt_hash=digest,
            raw_response_snippet=_snippet(text, 100),
            parsed_next_action=[c["name"] for c in calls] or "finish",
            is_valid=not getattr(message, "invalid_tool_calls", []),
        )

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        known = self._started.pop(run_id, None)
        try:
            self._recorder.end(f"model:{run_id}", "failed", error=f"{type(error).__name__}: {error}")
            if known:
                self._count(run_id, Used())  # what a provider takes for a call that failed, nobody tells us
        except Exception:
            log.exception("call_not_recorded")

    def _count(self, run_id: UUID, used: Used) -> None:
        self._recorder.use(self._recorder.meter.end(str(run_id), used) if self._recorder.meter else used)


def _snippet(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "..."


def plain(value: Any) -> Any:
    """State values as JSON-like data: messages become dicts."""
    if isinstance(value, BaseMessage):
        return {"type": value.type, "content": value.content, "tool_calls": getattr(value, "tool_calls", [])}
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(v) for v in value]
    return value


def _now() -> datetime:
    return datetime.now(UTC)
