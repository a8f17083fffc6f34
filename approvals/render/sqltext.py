"""Where comments and strings stand in SQL, as far as the dialects agree: which of them will run it, nobody here knows.

PostgreSQL knows dollar quotes, E'' strings and comments in comments; MySQL backslashes in every string, `#` and `/*!`, which runs; others brackets, q'' and `//`.
A word drawn as a comment that runs is worse than one that is not drawn, so at the first place where they differ it ends. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["code", "comment", "string", "name"]

_ID = r"[\w$\u0080-\U0010ffff]"
_NEXT = re.compile(
    rf"[$@:#]{_ID}+(?:::{_ID}+)*\([^\s)]*['\"`\[/#$-]"  # what SQLite takes for the name of one parameter, quotes and all (a variable of Tcl)
    r"|--|/\*|//|#|['\"`\[]|\$(?:(?:[^\W\d]|[^\x00-\x7f])(?:\w|[^\x00-\x7f])*)?\$"
)
_DOUBLED = {quote: re.compile(f"{quote}(?:[^{quote}]|{quote}{quote})*+{quote}") for quote in "'\""}
_ESCAPED = {quote: re.compile(rf"{quote}(?:[^{quote}\\]|\\.|{quote}{quote})*+{quote}", re.S) for quote in "'\""}
_PLAIN = re.compile(r"[^'\"`\[\]#$\\/-]*")  # nothing that could begin, or end, anything else
_ORACLES = re.compile(r"\b(?:n?q)$", re.I)


@dataclass(frozen=True)
class Part:
    start: int
    end: int
    kind: Kind


def parts(text: str) -> Iterator[Part]:
    """In order and without gaps, up to where dialects differ."""
    at = 0
    while found := _NEXT.search(text, at):
        here = _part(text, found.start(), found[0])
        if found.start() > at:
            yield Part(at, found.start(), "code")
        if here is None:
            return
        yield here
        at = here.end
    if at < len(text):
        yield Part(at, len(text), "code")


def _part(text: str, at: int, mark: str) -> Part | None:
    """What begins here; None where not all read it alike."""
    if mark == "--":
        return _line(text, at)
    if mark == "/*":
        return _block(text, at)
    if mark in _DOUBLED:
        return _quoted(text, at, mark)
    if mark in "`[":
        end = text.find("`" if mark == "`" else "]", at + 1)
        return Part(at, end + 1, "name") if end > 0 and _PLAIN.fullmatch(text, at + 1, end) else None
    return None


def _line(text: str, at: int) -> Part | None:
    """MySQL takes two dashes for a comment only before a blank: `5--1` is six there."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return Part(at, end, "comment") if text[at + 2 : at + 3] in ("", " ", "\t", "\r", "\n") else None


def _block(text: str, at: int) -> Part | None:
    """One in another ends there in PostgreSQL, here in MySQL; what begins with an exclamation mark, or M and one, MySQL runs."""
    end = text.find("*/", at + 2)
    inside = text[at + 2 : end]
    return (
        Part(at, end + 2, "comment") if end > 0 and "/*" not in text[at + 2 : end + 1] and not inside.startswith(("!", "M!", "+")) else None
    )


def _quoted(text: str, at: int, quote: str) -> Part | None:
    """Where backslashes change its end, or three quotes could be a beginning, it is one thing here and another there."""
    doubled, escaped = _DOUBLED[quote].match(text, at), _ESCAPED[quote].match(text, at)
    if doubled is None or escaped is None or doubled.end() != escaped.end():
        return None
    if text.startswith(quote * 3, at) or _ORACLES.search(text, max(0, at - 3), at):
        return None
    return Part(at, doubled.end(), "string" if quote == "'" else "name")
