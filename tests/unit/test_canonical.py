"""One canonical form: what has none is refused, never repaired."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import canonical
from audit.canonical import ANSWERED_INT, MAX_BYTES, MAX_DEPTH, MAX_INT, NotCanonical, dumps, parse

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
whole = st.integers(-MAX_INT, MAX_INT)
real = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not MAX_INT < abs(x) < 1e21)
values = st.recursive(
    st.none() | st.booleans() | whole | real | texts, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)


def nested(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


@given(values)
def test_what_is_written_reads_back_and_is_written_the_same(value):
    data = canonical.dumps(value)
    assert canonical.parse(data) == value
    assert canonical.dumps(canonical.parse(data)) == data


@given(st.dictionaries(texts, whole, max_size=6))
def test_the_order_of_keys_changes_nothing(value):
    backwards = dict(reversed(value.items()))
    assert canonical.fingerprint(value) == canonical.fingerprint(backwards)


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_text_is_parsed_or_refused_with_a_sentence(text):
    try:
        canonical.dumps(canonical.parse(text))
    except NotCanonical as error:
        assert str(error)


@given(values)
def test_whatever_is_parsed_from_ordinary_json_is_that_value(value):
    assert canonical.parse(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "not a finite number"),
        (float("inf"), "not a finite number"),
        (MAX_INT + 1, "beyond 2^53-1"),
        (-MAX_INT - 1, "beyond 2^53-1"),
        (1e17, "beyond 2^53-1"),
        ({"a": "nul\x00"}, "NUL"),
        ({"nul\x00": 1}, "NUL"),
        (["\ud800"], "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        ({1: "one"}, "not text"),
        ([b"bytes"], "bytes"),
        ({"set": {1}}, "set"),
        (nested(MAX_DEPTH + 1), "nested deeper"),
        ("x" * MAX_BYTES, "bytes; at most"),
    ],
)
def test_what_has_no_canonical_form_is_refused(value, why):
    with pytest.raises(NotCanonical, match=why.replace("^", r"\^")):
        canonical.dumps(value)


@pytest.mark.parametrize("value", [MAX_INT, -MAX_INT, nested(MAX_DEPTH), "x" * (MAX_BYTES - 2), "Å", "\U0010ffff", 0.1, True, None, []])
def test_the_edges_are_inside(value):
    assert canonical.parse(canonical.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1, "a": 2}', "stands twice"),
        ('[{"a": {"b": 1, "b": 1}}]', "stands twice"),
        ('{"a": 1, "\\u0061": 2}', "stands twice"),
        ("NaN", "not a JSON number"),
        ("[-Infinity]", "not a JSON number"),
        ('{"a": 1', "not valid JSON"),
        ("", "not valid JSON"),
        ("'a'", "not valid JSON"),
        ('"\\u0000"', "NUL"),
        ('"\\ud800"', "surrogate"),
        (b"\xff\xfe", "not valid UTF-8"),
        ("9007199254740993", "beyond"),
        ("1" * 5_000, "too large"),
        ("[" * 50_000, "nested deeper"),
        ("[" * 40 + "]" * 40, "nested deeper"),
        (" " * (MAX_BYTES + 1), "at most"),
        ("1e400", "finite"),
    ],
)
def test_text_that_is_not_strict_json_is_refused(text, why):
    with pytest.raises(NotCanonical, match=why):
        canonical.parse(text)


def test_unicode_is_not_normalised():
    assert canonical.fingerprint("\u212b") != canonical.fingerprint("\u00c5") != canonical.fingerprint("A\u030a")


def test_the_known_bytes_of_rfc_8785():
    assert canonical.dumps({"\u20ac": 1, "\r": 2, "a": [56.0, 1e30, 0.002]}) == b'{"\\r":2,"a":[56,1e+30,0.002],"\xe2\x82\xac":1}'


def test_the_domain_keeps_digests_of_one_use_out_of_another():
    assert canonical.digest("a", b"{}") != canonical.digest("b", b"{}")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.binary(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4) | st.tuples(inner)
        ),
    )
)
def test_anything_can_be_made_storable(value):
    kept = canonical.storable(value)
    assert canonical.parse(canonical.dumps(kept)) == kept


def test_storable_shows_what_it_could_not_keep():
    assert canonical.storable("a\x00\ud800") == "a⟨U+0000⟩⟨U+D800⟩"
    assert canonical.storable("x" * 30, limit=10) == "xxxxxxxxxx… [30 characters in all]"
    assert canonical.storable({1: {2}, "n": 2**60, "o": object}) == {"1": [2], "n": str(2**60), "o": str(object)}


def test_storable_shows_both_of_what_is_called_alike():
    assert canonical.storable({1: "one", "1": "uno"}) == {"1": "one", "1 ⟨str⟩": "uno"}
    assert canonical.storable({("a", 1): "v", "('a', 1)": "q"}) == {"('a', 1)": "v", "('a', 1) ⟨str⟩": "q"}


def test_storable_cuts_what_is_nested_too_deep_and_what_bites_its_tail():
    circle: list[Any] = []
    circle.append(circle)
    for value in (nested(5_000), circle):
        assert len(canonical.dumps(canonical.storable(value))) < 5_000


def test_the_advice_about_a_large_number_can_be_followed():
    with pytest.raises(NotCanonical) as refused:
        dumps({"id": MAX_INT + 1})
    assert "if the tool takes text" in str(refused.value) and "cannot be called through Countersign" in str(refused.value)


def test_only_what_is_passed_on_as_text_may_be_larger():
    assert parse(str(ANSWERED_INT), greatest=ANSWERED_INT) == ANSWERED_INT
    for text in (str(MAX_INT + 1), str(1e17)):
        with pytest.raises(NotCanonical):
            parse(text)
    with pytest.raises(NotCanonical, match=r"2\^63-1"):
        parse(str(ANSWERED_INT + 1), greatest=ANSWERED_INT)
