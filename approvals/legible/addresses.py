"""Addresses: where they stand in a text, and the tricks that let one look like another. Pure.

An address is read by machines character by character and by people at a glance, so `lookalikes` judges it more strictly than prose.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from approvals.legible.marks import has_marks, is_mark
from audit.sentences import Frozen, say

Span = tuple[int, int]
USER = Frozen("an address with a user name")()
PUNYCODE = Frozen("a host name in punycode")()
SCRIPT = Frozen("an address that carries a script or data")()

# Bounded everywhere, because the text is hostile: a pattern that could look at every start again would take minutes.
_URL_USER = re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://[^/\s@]{1,200}@", re.IGNORECASE)
_PUNYCODE = re.compile(r"\bxn--[a-z0-9-]{1,60}", re.IGNORECASE)
_SCRIPT_URL = re.compile(r"\b(?:javascript|vbscript)\s{0,9}:|\bdata:[a-z]{1,20}/[a-z0-9.+-]{1,60}[;,]", re.IGNORECASE)
_MARKUP = re.compile(r"<[a-z!/][^<>]{0,2000}>|!?\[[^\[\]\n]{0,300}\]\([^()\s]{1,500}", re.IGNORECASE)
_BREAKS = re.compile(r"[\t\r\n]+")  # browsers drop them inside an address

_LABEL = r"[\w-]{1,63}"
_ADDRESS = re.compile(
    r"(?P<url>(?<![a-z0-9])[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>]{1,2000})"
    rf"|(?P<mail>(?<![\w.+%-])[\w.+%-]{{1,64}}@{_LABEL}(?:\.{_LABEL}){{0,10}})"
    rf"|(?P<host>(?<![\w.-]){_LABEL}(?:\.{_LABEL}){{0,9}}\.[^\W\d_]{{2,63}}(?![\w])(?:[:/?#][^\s\"'<>]{{0,2000}})?)"
    r"|(?P<path>(?<![\w/\\])(?:[a-z]:)?[\w.~-]{0,80}(?:[/\\][\w.~@+-]{1,120}){2,60})",
    re.IGNORECASE,
)
_HOST = re.compile(rf"(?:://|@|^)(?:[^/@\s]{{1,100}}@)?({_LABEL}(?:\.{_LABEL}){{1,10}})")
_ENDS = ".,;:!?)]}'\"\u3002\uff0c\u3001\u2026\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a"


def spans(text: str) -> Iterator[Span]:
    """Where addresses stand: links, mail addresses, host names, paths of files. `text` has what is drawn like ASCII written in it."""
    for match in _ADDRESS.finditer(solid(text)):
        yield match.start(), match.start() + len(match.group().rstrip(_ENDS))


def hosts(address: str) -> list[Span]:
    """Where the host name stands in one address."""
    return [match.span(1) for match in _HOST.finditer(solid(address))]


def solid(text: str) -> str:
    """The text with a letter in the place of each mark: patterns take marks for gaps, a browser takes them for a part of the name."""
    return "".join("x" if is_mark(char) else char for char in text) if has_marks(text) else text


def registered(host: str) -> str:
    """A host name as it is registered: `xn--...` for each label outside of ASCII. "" when it cannot be."""
    try:
        plain = unicodedata.normalize("NFKC", host).lower().split(".")
        return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}" for label in plain)
    except UnicodeError:
        return ""


def misleading(text: str) -> list[str]:
    """What pretends to be another address, in a few words each: what the policy counts."""
    if ":" not in text and "--" not in text:
        return []
    address = _BREAKS.sub("", text)
    found = [
        (bool(_URL_USER.search(text)), USER),
        (bool(_PUNYCODE.search(text)), PUNYCODE),
        (bool(_SCRIPT_URL.search(address)), SCRIPT),
    ]
    return [words for is_so, words in found if is_so]


def warnings_about(text: str) -> list[str]:
    """The same as sentences for the reader, and what is only said."""
    address = _BREAKS.sub("", text)
    found = [
        (bool(_URL_USER.search(text)), say("The address names a user before the @: the host comes after it")),
        (bool(_PUNYCODE.search(text)), say("A host name in punycode (xn--)")),
        (bool(_SCRIPT_URL.search(address)), say("An address that carries a script or data")),
    ]
    return [sentence for is_so, sentence in found if is_so]


def has_markup(text: str) -> bool:
    return bool(_MARKUP.search(text))
