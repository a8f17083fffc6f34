r"""Letters, digits and signs of ASCII written as escapes, which nothing needs to escape: %41, %2541, \x41, \u{41}, \101, &#65;, =41, +AEE-, uuencode.

One row per way of writing: how a run of it looks, what one escape of it is, and what it reads as. Pure; `packed` asks it first.
"""

from __future__ import annotations

import binascii
import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from approvals.legible.decoding import OPENED
from audit.sentences import Frozen

ESCAPES = 4
TIMES = 4  # how often an escape is undone that was escaped again
UUENCODED = Frozen("uuencoded bytes")()

# One quick look decides whether any could be found at all.
_SOME = re.compile(r"%[2-7][0-9A-Fa-f]|\\[xuU0-9A-Fa-f]|&(?:amp;)*#|=[2-7][0-9A-F]=|\+A[C-H]|begin [0-7]{3}")
_HEXED = r"\\x[0-9A-Fa-f]{2}|\\[xu]\{[0-9A-Fa-f]{1,6}\}|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}"
_BACKSLASH = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|[xu]\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(0[0-3][0-7]{2}|[0-7]{3}))")
_CSS = re.compile(r"\\([0-9A-Fa-f]{1,6})[ ]?")
_PERCENT, _ENTITY = r"%(?:25)*[0-9A-Fa-f]{2}", r"&(?:amp;)*#(?:[xX][0-9A-Fa-f]{1,6}|[0-9]{1,7});?"
_UTF_7 = r"\+[A-Za-z0-9+/]{3,}-?"


def _again(decode: Callable[[str], str]) -> Callable[[str], str]:
    def undone(text: str) -> str:
        for _ in range(TIMES):
            before, text = text, decode(text)
            if text == before:
                break
        return text

    return undone


def _octal(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3] or match[4]
    return chr(int(digits, 16)) if digits else chr(int(match[5], 8))


_WAYS: tuple[tuple[str, re.Pattern[str], re.Pattern[str], Callable[[str], str]], ...] = (
    (
        Frozen("percent escapes")(),
        re.compile(rf"(?:{_PERCENT}){{4,}}|(?:[\w.~/-]{{0,3}}%(?:25)*[2-7][0-9A-Fa-f]){{4,}}"),
        re.compile(_PERCENT),
        _again(unquote),
    ),
    (
        Frozen("escaped characters")(),
        re.compile(rf"(?:{_HEXED}|\\0[0-3][0-7]{{2}}|\\[0-7]{{3}}){{4,}}"),
        _BACKSLASH,
        lambda text: _BACKSLASH.sub(_octal, text),
    ),
    (
        Frozen("CSS escapes")(),
        re.compile(r"(?:\\[0-9A-Fa-f]{1,6} ?){4,}"),
        _CSS,
        lambda text: _CSS.sub(lambda match: chr(int(match[1], 16)), text),
    ),
    (
        Frozen("HTML entities")(),
        # A name stands for no letter: alone it hides nothing, among numbers it goes with them.
        re.compile(rf"(?:{_ENTITY}|&[A-Za-z]{{2,31}};){{4,}}"),
        re.compile(_ENTITY),
        _again(html.unescape),
    ),
    (
        Frozen("quoted-printable bytes")(),
        re.compile(r"(?:=[2-7][0-9A-F]){4,}"),
        re.compile(r"=[2-7][0-9A-F]"),
        lambda text: bytes.fromhex(text.replace("=", "")).decode("latin-1"),
    ),
)
_UTF_7_RUN = re.compile(r"(?<![A-Za-z0-9+/])(?:\+A[C-H][A-Za-z0-9+/]{1,}-){4,}|(?<![A-Za-z0-9+/])\+A[C-H][A-Za-z0-9+/]{9,}-?")
_UU = re.compile(r"(?:^|\n)begin [0-7]{3,4} [^\n]{1,200}\n((?:[!-`][ -`]*\n)+)")


def escaped(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Every run of escapes that write plain letters: where it begins and ends, its name, and what it reads as."""
    if not _SOME.search(text):
        return
    for what, runs, one, decode in _WAYS:
        for match in runs.finditer(text):
            if says := _unescaped(match.group()[:OPENED], one, decode):
                yield *match.span(), what, says
    for match in _UTF_7_RUN.finditer(text):
        if says := _utf_7(match.group()[:OPENED]):
            yield *match.span(), "UTF-7", says
    for match in _UU.finditer(text):
        if says := _uuencoded(match[1][:OPENED]):
            yield *match.span(), UUENCODED, says


def _unescaped(run: str, one: re.Pattern[str], decode: Callable[[str], str]) -> str:
    """What it reads as, when at least half of its escapes write letters and digits of ASCII; else ""."""
    found = [match.group() for match in one.finditer(run)]
    try:
        text, written = decode(run), decode("".join(found))
    except (ValueError, OverflowError):
        return ""
    plain = sum(char.isascii() and char.isalnum() for char in written)
    return text if len(found) >= ESCAPES and plain >= ESCAPES and plain * 2 >= len(found) else ""


def _utf_7(run: str) -> str:
    try:
        text = run.encode().decode("utf-7")
    except UnicodeDecodeError:
        return ""
    return text if len(text) >= ESCAPES and text.isascii() and text.isprintable() else ""


def _uuencoded(lines: str) -> str:
    """The lines between `begin` and `end`, as text; what is no text is written out."""
    data = b""
    for one in lines.splitlines():
        try:
            data += binascii.a2b_uu(one)
        except binascii.Error:
            break
    return data.decode("utf-8", "backslashreplace")
