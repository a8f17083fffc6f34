"""The language's own interpreter, within bounds: steps and the processor's time, for each condition and for all of one call together.

Agents write the arguments, and an assessment is made while a worker holds locks. With `conditions` and `overloads` the one home of celpy. Pure.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

from celpy.adapter import json_to_cel
from celpy.celtypes import BoolType, ListType, MapType
from celpy.evaluation import Activation, CELEvalError, Evaluator
from lark import Tree

from approvals.policy.literals import only
from approvals.policy.overloads import failed, number
from audit.sentences import Frozen, cause

# It logs what `Unanswerable` says anyway, once per node of the expression.
logging.getLogger("celpy").setLevel(logging.CRITICAL)

MACROS = frozenset({"all", "exists", "exists_one", "filter", "map", "reduce", "min"})  # loops
# More values than this are not looked at.
MOST_VALUES = 5_000
# Steps of the interpreter (30 microseconds each) for one condition: some 600 rows looked at once. Two loops in each other over 40 rows are too much.
MOST_STEPS = 10_000
# For all conditions of one call: one that takes all it may leaves the others something.
MOST_STEPS_IN_ALL = 15_000
LONGEST = 2_000_000  # characters or values that are joined
# Of the processor's time, where single steps are dear: long lists compared, long texts joined. For one condition, and for all.
MOST_S, MOST_S_IN_ALL = 0.35, 0.5


class Unanswerable(Exception):
    """The condition speaks of something that is not there, or compares what cannot be compared."""


# Why a condition gave no answer, as it is frozen with the score.
FAILED = Frozen("it failed")
NO_ANSWER = Frozen("it gives no yes or no")
TOO_MUCH = Frozen("the arguments hold more than %(n)d values")
TOO_LONG = Frozen("it takes more than %(n)d steps of its interpreter with these arguments")
TOO_SLOW = Frozen("it takes too long with these arguments")
TOO_MANY = Frozen("the conditions before it used up what the language's interpreter may do for one call")
TOO_DEEP = Frozen("it is nested deeper than %(n)d levels")
NOT_IN_THE_LANGUAGE = Frozen("the language has no such value: %(why)s")


def converted(plain: dict[str, Any]) -> Any:
    """Raises Unanswerable for too much, and for what the language has no value for, such as a whole number of more than 64 bits."""
    if _count(plain, MOST_VALUES) < 0:
        raise Unanswerable(TOO_MUCH(n=MOST_VALUES))
    try:
        return json_to_cel(plain)
    except (ValueError, OverflowError) as error:
        raise Unanswerable(NOT_IN_THE_LANGUAGE(why=cause(error))) from error


class Work:
    """What the conditions of one call may still cost, and the one that is asked now."""

    def __init__(self, most_s: float | None = None) -> None:
        """`most_s`: other seconds of the processor, for one condition and for all of them; the steps are the same for everybody."""
        self._all_steps, self._all_s = MOST_STEPS_IN_ALL, MOST_S_IN_ALL if most_s is None else most_s
        self._most_s = MOST_S if most_s is None else most_s
        self._steps, self._began, self._may_s = 0, 0.0, 0.0

    def begin(self) -> None:
        """Before each condition. Raises Unanswerable when those before it left nothing."""
        if self._all_steps <= 0 or self._all_s <= 0:
            raise Unanswerable(TOO_MANY())
        self._steps, self._may_s, self._began = MOST_STEPS, min(self._most_s, self._all_s), time.thread_time()

    def step(self) -> None:
        """Raises Unanswerable when there is none left."""
        self._steps -= 1
        self._all_steps -= 1
        if self._steps < 0:
            raise Unanswerable(TOO_LONG(n=MOST_STEPS))
        if self._all_steps < 0:
            raise Unanswerable(TOO_MANY())
        if time.thread_time() - self._began > self._may_s:
            raise Unanswerable(TOO_SLOW())

    @property
    def steps_taken(self) -> int:
        return MOST_STEPS_IN_ALL - self._all_steps

    def end(self) -> None:
        """After each condition, however it ended. What is spent stays spent."""
        self._all_s -= time.thread_time() - self._began


class Bounded(Evaluator):
    """The language's own evaluator, which counts. A loop evaluates its body once a value, by an evaluator of its own: that counts as well."""

    def __init__(self, tree: Tree[Any], activation: Activation, work: Work) -> None:
        super().__init__(tree, activation)
        self._work = work

    def sub_evaluator(self, ast: Tree[Any]) -> "Bounded":
        return Bounded(ast, self.activation, self._work)

    def evaluate(self, context: Any = None) -> Any:
        self._work.step()
        return super().evaluate(context)

    def visit_children(self, tree: Tree[Any]) -> list[Any]:
        self._work.step()
        return super().visit_children(tree)

    def member_dot_arg(self, tree: Tree[Any]) -> Any:
        """A loop over what is no list or map fails, as a value does: the library would loop over the letters of a text, and end the whole
        condition for what has no parts, whatever stands beside it."""
        try:
            if str(tree.children[1]) not in MACROS:
                return super().member_dot_arg(tree)
            over = self.visit(tree.children[0])
            if isinstance(over, CELEvalError):
                return over
            if not isinstance(over, ListType | MapType) or (str(tree.children[1]) == "min" and not _of_one_kind(over)):
                return failed(tree)
            return super().member_dot_arg(Tree(tree.data, [Tree("found", [over]), *tree.children[1:]], tree.meta))
        except TypeError:
            return failed(tree)

    def found(self, tree: Tree[Any]) -> Any:
        """What a loop is over, which was found already."""
        return tree.children[0]

    def build_macro_eval(self, child: Tree[Any]) -> Any:
        """Of a list's items those stay of which the test says yes: Python would take any number or text for a yes."""
        test = super().build_macro_eval(child)
        if str(child.children[1]) == "map":
            return test

        def tested(item: Any) -> Any:
            if not isinstance(said := test(item), BoolType):
                raise TypeError(NO_ANSWER())
            return said

        return tested

    def macro_has_eval(self, exprlist: Tree[Any]) -> Any:
        """Whether a path leads to something. What has no fields at all fails: no absence is proved by asking a text for them."""
        return self._leads(only(exprlist.children[0]))

    def _leads(self, path: Tree[Any]) -> Any:
        if path.data in {"member_dot", "member_index"} and only(path.children[0]).data in {"member_dot", "member_index"}:
            outer = self._leads(only(path.children[0]))
            if isinstance(outer, CELEvalError) or not outer:
                return outer
        owner = self.visit(path.children[0])
        if isinstance(owner, CELEvalError):
            return BoolType(False)
        if not isinstance(owner, MapType) and not (isinstance(owner, ListType) and path.data == "member_index"):
            return failed(path)
        return BoolType(not isinstance(self.visit(path), CELEvalError))

    def mapinits(self, tree: Tree[Any]) -> Any:
        """What fails inside is a failure, as in a list: the library would keep it as a value."""
        found = super().mapinits(tree)
        parts = (*found, *found.values()) if isinstance(found, MapType) else ()
        return next((part for part in parts if isinstance(part, CELEvalError)), found)

    def addition(self, tree: Tree[Any]) -> Any:
        """A text that a loop joins to itself doubles each time."""
        found = super().addition(tree)
        if isinstance(found, str | bytes | list) and len(found) > LONGEST:
            raise Unanswerable(TOO_SLOW())
        return found


def _of_one_kind(items: Any) -> bool:
    return all(map(number, items)) or all(isinstance(item, str) for item in items)


def _count(value: Any, left: int) -> int:
    """How many more values may come; negative when there were too many."""
    left -= 1
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for child in children:
        if left < 0:
            break
        left = _count(child, left)
    return left


def why(error: CELEvalError) -> str:
    text = str(error.args[0]) if error.args else FAILED()
    return text.split(" (in activation")[0][:120]
