"""Colour for SQL and file contents. It never changes, adds or hides a character: it only says where a keyword, string or comment is.

Belongs here: which language a value is in, by the argument's name, the path beside it and how a diff begins, and the painting of segments that `reveal` made.
Pygments reads text a stranger wrote, so only a few plain lexers are used, and long values are left in one colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Name, Number, String, _TokenType

from approvals.legible.paths import DEEP, under
from approvals.render.reveal import Revealed, Segment

MOST = 20_000
MOST_LINE = 2_000
SQL_KEYS = frozenset({"sql", "query", "statement", "ddl"})
TEXT_KEYS = frozenset({"content", "contents", "text", "body", "source", "code", "new_content", "patch", "diff"})
PATH_KEYS = ("path", "file", "filename", "file_path", "file_name", "name")
SHELL_KEYS = frozenset({"command", "cmd", "script", "shell"})
SUFFIXES = {
    ".sql": "sql", ".py": "python", ".json": "json", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".ini": "ini", ".cfg": "ini",
    ".sh": "bash", ".diff": "diff", ".patch": "diff",
}  # fmt: skip
_SQL = re.compile(
    r"\s{0,200}(?:--[^\n]{0,500}\n\s{0,200}){0,20}(?:select|insert|update|delete|create|alter|drop|with|truncate|grant|begin|explain|merge)\b",
    re.I,
)
_DIFF = re.compile(r"(?:diff --git |--- [^\n]{1,300}\n\+\+\+ )")
CLASSES: tuple[tuple[_TokenType, str], ...] = (
    (Comment, "hl-c"), (String, "hl-s"), (Number, "hl-n"), (Keyword, "hl-k"), (Name.Builtin, "hl-k"), (Name.Tag, "hl-k"),
    (Generic.Deleted, "diff-gone"), (Generic.Inserted, "diff-new"), (Generic.Heading, "hl-k"), (Generic.Subheading, "hl-c"),
)  # fmt: skip


def languages(args: Mapping[str, Any]) -> dict[str, str]:
    """The language of each text argument that has one, by path."""
    return dict(_languages(args, "", 0))


def _languages(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth >= DEEP:
        return
    if isinstance(value, Mapping):
        suffix = next((_suffix(value[key]) for key in PATH_KEYS if isinstance(value.get(key), str) and _suffix(value[key])), "")
        for key, item in value.items():
            here = under(path, str(key))
            if isinstance(item, str):
                if found := language_of(str(key), item, suffix):
                    yield here, found
            else:
                yield from _languages(item, here, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _languages(item, f"{path}[{index}]", depth + 1)


def language_of(key: str, text: str, suffix: str = "") -> str:
    """What one text is written in; empty when it is prose or not known."""
    key = key.lower()
    if (key in SQL_KEYS or key.endswith("_sql")) and _SQL.match(text):
        return "sql"
    if key in SHELL_KEYS:
        return "bash"
    if _DIFF.match(text):  # whatever the argument is called: its head is nothing else's
        return "diff"
    return suffix if key in TEXT_KEYS else ""


def painted(shown: Revealed, language: str) -> Revealed:
    """The same segments, those of plain text cut where the colour changes. Chips stay chips."""
    text = "".join(part.text for part in (*shown.head, *shown.middle, *shown.tail))
    if not language or shown.escaped or len(text) > MOST or max(map(len, text.split("\n"))) > MOST_LINE:
        return shown
    colours = _colours(text, language)
    a, b = sum(len(p.text) for p in shown.head), sum(len(p.text) for p in (*shown.head, *shown.middle))
    return replace(
        shown,
        head=tuple(_cut(shown.head, 0, colours)),
        middle=tuple(_cut(shown.middle, a, colours)),
        tail=tuple(_cut(shown.tail, b, colours)),
    )


def _colours(text: str, language: str) -> list[str]:
    """A class name per character."""
    colours = [""] * len(text)
    for start, kind, piece in _lexer(language).get_tokens_unprocessed(text):
        if name := next((name for wanted, name in CLASSES if kind in wanted), ""):
            colours[start : start + len(piece)] = [name] * len(piece)
    return colours[: len(text)]


def _cut(segments: tuple[Segment, ...], at: int, colours: list[str]) -> Iterator[Segment]:
    for part in segments:
        end = at + len(part.text)
        if part.kind != "text":
            yield part
        else:
            start = at
            for i in range(at + 1, end + 1):
                if i == end or colours[i] != colours[start]:
                    yield replace(part, text=part.text[start - at : i - at], css=colours[start])
                    start = i
        at = end


@lru_cache(maxsize=16)
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language)


def _suffix(path: str) -> str:
    return SUFFIXES.get(PurePosixPath(path[-200:].strip()).suffix.lower(), "")
