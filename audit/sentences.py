"""Sentences for people, written where no language is known: in English, remembering what they were made of.

Belongs here: `say` and `Frozen`, for every room below the doors (operations, queries, policy). What they give *is* the English text, so
whatever stores, logs, digests or prints it keeps English without being told; a door shows it through `audit.languages.told`. Pure: imports
nothing (docs/adr/0020).

A hole is `%(name)s` for names and other sentences, `%(n)d` for whole numbers. Numbers get the reader's thousands separator. What needs
"one" and "several" is said in two forms, told apart by the hole `n`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, reduce
from typing import Any

HOLE = re.compile(r"%\((\w+)\)([sd])")


class Sentence(str):
    """English text that remembers its template (`msgid`, and `plural` if it has two forms) and what fills the holes."""

    __slots__ = ("msgid", "params", "plural")

    msgid: str
    plural: str
    params: dict[str, Any]

    def __new__(cls, text: str, msgid: str = "", plural: str = "", params: dict[str, Any] | None = None) -> "Sentence":
        made = super().__new__(cls, text)
        made.msgid, made.plural, made.params = msgid or text.replace("%", "%%"), plural, params or {}
        return made


def say(msgid: str, plural: str = "", /, **params: Any) -> Sentence:
    """A sentence. `plural` is its form for any `n` but one. Raises KeyError when a hole is not filled."""
    form = plural if plural and params["n"] != 1 else msgid
    # Most have no number: Python's own formatting is several times as quick, and scoring says a handful while an agent waits.
    return Sentence(filled(form, params) if ")d" in form else form % params, msgid, plural, params)


def english(value: Any) -> str:
    return f"{value:,}"


def filled(form: str, params: dict[str, Any], *, word: Callable[[Any], str] = str, number: Callable[[Any], str] = english) -> str:
    """The template with its holes filled: sentences and names by `word`, numbers by `number`."""
    if "%" not in form:
        return form
    parts = (HOLE.sub(lambda hole: (number if hole[2] == "d" else word)(params[hole[1]]), part) for part in form.split("%%"))
    return "%".join(parts)


def chain(link: str, items: Iterable[str]) -> str:
    """Several in a row, such as "a, b, c": `link` is a template with the holes `a` and `b`; "" for none."""
    return reduce(lambda a, b: say(link, a=a, b=b), items) if (items := list(items)) else ""


def listed(items: Iterable[str]) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"."""
    *most, last = list(items) or [""]
    return say("%(a)s and %(b)s", a=chain("%(a)s, %(b)s", most), b=last) if most else last


def cause(error: BaseException) -> str:
    """What an exception says, still a sentence if it was one."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, Sentence) else str(error)


class Frozen:
    """A sentence that is kept in rows as plain English and read from there again: its template finds it (`told` in audit.languages).

    Args:
        parts: holes filled by sentences that are kept themselves, one or several joined by ", " or "; ".
        only: what may fill a hole, as a regular expression: for a template that says so little itself that other texts would fit it.
    """

    every: "list[Frozen]" = []

    def __init__(self, msgid: str, plural: str = "", *, parts: Iterable[str] = (), only: Mapping[str, str] | None = None) -> None:
        self.msgid, self.plural, self.parts, self.only = msgid, plural, frozenset(parts), dict(only or {})
        Frozen.every.append(self)

    def __call__(self, **params: Any) -> Sentence:
        return say(self.msgid, self.plural, **params)

    @property
    def literal(self) -> int:
        """How much of it is not holes: of two that fit, the one that says more is meant."""
        return len(HOLE.sub("", self.msgid))

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile("".join(_pattern(form, self.only)), re.DOTALL) for form in filter(None, (self.msgid, self.plural)))

    def found_in(self, text: str) -> dict[str, Any] | None:
        """What filled the holes of a kept sentence; None when the text is not this sentence."""
        for pattern in self._patterns:
            if found := pattern.fullmatch(text):
                return {name: _read(name, value, self.msgid + self.plural) for name, value in found.groupdict().items()}
        return None


def _pattern(form: str, only: Mapping[str, str]) -> Iterator[str]:
    at, seen = 0, set[str]()
    for hole in HOLE.finditer(form):
        yield re.escape(form[at : hole.start()].replace("%%", "%"))
        name = hole[1]
        fits = "-?[0-9,]+" if hole[2] == "d" else only.get(name, ".*?")
        yield f"(?P={name})" if name in seen else f"(?P<{name}>{fits})"
        seen.add(name)
        at = hole.end()
    yield re.escape(form[at:].replace("%%", "%"))


def _read(name: str, value: str, forms: str) -> Any:
    return int(value.replace(",", "")) if f"%({name})d" in forms else value
