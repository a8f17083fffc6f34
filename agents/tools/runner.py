"""Running one approved call: arguments proved to be in normal form, a time limit, a structured result. No tables."""

import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from agents import kept
from agents.tools.later import unrun
from agents.tools.registry import BadArgs, Preview, Tool, ToolContext, ToolError
from audit import canonical

FIGURES = frozenset({"amount_cents", "rows", "files", "bytes", "recipients"})  # what `Preview.facts` names, and the shipped policy reads
OUTCOMES = ("done", "not_done", "unknown")
MOST_COST = 1e12  # dollars; over it, or not a number at all, it is a mistake
NUMBER = re.compile(r"[-+]?[\d.,' _]*\d[\d.,' _]*([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Ran:
    """What came of a call: status "done", "failed" (nothing was done) or "unknown" (nobody can say)."""

    status: str
    result: dict[str, Any]
    error: str = ""
    code: str = ""


class TimedOut(BaseException):
    """The call took longer than its author allows. Not an Exception: tools must not swallow it."""


def run(tool: Tool, args: Any, ctx: ToolContext) -> Ran:
    """Call the tool with exactly these arguments.

    Arguments that the tool's model would change are refused: what runs is what people saw, or nothing.
    """
    try:
        model, normal = tool.validate(args)
    except BadArgs as error:
        return Ran("failed", {}, kept.NO_LONGER_FIT(why=error), "arguments_changed")
    if canonical.dumps(normal) != canonical.dumps(args):
        return Ran("failed", {}, kept.WOULD_DIFFER(), "arguments_changed")
    return _called(tool, lambda: tool.call(model, ctx))


def compensate(tool: Tool, args: Any, result: dict[str, Any], ctx: ToolContext) -> Ran:
    """Reverse a call that was done, from what people approved and what came of it. "failed": it cannot be reversed."""
    reverse = tool.compensate
    if reverse is None:
        return Ran("failed", {}, kept.NO_COMPENSATION(tool=tool.name), "no_compensation")
    try:
        model, _ = tool.validate(args)
    except BadArgs as error:
        return Ran("failed", {}, kept.NO_LONGER_FIT(why=error), "arguments_changed")
    return _called(tool, lambda: reverse(model, result, ctx))


def _called(tool: Tool, call: Callable[[], dict[str, Any]]) -> Ran:
    try:
        with _limit(tool.timeout_s):
            result = call()
    except ToolError as error:
        return Ran("failed", {}, error.message, error.code)
    except TimedOut:
        return Ran("unknown", {}, kept.NO_ANSWER(seconds=f"{tool.timeout_s:g}"), "timeout")
    except (Exception, SystemExit) as error:  # a tool is somebody else's code: whatever it raises is a result
        return Ran("unknown", {}, f"{type(error).__name__}: {error}", "exception")
    if kind := unrun(result):
        return Ran("unknown", {}, kept.NOT_RUN(kind=kind), "not_run")
    try:
        return Ran("done", canonical.storable(result))
    except Exception as error:  # it was done; only what it gave back cannot be kept
        return Ran("done", {"not_kept": f"{type(error).__name__}: the result could not be recorded"})


def outcome(tool: Tool, args: Any, ctx: ToolContext) -> tuple[str, str]:
    """What the tool's own check says of a call: "done", "not_done" or "unknown"; or "" and why it could not say."""
    if tool.check_outcome is None:
        return "", kept.NO_CHECK(tool=tool.name)
    try:
        model, _normal = tool.validate(args)
        with _limit(tool.timeout_s):
            said = tool.check_outcome(model, ctx)
    except TimedOut:
        return "", kept.NO_ANSWER(seconds=f"{tool.timeout_s:g}")
    except (Exception, SystemExit) as error:  # a tool is somebody else's code, and so are its arguments' models
        return "", f"{type(error).__name__}: {error}"
    if said not in OUTCOMES:
        return "", f"the check of {tool.name} gave {said!r}; it says done, not_done or unknown"
    return said, ""


def preview(tool: Tool, model: Any, ctx: ToolContext) -> Preview:
    """What the call would do. Raises ToolError when the tool already knows it would refuse."""
    if tool.preview is None:
        return Preview()
    try:
        with _limit(tool.timeout_s):
            seen: Any = tool.preview(model, ctx)
    except TimedOut:
        raise ToolError("preview_timeout", kept.NO_PREVIEW(seconds=f"{tool.timeout_s:g}")) from None
    except ToolError:
        raise
    except (Exception, SystemExit) as error:
        raise ToolError("preview_failed", kept.PREVIEW_FAILED(why=f"{type(error).__name__}: {error}")) from error
    if not isinstance(seen, Preview):
        raise ToolError("preview_failed", f"the preview of {tool.name} gave {type(seen).__name__} instead of a Preview")
    for name, value in seen.facts.items():
        if not _readable(name, value):
            raise ToolError("preview_failed", f"the preview of {tool.name} gave {value!r} as {name}; figures are whole numbers")
    if not _is_cost(seen.estimated_cost):
        raise ToolError(
            "preview_failed", f"the preview of {tool.name} gave {seen.estimated_cost!r} as its cost; a cost is a number of dollars"
        )
    return seen


def _is_cost(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MOST_COST)


def _readable(name: str, value: Any) -> bool:
    """Whether a fact is a figure, or plain words. A figure the policy cannot read would make the call look smaller than it is."""
    if isinstance(value, int) and not isinstance(value, bool):
        return True
    if name in FIGURES or not isinstance(value, str):
        return False
    return not NUMBER.fullmatch(value.strip())


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Raise TimedOut in the main thread after so long; elsewhere (threads of tests) there is no such limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise TimedOut

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
