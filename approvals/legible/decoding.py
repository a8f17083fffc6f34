"""Bytes as words: what somebody could have meant by them. Pure, and bounded: never more than the first bytes are opened or kept.

Decompressed when they are compressed, then read as UTF-8 or UTF-16; "" when neither gives a text a person would recognise.
"""

from __future__ import annotations

import bz2
import codecs
import lzma
import zlib
from collections.abc import Callable

OPENED = 65_536  # bytes opened, packed or decompressed
JUDGED = 4_000  # characters by which it is told whether these are words
PREVIEW = 240  # bytes shown of what is no text
LEAST = 6
WORDS = 0.9

_PACKERS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", lambda data: zlib.decompressobj(31).decompress(data, OPENED)),
    (b"\x78\x01", lambda data: zlib.decompressobj().decompress(data, OPENED)),
    (b"\x78\x5e", lambda data: zlib.decompressobj().decompress(data, OPENED)),
    (b"\x78\x9c", lambda data: zlib.decompressobj().decompress(data, OPENED)),
    (b"\x78\xda", lambda data: zlib.decompressobj().decompress(data, OPENED)),
    (b"BZh", lambda data: bz2.BZ2Decompressor().decompress(data, OPENED)),
    (b"\xfd7zXZ", lambda data: lzma.LZMADecompressor().decompress(data, OPENED)),
)


def words(data: bytes, *, least: int = LEAST) -> str:
    """What these bytes say, as far as they are opened; "" when they do not read as words."""
    text = _text(_opened(data[:OPENED]))
    head = text[:JUDGED]
    good = sum(char.isprintable() or char in "\t\r\n" for char in head)
    if len(head) < least or good < WORDS * len(head) or len(set(head)) < 4:
        return ""
    return text


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


def _text(data: bytes) -> str:
    """UTF-16 when every other byte says so (what PowerShell takes), else UTF-8 that is whole up to where it was cut."""
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        odd = data[1::2] if name.endswith("le") else data[::2]
        if data.startswith(mark) or (len(data) >= 2 * LEAST and odd.count(0) > WORDS * len(odd)):
            return data.removeprefix(mark).decode(name, "replace")
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return ""
