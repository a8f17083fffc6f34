"""Where arguments repeat text that came from outside, and where they hold characters nobody can see. Pure."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

SHINGLE = 24  # so many characters in a row that stand in outside text as well: not by chance
_INVISIBLE = {0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800, 0x00AD, 0x034F, 0x180E}


def untrusted_paths(args: Any, outside: Sequence[str]) -> tuple[str, ...]:
    """Paths of text arguments that share at least 24 characters in a row with text from outside."""
    texts = [_squeeze(text) for text in outside if text]
    return tuple(path for path, value in leaves(args) if any(_shares(_squeeze(value), text) for text in texts))


def hidden_paths(args: Any) -> tuple[str, ...]:
    """Paths of text arguments (or keys) with characters that cannot be seen or that change direction."""
    return tuple(path for path, value in leaves(args) if any(is_hidden(c) for c in value))


def is_hidden(char: str) -> bool:
    """Controls, format characters, fillers, private use and variation selectors; newline and tab are not hidden."""
    if char in "\n\t\r" or char.isascii():
        return not char.isprintable() and char not in "\n\t\r"
    code = ord(char)
    if code in _INVISIBLE or 0xFE00 <= code <= 0xFE0F or 0xE0000 <= code <= 0xE01EF:
        return True
    return unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a JSON value with its path; keys count as text."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            here = f"{path}.{key}" if path else str(key)
            yield from ((here, key),)
            yield from leaves(item, here)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")


def _squeeze(text: str) -> str:
    return " ".join(text.lower().split())


def _shares(value: str, text: str) -> bool:
    if len(value) < SHINGLE:
        return False
    step = max(1, SHINGLE // 4)
    return any(value[i : i + SHINGLE] in text for i in range(0, len(value) - SHINGLE + 1, step))
