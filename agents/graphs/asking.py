"""What a node would ask, read from its source: the values its `interrupt(...)` calls are written with, as far as they are written down.

Nothing is run. What is not a literal, or a name that is set once to one, may be anything. Imports `prints` and `gate` only.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

import langgraph.types
from pydantic import TypeAdapter

from agents.graphs import gate
from agents.graphs.prints import functions_of, names_in, values_in
from audit import canonical

_LONGEST = 160
_ASKING = frozenset({"interrupt", "gate", "ask"})


class _Any:
    """May be anything."""


ANY = _Any()


@dataclass(frozen=True)
class Ask:
    """One call of `interrupt`: its text, what its value can be, and the fingerprint of the schema its answer has to fit (`ANY`: not known)."""

    text: str
    value: Any
    answers: Any = ANY

    def takes(self, answers: str) -> bool:
        """Whether its answer may have to fit this schema, by its fingerprint; "" for none."""
        return self.answers is ANY or bool(self.answers == answers)

    def could_be(self, asked: Any) -> bool:
        """Whether it could have asked this, a value as a pause keeps it."""
        return _fits(self.value, asked)


def asks_of(node: Any) -> list[Ask]:
    """The questions that are written in a node and in what it calls, in the order they are written."""
    return [ask for function in functions_of(node) for ask in _asks(function)]


def asks_at_all(node: Any) -> bool | None:
    """Whether something in the code of a node asks, by `interrupt` or a gate of ours, whatever that is called there; None where no code can be read."""
    functions = functions_of(node)
    return any(map(_asks_at_all, functions)) if functions else None


def _asks_at_all(function: FunctionType) -> bool:
    known = (gate.gate, gate.ask, langgraph.types.interrupt)
    return not _ASKING.isdisjoint(names_in(function)) or any(value is one for value in values_in(function) for one in known)


def _asks(function: FunctionType) -> list[Ask]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):  # made while it ran, or part of a longer line
        return []
    once = _set_once(tree)
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and _name(one.func) == "interrupt"]
    calls.sort(key=lambda call: (call.lineno, call.col_offset))
    return [Ask(_text(_argument(one), once), _value(_argument(one), function, once, 0), _answers(one, function)) for one in calls]


def _answers(call: ast.Call, function: FunctionType) -> Any:
    """The fingerprint of its `response_schema`, "" where it has none."""
    given = {one.arg: one.value for one in call.keywords}
    if None in given:  # **more
        return ANY
    wanted = given.get("response_schema")
    if wanted is None or (isinstance(wanted, ast.Constant) and wanted.value is None):
        return ""
    try:
        schema = _found(wanted, function)
        found = schema if isinstance(schema, dict) else TypeAdapter(schema).json_schema()  # as `interrupt` does
        return canonical.text_fingerprint(found)
    except Exception:  # somebody else's types, or what is not known: pydantic may raise anything over them
        return ANY


def _found(node: ast.expr, function: FunctionType) -> Any:
    """What a name, or what is said of it behind dots, stands for outside of the function; a literal; else `ANY`."""
    if isinstance(node, ast.Name):
        closed = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        if node.id in closed:
            return closed[node.id].cell_contents
        return ANY if node.id in function.__code__.co_varnames else function.__globals__.get(node.id, ANY)
    if isinstance(node, ast.Attribute):
        owner = _found(node.value, function)
        return getattr(owner, node.attr, ANY) if isinstance(owner, ModuleType | type) else ANY
    return ast.literal_eval(node) if isinstance(node, ast.Dict) else ANY


def _text(argument: ast.expr | None, once: Mapping[str, ast.expr]) -> str:
    shown = once.get(argument.id, argument) if isinstance(argument, ast.Name) else argument
    return f"interrupt({ast.unparse(shown)[:_LONGEST] if shown is not None else '...'})"


def _argument(call: ast.Call) -> ast.expr | None:
    return call.args[0] if call.args else next((one.value for one in call.keywords if one.arg == "value"), None)


def _name(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""


def _set_once(tree: ast.AST) -> dict[str, ast.expr]:
    """Names of the function that are set in one place and never changed in another, with what they are set to."""
    stores = [one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store | ast.Del)]
    inside = [one.value for one in ast.walk(tree) if isinstance(one, ast.Subscript | ast.Attribute)]
    changed = {one.id for one in inside if isinstance(one, ast.Name)}
    found = {}
    for one in ast.walk(tree):
        if isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(target := one.targets[0], ast.Name):
            found[target.id] = one.value
        elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.value is not None:
            found[one.target.id] = one.value
    return {name: value for name, value in found.items() if stores.count(name) == 1 and name not in changed}


def _value(node: ast.expr | None, function: FunctionType, once: Mapping[str, ast.expr], depth: int) -> Any:
    """What it can be: plain data with `ANY` where that is not known, and a pattern for a text that is put together."""
    if node is None or depth > 8:
        return ANY
    if isinstance(node, ast.Dict):
        if not all(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in node.keys):
            return ANY
        pairs = zip(node.keys, node.values, strict=True)
        return {key.value: _value(one, function, once, depth + 1) for key, one in pairs if isinstance(key, ast.Constant)}
    if isinstance(node, ast.List | ast.Tuple):
        return ANY if any(isinstance(one, ast.Starred) for one in node.elts) else [_value(e, function, once, depth + 1) for e in node.elts]
    if isinstance(node, ast.JoinedStr):
        parts = [re.escape(str(one.value)) if isinstance(one, ast.Constant) else ".*" for one in node.values]
        return re.compile("".join(parts), re.DOTALL)
    if isinstance(node, ast.Name):
        return _named(node.id, function, once, depth)
    try:
        return canonical.storable(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return ANY


def _named(name: str, function: FunctionType, once: Mapping[str, ast.expr], depth: int) -> Any:
    code = function.__code__
    if name in once and name not in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        return _value(once[name], function, {}, depth + 1)
    if name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
        return ANY
    value = function.__globals__.get(name, ANY)
    return value if isinstance(value, str | int | float | bool) else ANY


def _fits(written: Any, asked: Any) -> bool:
    if written is ANY:
        return True
    if isinstance(written, re.Pattern):
        return isinstance(asked, str) and written.fullmatch(asked) is not None
    if isinstance(written, dict):
        return isinstance(asked, dict) and written.keys() == asked.keys() and all(_fits(one, asked[key]) for key, one in written.items())
    if isinstance(written, list):
        return isinstance(asked, list) and len(written) == len(asked) and all(map(_fits, written, asked))
    return type(written) is type(asked) and bool(written == asked)
