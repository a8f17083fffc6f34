"""Bytes written as text: base64 and hexadecimal, alone or inside a longer text, with what they decode to.

A long run (over `OPAQUE` characters) is packed whatever it holds: nobody reads it. A short one is, when it decodes to words: a
64-character digest or an identifier does not, a hidden command does.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from itertools import islice

from audit.sentences import Frozen

OPAQUE = 200
SHORT = 24
PREVIEW = 240
WORDS = 0.9
VARIED = 8
MANY = 20
SCANNED = 300_000
HEXADECIMAL = Frozen("hexadecimal bytes")()

_RUN = re.compile(r"(?:0x)?[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_LINES = re.compile(r"[\r\n]+")


@dataclass(frozen=True)
class Packed:
    """One blob: the name of its encoding, its length, and its first bytes as text."""

    what: str
    length: int
    preview: str


def packed(text: str) -> tuple[Packed, ...]:
    """What of this text is packed bytes. A text broken into lines of equal width is looked at as one."""
    if len(text) < SHORT:
        return ()
    joined = _LINES.sub("", text)
    if joined != text and _RUN.fullmatch(joined) and (whole := _blob(joined)):
        return (whole,)
    found = (_blob(match.group()) for match in _RUN.finditer(text[:SCANNED]))
    return tuple(islice((blob for blob in found if blob), MANY))


def _blob(run: str) -> Packed | None:
    digits = run.removeprefix("0x")
    if _HEX.fullmatch(run) and len(digits) % 2 == 0:
        return _named(HEXADECIMAL, run, bytes.fromhex(digits[: PREVIEW * 2]))
    if len(set(run)) < VARIED:
        return None  # a ruler, or padding: long, but nobody packed anything into it
    return _named("base64", run, _decode(run))


def _named(what: str, run: str, data: bytes) -> Packed | None:
    if len(run) > OPAQUE or _reads_as_words(data):
        return Packed(what, len(run), data[:PREVIEW].decode("utf-8", "backslashreplace"))
    return None


def _reads_as_words(data: bytes) -> bool:
    return len(data) >= 12 and sum(32 <= byte < 127 or byte in b"\t\n\r" for byte in data) / len(data) >= WORDS


def _decode(run: str) -> bytes:
    head = run.rstrip("=")[: PREVIEW * 4 // 3 // 4 * 4].replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(head + "=" * (-len(head) % 4))
    except (binascii.Error, ValueError):
        return b""
