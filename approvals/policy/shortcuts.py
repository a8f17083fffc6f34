"""The plain part of conditions, answered without the interpreter of the language, which takes a fifth of a millisecond for each.

Plain is: a path, or its size, compared with a constant of the same type, `has(path)`, `path in [constants]`, the three text functions, and
these joined by `&&`, `||` and `!`. Whatever is not plain, in the condition or in the values it meets, is left to the
interpreter (`Unsure`): this module never decides what a failure means. Pure.
"""

from collections.abc import Callable
from typing import Any

from lark import Token, Tree

Variables = dict[str, Any]
Test = Callable[[Variables], bool]

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "relation_eq": lambda a, b: bool(a == b),
    "relation_ne": lambda a, b: bool(a != b),
    "relation_lt": lambda a, b: bool(a < b),
    "relation_le": lambda a, b: bool(a <= b),
    "relation_gt": lambda a, b: bool(a > b),
    "relation_ge": lambda a, b: bool(a >= b),
}
TEXT: dict[str, Callable[[str, str], bool]] = {
    "startsWith": lambda a, b: a.startswith(b),
    "endsWith": lambda a, b: a.endswith(b),
    "contains": lambda a, b: b in a,
}


class Unsure(Exception):
    """Not plain: ask the interpreter."""


def plain_test(tree: Tree[Any]) -> Test | None:
    """The test of a parsed condition, when all of it is plain."""
    try:
        return _test(tree)
    except Unsure:
        return None


def _test(tree: Any) -> Test:
    tree = only(tree)
    if tree.data in {"conditionaland", "conditionalor"}:
        one, other = (_test(child) for child in tree.children)
        # An operand that is unsure makes the whole unsure, unless the first has decided already, as in the language.
        return (lambda v: one(v) and other(v)) if tree.data == "conditionaland" else (lambda v: one(v) or other(v))
    if tree.data == "unary" and len(tree.children) == 2 and tree.children[0].data == "unary_not":
        negated = _test(tree.children[1])
        return lambda v: not negated(v)
    if tree.data == "relation":
        return _relation(tree)
    if tree.data == "member_dot_arg":
        return _text(tree)
    if tree.data == "ident_arg":
        return _has(tree)
    raise Unsure


def _relation(tree: Tree[Any]) -> Test:
    sign, right = tree.children
    path = _value(sign.children[0])
    if sign.data == "relation_in":
        listed = only(right)
        if listed.data != "list_lit" or not listed.children:
            raise Unsure
        values = [constant(item) for item in listed.children[0].children]
        if not all(type(v) is str for v in values):
            raise Unsure
        return lambda v: _same(path(v), "") in values
    compare, value = COMPARE.get(sign.data), constant(right)
    if compare is None or (type(value) is bool and sign.data not in {"relation_eq", "relation_ne"}):
        raise Unsure
    return lambda v: compare(_same(path(v), value), value)


def _text(tree: Tree[Any]) -> Test:
    if len(tree.children) != 3:
        raise Unsure
    owner, name, arguments = tree.children
    ask, path = TEXT.get(str(name)), _path(owner)
    if ask is None or len(arguments.children) != 1:
        raise Unsure
    value = constant(arguments.children[0])
    if type(value) is not str:
        raise Unsure
    return lambda v: ask(_same(path(v), ""), value)


def _has(tree: Tree[Any]) -> Test:
    if len(tree.children) != 2:
        raise Unsure
    name, arguments = tree.children
    asked = only(arguments.children[0])
    if str(name) != "has" or asked.data != "member_dot":
        raise Unsure
    owner, field = _path(asked.children[0]), str(asked.children[1])

    def has(variables: Variables) -> bool:
        found = owner(variables)
        if type(found) is not dict:
            raise Unsure
        return field in found

    return has


def _value(tree: Any) -> Callable[[Variables], Any]:
    """What a path leads to, or the size of that."""
    found = only(tree)
    if found.data != "ident_arg" or len(found.children) != 2 or str(found.children[0]) != "size" or len(found.children[1].children) != 1:
        return _path(found)
    path = _path(found.children[1].children[0])

    def size(variables: Variables) -> int:
        value = path(variables)
        if type(value) not in {str, list, tuple, dict}:
            raise Unsure
        return len(value)

    return size


def _path(tree: Any) -> Callable[[Variables], Any]:
    """What follows a name through the fields of maps."""
    tree = only(tree)
    steps: list[str] = []
    while tree.data == "member_dot":
        steps.insert(0, str(tree.children[1]))
        tree = only(tree.children[0])
    if tree.data != "ident":
        raise Unsure
    steps.insert(0, str(tree.children[0]))

    def follow(variables: Variables) -> Any:
        found: Any = variables
        for step in steps:
            if type(found) is not dict or step not in found:
                raise Unsure
            found = found[step]
        return found

    return follow


def _same(value: Any, like: Any) -> Any:
    """The value, when it is of the very type of what it is compared with: everything else is the language's business."""
    if type(value) is not type(like):
        raise Unsure
    return value


def constant(tree: Any) -> Any:
    """A plain constant. Raises Unsure."""
    found = only(tree)
    if found.data != "literal":
        raise Unsure
    token = found.children[0]
    read = LITERALS.get(getattr(token, "type", ""))
    if read is None:
        raise Unsure
    try:
        return read(str(token))
    except ValueError:
        raise Unsure from None


def _quoted(text: str) -> str:
    """A text constant without escapes or prefixes."""
    if "\\" in text or text[0] not in "'\"" or text.startswith(("'''", '"""')):
        raise ValueError
    return text[1:-1]


LITERALS: dict[str, Callable[[str], Any]] = {
    "INT_LIT": int,
    "FLOAT_LIT": float,
    "STRING_LIT": _quoted,
    "BOOL_LIT": lambda text: text == "true",
}


def only(tree: Any) -> Tree[Any]:
    """The first node below that says something: the grammar wraps everything in a dozen of one child each. Raises Unsure."""
    while (
        isinstance(tree, Tree)
        and len(tree.children) == 1
        and isinstance(tree.children[0], Tree)
        and tree.data not in {"literal", "list_lit"}
    ):
        tree = tree.children[0]
    if not isinstance(tree, Tree) or isinstance(tree, Token):
        raise Unsure
    return tree
