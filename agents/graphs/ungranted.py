"""Tools with our own line that stand in a project's modules, and that none of its agents may call: a node may call them from its code.

Said when the project is imported; decides nothing, and grants nothing. What stands in a function, or is made while it runs, is not seen.
"""

import inspect
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from langchain_core.tools import BaseTool
from langgraph.prebuilt import ToolNode

from agents import kept
from agents.graphs.found import governed_in
from agents.graphs.hazards import Hazard


def ungranted(modules: Iterable[ModuleType], granted: Collection[str]) -> list[Hazard]:
    """One for each name, at the first place where it stands."""
    found: dict[str, Hazard] = {}
    for module in modules:
        for tool in _governed(list(vars(module).values())):
            if tool.name not in granted:
                found.setdefault(tool.name, Hazard(_place(tool, module), str(kept.GRANTED_TO_NOBODY(tool=tool.name))))
    return sorted(found.values(), key=lambda one: one.at)


def _governed(values: Iterable[Any]) -> Iterator[BaseTool]:
    for value in values:
        if isinstance(value, BaseTool | ToolNode):
            yield from governed_in(value)
        elif isinstance(value, list | tuple):
            yield from (tool for one in value if isinstance(one, BaseTool | ToolNode) for tool in governed_in(one))


def _place(tool: BaseTool, module: ModuleType) -> str:
    """Where its function begins, else in which file it stands."""
    function = getattr(tool, "func", None) or getattr(tool, "coroutine", None)
    code = getattr(inspect.unwrap(function), "__code__", None) if function else None
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}" if code else Path(str(module.__file__ or module.__name__)).name
