"""What the code of a node is, without running it: a fingerprint for each function of the project's it can reach, and for what those are set to.

Made from what was imported, not from the files, which may be newer by then; comments, layout and line numbers count for nothing. Kept with
each pause, and compared before a deploy (`operations.deploying`). `functions_of` is where `asking` looks for the questions.
"""

import functools
import inspect
import re
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, get_args, get_origin

from langchain_core.tools import BaseTool
from langgraph.func import _TaskFunction
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from pydantic import BaseModel

import agents
from agents.graphs.between_tools import around_calls, helpers_in
from agents.graphs.found import DECLARED
from audit import canonical

MOST, DEEPEST = 40, 12
_PLAIN = (str, int, float, bool, bytes, type(None))
_OURS = str(Path(agents.__file__).parent)
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_LONGEST = 20_000  # of what a name is set to: more than that is data, not code
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def prints_of(node: Any) -> dict[str, str]:
    """Fingerprints by name of what is reached from this node of a graph; one for all when there are very many, none when it cannot be read."""
    try:
        walk = _walked(node, further=True)
    except Exception:  # somebody else's objects, which may raise anything when they are looked at
        return {}
    short = {name: canonical.fingerprint(canonical.storable(form, limit=_LONGEST))[:16] for name, form in sorted(walk.parts.items())}
    return short if len(short) <= MOST else {"*": canonical.fingerprint(short)}


def functions_of(node: Any) -> list[FunctionType]:
    """The project's functions it can reach, the node's own first."""
    try:
        return _walked(node).functions
    except Exception:  # as above
        return []


def names_in(function: FunctionType) -> set[str]:
    """Every name and attribute that its code speaks of."""
    return {*_names(function.__code__), *function.__code__.co_freevars}


def values_in(function: FunctionType) -> list[Any]:
    """What it sees under those names."""
    closed = [cell.cell_contents for cell in function.__closure__ or () if _is_set(cell)]
    return [*closed, *(function.__globals__[name] for name in names_in(function) & function.__globals__.keys())]


def _walked(node: Any, *, further: bool = False) -> "_Walk":
    walk = _Walk(further)
    walk.parts["its settings"] = walk.form(node.bound, first=True)
    return walk


