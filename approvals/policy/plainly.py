"""The values of plain conditions, looked up and reckoned without the interpreter of the language: paths, sizes, constants, whole and broken numbers.

`shortcuts` asks of them. What the language certainly cannot answer is `Fails`; what is not plain, in the condition or in the values it
meets, is `Unsure` and left to the interpreter: nothing here guesses what the language would make of it. Pure.
"""

import operator
from collections.abc import Callable
from typing import Any

from lark import Tree

from approvals.policy.literals import LEAST, MOST, Unsure, constant, only

# Items of lists that the loops of all plain conditions of one call look at: some 30 ms. Agents write the arguments.
MOST_LOOKED_AT = 50_000
# A longer list is looked at by nobody: the interpreter refuses it.
LONGEST_LIST = 5_000
OVERFLOW, BY_ZERO = "return error for overflow", "modulus or divide by zero"
NOT_THERE, NO_FIELDS, NO_SUCH_ITEM = (
    "no such member in mapping: {!r}",
    "no field {!r}: what leads to it has no fields",
    "there is no item {}",
)
SCALARS = frozenset({str, int, float, bool, type(None), list, tuple})
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "relation_eq": operator.eq,
    "relation_ne": operator.ne,
    "relation_lt": operator.lt,
    "relation_le": operator.le,
    "relation_gt": operator.gt,
    "relation_ge": operator.ge,
}
EQUAL = frozenset({"relation_eq", "relation_ne"})
# Of these, both sides alike, the language compares as Python does; true and false, and nothing, only for equality.
COMPARED, EQUATED = frozenset({str, int, float}), frozenset({str, int, float, bool, type(None)})
NUMBERS = frozenset({int, float})  # held against each other by their value
NO_OVERLOAD = "these values cannot be compared"


class Fails(Exception):
    """The language has no answer; its text says why."""


class NotThere(Fails):
    """There is nothing of that name, or at that place."""


class Variables(dict[str, Any]):
    """What names stand for, in one call; loops put what they look at beside them, and take it away again.

    Attributes:
        looked_at: how many items the loops of this call have looked at, all conditions together.
    """

    looked_at = 0

    def look_at(self, items: int) -> None:
        """Before each loop. Raises Unsure when it would be too much: the interpreter's own bounds hold then."""
        self.looked_at += items
        if items > LONGEST_LIST or self.looked_at > MOST_LOOKED_AT:
            raise Unsure


Value = Callable[[Variables], Any]
EXACT = 2**53 - 1  # the greatest whole number that is the same in every program that reads JSON


