"""What a node does between two of its questions: LangGraph runs a node from its beginning for each answer, so it is done again with every later one.

Looked for in the syntax of a function; part of `hazards`. What only makes a value (builtins, methods of texts and lists, constructors), what is logged, and what
`once()` does at most once, is left out.
"""

import ast
import builtins
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

_ACTS = frozenset({"open", "exec", "eval", "compile", "input", "__import__"})  # builtins that do something
_PURE = frozenset(dir(builtins)) - _ACTS
_METHODS = frozenset(chain(dir(str), dir(dict), dir(list), dir(set))) | {"debug", "info", "warning", "error", "exception", "isoformat"}
_INNER = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
_LOOPS = ast.For | ast.AsyncFor | ast.While
_LEAVES = ast.Return | ast.Raise | ast.Break | ast.Continue
Step = tuple[int, bool]  # the line of a call, and whether it is a question


def acts_between(function: ast.FunctionDef | ast.AsyncFunctionDef, asks: Callable[[ast.Call], bool]) -> Iterator[int]:
    """Lines of what is called after a question and before a later one. `asks` tells whether a call is a question."""
    steps = _steps(function.body, asks)
    questions = [place for place, (_, question) in enumerate(steps) if question]
    if questions:
        yield from dict.fromkeys(line for line, question in steps[questions[0] : questions[-1]] if not question)


def _steps(body: Sequence[ast.stmt], asks: Callable[[ast.Call], bool]) -> list[Step]:
    """What these statements call, in turn; what a loop calls stands there twice, for it may come again."""
    found: list[Step] = []
    for statement in body:
        if isinstance(statement, _INNER):
            continue
        mine = sorted(_calls(statement, asks))
        steps = [(line, question) for *_, line, question in mine if question or not isinstance(statement, _LEAVES)]
        for block in _blocks(statement):
            steps += _until_left(block, _steps(block, asks))
        found += steps * 2 if isinstance(statement, _LOOPS) else steps
    return found


def _until_left(block: Sequence[ast.stmt], steps: list[Step]) -> list[Step]:
    """Without what is called last in a block that leaves the function or the loop: no question follows it there."""
    if not isinstance(block[-1], _LEAVES) or isinstance(block[-1], ast.Continue):
        return steps
    last = max((place for place, (_, question) in enumerate(steps) if question), default=-1)
    return steps[: last + 1]


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    holders = [statement, *getattr(statement, "handlers", ()), *getattr(statement, "cases", ())]
    for holder in holders:
        yield from filter(None, (getattr(holder, name, None) for name in ("body", "orelse", "finalbody")))


def _calls(statement: ast.stmt, asks: Callable[[ast.Call], bool]) -> Iterator[tuple[int, int, int, bool]]:
    """Calls of a statement itself, without its blocks, by where each ends: what is inside another one's brackets is called before it."""
    left: list[ast.AST] = [child for child in ast.iter_child_nodes(statement) if not isinstance(child, ast.stmt | ast.excepthandler)]
    while left:
        node = left.pop()
        if isinstance(node, _INNER | ast.match_case):
            continue
        if isinstance(node, ast.Call):
            if _last(node.func) == "once":
                continue
            question = asks(node)
            if question or not _makes_a_value(node.func):
                yield node.end_lineno or node.lineno, node.end_col_offset or 0, node.lineno, question
        left += ast.iter_child_nodes(node)


def _makes_a_value(func: ast.expr) -> bool:
    name = _last(func)
    if isinstance(func, ast.Attribute):
        return name in _METHODS or name[:1].isupper()
    return name in _PURE or name[:1].isupper()


def _last(func: ast.expr) -> str:
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
