# ruff: noqa: RUF001  what is tested is what looks alike
"""Marks on letters: those a language is written with raise nothing, all others are named and raise the risk."""

import sys
import unicodedata
from typing import Literal

import pytest

from approvals.legible.characters import shows_itself
from approvals.legible.findings import faults, unreadable
from approvals.legible.marks import strange
from approvals.render.reveal import reveal

SAID = "marks on letters that are written without them"
MARKS = [char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char)[0] == "M" and shows_itself(char)]


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("https://p\u0323aypal.com/login", [9]),
        ("ann@ex\u0323ample.org", [6]),
        ("DE89 3704 0044 0532 0130 00\u0323", [27]),
        ("1\u03380000.00", [1]),
        ("do n\u0336o\u0336t\u0336 send", [4, 6, 8]),
        ("\u0440\u0331\u0430\u0443", [1]),
        ("\u03c0\u20e0 r", [1]),
        ("=\u0338", [1]),  # becomes one character, and still strikes through
        ("1\u20e3", [1]),
        ("p\u0e38ay", [1]),  # a mark of another script
        ("\u0e01\u0323", [1]),
        ("\u05d0\u0336", [1]),
        ("i\u0307stanbul", [1]),
        ("e\u0323\u0301", [1, 2]),
        ("\u0301a \u0301", [0, 3]),
        ("\U0001f44d\u0336", [1]),
    ],
)
def test_a_mark_that_belongs_nowhere_is_named_and_raises_the_risk(text: str, marked: list[int]) -> None:
    assert sorted(strange(text)) == marked
    for args, path in (({"to": text}, "to ("), ({"a": [{"b": text}]}, "a[0].b (")):
        assert any(found.startswith(path) and SAID in found for found in unreadable(args))
    assert SAID in faults(text)
    shown = reveal(text)
    assert "".join(part.text for part in shown.head) == text
    assert "".join(part.text for part in shown.head if part.kind == "chip") == "".join(text[i] for i in marked)
    assert any("Marks stand where nobody writes them" in sentence for sentence in shown.warnings)


@pytest.mark.parametrize(
    "text",
    [
        "Zürich, naïve œuvre, Žluťoučký kůň, Łódź, ångström, Ţara, İstanbul, Kırmızı güzel bir gün", "Tiếng Việt: xin chào, đơn hàng của tôi ở đâu, được rồi",
        "ậ ố ữ ặ", "Добрый день, ещё йод, їжак, ўсё", "Ἀθῆναι, ὥρα, Τι κάνεις;", "مُحَمَّدٌ رَسُولُ, قَدْ، إِنَّ", "שָׁלוֹם עוֹלָם, בְּרֵאשִׁית", "हिन्दी में नमस्ते, क़ानून", "বাংলা ভাষা",
        "தமிழ்", "ภาษาไทย ที่นี่ น้ำ", "ພາສາລາວ", "ភាសាខ្មែរ", "မြန်မာ", "བོད་ཡིག", "がぎぐ ぱぴぷ ガギグ", "한국어", "ދިވެހި",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_marks_a_language_is_written_with_raise_nothing(text: str, form: Literal["NFC", "NFD"]) -> None:
    text = unicodedata.normalize(form, text)
    assert strange(text) == frozenset() and SAID not in faults(text)
    assert not [part for part in reveal(text).head if part.kind == "chip"]


def test_no_mark_at_all_stands_on_a_digit_unnoticed() -> None:
    assert len(MARKS) > 2_000
    for char in MARKS:
        text = f"1{char}0"
        assert SAID in faults(text) and [part.kind for part in reveal(text).head] == ["text", "chip", "text"], hex(ord(char))


def test_a_mark_stands_on_a_plain_letter_unnoticed_only_where_both_are_one_character() -> None:
    for char in MARKS:
        one = len(unicodedata.normalize("NFC", f"a{char}")) == 1
        assert one is not bool(strange(f"a{char}b")), hex(ord(char))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://p\u0323aypal.com/login", "xn--paypal-b4d.com"),
        ("write to ann@ex\u0323ample.org", "xn--example-moe.org"),
        ("see p\u0338aypal.com now", "xn--paypal-i8d.com"),
        ("paypal.c\u0323om", "paypal.xn--com-ghc"),
        ("mu\u0308nchen.de", "xn--mnchen-3ya.de"),
        ("https://\u0909\u0926\u093e\u0939\u0930\u0923.\u092d\u093e\u0930\u0924/x", "xn--p1b6ci4b4b3a.xn--h2brj9c"),
    ],
)
def test_a_host_with_marks_is_a_host_and_said_as_it_is_registered(text: str, name: str) -> None:
    assert f"The host name is registered as {name}" in reveal(text).warnings


def test_a_twin_beside_a_mark_is_still_found_in_a_host() -> None:
    assert "letters that look like others" in faults("https://m\u0131cro\u0323soft.com/x")


def test_endless_marks_are_looked_at_once() -> None:
    text = "a" + "\u0301\u0323" * 60_000
    assert len(strange(text)) == 120_000 and "stacked marks" in faults(text)
