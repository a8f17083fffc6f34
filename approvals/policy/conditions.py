"""Conditions of rules, in the Common Expression Language. The one home of celpy. Pure.

Compiled once, asked of the validated arguments and the facts. What cannot be answered is said, never guessed: the caller
decides which way that counts. The work is bounded, by steps and by the processor's time, for all conditions of one call together: agents
write the arguments, and an assessment is made while a worker holds locks.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

import celpy
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.celtypes import BoolType, ListType
from celpy.evaluation import Activation, CELEvalError, Evaluator, base_functions
from lark import Tree

from approvals.policy.shortcuts import Unsure, constant, plain_test
from audit.sentences import Frozen, cause, say

# It logs what `Unanswerable` says anyway, once per node of the expression.
logging.getLogger("celpy").setLevel(logging.CRITICAL)

# What a condition may speak of; `said_of` in `matching` fills them.
NAMES = (
    "args",
    "tool",
    "tool_class",
    "agent",
    "customer",
    "environment",
    "figures",
    "reversible",
    "approvals_before",
    "untrusted_text",
    "hidden_characters",
    "estimated_cost",
    "confidence",
    "run_calls",
    "run_failures",
)
MACROS = {"all", "exists", "exists_one", "filter", "map", "reduce", "min"}
# Nodes of the grammar that name something, or call something that may.
NAMING = {"ident", "ident_arg", "member_dot", "member_dot_arg", "map_lit"}
# More values than this are not looked at.
MOST_VALUES = 5_000
# Steps of the interpreter (30 microseconds each) for one call: some 600 rows looked at once. Two loops in each other over 40 rows are too much.
MOST_STEPS = 10_000
LONGEST = 2_000_000  # characters or values that are joined
MOST_S = 0.5  # of the processor's time, where single steps are dear: long lists compared, long texts joined
_environment = celpy.Environment()


class BadCondition(ValueError):
    """The text is no condition; `line` counts from 1 within the text."""

    def __init__(self, why: str, line: int = 1) -> None:
        super().__init__(why)
        self.why, self.line = why, line


class Unanswerable(Exception):
    """The condition speaks of something that is not there, or compares what cannot be compared."""


# Why a condition gave no answer, as it is frozen with the score.
FAILED = Frozen("it failed")
NO_ANSWER = Frozen("it gives no yes or no")
TOO_MUCH = Frozen("the arguments hold more than %(n)d values")
TOO_LONG = Frozen("it takes more than %(n)d steps of its interpreter with these arguments")
TOO_SLOW = Frozen("it takes too long with these arguments")


class Condition:
    """One compiled condition."""

    def __init__(self, text: str) -> None:
        """Raises BadCondition with the line and what is wrong."""
        self.text = text
        try:
            tree = _environment.compile(text)
        except CELParseError as error:
            raise BadCondition(
                say("this is no condition: it cannot be read at column %(column)s", column=error.column), error.line or 1
            ) from error
        self.tree = tree
        self.names = _names(tree)
        self._plain = plain_test(tree)
        self._program = _environment.program(tree)

    @property
    def interpreted_always(self) -> bool:
        """Whether no shortcut answers it: each proposal it is asked of then waits about a millisecond for the interpreter."""
        return self._plain is None

    def holds(self, said: "Said") -> bool:
        """Whether it holds. Raises Unanswerable."""
        if self._plain:
            try:
                return self._plain(said.plain)
            except Unsure:
                return self.interpreted(said)
        return self.interpreted(said)

    def interpreted(self, said: "Said") -> bool:
        """Whether it holds, as the language's interpreter has it. Raises Unanswerable."""
        variables = said.in_the_language
        said.work.begin()
        try:
            found = _Bounded(self._program.ast, self._program.new_activation(), said.work).evaluate(variables)
        except Unanswerable:
            raise
        except CELEvalError as error:
            raise Unanswerable(_why(error)) from error
        except Exception as error:  # a failure in the library must count as "cannot be answered", whatever it is
            raise Unanswerable(type(error).__name__) from error
        if not isinstance(found, BoolType):
            raise Unanswerable(NO_ANSWER())
        return bool(found)

    @property
    def constant(self) -> bool | None:
        """What it always gives, when it speaks of nothing; None when it depends on the call."""
        if self.names:
            return None
        try:
            return self.holds(Said({}))
        except Unanswerable as error:
            raise BadCondition(say("this condition can never be answered: %(why)s", why=cause(error))) from error


