"""Bytes and texts written so that nobody can read them at a glance: base64, base32, base85, hexadecimal, escapes; alone or inside a longer text.

A long run (over `OPAQUE` characters) of base64 or hexadecimal is packed whatever it holds: nobody reads it. Everything else is, when it
decodes to words: a digest or an identifier does not, a hidden command does; bytes thrown in between do not unmake the words. Escapes
(`escapes`: %41, \\x41, &#65;) are packed where they write plain letters, which nothing needs to escape.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from approvals.legible.decoding import OPENED, raw, unopened, words
from approvals.legible.escapes import escaped
from audit.sentences import Frozen

OPAQUE = 200
SHORT = 16
SHORTEST = 10  # of base64 that says a command: `rm -rf /` has eleven characters
VARIED = 8
MANY = 20
HEXADECIMAL = Frozen("hexadecimal bytes")()

_RUN = re.compile(r"(?:0x)?[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_SPACED_HEX = re.compile(r"(?<![0-9A-Za-z])(?:0x)?[0-9A-Fa-f]{2}(?:(?:, |[ :,-])(?:0x|\\x)?[0-9A-Fa-f]{2}){7,}(?![0-9A-Za-z])")
_GROUPS = re.compile(
    r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{6,80}(?:[ \r\n\t]{1,8}[A-Za-z0-9+/]{6,80})+(?:[ \r\n\t]{1,8}[A-Za-z0-9+/]{2,80})?={0,2}"
)
_BASE32 = re.compile(r"(?<![A-Za-z0-9])[A-Z2-7]{16,}={0,6}(?![A-Za-z0-9])")
_BASE85 = re.compile(r"(?:<~)?[!-~]{25,}")
_SHORT_RUN = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{10,15}={0,2}(?![A-Za-z0-9+/_=-])")
_COMMAND = re.compile(rb"[a-z./_]{2,}[ \t][ -~]+")
_SPACE = re.compile(r"\s+")
_GROUP = re.compile(r"\S+")
_BLANK = re.compile(r"\s")
_ONLY_RUN = re.compile(r"(?:0x)?[A-Za-z0-9+/_=\s-]+")
_CAPITALS = re.compile(r"[A-Z0-9+/]+")
_SIGNS = re.compile(r"[^A-Za-z0-9/.:_-]")


@dataclass(frozen=True)
class Packed:
    """One blob: the name of its encoding, its length, and what it says.

    Attributes:
        cut: more is in it than `preview` says.
        text: it says words; else `preview` is its first bytes, escaped.
    """

    what: str
    length: int
    preview: str
    cut: bool = False
    text: bool = True


def packed(text: str) -> tuple[Packed, ...]:
    """What of this text is packed. A text broken into groups or lines is looked at as one."""
    if len(text) < SHORTEST:
        return ()
    if whole := _whole(text):
        return (whole,)
    return tuple(islice(_pieces(text), MANY + 1))


def _whole(text: str) -> Packed | None:
    """All of it, without the blanks it is broken by."""
    if not _ONLY_RUN.fullmatch(text) or not _BLANK.search(text) or not _dense(text):
        return None
    joined = _SPACE.sub("", text)
    if _RUN.fullmatch(joined):
        # Without blanks even prose is a run: it has to say something, or be in lines of one width as encoders make them.
        widths = {len(line) for line in text.split()[:-1]}
        return _blob(joined, opaque=len(widths) == 1)
    return None


def said(joined: str) -> Packed | None:
    """All of it as one run of base64 or hexadecimal, if that says words: pieces of plain words put together do not."""
    return _blob(joined, opaque=False) if len(joined) >= SHORT and _RUN.fullmatch(joined) else None


def _pieces(text: str) -> Iterator[Packed]:
    taken: list[tuple[int, int]] = []
    for start, end, found in _candidates(text):
        if found and not any(start < b and a < end for a, b in taken):
            taken.append((start, end))
            yield found


def _candidates(text: str) -> Iterator[tuple[int, int, Packed | None]]:
    for start, end, what, says in escaped(text):
        yield start, end, Packed(what, end - start, says, cut=end - start > OPENED)
    if len(text) <= OPAQUE and not _CAPITALS.search(text):
        return  # every way of writing words as bytes needs digits, capitals or signs
    for match in _GROUPS.finditer(text):
        if _dense(match.group()):
            yield from _grouped(match)
    for match in _RUN.finditer(text):
        yield *match.span(), _blob(match.group())
    for match in _SHORT_RUN.finditer(text):
        yield *match.span(), _command(match.group())
    for match in _SPACED_HEX.finditer(text):
        digits = re.sub(r"0x|[^0-9A-Fa-f]", "", match.group())
        yield *match.span(), _named(HEXADECIMAL, match.group(), bytes.fromhex(digits[: OPENED * 2]), opaque=True)
    for match in _BASE32.finditer(text) if len(text) >= 2 * SHORT else ():
        yield *match.span(), _named("base32", match.group(), _base32(match.group()), opaque=False)
    for match in _BASE85.finditer(text) if len(text) >= 25 else ():
        yield *match.span(), _base85(match.group())


def _grouped(match: re.Match[str]) -> Iterator[tuple[int, int, Packed | None]]:
    """base64 in groups of one width. Words beside it are not of that width: the longest stretch of equal groups counts."""
    at = match.start()
    pieces = [(at + m.start(), at + m.end(), m.group()) for m in _GROUP.finditer(match.group())]
    begin = 0
    while begin < len(pieces):
        width, end = len(pieces[begin][2]), begin
        while end < len(pieces) and len(pieces[end][2]) == width:
            end += 1
        last = min(end + 1, len(pieces)) if end < len(pieces) and len(pieces[end][2].rstrip("=")) <= width else end
        if end - begin >= 2:
            for stop in (last, end):
                joined = "".join(piece for _, _, piece in pieces[begin:stop])
                if len(joined) >= SHORT and (found := _named("base64", joined, _base64(joined), opaque=False)):
                    yield pieces[begin][0], pieces[stop - 1][1], found
                    break
        begin = max(end, begin + 1)


def _blob(run: str, *, opaque: bool = True) -> Packed | None:
    if len(run) <= OPAQUE and not _dense(run):
        return None  # words joined by hyphens, a path
    digits = run.removeprefix("0x")
    if _HEX.fullmatch(run) and len(digits) % 2 == 0:
        return _named(HEXADECIMAL, run, bytes.fromhex(digits[: OPENED * 2]), opaque=opaque)
    if len(set(run)) < VARIED:
        return None  # a ruler, or padding: long, but nobody packed anything into it
    return _named("base64", run, _base64(run), opaque=opaque)


def _dense(text: str) -> bool:
    """Whether so many capitals, digits and signs are in it as in encoded bytes: in words there are few."""
    return len(_CAPITALS.sub("", text)) * 8 <= len(text) * 7


def _named(what: str, run: str, data: bytes, *, opaque: bool) -> Packed | None:
    if says := words(data, least=8):
        return Packed(what, len(run), says, cut=unopened(data))
    return Packed(what, len(run), raw(data), cut=True, text=False) if opaque and len(run) > OPAQUE else None


def _command(run: str) -> Packed | None:
    """Too short to be judged as a text: only a word, a blank and more of plain ASCII is told from a name or a number."""
    data = _base64(run)
    return Packed("base64", len(run), data.decode("ascii")) if _COMMAND.fullmatch(data) else None


def _base64(run: str) -> bytes:
    head = run.rstrip("=")[: OPENED * 4 // 3 // 4 * 4].replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(head + "=" * (-len(head) % 4))
    except (binascii.Error, ValueError):
        return b""


def _base32(run: str) -> bytes:
    head = run.rstrip("=")[: OPENED * 8 // 5 // 8 * 8]
    try:
        return base64.b32decode(head + "=" * (-len(head) % 8))
    except (binascii.Error, ValueError):
        return b""


def _base85(run: str) -> Packed | None:
    """Only where it gives words and is not words itself: most long tokens of signs are links, paths and code."""
    if len(_SIGNS.findall(run)) * 10 < len(run) or "://" in run:
        return None
    for what, decode in (("base85", base64.b85decode), ("ascii85", _ascii85)):
        try:
            says = words(decode(run[: OPENED // 5 * 5]), least=16)
        except ValueError:
            continue
        if says and says.isprintable():
            return Packed(what, len(run), says, cut=len(run) > OPENED)
    return None


def _ascii85(run: str) -> bytes:
    return base64.a85decode(run.removeprefix("<~").removesuffix("~>"))
