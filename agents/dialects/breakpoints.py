"""Static breakpoints (`interrupt_before`, `interrupt_after`): LangGraph stops there and asks nothing, so the question is ours.

The driver makes the value (`value_of`) and an id from the checkpoint the graph stands at. Going on is the only answer there is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agents import kept
from agents.dialects.record import APPROVE, Call, Quirks, Record, Said, Unanswerable

NAME = "static_breakpoint"
TOOL = "go_on"
_MARK = "countersign_breakpoint"


def value_of(checkpoint: str, nodes: Sequence[str], state: Any) -> dict[str, Any]:
    """What is shown of a breakpoint: where it is, and the state that goes on."""
    return {_MARK: checkpoint, "next": list(nodes), "state": state}


def id_of(checkpoint: str) -> str:
    """The id a breakpoint is answered by: a graph that is rewound, or goes on by another way, stands at another checkpoint."""
    return f"breakpoint:{checkpoint}"


def read(value: Any, response_schema: Mapping[str, Any] | None) -> Record | None:
    if not isinstance(value, Mapping) or not {_MARK, "next", "state"} <= value.keys():
        return None
    return Record(NAME, (Call(TOOL, {"next": value["next"], "state": value["state"]}, (APPROVE,)),))


def answer(record: Record, said: Sequence[Said], quirks: Quirks) -> None:
    """Raises Unanswerable for anything but going on: whoever does not want that ends the run."""
    if said[0].kind != APPROVE:
        raise Unanswerable(kept.NOT_LET_GO_ON(status=said[0].status))
