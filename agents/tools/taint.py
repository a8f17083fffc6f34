"""Where arguments repeat text that came from outside. Pure. What cannot be seen or read in them: `approvals.legible.findings`."""

from collections.abc import Iterator, Sequence
from typing import Any

SHINGLE = 24  # so many characters in a row that stand in outside text as well: not by chance


def untrusted_paths(args: Any, outside: Sequence[str]) -> tuple[str, ...]:
    """Paths of text arguments that share at least 24 characters in a row with text from outside."""
    texts = [_squeeze(text) for text in outside if text]
    return tuple(path for path, value in leaves(args) if any(_shares(_squeeze(value), text) for text in texts))


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