def as_frozen(value: Any) -> Any:
    """With the numbers as what is frozen holds them (RFC 8785): JSON knows no 100.0 beside 100, so both are judged alike."""
    if type(value) is float:
        return int(value) if value.is_integer() and abs(value) <= EXACT else value
    if isinstance(value, dict):
        return {name: as_frozen(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(as_frozen(part) for part in value)
    return value


def value_of(tree: Any) -> Value:
    """How to find a value. Raises Unsure when it is not plain."""
    found = only(tree)
    if found.data == "literal":
        fixed = constant(found)
        return lambda v: fixed
    if found.data in {"addition", "multiplication"}:
        return _reckoned(found)
    if found.data == "unary" and len(found.children) == 2 and found.children[0].data == "unary_neg":
        return _negative(value_of(found.children[1]))
    return _size(found) or path(found)


def _size(found: Tree[Any]) -> Value | None:
    """`size(path)` and `path.size()`."""
    if found.data == "ident_arg" and len(found.children) == 2 and str(found.children[0]) == "size" and len(found.children[1].children) == 1:
        sized = path(found.children[1].children[0])
    elif found.data == "member_dot_arg" and len(found.children) == 2 and str(found.children[1]) == "size":
        sized = path(found.children[0])
    else:
        return None

    def size(variables: Variables) -> int:
        value = sized(variables)
        if type(value) not in {str, list, tuple, dict}:
            raise Unsure
        return len(value)

    return size


def path(tree: Any) -> Value:
    """What follows a name through the fields of maps, and the items of lists, counted from 0. Raises Unsure when it is no path."""
    tree = only(tree)
    steps: list[str | int] = []
    while tree.data in {"member_dot", "member_index"}:
        step = str(tree.children[1]) if tree.data == "member_dot" else constant(tree.children[1])
        if type(step) is not str and (type(step) is not int or step < 0):
            raise Unsure
        steps.insert(0, step)
        tree = only(tree.children[0])
    if tree.data != "ident":
        raise Unsure
    name = str(tree.children[0])

    first, rest = (steps[0], steps[1:]) if steps else (None, [])

    def follow(variables: Variables) -> Any:
        try:
            found = variables[name]
        except KeyError:
            raise Unsure from None
        if first is not None:
            found = found[first] if type(found) is dict and first in found else _step(found, first)
            for step in rest:
                found = found[step] if type(found) is dict and step in found else _step(found, step)
        if type(found) is int and not LEAST <= found <= MOST:
            raise Unsure
        return found

    return follow


def _step(found: Any, step: str | int) -> Any:
    """One step that is not simply to a field that is there."""
    if type(step) is int:
        if type(found) not in {list, tuple}:
            raise Unsure
        if step >= len(found):
            raise NotThere(NO_SUCH_ITEM.format(step))
        return found[step]
    if type(found) is dict:
        raise NotThere(NOT_THERE.format(step))
    if type(found) in SCALARS:
        raise Fails(NO_FIELDS.format(step))
    raise Unsure


def _reckoned(tree: Tree[Any]) -> Value:
    """Two numbers of one kind, added, taken away, multiplied; of whole ones also divided, and what is left over."""
    sign, right = tree.children
    one, other, reckon = value_of(sign.children[0]), value_of(right), RECKON.get(str(sign.data))
    whole_only = str(sign.data) in {"multiplication_div", "multiplication_mod"}
    if reckon is None or not all(_number_perhaps(part) for part in (sign.children[0], right)):
        raise Unsure

    def reckoned(variables: Variables) -> Any:
        left, right = one(variables), other(variables)
        if type(left) is int and type(right) is int:
            return _whole(reckon(left, right))
        if whole_only or type(left) is not float or type(right) is not float:
            raise Unsure
        return reckon(left, right)

    return reckoned


def _number_perhaps(tree: Any) -> bool:
    """Whether it is not plainly something else, such as a text that is joined."""
    found = only(tree)
    return found.data != "literal" or type(constant(found)) in {int, float}


def _negative(value: Value) -> Value:
    def negative(variables: Variables) -> Any:
        found = value(variables)
        if type(found) is int:
            return _whole(-found)
        if type(found) is not float:
            raise Unsure
        return -found

    return negative


def _whole(number: int) -> int:
    if LEAST <= number <= MOST:
        return number
    raise Fails(OVERFLOW)


def _divided(one: int, other: int) -> int:
    """Towards zero."""
    if other == 0:
        raise Fails(BY_ZERO)
    found = abs(one) // abs(other)
    return found if (one < 0) == (other < 0) else -found


def _left_over(one: int, other: int) -> int:
    """With the sign of what is divided."""
    if other == 0:
        raise Fails(BY_ZERO)
    found = abs(one) % abs(other)
    return -found if one < 0 else found


RECKON: dict[str, Callable[[Any, Any], Any]] = {
    "addition_add": lambda a, b: a + b,
    "addition_sub": lambda a, b: a - b,
    "multiplication_mul": lambda a, b: a * b,
    "multiplication_div": _divided,
    "multiplication_mod": _left_over,
}


def unlike(name: str, left: Any, right: Any) -> bool:
    """Values of different kinds: a text is not nothing, and a whole number is never held against either. Raises Unsure, Fails."""
    kinds = {type(left), type(right)}
    if kinds == {str, type(None)} and name in EQUAL:
        return name == "relation_ne"
    if int in kinds and kinds <= {int, str, type(None)}:
        raise Fails(NO_OVERLOAD)
    raise Unsure
