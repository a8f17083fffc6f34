"""Nothing in a text may hide: proved over every code point there is, then over the tricks by name."""

import sys
import unicodedata

import pytest

from approvals.legible.characters import name_of, shows_itself
from approvals.render.reveal import CHIPS, LONG, Revealed, reveal

# Properties Python does not expose, written down from the Unicode Character Database: Default_Ignorable_Code_Point.
IGNORABLE = [
    0x00AD, 0x034F, 0x061C, *range(0x115F, 0x1161), *range(0x17B4, 0x17B6), *range(0x180B, 0x1810), *range(0x200B, 0x2010),
    *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0, *range(0xFFF0, 0xFFF9),
    *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000),
]  # fmt: skip
BLANK = [0x2800, 0x1D159, 0x13441, 0x13442, 0x16FE4, 0xFFFC]


def pieces(shown: Revealed) -> list[tuple[str, str]]:
    return [(part.kind, part.label or part.text) for part in shown.head + shown.middle + shown.tail]


def whole(shown: Revealed) -> str:
    return "".join(part.text for part in shown.head + shown.middle + shown.tail)


def test_every_code_point_is_shown_as_itself_or_named() -> None:
    invisible = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    for number, start in enumerate(range(0, sys.maxunicode + 1, CHIPS // 2)):
        chars = [chr(point) for point in range(start, min(start + CHIPS // 2, sys.maxunicode + 1))]
        if number % 16 and all(unicodedata.category(char) in {"Cn", "Co"} for char in chars):
            continue  # nobody has made these yet, or only for themselves: one is as the next
        text = "a" + "".join(f"{char}a" for char in chars)
        shown = reveal(text, whole=True)
        assert not shown.escaped and whole(shown) == text
        named = [part.label for part in shown.head if part.kind == "chip"]
        foreign = {c for c in chars if unicodedata.category(c)[0] == "M" and len(unicodedata.normalize("NFC", f"a{c}")) > 1}
        assert named == [
            f"\N{MATHEMATICAL LEFT ANGLE BRACKET}U+{ord(c):04X}\N{MATHEMATICAL RIGHT ANGLE BRACKET}"
            for c in chars
            if not shows_itself(c) or c in foreign
        ]
        assert not [c for c in chars if shows_itself(c) and c != "\n" and unicodedata.category(c) in invisible]


def test_nothing_a_font_leaves_blank_shows_itself() -> None:
    assert [hex(point) for point in IGNORABLE + BLANK if shows_itself(chr(point))] == []


def test_spaces_other_than_the_ordinary_one_are_named() -> None:
    odd = [chr(p) for p in range(sys.maxunicode + 1) if unicodedata.category(chr(p)) == "Zs" and p != 0x20]
    assert odd and not any(shows_itself(char) for char in odd)


def test_a_run_of_chips_is_one_chip_that_counts() -> None:
    assert pieces(reveal("a\u200b\u200b\u200b\u202eb")) == [
        ("text", "a"), ("chip", "⟨U+200B \N{MULTIPLICATION SIGN}3 U+202E⟩"), ("text", "b"),
    ]  # fmt: skip


def test_text_cannot_draw_a_chip() -> None:
    assert pieces(reveal("⟨U+202E⟩")) == [("chip", "⟨U+27E8⟩"), ("text", "U+202E"), ("chip", "⟨U+27E9⟩")]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("rm -rf /tmp/x ", "⟨U+0020⟩"),
        ("one  \ntwo", "⟨U+0020 \N{MULTIPLICATION SIGN}2⟩"),
        ("   ", "⟨U+0020 \N{MULTIPLICATION SIGN}3⟩"),
        ("a" + " " * 40 + "b", "⟨U+0020 \N{MULTIPLICATION SIGN}40⟩"),
        ("a\n\n\n\n\nb", "⟨U+000A \N{MULTIPLICATION SIGN}5⟩"),
        ("a\tb", "⟨U+0009⟩"),
        ("a\r\nb", "⟨U+000D⟩"),
        ("\x1b[31m", "⟨U+001B⟩"),
    ],
)
def test_padding_and_controls_are_named(text: str, label: str) -> None:
    assert ("chip", label) in pieces(reveal(text))


def test_indentation_stays_readable() -> None:
    assert pieces(reveal("if a:\n    b  c")) == [("text", "if a:\n    b  c")]


def test_marks_stack_two_high_and_need_a_letter() -> None:
    shown = pieces(reveal("\u05d1\u05b0\u05bc\u05b8\u05b9"))
    assert shown == [("text", "\u05d1\u05b0\u05bc"), ("chip", "⟨U+05B8 U+05B9⟩")]
    assert pieces(reveal("a \u0301b"))[1] == ("chip", "⟨U+0301⟩")


def test_letters_of_two_alphabets_in_one_word_are_marked() -> None:
    shown = reveal("p\u0430ypal.com")
    assert ("odd", "\u0430") in pieces(shown)
    assert shown.warnings == ("Letters of different alphabets in one word", "The host name is registered as xn--pypal-4ve.com")
    assert "looks like a" in next(part.title for part in shown.head if part.kind == "odd")


def test_a_whole_word_of_twins_among_latin_is_marked() -> None:
    assert reveal("pay to \u0441\u043e\u0440\u0435 now").warnings
    assert not reveal("Добрый день, заказ").warnings


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("https://bank.com@evil.example/", "before the @"),
        ("http://xn--pypal-4ve.com", "punycode"),
        ("javascript:alert(1)", "carries a script"),
        ("\uff41\uff42\uff43", "special form"),
        ("A\u030angstrom", "separate marks"),
    ],
)
def test_addresses_and_forms_that_mislead_are_said(text: str, word: str) -> None:
    assert word in " ".join(reveal(text).warnings)


def test_the_payload_behind_a_hundred_kilobytes_is_in_the_tail() -> None:
    shown = reveal("x" * 100_000 + " rm -rf /")
    assert whole(shown).endswith("rm -rf /") and len(whole(shown)) == shown.length == 100_009
    assert shown.hidden == 100_009 - 1600
    assert shown.tail[-1].text.endswith("rm -rf /")


def test_many_lines_are_folded_even_when_short() -> None:
    shown = reveal("\n".join("a" for _ in range(500)))
    assert shown.lines == 500 and shown.hidden > 0 and shown.length < LONG


def test_so_many_chips_that_they_would_hide_the_rest_are_written_out() -> None:
    text = "a\u200b" * (CHIPS + 1)
    shown = reveal(text)
    assert shown.escaped and "\\u200b" in whole(shown) and whole(shown).isascii()
    assert whole(shown).encode("ascii").decode("unicode_escape") == text


def test_names_say_what_has_no_name() -> None:
    assert name_of("\x00") == "U+0000 NULL"
    assert name_of("\x01") == "U+0001 CONTROL CHARACTER"
    assert name_of("\ud800") == "U+D800 LONE SURROGATE"
    assert name_of("\ue000") == "U+E000 PRIVATE USE"
    assert name_of("\u0378") == "U+0378 UNASSIGNED"
