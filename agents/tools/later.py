"""Functions that return before they have done anything: generators, and what still has to be awaited. Pure.

Nothing of their body has run when they return, so what they gave is never taken for a call that was done.
"""

import inspect
import re
from typing import Any

# LangChain turns what a tool gave into words before anybody sees it.
_WORDS = re.compile(r"<(async_generator|generator|coroutine) object \S+ at 0x[0-9a-fA-F]+>")


def begins_later(made: Any) -> bool:
    """Whether calling this function, or LangChain's tool of one, runs nothing of its body."""
    function = getattr(made, "coroutine", None) or getattr(made, "func", None) or made
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def unrun(result: Any) -> str:
    """The kind of what was given, where its body has not run ("generator"); "" for anything else."""
    if isinstance(result, str):
        found = _WORDS.fullmatch(result.strip())
        return found[1] if found else ""
    if inspect.isgenerator(result) or inspect.iscoroutine(result):
        result.close()  # it never runs, and nobody warns of that
        return type(result).__name__
    return type(result).__name__ if inspect.isasyncgen(result) or inspect.isawaitable(result) else ""
