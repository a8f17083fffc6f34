"""A short text that a regular expression takes, always the same one. Pure; what it cannot make up it says so of, by a ValueError.

The parsed form of an expression has no public name in Python, and what makes texts of it is random (`rstr`) or AGPL (`exrex`).
"""

import re
from re import _constants as code
from re import _parser as parser
from typing import Any

LONGEST = 200  # letters of an expression that is looked at, and of what is made
READABLE = [*map(ord, "A1a0"), *range(33, 127), 32]
CATEGORIES = {
    code.CATEGORY_DIGIT: ("1", str.isdigit),
    code.CATEGORY_SPACE: (" ", str.isspace),
    code.CATEGORY_WORD: ("a", lambda c: c.isalnum() or c == "_"),
    code.CATEGORY_NOT_DIGIT: ("a", lambda c: not c.isdigit()),
    code.CATEGORY_NOT_SPACE: ("a", lambda c: not c.isspace()),
    code.CATEGORY_NOT_WORD: ("-", lambda c: not c.isalnum() and c != "_"),
}


def matching(pattern: str) -> str:
    """Such a text.

    Raises:
        ValueError: the pattern wants what this does not know (an assertion), a long text, or is none.
    """
    try:
        return _joined(parser.parse(pattern[:LONGEST]), {})
    except (re.error, RecursionError, OverflowError, StopIteration) as error:
        raise ValueError(str(error)) from error


def _joined(parsed: Any, groups: dict[int, str]) -> str:
    found = ""
    for what, said in parsed:
        found += _piece(what, said, groups)
        if len(found) > LONGEST:
            raise ValueError("too long")
    return found


def _piece(what: Any, said: Any, groups: dict[int, str]) -> str:
    if what is code.LITERAL:
        return chr(said)
    if what is code.ANY:
        return "a"
    if what is code.AT:
        return ""
    if what is code.IN:
        return _one_of(said)
    if what is code.NOT_LITERAL:
        return _one_of([(code.NEGATE, None), (code.LITERAL, said)])
    if what in {code.MAX_REPEAT, code.MIN_REPEAT}:
        least, most, inner = said
        times = least or min(most, 1)
        if times > LONGEST:
            raise ValueError("too long")
        return "".join([_joined(inner, groups)] * times)
    if what is code.BRANCH:
        return _joined(said[1][0], groups)
    if what is code.SUBPATTERN:
        groups[said[0]] = _joined(said[3], groups)
        return groups[said[0]]
    if what is code.GROUPREF:
        return groups.get(said, "")
    raise ValueError(f"{what} is not made up")


def _one_of(said: Any) -> str:
    """A letter or digit of a class, where it has one."""
    if said[0][0] is code.NEGATE:
        return next(chr(c) for c in READABLE if not any(_holds(part, c) for part in said[1:]))
    what, first = said[0]
    if what is code.CATEGORY:
        return CATEGORIES[first][0]
    return chr(first[0] if what is code.RANGE else first)


def _holds(part: Any, char: int) -> bool:
    what, said = part
    if what is code.CATEGORY:
        return bool(CATEGORIES[said][1](chr(char)))
    return bool(said[0] <= char <= said[1] if what is code.RANGE else said == char)
