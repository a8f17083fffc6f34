"""Letters, digits and signs that pretend to be others. Pure warnings about a text, by the data of `alphabets`.

Two measures. *Prose* is marked where nobody writes so: two alphabets in one word, a whole word of twins in a text of another alphabet, a
letter of phonetics, alone or among Latin ones, digits of two writings in one number. What is *read by machines* (an address, or a value that is one
word and would be plain ASCII but for its twins) is marked wherever something is drawn like ASCII and is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from approvals.legible import addresses
from approvals.legible.alphabets import EAST_ASIAN, Mix, in_use, mixed, scripts_of, twin_of
from approvals.legible.marks import is_mark, strange
from audit.sentences import Frozen, say


class Kind(StrEnum):
    """What is odd about a character."""

    ALPHABETS = "alphabets"
    TWINS = "twins"
    FORMS = "forms"
    DIGITS = "digits"
    SIGNS = "signs"


class Odd(NamedTuple):
    """One character that does not belong, with the reason in words."""

    kind: Kind
    says: str


# As it is frozen among the facts of a version, and as it is said to the reader.
FOUND = {
    Kind.ALPHABETS: Frozen("letters of different alphabets")(),
    Kind.TWINS: Frozen("letters that look like others")(),
    Kind.FORMS: Frozen("disguised letters")(),
    Kind.DIGITS: Frozen("digits of different writings")(),
    Kind.SIGNS: Frozen("signs that look like others")(),
}
SENTENCES = {
    Kind.ALPHABETS: say("Letters of different alphabets in one word"),
    Kind.TWINS: say("Letters that look like others"),
    Kind.FORMS: say("Letters or digits in a special form (full-width, mathematical, circled)"),
    Kind.DIGITS: say("Digits of another writing"),
    Kind.SIGNS: say("Signs that look like / . : @ - and are others"),
}
_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"\S+")
_NUMBER = re.compile(r"\d(?:[\d.,:\u066b\u066c'\u2019/ -]{0,40}\d)?")
_FORMS = (
    "FULLWIDTH",
    "MATHEMATICAL",
    "CIRCLED",
    "PARENTHESIZED",
    "SQUARED",
    "NEGATIVE CIRCLED",
    "NEGATIVE SQUARED",
    "OUTLINED",
    "DOUBLE-STRUCK",
    "MODIFIER LETTER SMALL",
    "MODIFIER LETTER CAPITAL",
)
_TERMINAL = re.compile(r"[\x1b\x9b]")
# Greek letters that are drawn exactly like Latin ones; the others stand alone in formulas and units (intentional.txt of UTS #39).
_GREEK_TWINS = frozenset("\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u0396\u03f3\u03bf")
# Signs that end or join names in addresses. Dashes and quotation marks are everyday typography: they count in addresses only.
_CUTS = frozenset("/.:@\\_%&=?#*")
_QUOTES = frozenset("'`\"")
# Drawn as long as ASCII's own `-`: no word processor puts them, and `\u2212rf` reads as an option.
_MINUS = frozenset("\u2010\u2212")
KNOWN = 40  # characters of a word worth remembering
ENOUGH = 1_000  # marks: such a text is written out in ASCII instead


def odd_letters(text: str) -> dict[int, Odd]:
    """Positions of characters that pretend to be others, with the reason."""
    if text.isascii():
        return {}
    unusual = {char for char in text if not char.isascii()}
    # Alphabets that are truly written in here: some of their letters are drawn like nothing in ASCII.
    home = frozenset().union(*(scripts_of(char) for char in unusual if char.isalpha() and not twin_of(char)))
    found: dict[int, Odd] = {}
    for match in _WORD.finditer(text):
        if not match.group().isascii():
            found.update(_in_word(match.group(), match.start(), home, strict=False))
            if len(found) > ENOUGH:
                return found
    if any(map(_form_of, unusual)):
        found.update(_forms(text, home))
    if any(char.isdecimal() for char in unusual):
        found.update(_in_numbers(text, home))
    if any(map(twin_of, unusual)) or not all(map(in_use, unusual)):
        addressed = (_in_address(text, start, end, own) for start, end, own in _strict(text))
        stricter = chain(_between(text), chain.from_iterable(addressed))
        for i, odd in stricter:
            found.setdefault(i, odd)
            if len(found) > ENOUGH:
                break
    return found


def misleading(text: str) -> list[str]:
    """What pretends to be something else, in a few words each: what the policy counts."""
    if text.isascii():
        return addresses.misleading(text)
    kinds = {odd.kind for odd in odd_letters(text).values()}
    return [words for kind, words in FOUND.items() if kind in kinds] + addresses.misleading(text)


def warnings_about(text: str, spots: dict[int, Odd]) -> tuple[str, ...]:
    """Sentences for the reader, most telling first."""
    kinds = {odd.kind for odd in spots.values()}
    said: list[str] = [sentence for kind, sentence in SENTENCES.items() if kind in kinds]
    if not text.isascii():
        said += _names_of_hosts(text)
        if strange(text):
            said.append(say("Marks stand where nobody writes them, or strike something through: read what it says without them"))
        if not unicodedata.is_normalized("NFC", text):
            said.append(say("Accents are written as separate marks; it may look equal to a different text"))
    said += addresses.warnings_about(text)
    if _TERMINAL.search(text):
        said.append(say("Terminal escape codes: in a terminal they could change what is shown"))
    if text != text.rstrip(" ") and text.strip():
        said.append(say("Ends in spaces: it looks equal to the text without them"))
    if addresses.has_markup(text):
        said.append(say("HTML or Markdown: shown as text, nothing of it is drawn or fetched"))
    return tuple(said)


def _in_word(word: str, at: int, home: frozenset[str], *, strict: bool) -> dict[int, Odd]:
    """One run of letters. Strict: nothing is excused by what else is in the text."""
    odd = (_known if len(word) <= KNOWN else _known.__wrapped__)(word, home, strict)
    return {at + i: why for i, why in odd}


@lru_cache(maxsize=4096)
def _known(word: str, home: frozenset[str], strict: bool) -> tuple[tuple[int, Odd], ...]:
    """The same words stand in a text, and in texts, again and again."""
    how = mixed(word)
    if how is Mix.SINGLE_SCRIPT:
        return tuple(_in_one_alphabet(word, home, strict=strict))
    latin = any("Latin" in scripts_of(char) for char in word)
    main = "Latin" if latin else _most(word)
    foreign = [i for i, char in enumerate(word) if (names := scripts_of(char)) and main not in names]
    twins = [bool(twin_of(word[i])) for i in foreign]
    if (how is Mix.HIGHLY and not (strict and any(twins))) or (how is Mix.MODERATELY and not strict and not all(twins)):
        return ()
    of_greek = latin and {name for i in foreign for name in scripts_of(word[i])} == {"Greek"}
    if of_greek and not strict and not any(map(twin_of, word)):
        return ()  # units and formulas
    return tuple((i, Odd(Kind.ALPHABETS, _among(word[i], main))) for i in foreign)


def _in_one_alphabet(word: str, home: frozenset[str], *, strict: bool) -> Iterator[tuple[int, Odd]]:
    names = frozenset().union(*map(scripts_of, word))
    if not names or "Latin" in names:
        for i, char in enumerate(word):
            # Of phonetics alone as well: a whole word of small capitals reads as the word.
            if (strict and not char.isascii() and (len(twin_of(char)) == 1 or not in_use(char))) or _of_phonetics(char):
                yield i, Odd(Kind.TWINS, _like(char) or say("a letter of phonetics or of old writing"))
        return
    if names & home or not all(map(twin_of, word)):
        return
    if strict or len(word) > 1 or "Greek" not in names or word in _GREEK_TWINS:
        yield from ((i, Odd(Kind.ALPHABETS, _like(char))) for i, char in enumerate(word))


def _forms(text: str, home: frozenset[str]) -> Iterator[tuple[int, Odd]]:
    """Letters and digits in another dress. Full-width is how they are written in East Asian text; one circled sign is a sign, two are letters."""
    wide_is_usual = bool(EAST_ASIAN & home)
    dressed = {i: form for i, char in enumerate(text) if not char.isascii() and (form := _form_of(char))}
    for i, form in dressed.items():
        sign = form not in {"FULLWIDTH", "MATHEMATICAL"} and not ({i - 1, i + 1} & dressed.keys())
        if not sign and not (form == "FULLWIDTH" and wide_is_usual):
            yield i, Odd(Kind.FORMS, say("a compatibility form"))


def _in_numbers(text: str, home: frozenset[str]) -> Iterator[tuple[int, Odd]]:
    """Digits that are not those of the number they stand in, or of no alphabet that the text is written in."""
    for match in _NUMBER.finditer(text):
        if match.group().isascii():
            continue
        digits = [(match.start() + i, char) for i, char in enumerate(match.group()) if char.isdecimal()]
        several = len({ord(char) - unicodedata.decimal(char) for _, char in digits}) > 1
        for i, char in digits:
            if not char.isascii() and (several or not (_form_of(char) or scripts_of(char) & home)):
                yield i, Odd(Kind.DIGITS, say("the digit %(digit)s of another writing", digit=str(unicodedata.decimal(char))))


def _between(text: str) -> Iterator[tuple[int, Odd]]:
    """Signs between two plain letters or digits that would cut or join a name, were they what they look like."""
    for i in range(1, len(text) - 1):
        char = text[i]
        if char.isascii() or char.isalnum() or (sign := twin_of(char)) not in _CUTS:
            continue
        around = text[i - 1] + text[i + 1]
        if around.isascii() and around.isalnum() and (sign == "." or not around.isdigit()):  # 1 over 2, 3 to 1 are written so
            yield i, Odd(Kind.SIGNS, _like(char))


def _strict(text: str) -> Iterator[tuple[int, int, frozenset[str]]]:
    """What a machine reads: (from, to, alphabets that are at home there)."""
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token.isascii():
            continue
        drawn = _drawn(token)
        if token == text.strip() and all(char.isascii() or twin_of(char) for char in token) and not _is_typography(token):
            yield match.start(), match.end(), frozenset()
            continue
        for start, end in addresses.spans(drawn):
            if not token[start:end].isascii():
                yield match.start() + start, match.start() + end, _of_top_label(token[start:end], drawn[start:end])


def _drawn(token: str, *, letters: bool = True) -> str:
    """The token as it looks, character for character, so that an address in it is found where it only looks like one.

    Digits of other writings are left to the rule of numbers, marks to that of marks. Full stops and strokes of East Asian text are what they are between its letters.
    """
    plain = list(token)
    for i, char in enumerate(token):
        twin = twin_of(char)
        if len(twin) != 1 or twin in _QUOTES or char.isdecimal() or is_mark(char) or not (letters or not char.isalnum()):
            continue
        if not twin.isalnum() and scripts_of(char) & EAST_ASIAN:
            around = token[max(0, i - 1) : i] + token[i + 1 : i + 2]
            if not (len(around) == 2 and around.isascii() and around.isalnum()):
                continue
        plain[i] = twin
    return "".join(plain)


def _is_typography(token: str) -> bool:
    """Whether only its dashes and quotation marks are not ASCII, as word processors put them: a range, a double name. Not in an identifier."""
    option = len(token) > 1 and not token[0].isascii() and twin_of(token[0]) == "-"
    if option or _MINUS & set(token):
        return False
    odd = {twin_of(char) for char in token if not char.isascii()}
    identifier = any(char.isdigit() for char in token) and any(char.isalpha() for char in token)
    return odd <= {"'", "`", "''", '"', "/"} if identifier else odd <= {"'", "`", "''", '"', "-", "/"}


def _of_top_label(address: str, drawn: str) -> frozenset[str]:
    """As browsers do: a name of twins is let pass under a top level that is plainly of the same alphabet."""
    for start, end in addresses.hosts(drawn):
        top = address[start:end][drawn[start:end].rfind(".") + 1 :]
        return frozenset().union(*(scripts_of(char) for char in top if char.isalpha() and not char.isascii() and not twin_of(char)))
    return frozenset()


def _in_address(text: str, start: int, end: int, own: frozenset[str]) -> Iterator[tuple[int, Odd]]:
    piece = text[start:end]
    for match in _WORD.finditer(piece):
        if not match.group().isascii():
            yield from _in_word(match.group(), start + match.start(), own, strict=True).items()
    for i, char in enumerate(piece, start):
        if not char.isascii() and not char.isalpha() and (twin := twin_of(char)):
            digit = char.isdecimal()
            yield (
                i,
                Odd(
                    Kind.DIGITS if digit else Kind.SIGNS,
                    say("the digit %(digit)s", digit=str(unicodedata.decimal(char)))
                    if digit
                    else say("looks like %(letter)s", letter=twin),
                ),
            )


def _names_of_hosts(text: str) -> list[str]:
    """How the host names outside of ASCII are registered: the surest way to tell two of them apart."""
    names = []
    for match in _TOKEN.finditer(text):
        if match.group().isascii():
            continue
        drawn = _drawn(match.group(), letters=False)
        for start, end in addresses.spans(drawn):
            address = drawn[start:end]
            hosts = (address[a:b] for a, b in addresses.hosts(address))
            names += [
                name
                for host in hosts
                if not host.isascii() and addresses.solid(host.rpartition(".")[2]).isalpha() and (name := addresses.registered(host))
            ]
    return [say("The host name is registered as %(names)s", names=", ".join(dict.fromkeys(names[:3])))] if names else []


def _most(word: str) -> str:
    names = [name for char in word for name in sorted(scripts_of(char))]
    return max(dict.fromkeys(names), key=names.count)


def _among(char: str, main: str) -> str:
    twin = _like(char) if main == "Latin" else ""
    return twin or say("a letter among %(script)s letters", script=main.replace("_", " "))


def _like(char: str) -> str:
    return say("looks like %(letter)s", letter=twin) if (twin := twin_of(char)) else ""


@lru_cache(maxsize=8192)
def _of_phonetics(char: str) -> bool:
    """A letter of no language's everyday writing; ligatures, ordinals and such are only other forms."""
    return not char.isascii() and not in_use(char) and unicodedata.normalize("NFKC", char) == char


@lru_cache(maxsize=8192)
def _form_of(char: str) -> str:
    """The dress a letter or digit is in: FULLWIDTH, MATHEMATICAL, CIRCLED, ...; "" when it is in none."""
    name = unicodedata.name(char, "")
    form = next((form for form in _FORMS if name.startswith(form + " ")), "")
    is_one = char.isalpha() or char.isdecimal() or " LETTER " in name or " DIGIT " in name
    return form if form and is_one else ""
