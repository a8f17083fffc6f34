"""What in a project's own code would lose or repeat a pause: looked for in its syntax, when it is imported. Runs nothing of it.

A pause is an exception on its way up. Whoever catches it goes on without an answer; and a plain ToolNode runs all calls of a turn again on
every answer. Sources: interop.md 2.12, 2.13 and 2.33. What cannot be seen: handlers in other modules than the question's, in packages, in
decorators and callbacks, and gathered coroutines that return their exceptions.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from agents import kept
from agents.graphs.between import acts_between
from agents.graphs.project import Project

_ASKING = {
    "langgraph.types": {"interrupt"},
    "langgraph.errors": {"NodeInterrupt"},
    "agents.graphs.gate": {"gate", "ask"},
    "agents.graphs": {"gate", "ask"},
}
_GOVERNED = {"agents.graphs.loops": {"require_approval", "Countersigned"}}
_TOOL_NODE = {"langgraph.prebuilt": {"ToolNode"}, "langgraph.prebuilt.tool_node": {"ToolNode"}, "langchain.tools": {"ToolNode"}}
_PAUSES = frozenset({"GraphInterrupt", "GraphBubbleUp", "NodeInterrupt"})
_CATCH = _PAUSES | {"Exception", "BaseException"}
_WRAPS = frozenset({"wrap_tool_call", "awrap_tool_call"})
_PER_CALL = frozenset({"create_agent", "create_react_agent"})  # they send each call to the node by itself
_INNER = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
_LEAVES = ast.Return | ast.Break | ast.Continue


@dataclass(frozen=True)
class Hazard:
    """One place, as "folder/file.py:12", and what is wrong there."""

    at: str
    why: str


def hazards_of(project: Project) -> list[Hazard]:
    """Everything that was found, file by file."""
    modules: dict[Path, tuple[str, _Module]] = {}
    for name, file in project.files():
        # A file that is none, or no Python of ours, asks nothing.
        with suppress(OSError, SyntaxError, ValueError, RecursionError):
            modules.setdefault(file.resolve(), (name, _Module(ast.parse(file.read_bytes()))))
    asks = any(module.asking or _names(module.tree, _GOVERNED) for _, module in modules.values())
    return [
        Hazard(f"{name}:{line}", why) for name, module in modules.values() for line, why in sorted(set(module.hazards(around_tools=asks)))
    ]


class _Module:
    """One file: which of its functions ask, and where a pause would not get through."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.asking, self.tool_nodes = _names(tree, _ASKING), _names(tree, _TOOL_NODE)
        self.around = _around_tools(tree)
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        self.asks = self._closed(functions)
        decorators = _names(tree, {module: names & {"require_approval"} for module, names in _GOVERNED.items()})
        self.tools = {f.name for f in functions for one in f.decorator_list if _is_by(one, decorators)}
        # A function that makes one that asks, as a wrapper of tools does: calling it asks nobody, handing on what it gives does.
        self.makes = {f.name for f in functions if any(isinstance(n, ast.Call) and self._is_question(n) for n in ast.walk(f))}

    def hazards(self, *, around_tools: bool) -> Iterator[tuple[int, str]]:
        """Args: around_tools: whether what is wrapped around the calls of tools matters, because some of them may ask."""
        self.around = self.around if around_tools else set()
        inside = {
            id(inner)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Call) and _name(node.func) in _PER_CALL
            for inner in ast.walk(node)
        }
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Try | ast.TryStar) and (line := self._swallows(node)):
                yield line, str(kept.PAUSE_SWALLOWED())
            elif isinstance(node, ast.With) and self._suppresses(node):
                yield node.lineno, str(kept.PAUSE_SWALLOWED())
            elif isinstance(node, ast.Call) and id(node) not in inside and self._repeats(node):
                yield node.lineno, str(kept.CALLS_REPEATED())
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.tools:
                yield node.lineno, str(kept.TOOL_CALLED(tool=node.func.id))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from ((line, str(kept.ACTS_BETWEEN())) for line in acts_between(node, self._leads_to_a_question))

    def _closed(self, functions: list[ast.FunctionDef | ast.AsyncFunctionDef]) -> set[str]:
        """Names of functions that ask, by themselves or by calling one that does."""
        calls = {f.name: {name for name, question in self._calls(f.body) if not question} for f in functions}
        asks = {f.name for f in functions if any(question for _, question in self._calls(f.body))}
        while more := {name for name, called in calls.items() if called & asks} - asks:
            asks |= more
        return asks

    def _calls(self, body: Iterable[ast.AST]) -> Iterator[tuple[str, bool]]:
        """What is called as these statements run, and whether it is a question."""
        for node in chain.from_iterable(map(_run_at_once, body)):
            if isinstance(node, ast.Call):
                yield _called(node.func), self._is_question(node) or id(node) in self.around

    def _is_question(self, call: ast.Call) -> bool:
        return ast.unparse(call.func) in self.asking

    def _leads_to_a_question(self, call: ast.Call) -> bool:
        return self._is_question(call) or id(call) in self.around or _called(call.func) in self.asks

    def _pauses(self, body: Iterable[ast.AST]) -> bool:
        return any(question or name in self.asks for name, question in self._calls(body))

    def _swallows(self, node: ast.Try | ast.TryStar) -> int:
        """The line of the handler that a pause ends in, 0 for none."""
        if not self._pauses(node.body):
            return 0
        for handler in node.handlers:
            if _catches(handler.type):
                return 0 if _gives_on(handler) else handler.lineno
        return next((one.lineno for one in node.finalbody if isinstance(one, _LEAVES)), 0)

    def _suppresses(self, node: ast.With) -> bool:
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        return any(_name(call.func) == "suppress" and any(map(_catches, call.args)) for call in calls) and self._pauses(node.body)

    def _repeats(self, call: ast.Call) -> bool:
        """Whether it makes a ToolNode of tools that ask."""
        if ast.unparse(call.func) not in self.tool_nodes:
            return False
        given = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "tools")]
        mentioned = {n.id for one in given for n in ast.walk(self._assigned(one)) if isinstance(n, ast.Name)}
        return bool(mentioned & (self.asks | self.makes))

    def _assigned(self, given: ast.expr) -> ast.expr:
        """The list itself, where it was given a name."""
        for node in ast.walk(self.tree):
            if isinstance(given, ast.Name) and isinstance(node, ast.Assign) and any(_name(t) == given.id for t in node.targets):
                return node.value
        return given


