"""Constants as they stand in a condition, and the way down its tree to what says something. Pure."""

import re
from collections.abc import Callable
from typing import Any

from lark import Token, Tree

# Whole numbers have 64 bits, in the language.
LEAST, MOST = -(2**63), 2**63 - 1


class Unsure(Exception):
    """Not plain: ask the interpreter."""


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


def _int(text: str) -> int:
    if not LEAST <= (found := int(text)) <= MOST:
        raise ValueError
    return found


def _quoted(text: str) -> str:
    """A text constant on one line; of escapes only those of a single sign."""
    raw = text[0] in "rR"
    quoted = text[1:] if raw else text
    if quoted[0] not in "'\"" or quoted.startswith(("'''", '"""')):
        raise ValueError
    inner = quoted[1:-1]
    return inner if raw or "\\" not in inner else re.sub(r"\\(.?)", lambda found: ESCAPES[found[1]], inner)


class _Escapes(dict[str, str]):
    def __missing__(self, sign: str) -> str:
        raise ValueError


ESCAPES = _Escapes({"\\": "\\", '"': '"', "'": "'", "n": "\n", "t": "\t", "r": "\r"})
LITERALS: dict[str, Callable[[str], Any]] = {
    "INT_LIT": _int,
    "FLOAT_LIT": float,
    "STRING_LIT": _quoted,
    "BOOL_LIT": lambda text: text == "true",
    "NULL_LIT": lambda text: None,
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
