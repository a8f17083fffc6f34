"""What a condition claims: its `&&`, `||` and `!` over single claims about one value each. Pure.

Read from the tree of the language's own parser. Whatever is not such a claim (arithmetic, macros, functions) is `None`: it may hold or not,
and nothing is concluded from it. Negation is exact: a part that is not true *because it is false* was answered, so the opposite claim held.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from lark import Tree

from approvals.policy.conditions import MACROS, Unanswerable, constant_of
from approvals.policy.literals import Unsure, only

SIGNS = {"relation_eq": "==", "relation_ne": "!=", "relation_lt": "<", "relation_le": "<=", "relation_gt": ">", "relation_ge": ">="}
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
TEXT = ("startsWith", "endsWith", "contains")
# So many ways in which a condition may hold are looked at; of one with more nothing is said.
MOST_WAYS = 256


@dataclass(frozen=True)
class Claim:
    """One value held against a constant.

    Attributes:
        steps: what leads to the value, e.g. ("args", "amount"); `size` when it is about how many there are.
        sign: a comparison, "in", a function of texts, or "has"; `yes` is False for its opposite.
        line: counted from 1 within the condition.
    """

    steps: tuple[str, ...]
    sign: str
    value: Any = None
    yes: bool = True
    size: bool = False
    line: int = 1

    @property
    def about(self) -> tuple[tuple[str, ...], bool]:
        return self.steps, self.size

    def __str__(self) -> str:
        path = ".".join(self.steps)
        path, value = f"size({path})" if self.size else path, json.dumps(self.value, ensure_ascii=False)
        if self.sign == "has":
            said = f"has({path})"
        else:
            said = f"{path}.{self.sign}({value})" if self.sign in TEXT else f"{path} {self.sign} {value}"
        return said if self.yes else f"!({said})"


@dataclass(frozen=True)
class Joined:
    """Two or more parts, all of which (`every`) or one of which must hold; or one part turned round (`not_`)."""

    parts: "tuple[Formula, ...]"
    every: bool = True
    not_: bool = False


Formula = Claim | Joined | None
Way = tuple[Claim, ...]


class TooMany(Exception):
    """There are more ways in which it may hold than anybody looks at."""


def formula(tree: Any) -> Formula:
    """A parsed condition as its claims."""
    try:
        tree = only(tree)
    except Unsure:
        return None
    if tree.data in {"conditionaland", "conditionalor"}:
        return Joined(tuple(formula(child) for child in tree.children), every=tree.data == "conditionaland")
    if tree.data == "unary" and len(tree.children) == 2 and tree.children[0].data == "unary_not":
        return Joined((formula(tree.children[1]),), not_=True)
    return claim(tree)


def ways(part: Formula, *, holds: bool = True) -> list[Way]:
    """The ways in which it may hold (or be false), each a row of claims that would all be true. Raises TooMany."""
    if part is None:
        return [()]
    if isinstance(part, Claim):
        return [(part if holds else _opposite(part),)]
    if part.not_:
        return ways(part.parts[0], holds=not holds)
    of_parts = [ways(p, holds=holds) for p in part.parts]
    if part.every is not holds:
        found = [way for of_one in of_parts for way in of_one]
    else:
        number = 1
        for of_one in of_parts:
            number *= len(of_one)
        if number > MOST_WAYS:
            raise TooMany
        found = [tuple(c for way in several for c in way) for several in product(*of_parts)]
    if len(found) > MOST_WAYS:
        raise TooMany
    return found


def alternatives(part: Formula) -> Iterator[Formula]:
    """The operands of every `||` in it, and of every `&&` that is turned round."""
    if isinstance(part, Joined):
        for inner in part.parts:
            if not part.every and not part.not_:
                yield inner
            yield from alternatives(inner)


def every_claim(tree: Tree[Any]) -> Iterator[Claim]:
    """All single claims anywhere in a condition, also where what stands around them is beyond `formula`."""
    bound = bound_in(tree)
    for part in _down(tree):
        if part.data in {"relation", "member_dot_arg", "ident_arg"} and (found := claim(part)) and found.steps[0] not in bound:
            yield found


def every_path(tree: Tree[Any]) -> Iterator[tuple[tuple[str, ...], int]]:
    """All paths a condition follows from a name, the longest of each, with their lines; `has` asks whether the last step is there."""
    bound, seen = bound_in(tree), set[int]()
    for part in _down(tree):
        if id(part) in seen or part.data not in {"member_dot", "member_index"}:
            continue
        seen |= {id(inner) for inner in part.iter_subtrees()}
        steps = _steps(part) or _known_part(part)
        if len(steps) > 1 and steps[0] not in bound:
            yield steps, _line(part)


def claim(tree: Tree[Any]) -> Claim | None:
    """The claim a node makes, if it is one."""
    line = _line(tree)
    try:
        if tree.data == "relation" and len(tree.children) == 2:
            return _comparison(tree, line)
        if tree.data == "member_dot_arg" and len(tree.children) == 3 and str(tree.children[1]) in TEXT:
            steps, (given,) = _steps(tree.children[0]), tree.children[2].children
            value = constant_of(given)
            return Claim(steps, str(tree.children[1]), value, line=line) if steps and type(value) is str else None
        if tree.data == "ident_arg" and len(tree.children) == 2 and str(tree.children[0]) == "has":
            steps = _steps(tree.children[1].children[0])
            return Claim(steps, "has", line=line) if len(steps) > 1 else None
    except (Unanswerable, Unsure, ValueError):
        return None
    steps = _steps(tree)
    return Claim(steps, "==", True, line=line) if steps else None


def bound_in(tree: Tree[Any]) -> frozenset[str]:
    """The names that its macros give to the items of a list."""
    macros = tree.find_pred(lambda t: t.data == "member_dot_arg" and len(t.children) == 3 and str(t.children[1]) in MACROS)
    return frozenset(str(name.children[0]) for m in macros for name in next(iter(m.children[2].find_data("expr"))).find_data("ident"))


def _comparison(tree: Tree[Any], line: int) -> Claim | None:
    sign, right = tree.children
    left = sign.children[0]
    if sign.data == "relation_in":
        steps, size = _sized(left)
        values = constant_of(right) if steps else None
        return Claim(steps, "in", values, size=size, line=line) if isinstance(values, list) else None
    said = SIGNS.get(str(sign.data))
    if said is None:
        return None
    steps, size = _sized(left)
    other = right
    if not steps:
        (steps, size), other, said = _sized(right), left, TURNED[said]
    if not steps:
        return None
    value = constant_of(other)
    return Claim(steps, said, value, size=size, line=line) if not isinstance(value, list) else None


def _sized(tree: Any) -> tuple[tuple[str, ...], bool]:
    """A path, or the path whose size is asked; () when it is neither."""
    found = only(tree)
    if found.data == "ident_arg" and len(found.children) == 2 and str(found.children[0]) == "size":
        return _steps(found.children[1].children[0]), True
    return _steps(found), False


def _steps(tree: Any) -> tuple[str, ...]:
    """The steps of a path of names and fields; () for anything else."""
    steps: list[str] = []
    try:
        tree = only(tree)
        while tree.data in {"member_dot", "member_index"}:
            step = str(tree.children[1]) if tree.data == "member_dot" else constant_of(tree.children[1])
            if type(step) is not str:
                return ()
            steps.insert(0, step)
            tree = only(tree.children[0])
    except (Unsure, Unanswerable):
        return ()
    return (str(tree.children[0]), *steps) if tree.data == "ident" else ()


def _known_part(tree: Any) -> tuple[str, ...]:
    """The beginning of a path that goes on where nobody can follow, such as through a list."""
    while tree.data in {"member_dot", "member_index"}:
        try:
            tree = only(tree.children[0])
        except Unsure:
            return ()
        if steps := _steps(tree):
            return steps
    return ()


def _down(tree: Tree[Any]) -> Iterator[Tree[Any]]:
    """A node and all below it, from the top."""
    waiting = [tree]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += [child for child in reversed(found.children) if isinstance(child, Tree)]


def _opposite(one: Claim) -> Claim:
    if one.yes and one.sign in OPPOSITE:
        return Claim(one.steps, OPPOSITE[one.sign], one.value, size=one.size, line=one.line)
    return Claim(one.steps, one.sign, one.value, yes=not one.yes, size=one.size, line=one.line)


def _line(tree: Tree[Any]) -> int:
    return int(getattr(tree.meta, "line", 1) or 1)
