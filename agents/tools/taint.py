"""Where arguments repeat text that came from outside. Pure. What cannot be seen or read in them: `approvals.legible.findings`.

Two ways to be tainted:

* a run of `SHINGLE` characters that stands in outside text too, wherever it begins: that is no chance;
* an exact value that decides where something goes, however short: an e-mail address, a link, a bank account, a telephone or account
  number, an identifier of letters and digits. Spaces and dashes in it, and how it is cased, make no difference.

What came from outside is compared whole: `text_of` makes one text of a tool's result, with nothing cut. Over `MOST` characters in all
nothing is compared, and every argument counts as tainted (`everything`).

Both are compared in one form: compatibility characters resolved (NFKC), invisible ones removed, case folded, blanks as one space.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

SHINGLE = 24  # so many characters in a row that stand in outside text as well: not by chance
# A run of SHINGLE holds a piece of HALF that begins at a multiple of STEP in the text, wherever the run lies.
HALF = SHINGLE // 2
STEP = SHINGLE - HALF + 1
MOST_VALUES = 500
MOST = 4_000_000  # characters from outside that one proposal is compared with: a fifth of a second
APART = " | "  # between the values of a result: no run of characters and no number reaches across it

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]+"
)
_BETWEEN = re.compile(r"[\s\-./()+,:'_\u2010-\u2015\u2212]+")

# Bounded everywhere: both sides are hostile.
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_LINK = re.compile(r"(?:[a-z][a-z0-9+.-]{1,20}://|www\.)[^\s<>\"']{3,500}")
_IBAN = re.compile(r"\b[a-z]{2}\d{2}(?:[ -]?[a-z0-9]{2,4}){3,8}\b")
_NUMBER = re.compile(r"\+?\d(?:[\s\-./()]{0,2}\d){5,33}")
_NAME = re.compile(r"\b(?=[a-z_-]*\d)[a-z0-9]{1,40}(?:[_-][a-z0-9]{1,40}){0,8}\b")
_DATE = re.compile(r"(?:19|20)\d\d-[01]\d-[0-3]\d")


def untrusted_paths(args: Any, outside: Sequence[str]) -> tuple[str, ...]:
    """Paths of arguments that repeat text from outside: a long run of it, or an exact value that matters."""
    texts = [_normal(text) for text in outside if text]
    found = [(path, _normal(value)) for path, value in leaves(args)] if texts else []
    tainted = _sharing({value for _, value in found}, texts)
    tainted |= _repeating({value for _, value in found} - tainted, texts)
    return tuple(dict.fromkeys(path for path, value in found if value in tainted))


def everything(args: Any) -> tuple[str, ...]:
    """All arguments, when there is too much from outside to look for them in it."""
    return tuple(dict.fromkeys(path for path, _ in leaves(args)))


def text_of(value: Any) -> str:
    """All that a JSON value says, keys and numbers too, as one text: what its reader may have copied, without JSON's own escapes."""
    return APART.join(_said(value))


def _said(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _said(item)
    elif isinstance(value, list):
        for item in value:
            yield from _said(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a JSON value with its path; keys count as text, and so do numbers as long as an account's."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, int) and abs(value) >= 1_000_000:
        yield path, str(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            here = f"{path}.{key}" if path else str(key)
            yield from ((here, key),)
            yield from leaves(item, here)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")


def _normal(text: str) -> str:
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return " ".join(text.casefold().split())


def _sharing(values: Iterable[str], texts: Sequence[str]) -> set[str]:
    """Values with a run of SHINGLE characters in one of the texts. Exact, and linear in both: the text is only looked at every STEP characters."""
    runs: dict[str, set[str]] = {}
    pieces: set[str] = set()
    for value in values:
        for i in range(len(value) - SHINGLE + 1):
            runs.setdefault(value[i : i + SHINGLE], set()).add(value)
        if len(value) >= SHINGLE:
            pieces.update(value[i : i + HALF] for i in range(len(value) - HALF + 1))
    found: set[str] = set()
    for text in texts if pieces else ():
        for at in range(0, len(text) - HALF + 1, STEP):
            if text[at : at + HALF] in pieces:
                for start in range(max(0, at - SHINGLE + HALF), at + 1):
                    found |= runs.pop(text[start : start + SHINGLE], set())
    return found


def _repeating(values: Iterable[str], texts: Sequence[str]) -> set[str]:
    """Values that name, among other words or alone, an exact target that one of the texts names too."""
    closed: list[str] = []  # the texts without what may stand between digits, made when a number is asked for
    found = set()
    for value in values:
        words, numbers = _targets(value)
        if any(_names(word, text) for word in words for text in texts):
            found.add(value)
        elif numbers:
            closed = closed or [_BETWEEN.sub("", text) for text in texts]
            if any(number in text for number in numbers for text in closed):
                found.add(value)
    return found


def _targets(value: str) -> tuple[set[str], set[str]]:
    """What of a value decides where something goes: words to be found as they are, and numbers to be found without their spaces."""
    words = {match.group() for match in _EMAIL.finditer(value)}
    for match in _LINK.finditer(value):
        link = match.group().partition("://")[2] or match.group()
        words.add(link.removeprefix("www.").rstrip("/.,;:!?)]"))
    plain = _DATE.sub(" ", value)
    numbers = {_BETWEEN.sub("", match.group()) for match in _IBAN.finditer(plain)}
    for match in _NUMBER.finditer(plain):
        digits = re.sub(r"\D", "", match.group())
        # With the country's code or without it, it is the same telephone.
        numbers.add(digits[-9:] if len(digits) >= 10 else digits)
    for match in _NAME.finditer(plain):
        name = _BETWEEN.sub("", match.group())
        if len(name) >= 8 and sum(char.isdigit() for char in name) >= 3:
            numbers.add(name)
    return set(list(words)[:MOST_VALUES]), set(list(numbers)[:MOST_VALUES])


def _names(word: str, text: str) -> bool:
    """Whether the text has this very word, not as a piece of a longer one."""
    at = text.find(word)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(word) : at + len(word) + 2]
        ends = not after[:1] or not (after[0].isalnum() or after[0] in "_@" or (after[0] in "-." and after[1:].isalnum()))
        if ends and not (before and (before.isalnum() or before in "_+%@.-")):
            return True
        at = text.find(word, at + 1)
    return False
