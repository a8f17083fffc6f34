"""Conditions of rules, in the Common Expression Language. With `interpreting` and `overloads` the one home of celpy. Pure.

Compiled once, asked of the validated arguments and the facts. What cannot be answered is said, never guessed: the caller
decides which way that counts.
"""

from contextlib import suppress
from functools import cache, cached_property
from typing import Any

import celpy
from celpy.celparser import CELParseError
from celpy.celtypes import BoolType, ListType
from celpy.evaluation import CELEvalError, base_functions
from lark import Tree

from approvals.policy.interpreting import MACROS, NO_ANSWER, TOO_DEEP, Bounded, Unanswerable, Work, converted, why
from approvals.policy.literals import Unsure, constant
from approvals.policy.overloads import OVERLOADS
from approvals.policy.plainly import Fails, Variables, as_frozen
from approvals.policy.shortcuts import plain_test
from audit.sentences import cause, say

__all__ = ["MACROS", "NAMES", "BadCondition", "Condition", "Said", "Unanswerable", "constant_of", "reckoned"]

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
# Of the processor's time for counting a condition's steps: it bounds what a policy's author may cost, and a busy machine stays far under it.
COUNTING_S = 10.0
# Levels of the grammar: one for each `!`, `&&` and `||`, two for each sum, ten for each parenthesis. Whoever walks through a condition calls itself for each.
MOST_DEEP = 250
# Nodes of the grammar that name something, or call something that may.
NAMING = {"ident", "ident_arg", "member_dot", "member_dot_arg", "map_lit"}


@cache
def _environment() -> celpy.Environment:
    """Its grammar takes half a second to be made: not by whatever only imports this."""
    return celpy.Environment()


class BadCondition(ValueError):
    """The text is no condition; `line` counts from 1 within the text."""

    def __init__(self, why: str, line: int = 1) -> None:
        super().__init__(why)
        self.why, self.line = why, line


class Condition:
    """One compiled condition."""

    def __init__(self, text: str) -> None:
        """Raises BadCondition with the line and what is wrong."""
        self.text = text
        try:
            tree = _environment().compile(text)
        except CELParseError as error:
            raise BadCondition(
                say("this is no condition: it cannot be read at column %(column)s", column=error.column), error.line or 1
            ) from error
        self.tree = tree
        self.too_deep = _depth(tree) > MOST_DEEP
        self.names = _names(tree)
        # Refused where a policy is written. One that is in force nevertheless is answered by nobody, which counts the strict way.
        self._plain = None if self.too_deep else plain_test(tree)
        self._program = _environment().program(tree, OVERLOADS)

    @property
    def interpreted_always(self) -> bool:
        """Whether no shortcut answers it: each proposal it is asked of then waits about a millisecond for the interpreter."""
        return self._plain is None

    @cached_property
    def least_steps(self) -> int:
        """Steps the interpreter takes of it at least: for a call that says nothing, whose lists are empty."""
        said = Said(dict.fromkeys(NAMES, ""))
        # Counted, not timed: what a policy is refused for must not hang on how busy the machine was when it was looked at.
        said.work = Work(COUNTING_S)
        with suppress(Unanswerable):
            self.interpreted(said)
        return said.work.steps_taken

    def holds(self, said: "Said") -> bool:
        """Whether it holds. Raises Unanswerable."""
        if self._plain:
            try:
                return self._plain(said.plain)
            except Fails as failure:
                raise Unanswerable(str(failure)) from failure
            except Unsure:
                return self.interpreted(said)
        return self.interpreted(said)

    def interpreted(self, said: "Said") -> bool:
        """Whether it holds, as the language's interpreter has it. Raises Unanswerable."""
        if self.too_deep:
            raise Unanswerable(TOO_DEEP(n=MOST_DEEP))
        variables = said.in_the_language
        said.work.begin()
        try:
            found = Bounded(self._program.ast, self._program.new_activation(), said.work).evaluate(variables)
        except Unanswerable:
            raise
        except CELEvalError as error:
            raise Unanswerable(why(error)) from error
        except Exception as error:  # a failure in the library must count as "cannot be answered", whatever it is
            raise Unanswerable(type(error).__name__) from error
        finally:
            said.work.end()
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
        self.plain = Variables(as_frozen(plain))
        self.work = Work()
        self._converted: Any = None
        self._why_not = ""

    @property
    def in_the_language(self) -> Any:
        """Raises Unanswerable when there is too much of it, or something the language has no value for."""
        if self._converted is None and not self._why_not:
            try:
                self._converted = converted(self.plain)
            except Unanswerable as error:
                self._why_not = str(error)
        if self._why_not:
            raise Unanswerable(self._why_not)
        return self._converted


def constant_of(tree: Tree[Any]) -> Any:
    """What a part of a condition that speaks of nothing always gives, as a plain value. Raises Unanswerable."""
    with suppress(Unsure):
        return constant(tree)
    if next(tree.find_pred(lambda t: t.data in NAMING), None) is not None:
        raise Unanswerable(NO_ANSWER())
    try:
        return _plain(reckoned(tree))
    except TypeError as error:  # a value of the language, but none of ours
        raise Unanswerable(type(error).__name__) from error


def reckoned(tree: Tree[Any]) -> Any:
    """What a part of a condition that speaks of no call gives, in the language's own values. Raises Unanswerable."""
    try:
        return _environment().program(tree, OVERLOADS).evaluate({})
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


def _depth(tree: Tree[Any]) -> int:
    """How many levels of the grammar it has. Without calling itself: what it measures may be deeper than any stack."""
    deepest, left = 0, [(tree, 1)]
    while left:
        node, level = left.pop()
        deepest = max(deepest, level)
        left += [(child, level + 1) for child in node.children if isinstance(child, Tree)]
    return deepest


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
