"""What a checkpoint cannot keep, named by where it stands instead of by LangGraph's inner workings."""

import dataclasses
from typing import Any

from pydantic import BaseModel

from agents import kept

_DEPTH = 64
LEAST, GREATEST = -(2**63), 2**64 - 1  # of msgpack


class Unkept(TypeError):
    """The message is a sentence for whoever wrote the node."""


def too_large(value: Any) -> Unkept | None:
    """Where the first whole number of more than 64 bits stands, if there is one."""
    where = _found(value, "", 0)
    return None if where is None else Unkept(kept.TOO_LARGE_TO_KEEP(where=where.lstrip(".")[:200] or "a value"))


def _found(value: Any, where: str, depth: int) -> str | None:
    if isinstance(value, bool) or value is None or depth > _DEPTH:
        return None
    if isinstance(value, int):
        return None if LEAST <= value <= GREATEST else where
    if isinstance(value, BaseModel):
        parts = list(value.__dict__.items())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [(one.name, getattr(value, one.name, None)) for one in dataclasses.fields(value)]
    elif isinstance(value, dict):
        parts = [(str(name), one) for name, one in value.items()]
    elif isinstance(value, list | tuple | set | frozenset):
        parts = [(str(number), one) for number, one in enumerate(value)] if len(value) > 1 else [("", one) for one in value]
    else:
        return None
    return next((found for name, one in parts if (found := _found(one, f"{where}.{name}" if name else where, depth + 1)) is not None), None)
