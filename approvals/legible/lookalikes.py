"""Letters that pretend to be other letters, and addresses that pretend to be other addresses.

Belongs here: pure warnings about a text, by the names in `unicodedata` and a short table of the classic twins. Not a full
confusables list: what it flags is certain, and what it does not flag is still shown by `reveal`, character by character.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from audit.sentences import Frozen, say

Odd = str
# What pretends, as it is frozen among the facts of a version.
MIXED = Frozen("letters of different alphabets")()
DISGUISED = Frozen("disguised letters")()
USER = Frozen("an address with a user name")()
PUNYCODE = Frozen("a host name in punycode")()
SCRIPT = Frozen("an address that carries a script or data")()
COMPATIBILITY = say("a compatibility form")

# Letters of other scripts drawn (nearly) like a Latin one. Kept as pairs so that a reviewer of this file can see them side by side.
_TWINS = dict(
    zip(
        "аАеЕоОрРсСхХуУкКмМнНТВіІјЈѕЅһԁԛԝɡΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρυιαѵցոսօᎪᎬᎢ",
        "aAeEoOpPcCxXyYkKmMhHTBiIjJsShdqwgABEZHIKMNOPTYXovpuiavgnuoAET",
        strict=True,
    )
)
_CAN_MIX = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "GEORGIAN", "LISU"}
_WORD = re.compile(r"[^\W\d_]{2,}")
# Bounded, because the text is hostile: a pattern that could look at every start again would take minutes.
_URL_USER = re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://[^/\s@]{1,200}@", re.IGNORECASE)
_PUNYCODE = re.compile(r"\bxn--[a-z0-9-]{1,60}", re.IGNORECASE)
_SCRIPT_URL = re.compile(r"\b(?:javascript|vbscript)\s{0,9}:|\bdata:[a-z]{1,20}/[a-z0-9.+-]{1,60}[;,]", re.IGNORECASE)
_MARKUP = re.compile(r"<[a-z!/][^<>]{0,2000}>|!?\[[^\[\]\n]{0,300}\]\([^()\s]{1,500}", re.IGNORECASE)
_BREAKS = re.compile(r"[\t\r\n]+")  # browsers drop them inside an address
_TERMINAL = re.compile(r"[\x1b\x9b]")


@lru_cache(maxsize=8192)
def script_of(char: str) -> str:
    """The first word of the character's name, which for letters is its script; compatibility forms say so."""
    name = unicodedata.name(char, "")
    head = name.split(" ", 1)[0] if name else "UNKNOWN"
    return "COMPATIBILITY" if head in {"FULLWIDTH", "MATHEMATICAL", "CIRCLED", "PARENTHESIZED", "SQUARED"} else head


def odd_letters(text: str) -> dict[int, Odd]:
    """Positions of letters that do not belong with their neighbours, with the reason in words."""
    if text.isascii():
        return {}
    found: dict[int, Odd] = {}
    latin_text = any(script_of(char) == "LATIN" for char in text if char.isalpha())
    for match in _WORD.finditer(text):
        found.update(_odd_in_word(match.group(), match.start(), latin_text=latin_text))
    found.update({i: COMPATIBILITY for i, char in enumerate(text) if _is_disguised(char)})
    return found


def misleading(text: str) -> list[str]:
    """What pretends to be something else, in a few words each: what the policy counts."""
    spots = odd_letters(text)
    address = _BREAKS.sub("", text)
    found = [
        (any(reason != COMPATIBILITY for reason in spots.values()), MIXED),
        (any(reason == COMPATIBILITY for reason in spots.values()), DISGUISED),
        (bool(_URL_USER.search(text)), USER),
        (bool(_PUNYCODE.search(text)), PUNYCODE),
        (bool(_SCRIPT_URL.search(address)), SCRIPT),
    ]
    return [words for is_so, words in found if is_so]


def warnings_about(text: str, spots: dict[int, Odd]) -> tuple[str, ...]:
    """Sentences for the reader, most telling first."""
    address = _BREAKS.sub("", text)
    mixed = any(reason != COMPATIBILITY for reason in spots.values())
    found = [
        (mixed, say("Letters of different alphabets in one word")),
        (any(reason == COMPATIBILITY for reason in spots.values()), say("Letters in a special form (full-width, mathematical, circled)")),
        (
            not text.isascii() and not unicodedata.is_normalized("NFC", text),
            say("Accents are written as separate marks; it may look equal to a different text"),
        ),
        (bool(_URL_USER.search(text)), say("The address names a user before the @: the host comes after it")),
        (bool(_PUNYCODE.search(text)), say("A host name in punycode (xn--)")),
        (bool(_SCRIPT_URL.search(address)), say("An address that carries a script or data")),
        (bool(_TERMINAL.search(text)), say("Terminal escape codes: in a terminal they could change what is shown")),
        (text != text.rstrip(" ") and bool(text.strip()), say("Ends in spaces: it looks equal to the text without them")),
        (bool(_MARKUP.search(text)), say("HTML or Markdown: shown as text, nothing of it is drawn or fetched")),
    ]
    return tuple(sentence for is_so, sentence in found if is_so)


def _odd_in_word(word: str, at: int, *, latin_text: bool) -> dict[int, Odd]:
    scripts = [script_of(char) for char in word]
    mixed = set(scripts) & _CAN_MIX
    if len(mixed) > 1:
        main = "LATIN" if "LATIN" in mixed else max(mixed, key=scripts.count)
        return {at + i: _reason(char, main) for i, char in enumerate(word) if scripts[i] in _CAN_MIX and scripts[i] != main}
    if latin_text and mixed and mixed != {"LATIN"} and all(char in _TWINS for char in word):
        return {at + i: say("looks like %(letter)s", letter=_TWINS[char]) for i, char in enumerate(word)}
    return {}


def _reason(char: str, main: str) -> str:
    twin = _TWINS.get(char)
    if twin and main == "LATIN":
        return say("looks like %(letter)s", letter=twin)
    return say("a letter among %(script)s letters", script=main.title())


def _is_disguised(char: str) -> bool:
    return char > "\u007f" and char.isalpha() and script_of(char) == "COMPATIBILITY"
