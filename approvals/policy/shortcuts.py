"""The plain part of conditions, answered without the interpreter of the language, which takes half a millisecond for each.

Plain is: two values of `plainly` compared, `value in [constants]` or in a list, `has(path)`, the text functions and `matches` with a constant, a
path that is true or false, `exists` and `all` over a list, and these joined by `&&`, `||` and `!`. As in the language a failure
beside what decides anyway does not count. Whatever is not plain is left to the interpreter (`Unsure`). Pure.
"""

from collections.abc import Callable, Iterable
from typing import Any

import re2
from lark import Tree

from approvals.policy.literals import Unsure, constant, only
from approvals.policy.plainly import (
    COMPARE,
    COMPARED,
    EQUAL,
    EQUATED,
    NO_OVERLOAD,
    NUMBERS,
    Fails,
    NotThere,
    Value,
    Variables,
    path,
    unlike,
    value_of,
)

Test = Callable[[Variables], bool]

TEXT: dict[str, Callable[[str, str], bool]] = {
    "startsWith": lambda a, b: a.startswith(b),
    "endsWith": lambda a, b: a.endswith(b),
    "contains": lambda a, b: b in a,
}
MISSING = object()
NO_TEXT = "it is no text"
# Longer texts are left to the interpreter, and its bounds. The expressions are RE2's: their time is linear in the text, whatever they are.
LONGEST_MATCHED = 10_000


def plain_test(tree: Tree[Any]) -> Test | None:
    """The test of a parsed condition, when all of it is plain. It raises Unsure, and Fails."""
    try:
        return _test(tree)
    except Unsure:
        return None


def _test(tree: Any) -> Test:
    tree = only(tree)
    if tree.data in {"conditionaland", "conditionalor"}:
        one, other = (_test(child) for child in tree.children)
        return _joined(one, other, decides=tree.data == "conditionalor")
    if tree.data == "unary" and len(tree.children) == 2 and tree.children[0].data == "unary_not":
        negated = _test(tree.children[1])
        return lambda v: not negated(v)
    if tree.data == "relation":
        return _relation(tree)
    if tree.data == "member_dot_arg":
        return LOOPS[str(tree.children[1])](tree) if str(tree.children[1]) in LOOPS else _text(tree)
    if tree.data == "ident_arg":
        return _has(tree)
    return _yes_or_no(value_of(tree))


def _joined(one: Test, other: Test, *, decides: bool) -> Test:
    """Two parts, of which one that is `decides` decides alone: what fails beside it does not count."""

    def joined(variables: Variables) -> bool:
        try:
            if one(variables) is decides:
                return decides
        except Fails:
            if other(variables) is decides:
                return decides
            raise
        return other(variables)

    return joined


def _yes_or_no(value: Value) -> Test:
    def holds(variables: Variables) -> bool:
        if type(found := value(variables)) is not bool:
            raise Unsure
        return found

    return holds


def _relation(tree: Tree[Any]) -> Test:
    sign, right = tree.children
    if sign.data == "relation_in":
        return _among(value_of(sign.children[0]), only(right))
    name, one, other = str(sign.data), value_of(sign.children[0]), value_of(right)
    compare, alike = COMPARE[name], EQUATED if name in EQUAL else COMPARED
    if only(right).data == "literal" and type(fixed := constant(right)) in alike:
        kind = type(fixed)

        def with_fixed(variables: Variables) -> bool:
            found = one(variables)
            if type(found) is kind or (type(found) in NUMBERS and kind in NUMBERS):
                return compare(found, fixed)
            return unlike(name, found, fixed)

        return with_fixed

    def compared(variables: Variables) -> bool:
        left, right = one(variables), other(variables)
        if (type(left) is type(right) and type(left) in alike) or (type(left) in NUMBERS and type(right) in NUMBERS):
            return compare(left, right)
        return unlike(name, left, right)

    return compared


