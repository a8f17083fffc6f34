"""A call that our own line makes on one approval: nothing else begins it, and its tool begins once, whoever stands between makes it again.

Known to the whole process: middleware and tools call each other in threads and tasks of their own. Imports nothing of a graph.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from langchain_core.tools import ToolException
from langgraph.errors import GraphBubbleUp

from agents import kept
from agents.tools.registry import ToolError

governed: list[tuple[str, str]] = []
# What our own line has its answer of, in the stretch that is driven: by its arguments, too, as two agents may count alike.
answered: set[str] = set()


def named(tool: str, call_id: str, args: Any) -> str:
    """How a call stands in `answered`."""
    return json.dumps([tool, call_id, args], sort_keys=True, default=str)


@contextmanager
def governing(tool: str, call_id: str) -> Iterator[None]:
    """While the block runs, our own line makes this call: it was asked about, approved and claimed."""
    mine = (tool, call_id)
    governed.append(mine)
    try:
        yield
    finally:
        governed.remove(mine)


def is_governed(tool: str, call_id: str, *, itself: bool = False) -> bool:
    """Whether our own line makes this call just now, or one of its tool: whoever stands between may have given it another id. `itself`: not of another call."""
    return any(call_id == one or (tool == name and not itself) for name, one in governed)


class CutOff(RuntimeError):
    """A call was given up before it ended: nobody can say how far it came."""


@dataclass(eq=False)
class Turn:
    """One call that is being made on one approval: its tool begins once, whoever stands between makes it again.

    Attributes:
        begun: it has, and did not say that it did nothing.
        broke: what it raised, or that it has not ended. gave: what it returned, given again to whoever makes it again.
    """

    tool: str
    call_id: str
    begun: bool = False
    broke: Exception | None = None
    gave: Any = None

    @contextmanager
    def making(self) -> Iterator[None]:
        self.begun, self.broke = True, CutOff(kept.CUT_OFF())  # what cuts it off (a cancellation) is none of `Exception`
        token = _within.set(self)
        try:
            yield
        except (GraphBubbleUp, ToolException, ToolError):  # it did nothing, as it says itself
            self.begun, self.broke = False, None
            raise
        except Exception as error:
            self.broke = error
            raise
        finally:
            _within.reset(token)
        self.broke = None

    def again(self) -> Any:
        if self.broke is not None:
            raise self.broke
        return self.gave


_turn: ContextVar[Turn | None] = ContextVar("turn", default=None)
_within: ContextVar[Turn | None] = ContextVar("within", default=None)
_turns: list[Turn] = []


@contextmanager
def turn(tool: str, call_id: str) -> Iterator[Turn]:
    """While the block runs, the tool of this call begins once."""
    mine = Turn(tool, call_id)
    token = _turn.set(mine)
    _turns.append(mine)
    try:
        yield mine
    finally:
        _turns.remove(mine)
        _turn.reset(token)


def turn_of(tool: str, call_id: str | None) -> Turn:
    """The one that is being made, else one of its own. A thread that somebody between us has begun has no context: the call is known by its id there."""
    mine = _turn.get()
    if mine is not None:  # whatever id it is given by now
        own = mine.tool == tool and _within.get() is not mine  # what its tool calls is another, also by its name
        return mine if own else Turn(tool, call_id or "")
    same = [one for one in list(_turns) if call_id and (one.tool, one.call_id) == (tool, call_id)]
    return same[0] if len(same) == 1 else Turn(tool, call_id or "")
