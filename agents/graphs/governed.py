"""One call of an agent that runs its own tools, step by step: granted? asked? approved? begun? made? recorded.

Written once, as a generator that yields what has to be waited for; `run` and `arun` drive it for tools of both kinds. LangGraph may run it
again from its first line at any time: every step then finds what it wrote down the first time.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import BaseTool, ToolException
from langgraph.errors import GraphBubbleUp, GraphDrained
from pydantic import BaseModel, ValidationError

from agents import kept
from agents.dialects import calls
from agents.dialects.record import APPROVE, EDIT, NOT_ASKED, RESPOND, Made
from agents.graphs import desk, hearing, making
from agents.graphs.gate import settled
from agents.graphs.guard import outcome_of
from agents.graphs.making import governing
from agents.tools.later import begins_later
from agents.tools.registry import ToolError
from audit import canonical, schemas
from audit.sentences import Frozen

_SAID, _READ = 4_000, 10
_ASKED = 500  # calls of one step share a place to ask at, so an answer may be a sibling's; more of them than this are none


@dataclass(frozen=True)
class Make:
    """Make the call, with these arguments."""

    call: "Call"
    args: Any


@dataclass(frozen=True)
class Call:
    """A call that is about to be made.

    Attributes:
        args: what the model gave, without what LangChain injects.
        messages: the conversation it was made in, where that is known.
        idempotent: its author says that it may be made again after a crash.
        unasked: its author wants no action for it, only that it is granted.
    """

    tool: str
    args: Any
    id: str
    messages: Sequence[Any] = ()
    idempotent: bool = False
    unasked: bool = False


Steps = Generator[Make | Callable[[], Any], Any, Any]
_tasks: set["asyncio.Task[Any]"] = set()


def steps(call: Call, tool: BaseTool | None) -> Steps:
    """The whole way of one call; returns what the graph gets of it."""
    here = desk.here()
    # What people said before the code, or a grant, changed is taken all the same, and means what it can now.
    answered = hearing.at_hand(partial(_is_to, call))
    if (why := (yield partial(here.refusal, call.tool))) and not answered and not (yield partial(here.waits, call.tool, call.id)):
        return _message(call, why, error=True)
    if call.unasked:
        return (yield Make(call, call.args))
    if why := unaskable(call.args):
        yield partial(here.not_asked, call.tool, call.args, why)
        return _message(call, kept.WAS_NOT_ALLOWED(tool=call.tool, status=NOT_ASKED, why=kept.ASKED_OF_NOBODY(why=why)), error=True)
    if (why := _unfit(tool, call.args)) and not answered:
        yield partial(here.not_asked, call.tool, call.args, why)
        return _message(call, kept.NO_FIT(tool=call.tool, why=why), error=True)  # nobody is asked about what cannot run
    asked = calls.value_of(call.tool, call.args, call_id=call.id, **_words(call.messages))
    found = yield from _leave(call, here, asked)
    making.answered.add(making.named(call.tool, call.id, call.args))
    if isinstance(found, ToolMessage):
        return found
    begun, action, approved, args = found
    if begun.kind == desk.MADE:
        return _again(call, approved, begun.made, edited=args != call.args)
    if begun.kind == desk.UNKNOWN:
        return _again(call, approved, _waited(call, action), edited=args != call.args)
    if why := _unfit(tool, args):
        unfit = Made("failed", error=kept.NO_LONGER_FIT(why=why))
        yield partial(here.record, action, unfit)
        return _again(call, args, unfit)
    return (yield from _make(call, here, action, args))


def _leave(call: Call, here: desk.Desk, asked: Mapping[str, Any]) -> Steps:
    """Ask until there is an answer to this very call, and begin it.

    Returns (what came of beginning it, its action, what was approved, what is called now), or what the model is told instead.
    """
    again, tried = "", set[str]()

    def unused(answer: Any) -> bool:
        return bool(call.id) and _answers(answer, asked) and answer.get("action") not in tried

    for _ in range(_ASKED):
        answer = hearing.ask({**asked, "asked_again_after": again} if again else dict(asked), mine=unused)
        mine = _answers(answer, asked)
        if mine and answer["type"] not in (APPROVE, EDIT):
            return _said(call, answer)
        if not mine and not _was_leave(answer, call):
            again = kept.NOT_ITS_ANSWER()
            continue
        # Leave for other arguments is asked for what would be called now: refused by name, unless the call was made before.
        args = answer["args"] if mine and answer["type"] == EDIT else call.args
        runs = calls.digest_of(call.tool, args)
        begun = yield partial(here.begin, answer["action"], call.id, call.tool, runs=runs, idempotent=call.idempotent)
        if begun.kind == desk.HALTED:
            raise GraphDrained(begun.why)  # as if the halt had been heard one step earlier: the run is taken up where it stands
        if begun.kind != desk.AGAIN:
            return begun, answer["action"], answer["args"], args
        again = begun.why
        tried.add(answer["action"])
    raise RuntimeError(str(kept.ASKED_TOO_OFTEN(tool=call.tool, n=_ASKED)))


def _make(call: Call, here: desk.Desk, action: str, args: Any) -> Steps:
    """The call itself, once, and what came of it."""
    try:
        output = yield Make(call, args)
    except GraphBubbleUp:
        yield partial(here.not_begun, action)
        raise
    except (ToolError, ToolException) as error:  # the tool says itself that it did nothing
        yield partial(here.record, action, Made("failed", error=str(error)))
        return _message(call, str(error), error=True)
    except Exception as error:  # somebody else's code: nobody can say how far it came
        yield partial(here.record, action, Made("unknown", error=f"{type(error).__name__}: {error}"))
        return _again(call, args, _waited(call, action))
    made = outcome_of(output)
    yield partial(here.record, action, made)
    return _noted(call, args, output) if made.status != "unknown" else _again(call, args, _waited(call, action))


def _waited(call: Call, action: str) -> Made:
    """A person looks and says what happened; the run waits for that."""
    fact = settled({"kind": "outcome", "tool": call.tool, "args": {"action": action}}, asks=hearing.ask)
    return Made("done", fact.result) if fact.done else Made("failed", error=fact.reason or fact.status)


def run(way: Steps, make: Callable[[Any], Any]) -> Any:
    """Drive it for a tool that is called."""
    try:
        step = next(way)
        while True:
            try:
                value = _made(step, make) if isinstance(step, Make) else desk.do(step)
            except BaseException as error:
                step = way.throw(error)
            else:
                step = way.send(value)
    except StopIteration as end:
        return end.value


def _made(step: Make, make: Callable[[Any], Any]) -> Any:
    with _mine(step.call):
        return make(step.args)


async def _amade(step: Make, make: Callable[[Any], Awaitable[Any]]) -> Any:
    with _mine(step.call):
        return await make(step.args)


def _mine(call: Call) -> AbstractContextManager[None]:
    """While it is made: by our own line, or as if that were not there, where its author wants no action for it. Then what was asked about it still counts."""
    return nullcontext() if call.unasked else governing(call.tool, call.id)


async def arun(way: Steps, make: Callable[[Any], Awaitable[Any]]) -> Any:
    """Drive it for a tool that is awaited.

    What has begun is not cut off: a sibling's question makes `ToolNode` leave the others alone, and a sibling's error makes LangGraph cancel
    them. A call that was claimed is made and recorded all the same, and whoever cancelled hears of it afterwards.
    """
    cut = False
    with _under_way():
        try:
            step = next(way)
            while True:
                work = asyncio.ensure_future(_amade(step, make)) if isinstance(step, Make) else desk.do_async(step)
                cut = await _ended(work) or cut
                try:
                    value = work.result()
                except BaseException as error:
                    step = way.throw(error)
                else:
                    step = way.send(value)
        except StopIteration as end:
            if cut:
                raise asyncio.CancelledError from None
            return end.value


async def finished() -> None:
    """Wait until every call that is under way in this loop has ended. (Before it is closed, which would cancel them.)"""
    await asyncio.sleep(0)  # what was only just made begins
    me, loop = asyncio.current_task(), asyncio.get_running_loop()
    while mine := {task for task in _tasks if task is not me and not task.done() and task.get_loop() is loop}:
        await asyncio.wait(mine)


@contextmanager
def _under_way() -> Iterator[None]:
    task = asyncio.current_task()
    if task is None or task in _tasks:
        yield
        return
    _tasks.add(task)
    try:
        yield
    finally:
        _tasks.discard(task)


async def _ended(work: "asyncio.Future[Any]") -> bool:
    """Wait for its end. Whether somebody wanted to cancel the one who waits."""
    cut = False
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            cut = True
    return cut


def unaskable(args: Any) -> str:
    """Why people could not be shown exactly these arguments, "" when they can: what has no canonical form has no digest either."""
    try:
        canonical.dumps({"args": args})
    except canonical.NotCanonical as error:
        return str(error)
    return ""


def _unfit(tool: BaseTool | None, args: Any) -> str:
    return misfit(tool, args) if tool is not None else ""


def misfit(tool: BaseTool, args: Any) -> str:
    """Why the tool would not take these arguments, "" when it would."""
    if begins_later(tool):
        return kept.BEGINS_LATER(tool=tool.name)
    schema: Any = tool.tool_call_schema
    if isinstance(schema, dict):
        return schemas.why_not(schema, args)
    if not (isinstance(schema, type) and issubclass(schema, BaseModel)):
        return ""
    try:
        schema.model_validate(args)
    except ValidationError as error:
        return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors())
    return ""


def _answers(answer: Any, asked: Mapping[str, Any]) -> bool:
    """Whether it is an answer to this very call with these very arguments."""
    mine = isinstance(answer, Mapping) and (answer.get("digest"), answer.get("call")) == (asked["digest"], asked["tool_call_id"])
    return mine and isinstance(answer.get("type"), str)


def _is_to(call: Call, answer: Any) -> bool:
    """Whether people were asked about this call, as the model made it, and this is what they said."""
    if not (call.id and isinstance(answer, Mapping) and answer.get("call") == call.id) or unaskable(call.args):
        return False
    return _answers(answer, calls.value_of(call.tool, call.args, call_id=call.id))


def _was_leave(answer: Any, call: Call) -> bool:
    """Whether it is leave for this call with other arguments than it has now. (Calls that share one step may be given each other's answers.)"""
    return isinstance(answer, Mapping) and answer.get("call") == call.id and isinstance(answer.get("action"), str) and "args" in answer


def _words(messages: Sequence[Any]) -> dict[str, Any]:
    """What the model said beside its calls, and what it had read."""
    last = next((m for m in reversed(messages) if isinstance(m, AIMessage)), None)
    heard = [m for m in messages if isinstance(m, ToolMessage)][-_READ:]
    read = [{"title": str(kept.RESULT_OF(tool=m.name or "?")), "text": m.text[:_SAID]} for m in heard]
    return {"said": last.text[:_SAID] if isinstance(last, BaseMessage) else "", "read": read}


def _said(call: Call, answer: Mapping[str, Any]) -> ToolMessage:
    words = str(answer.get("message") or "")
    if answer["type"] == RESPOND:
        return _message(call, words or str(answer.get("status")))
    return _message(
        call, kept.WAS_NOT_ALLOWED(tool=call.tool, status=str(answer.get("status") or "rejected"), why=words or "-"), error=True
    )


def _again(call: Call, args: Any, made: Made | None, *, edited: bool = True) -> Any:
    """What came of a call that is not made now.

    Args:
        edited: if it was made with other arguments, a person had written those; else the call is another than it was when it was made.
    """
    if made is None:
        return _message(call, kept.NOBODY_KNOWS(), error=True)
    if made.status != "done":
        return _message(call, made.error, error=True)
    whole = made.result
    content = whole["content"] if isinstance(whole, Mapping) and set(whole) == {"content"} else whole
    note = kept.EDITED_TO if edited else kept.MADE_WITH
    return _noted(call, args, _message(call, content if isinstance(content, str) else json.dumps(content)), note)


def _noted(call: Call, args: Any, output: Any, note: Frozen = kept.EDITED_TO) -> Any:
    """The model asked for something else than ran: it is told so beside the result."""
    if args == call.args or not isinstance(output, ToolMessage) or not isinstance(output.content, str):
        return output
    return output.model_copy(update={"content": f"{note(args=json.dumps(args))}\n\n{output.content}"})


def _message(call: Call, text: Any, *, error: bool = False) -> ToolMessage:
    return ToolMessage(str(text), name=call.tool, tool_call_id=call.id, status="error" if error else "success")