def _among(value: Value, listed: Tree[Any]) -> Test:
    """`value in [constants]`, all of one kind; `value in path`, a list whose items are all of the value's kind."""
    if listed.data != "list_lit":
        return _within(value, path(listed))
    values = [constant(item) for item in listed.children[0].children] if listed.children else []
    if len({type(v) for v in values}) != 1 or type(values[0]) not in COMPARED:
        raise Unsure
    kind, constants = type(values[0]), frozenset(values)

    def among(variables: Variables) -> bool:
        found = value(variables)
        if type(found) is kind or (type(found) in NUMBERS and kind in NUMBERS):
            return found in constants
        if found is None and kind is str:
            return False
        if type(found) in {int, str, type(None)} and kind in {int, str}:
            raise Fails(NO_OVERLOAD)
        raise Unsure

    return among


def _within(value: Value, container: Value) -> Test:
    def within(variables: Variables) -> bool:
        found, items = value(variables), container(variables)
        if type(items) not in {list, tuple} or type(found) not in COMPARED:
            raise Unsure
        variables.look_at(len(items))
        if not all(type(item) is type(found) for item in items):
            raise Unsure
        return found in items

    return within


def _text(tree: Tree[Any]) -> Test:
    if len(tree.children) != 3 or len(tree.children[2].children) != 1:
        raise Unsure
    owner, name, arguments = tree.children
    value, given = path(owner), constant(arguments.children[0])
    if type(given) is not str:
        raise Unsure
    if str(name) == "matches":
        return _matches(value, given)
    ask = TEXT.get(str(name))
    if ask is None:
        raise Unsure

    def asked(variables: Variables) -> bool:
        found = value(variables)
        if type(found) is str:
            return ask(found, given)
        if found is None or type(found) in {int, bool}:
            raise Fails(NO_TEXT)
        raise Unsure

    return asked


def _matches(value: Value, pattern: str) -> Test:
    try:
        search = re2.compile(pattern).search
    except (re2.error, ValueError):
        raise Unsure from None

    def matches(variables: Variables) -> bool:
        found = value(variables)
        if type(found) is not str or len(found) > LONGEST_MATCHED:
            raise Unsure
        try:
            return search(found.encode()) is not None
        except UnicodeEncodeError:
            raise Unsure from None

    return matches


def _has(tree: Tree[Any]) -> Test:
    """Whether a path leads to something: the one question that what is missing answers."""
    if len(tree.children) != 2 or len(tree.children[1].children) != 1:
        raise Unsure
    name, arguments = tree.children
    asked = only(arguments.children[0])
    if str(name) != "has" or asked.data != "member_dot":
        raise Unsure
    value = path(asked)

    def has(variables: Variables) -> bool:
        try:
            value(variables)
        except NotThere:
            return False
        return True

    return has


def _loop(tree: Tree[Any], *, decides: bool) -> Test:
    """A test of every item of a list, of which one that is `decides` decides alone."""
    if len(tree.children) != 3 or len(tree.children[2].children) != 2:
        raise Unsure
    items, named = path(tree.children[0]), only(tree.children[2].children[0])
    if named.data != "ident":
        raise Unsure
    name, test = str(named.children[0]), _test(tree.children[2].children[1])

    def loop(variables: Variables) -> bool:
        found, outside = items(variables), variables.get(name, MISSING)
        if type(found) not in {list, tuple}:
            raise Unsure
        variables.look_at(len(found))
        try:
            return _any_item(test, variables, name, found, decides)
        finally:
            if outside is MISSING:
                variables.pop(name, None)
            else:
                variables[name] = outside

    return loop


def _any_item(test: Test, variables: Variables, name: str, items: Iterable[Any], decides: bool) -> bool:
    """What the items come to together; the name is left to whoever had it before."""
    failed = None
    for item in items:
        if item is None:  # the interpreter takes its name for one that has no value
            raise Unsure
        variables[name] = item
        try:
            if test(variables) is decides:
                return decides
        except Fails as failure:
            failed = failure
    if failed:
        raise failed
    return not decides


LOOPS: dict[str, Callable[[Tree[Any]], Test]] = {
    "exists": lambda tree: _loop(tree, decides=True),
    "all": lambda tree: _loop(tree, decides=False),
}