def _names(tree: ast.Module, wanted: Mapping[str, set[str]]) -> set[str]:
    """How these functions are called in a file: `interrupt`, `pause` (imported as), `types.interrupt`, `langgraph.types.interrupt`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for one in node.names:
                if one.name in wanted.get(node.module or "", ()):
                    found.add(one.asname or one.name)
                found |= {f"{one.asname or one.name}.{name}" for name in wanted.get(f"{node.module}.{one.name}", ())}
        elif isinstance(node, ast.Import):
            found |= {f"{one.asname or one.name}.{name}" for one in node.names for name in wanted.get(one.name, ())}
    return found


def _is_by(decorator: ast.expr, names: set[str]) -> bool:
    return ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator) in names


def _around_tools(tree: ast.Module) -> set[int]:
    """Where middleware of LangChain's calls the tool itself: by its last argument, whatever that is called."""
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or len(node.args.args) < 2:
            continue
        if _WRAPS & {node.name, *map(_name, node.decorator_list)}:
            handler = node.args.args[-1].arg
            found |= {id(inner) for inner in ast.walk(node) if isinstance(inner, ast.Call) and _name(inner.func) == handler}
    return found


def _run_at_once(node: ast.AST) -> Iterator[ast.AST]:
    """A statement and all in it, but not the bodies of functions that are only defined there."""
    if not isinstance(node, _INNER):
        yield node
        yield from chain.from_iterable(map(_run_at_once, ast.iter_child_nodes(node)))


def _name(node: ast.AST | None) -> str:
    """The last part of a name: `types.interrupt` and `self.interrupt` are called interrupt."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _called(func: ast.expr) -> str:
    """The function of this file that a call is of: `f()`, `self.f()`, `f.invoke()`; another object's method is none."""
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
        return func.attr if func.value.id in {"self", "cls"} else func.value.id if func.attr in {"invoke", "ainvoke"} else ""
    return _name(func) if isinstance(func, ast.Name) else ""


def _catches(kind: ast.expr | None) -> bool:
    return kind is None or any(_name(one) in _CATCH for one in (kind.elts if isinstance(kind, ast.Tuple) else [kind]))


def _gives_on(handler: ast.ExceptHandler) -> bool:
    """Whether it raises what it caught: always, or when that is a pause."""
    return any(
        _raises_again(one, handler.name)
        or (isinstance(one, ast.If) and _of_pauses(one.test) and any(_raises_again(s, handler.name) for s in one.body))
        for one in handler.body
    )


def _raises_again(node: ast.stmt, name: str | None) -> bool:
    return isinstance(node, ast.Raise) and (node.exc is None or (name is not None and _name(node.exc) == name))


def _of_pauses(test: ast.expr) -> bool:
    return any(_name(node) in _PAUSES for node in ast.walk(test))
