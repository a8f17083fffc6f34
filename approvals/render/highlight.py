"""Colour for SQL and file contents. It never changes, adds or hides a character: it only says where a keyword, string or comment is.

Belongs here: which language a value is in, by the argument's name, the path beside it and how a diff begins, and the painting of segments that `reveal` made.
Pygments reads text a stranger wrote, so only a few plain lexers are used, and long values are left in one colour. What runs may never be drawn as a
comment or a string: where it is not sure how a text will be read, it is left in one colour, too.
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
from approvals.render import sqltext
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
# These end a line for some readers and not for others: PostgreSQL, Python and YAML end one at a carriage return, a shell does not.
_ODD_ENDS = re.compile("\r(?!\n)|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# From here on a shell may run, or read otherwise, what stands in quotes: here-documents, substitutions, quotes of its own.
_SHELL_RUNS = re.compile(r"<<|`|\$[({'\"]")
# A string of a shell is run by `sh -c`, `eval`, `ssh`, `awk` and what else there is; a number sign that is glued to a word, or behind a blank with a
# backslash, begins no comment in one.
_BEGINS = re.compile(r"(?:\A|[\n;&|()]|(?<!\\)[ \t])\Z")
# Beside these, what stands in a string may be run: blocks, bodies of functions, statements made of texts.
_SQL_RUNS = re.compile(
    r"\b(?:do|prepare|call|function|procedure|trigger|event|immediate|program|crosstab\w*|ts_stat)\b|exec|dblink|open(?:query|rowset)|_to_xml|cmdshell|schedule",
    re.I,
)
# Behind a document's own mark, a text in which a number sign is one.
_YAML_TEXT = re.compile(r"^---[ \t]*[^\s#]*[ \t]*[|>]", re.M)
# A file of Python may say that it is read otherwise than it is written here: a backslash in a comment ends its line then.
_CODING = re.compile(r"(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")
_AS_WRITTEN = frozenset({"utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii", "latin-1", "iso-8859-1", "cp1252"})
CLASSES: tuple[tuple[_TokenType, str], ...] = (
    (Comment, "hl-c"), (String, "hl-s"), (Number, "hl-n"), (Keyword, "hl-k"), (Name.Builtin, "hl-k"), (Name.Tag, "hl-k"),
    (Generic.Deleted, "diff-gone"), (Generic.Inserted, "diff-new"), (Generic.Heading, "hl-k"), (Generic.Subheading, "hl-c"),
)  # fmt: skip
SILENT = frozenset({"hl-c", "hl-s"})


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
    if not language or shown.escaped or len(text) > MOST or max(map(len, text.split("\n"))) > MOST_LINE or _ODD_ENDS.search(text):
        return shown
    if language == "python" and (coding := _CODING.match(text)) and coding[1].lower().replace("_", "-") not in _AS_WRITTEN:
        return shown
    if language == "yaml" and _YAML_TEXT.search(text):
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
    for start, end, name in _of_sql(text) if language == "sql" else _of_others(text, language):
        colours[start:end] = [name] * (end - start)
    return colours[: len(text)]


def _of_sql(text: str) -> Iterator[tuple[int, int, str]]:
    parts = list(sqltext.parts(text))
    runs = any(part.kind == "code" and _SQL_RUNS.search(text, part.start, part.end) for part in parts)
    for part in parts:
        if part.kind == "code":
            for start, end, name in _tokens(text[part.start : part.end], "sql"):
                if name not in SILENT:
                    yield part.start + start, part.start + end, name
        elif part.kind == "comment" or (part.kind == "string" and not runs):
            yield part.start, part.end, "hl-c" if part.kind == "comment" else "hl-s"


def _of_others(text: str, language: str) -> Iterator[tuple[int, int, str]]:
    doubt = _SHELL_RUNS.search(text) if language == "bash" else None
    sure = doubt.start() if doubt else len(text)
    for start, end, name in _tokens(text, language):
        # Behind a value a comment is one for some readers of such files, and part of the value for others.
        behind = language == "ini" and name == "hl-c" and text[text.rfind("\n", 0, start) + 1 : start].strip()
        runs = language == "bash" and (name == "hl-s" or (name == "hl-c" and not _BEGINS.search(text, 0, start)))
        if start < sure and not behind and not runs:
            yield start, min(end, sure), name


def _tokens(text: str, language: str) -> Iterator[tuple[int, int, str]]:
    for start, kind, piece in _lexer(language).get_tokens_unprocessed(text):
        if name := next((name for wanted, name in CLASSES if kind in wanted), ""):
            yield start, start + len(piece), name


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