@dataclass
class _Walk:
    """Attributes: further: also what stands around the calls of tools, and the helpers that a library's tool starts by name."""

    further: bool = False
    parts: dict[str, Any] = field(default_factory=dict)
    functions: list[FunctionType] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    depth: int = 0

    def form(self, value: Any, *, first: bool = False) -> Any:
        """Plain data that differs when the value does. `first`: what the node itself is, which counts also when a library wrote it."""
        if isinstance(value, _PLAIN):
            return str(value)
        if self.depth > DEEPEST:
            return type(value).__qualname__
        self.depth += 1
        try:
            return self._form(value, first)
        finally:
            self.depth -= 1

    def _form(self, value: Any, first: bool) -> Any:
        if isinstance(value, Mapping):
            return {str(key): self.form(one) for key, one in sorted(value.items(), key=lambda item: str(item[0]))[:200]}
        if isinstance(value, list | tuple):
            return [self.form(one) for one in value[:200]]
        if isinstance(value, set | frozenset):
            return sorted(str(self.form(one)) for one in value)
        if isinstance(value, functools.partial):
            return [self.form(value.func, first=first), self.form(value.args), self.form(value.keywords)]
        if inspect.ismethod(value):
            return [self.form(value.__func__, first=first), self._fields(value.__self__)]
        if isinstance(value, FunctionType):
            return self._function(value, first)
        return self._object(value, first)

    def _object(self, value: Any, first: bool) -> Any:
        if id(value) in self.seen:
            return type(value).__qualname__
        self.seen.add(id(value))
        if isinstance(value, Pregel):
            stops = [self.form(value.interrupt_before_nodes), self.form(value.interrupt_after_nodes)]
            return [stops, {name: self.form(node.bound, first=True) for name, node in value.nodes.items()}]
        if isinstance(value, ToolNode):
            tools = {name: self.form(tool) for name, tool in value.tools_by_name.items()}
            return (
                [tools, [self.form(one) if isinstance(one, FunctionType) else self._fields(one) for one in around_calls(value)]]
                if self.further
                else tools
            )
        if isinstance(value, BaseTool):
            form = [
                value.name,
                *(["asks"] if DECLARED in (value.metadata or {}) else []),
                self.form(getattr(value, "func", None) or getattr(value, "coroutine", None) or value._run),
            ]
            return [*form, self._helpers(value)] if self.further else form
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, _TaskFunction):
            return self.form(value.func)
        if first and (inner := getattr(value, "func", None) or getattr(value, "afunc", None)):
            return self.form(inner, first=True)
        if first and (steps := getattr(value, "steps", None)):
            return [self.form(step, first=True) for step in steps]
        return self._fields(value) if is_theirs(type(value)) else type(value).__qualname__

    def _helpers(self, tool: BaseTool) -> Any:
        """Graphs it starts by name. Each is looked at once, as deep as the graph itself."""
        depth, self.depth = self.depth, 0
        try:
            return {name: self.form(one) for name, one in sorted(helpers_in(tool).items())}
        finally:
            self.depth = depth

    def _fields(self, value: Any) -> Any:
        """What an object is set to, as far as that is plain or code."""
        fields = getattr(value, "__dict__", {})
        kept = {k: v for k, v in fields.items() if isinstance(v, (*_PLAIN, list, tuple, dict, set, frozenset, FunctionType))}
        return [self._class(type(value)) if is_theirs(type(value)) else type(value).__qualname__, self.form(kept)]

    def _class(self, value: type) -> Any:
        if not is_theirs(value):
            return value.__qualname__
        for name, one in sorted(vars(value).items()):
            if (isinstance(one, FunctionType) and not name.startswith("__")) or name == "__call__":
                self.form(one)
        return [value.__qualname__, self._declared(value)] if self.further else value.__qualname__

    def _declared(self, value: type) -> Any:
        """What a class says of its values: names, types, defaults; also of those it was made of."""
        if issubclass(value, Enum):
            return {one.name: _without_address(one.value) for one in value}
        if issubclass(value, BaseModel):
            return {name: [self._hint(one.annotation), _without_address(one)] for name, one in value.model_fields.items()}
        hints = {name: self._hint(one) for name, one in vars(value).get("__annotations__", {}).items()}
        plain = {
            name: self.form(one)
            for name, one in vars(value).items()
            if name[0] != "_" and isinstance(one, (*_PLAIN, list, tuple, dict, set, frozenset))
        }
        return [hints, plain, [self.form(one) for one in value.__bases__ if is_theirs(one)]]

    def _hint(self, hint: Any) -> Any:
        """A type, and those in it that the project wrote."""
        if (inner := get_args(hint)) and get_origin(hint) is not None:
            return [_without_address(hint), [self._hint(one) for one in inner if get_args(one) or isinstance(one, type)]]
        return self.form(hint) if isinstance(hint, type) else _without_address(hint)

    def _function(self, value: FunctionType, first: bool) -> str:
        name = value.__qualname__.replace("<locals>.", "")
        if id(value) in self.seen or not (first or is_theirs(value)):
            return name
        self.seen.add(id(value))
        if is_theirs(value):
            self.functions.append(value)
        closure = dict(zip(value.__code__.co_freevars, value.__closure__ or (), strict=True))
        seen: dict[str, Any] = {name: self.form(cell.cell_contents) for name, cell in closure.items() if _is_set(cell)}
        names = set(_names(value.__code__))
        for one in sorted(names & value.__globals__.keys()):
            seen[one] = self._global(value.__globals__[one], names)
        defaults = [self.form(value.__defaults__), self.form(value.__kwdefaults__)]
        part = name if name not in self.parts else f"{name} ({value.__code__.co_firstlineno})"
        self.parts[part] = [_code(value.__code__, value.__doc__), seen, defaults]
        return name

    def _global(self, value: Any, names: set[str]) -> Any:
        if isinstance(value, ModuleType):
            theirs = is_theirs(value)
            return {one: self.form(vars(value)[one]) for one in sorted(names & vars(value).keys())} if theirs else value.__name__
        return self.form(value)


def is_theirs(value: Any) -> bool:
    """Whether the project wrote it: neither a library, nor Python, nor we."""
    file = value.__code__.co_filename if isinstance(value, FunctionType) else _file_of(value)
    return bool(file) and not file.startswith((_OURS, *_LIBRARIES))


def _file_of(value: Any) -> str:
    if isinstance(value, type):
        return str(getattr(inspect.getmodule(value), "__file__", None) or "")
    return str(getattr(value, "__file__", None) or "")


def _without_address(value: Any) -> str:
    return _ADDRESS.sub("", repr(value))


def _is_set(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # a function that refers to itself before it is made
        return False


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _names(one)


def _code(code: CodeType, said: str | None) -> Any:
    consts = [_const(one) for one in code.co_consts if said is None or one != said]
    return [code.co_code.hex(), list(code.co_names), list(code.co_freevars), code.co_exceptiontable.hex(), consts]


def _const(value: Any) -> Any:
    if isinstance(value, CodeType):
        return _code(value, None)
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)
