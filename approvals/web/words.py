"""Small words that many pages share: names of levels, the beginning of a sentence."""

from __future__ import annotations

from audit.languages import number, told
from audit.sentences import say

LEVELS = {"low": say("Low"), "medium": say("Medium"), "high": say("High"), "critical": say("Critical")}


def level_name(level: str) -> str:
    """A level as a heading or a badge says it."""
    return told(LEVELS[level]) if level in LEVELS else level.capitalize()


def begun(sentence: str) -> str:
    """The same with a capital letter, for what begins a line."""
    return sentence[:1].upper() + sentence[1:]


def figure_words(value: object) -> str:
    """A figure of a preview: whole numbers as the reader writes them, anything else as it is."""
    return number(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)
