"""Rows that the parts of one operation tell of, written at its end in one statement, still in its transaction.

Imports nothing of ours; the event log and the hints to open pages are gathered by it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Gathering(Generic[Item]):
    """What is told inside a block of `together`, for a writer that is called once, at the end of the outermost block."""

    def __init__(self, name: str, write: Callable[..., None]) -> None:
        self._write = write
        self._told: ContextVar[list[Item] | None] = ContextVar(name, default=None)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Gather what this block (or decorated function) tells.

        What the block raises undoes the transaction, and what was told with it; nothing inside may be undone alone
        after it told of itself.
        """
        if self._told.get() is not None:
            yield  # the outer block writes
            return
        told: list[Item] = []
        token = self._told.set(told)
        try:
            yield
        finally:
            self._told.reset(token)
        if told:
            self._write(*told)

    def takes(self, items: tuple[Item, ...]) -> bool:
        """Whether a block is open, which then has them; else the caller writes them now."""
        told = self._told.get()
        if told is None:
            return False
        told.extend(items)
        return True