class Said:
    """What is known of one call: as it is, and, once the first condition needs that, as the language sees it."""

    def __init__(self, plain: dict[str, Any]) -> None:
        self.plain = plain
        self.work = _Work()
        self._converted: Any = None
        self._too_much = False

    @property
    def in_the_language(self) -> Any:
        """Raises Unanswerable when there is too much of it."""
        if self._converted is None and not self._too_much:
            self._too_much = _count(self.plain, MOST_VALUES) < 0
            self._converted = None if self._too_much else json_to_cel(self.plain)
        if self._too_much:
            raise Unanswerable(TOO_MUCH(n=MOST_VALUES))
        return self._converted


def constant_of(tree: Tree[Any]) -> Any:
    """What a part of a condition that speaks of nothing always gives, as a plain value. Raises Unanswerable."""
    try:
        return constant(tree)
    except Unsure:
        pass
    if next(tree.find_pred(lambda t: t.data in NAMING), None) is not None:
        raise Unanswerable(NO_ANSWER())
    try:
        return _plain(_environment.program(tree).evaluate({}))
    except Exception as error:  # whatever the library makes of it, it is no constant
        raise Unanswerable(type(error).__name__) from error


def _plain(value: Any) -> Any:
    """A value of the language as Python has it. Raises TypeError for what has no plain form here."""
    if value is None or isinstance(value, BoolType):
        return None if value is None else bool(value)
    if isinstance(value, ListType):
        return [_plain(item) for item in value]
    for kind in (float, int, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError


class _Work:
    """What the conditions of one call may still cost."""

    def __init__(self) -> None:
        self._steps, self._left_s, self._until = MOST_STEPS, MOST_S, 0.0

    def begin(self) -> None:
        """Before each condition. What is spent stays spent."""
        self._until = time.thread_time() + self._left_s

    def step(self) -> None:
        """Raises Unanswerable when there is none left."""
        self._steps -= 1
        if self._steps < 0:
            raise Unanswerable(TOO_LONG(n=MOST_STEPS))
        self._left_s = self._until - time.thread_time()
        if self._left_s < 0:
            raise Unanswerable(TOO_SLOW())


class _Bounded(Evaluator):
    """The language's own evaluator, which counts. A loop evaluates its body once a value, by an evaluator of its own: that counts as well."""

    def __init__(self, tree: Tree[Any], activation: Activation, work: _Work) -> None:
        super().__init__(tree, activation)
        self._work = work

    def sub_evaluator(self, ast: Tree[Any]) -> "_Bounded":
        return _Bounded(ast, self.activation, self._work)

    def evaluate(self, context: Any = None) -> Any:
        self._work.step()
        return super().evaluate(context)

    def visit_children(self, tree: Tree[Any]) -> list[Any]:
        self._work.step()
        return super().visit_children(tree)

    def addition(self, tree: Tree[Any]) -> Any:
        """A text that a loop joins to itself doubles each time."""
        found = super().addition(tree)
        if isinstance(found, str | bytes | list) and len(found) > LONGEST:
            raise Unanswerable(TOO_SLOW())
        return found


def _count(value: Any, left: int) -> int:
    """How many more values may come; negative when there were too many."""
    left -= 1
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for child in children:
        if left < 0:
            break
        left = _count(child, left)
    return left


def _names(tree: Tree[Any]) -> frozenset[str]:
    """The names it speaks of. Raises BadCondition for one that does not exist here."""
    bound = {
        str(name.children[0])
        for call in tree.find_pred(lambda t: t.data == "member_dot_arg" and str(t.children[1]) in MACROS)
        for variable in _variables(call)
        for name in variable.find_data("ident")
    }
    names = {str(t.children[0]) for t in tree.find_data("ident")} - bound
    if unknown := sorted(names - set(NAMES)):
        raise BadCondition(
            say("%(unknown)s is nothing a condition can ask; there are %(names)s", unknown=repr(unknown[0]), names=", ".join(NAMES))
        )
    called = {str(t.children[0]) for t in tree.find_data("ident_arg")} | {str(t.children[1]) for t in tree.find_data("member_dot_arg")}
    known = set(base_functions) | MACROS | {"has", "dyn"}
    if strange := sorted(called - known):
        raise BadCondition(say("there is no function %(strange)s", strange=repr(strange[0])))
    return frozenset(names)


def _variables(call: Tree[Any]) -> list[Any]:
    """What a loop binds: its first argument, and `reduce` its first two."""
    found = call.children[2].children if len(call.children) > 2 and isinstance(call.children[2], Tree) else []
    return list(found[: 2 if str(call.children[1]) == "reduce" else 1])


def _why(error: CELEvalError) -> str:
    text = str(error.args[0]) if error.args else FAILED()
    return text.split(" (in activation")[0][:120]
