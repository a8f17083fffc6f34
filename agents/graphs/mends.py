"""What LangGraph itself gets wrong and runs of ours would fail by. Each mend names the defect; tests/contracts says when it can go.

Imports nothing of ours.
"""

from collections.abc import Iterator
from typing import Any

from langgraph.pregel._loop import PregelLoop


class _NothingToSave:
    """Stands where a loop keeps the save under way: there is none, and it is over."""

    def result(self, timeout: float | None = None) -> None:
        return None

    def __await__(self) -> Iterator[Any]:
        return iter(())


def mend() -> None:
    """With `durability="sync"` LangGraph (1.2.22) waits after each step for the save of the checkpoint, also in a graph that saves none.

    Such are all compiled with `checkpointer=False`, as a node, called by one, or as an agent that a tool calls: each failed after its
    first step with "no attribute '_put_checkpoint_fut'". A loop that does save sets its own in place of this one.
    """
    if not hasattr(PregelLoop, "_put_checkpoint_fut"):
        PregelLoop._put_checkpoint_fut = _NothingToSave()  # type: ignore[assignment]
