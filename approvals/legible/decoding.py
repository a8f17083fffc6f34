"""Bytes as words: what somebody could have meant by them. Pure, and bounded: never more than the first bytes are opened or kept.

Decompressed when they are compressed, then read as UTF-8 or UTF-16; "" when neither gives a text a person would recognise.
Whatever runs it later does not mind a byte that is no character, so a few of them, or many beside a stretch of words, do not make it unreadable here.
"""

from __future__ import annotations

import bz2
import codecs
import lzma
import re
import zlib
from collections.abc import Callable
from contextlib import suppress

OPENED = 65_536  # bytes opened, packed or decompressed
JUDGED = 4_000  # characters by which it is told whether these are words
PREVIEW = 240  # bytes shown of what is no text
LEAST = 6
WORDS = 0.9
BROKEN = "\ufffd"

# Among bytes that are no text: a stretch that chance does not make.
_STRETCH = re.compile(r"[ -~]{20,}|(?=[!-~]*[a-z./]{2}[ ])[ -~]{12,}")


def _inflate(wbits: int) -> Callable[[bytes], bytes]:
    """What can be decompressed before the first error: a wrong checksum at the end keeps nobody from running what came before."""

    def opened(data: bytes) -> bytes:
        try:
            return zlib.decompressobj(wbits).decompress(data, OPENED)
        except zlib.error:
            unpacker, found = zlib.decompressobj(wbits), b""
            with suppress(zlib.error):
                for at in range(len(data)):
                    found += unpacker.decompress(data[at : at + 1], OPENED)
                    if len(found) >= OPENED:
                        break
            return found or data

    return opened


_PACKERS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", _inflate(31)),
    (b"\x78\x01", _inflate(15)),
    (b"\x78\x5e", _inflate(15)),
    (b"\x78\x9c", _inflate(15)),
    (b"\x78\xda", _inflate(15)),
    (b"BZh", lambda data: bz2.BZ2Decompressor().decompress(data, OPENED)),
    (b"\xfd7zXZ", lambda data: lzma.LZMADecompressor().decompress(data, OPENED)),
)


def words(data: bytes, *, least: int = LEAST) -> str:
    """What these bytes say, as far as they are opened; "" when they do not read as words. Bytes that are no character are written out."""
    opened = _opened(data[:OPENED])
    return _reads(opened, least) or _deflated(data[:OPENED])


def _reads(data: bytes, least: int) -> str:
    text, broken = _text(data)
    head = text[:JUDGED]
    if len(head) < least or len(set(head)) < 4:
        return ""
    good = sum((char.isprintable() and char != BROKEN) or char in "\t\r\n" for char in head)
    if broken:
        # Half of all pairs of chance bytes are some character: of what is broken only ASCII counts.
        good = sum(" " <= char <= "~" or char in "\t\r\n" for char in head)
    if good < WORDS * len(head) and not (broken and _stretch(text)):
        return ""
    return data.decode("utf-8", "backslashreplace") if broken else text


def _stretch(text: str) -> bool:
    return any(len(set(match.group())) >= LEAST for match in _STRETCH.finditer(text))


def _deflated(data: bytes) -> str:
    """Deflated without a header by which it could be known: only where words come out of it."""
    try:
        opened = zlib.decompressobj(-15).decompress(data, OPENED)
    except zlib.error:
        return ""
    return _reads(opened, 2 * LEAST) if opened.isascii() and b" " in opened and len(set(opened)) > LEAST else ""


def unopened(data: bytes) -> bool:
    """Whether more is in these bytes than is opened, as far as that can be told without opening it."""
    return len(data) >= OPENED or (len(data) < OPENED <= len(_opened(data)))


def raw(data: bytes) -> str:
    """The first bytes as they are, what is no text escaped: for what is packed whatever it says."""
    return _opened(data[:OPENED])[:PREVIEW].decode("utf-8", "backslashreplace")


def _opened(data: bytes) -> bytes:
    for begins, unpack in _PACKERS:
        if data.startswith(begins):
            try:
                return unpack(data)
            except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError):
                return data
    return data


def _text(data: bytes) -> tuple[str, bool]:
    """UTF-16 when every other byte says so (what PowerShell takes), else UTF-8 that is whole up to where it was cut; and whether it is broken."""
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        odd = data[1::2] if name.endswith("le") else data[::2]
        if data.startswith(mark) or (len(data) >= 2 * LEAST and odd.count(0) > WORDS * len(odd)):
            return data.removeprefix(mark).decode(name, "replace"), False
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data), False
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), True
