"""Schemas of others, held against values: what they cannot do to our processor, and that they still mean what they say."""

import json

import jsonschema
import pytest
from jsonschema import _keywords, _utils

from audit import schemas

ENDLESS = "^(a+)+$"
LONG = "a" * 5_000 + "!"  # Python's own `re` would need longer than the world is old


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": ENDLESS}, LONG),
        ({"patternProperties": {ENDLESS: {"type": "integer"}}}, {LONG: "text"}),
        ({"patternProperties": {ENDLESS: True}, "additionalProperties": False}, {LONG: 1}),
        ({"propertyNames": {"pattern": ENDLESS}}, {LONG: 1}),
        ({"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": ENDLESS}}}, {"a": LONG}),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "items": {"$ref": "#"}, "pattern": ENDLESS}, [LONG]),
        ({"not": {"$schema": "https://json-schema.org/draft/2020-12/schema", "not": {"pattern": ENDLESS}}}, LONG),
        ({"unevaluatedProperties": False, "allOf": [{"patternProperties": {ENDLESS: True}}]}, {LONG: 1}),
        ({"unevaluatedProperties": False, "$ref": "#/$defs/a", "$defs": {"a": {"patternProperties": {ENDLESS: True}}}}, {LONG: 1}),
    ],
)
def test_a_pattern_that_would_never_end_ends(schema, value, monkeypatch):
    for module in (_keywords, _utils):
        monkeypatch.setattr(module, "re", None)  # it is not even asked
    assert schemas.errors(schema, value) or schema.get("patternProperties") == {ENDLESS: {"type": "integer"}}
    schemas.why_not(schema, value)


@pytest.mark.parametrize("pattern", ["(?=a)b", "(?!a)b", "(?<=a)b", r"(a)\1", "[", "a{100000}", "(((a{100}){100}){100}"])
@pytest.mark.parametrize(
    "place", [lambda p: {"pattern": p}, lambda p: {"patternProperties": {p: {}}}, lambda p: {"anyOf": [{"items": {"pattern": p}}]}]
)
def test_a_pattern_that_needs_more_is_refused_with_a_sentence_and_nothing_fits_it(pattern, place):
    schema = place(pattern)
    assert "RE2" in schemas.broken(schema)
    assert "RE2" in schemas.unmatchable(schema)
    assert schemas.why_not(schema, "b")


def test_references_that_double_again_and_again_are_given_up():
    parts = {f"p{n}": {"allOf": [{"$ref": f"#/$defs/p{n + 1}"}] * 2} for n in range(40)} | {"p40": {"type": "integer"}}
    assert "too many steps" in schemas.why_not({"$ref": "#/$defs/p0", "$defs": parts}, 1)


def test_nothing_is_fetched_to_understand_a_schema(socket_disabled):
    assert "cannot be used" in schemas.why_not({"$ref": "http://127.0.0.1:9/schema.json"}, 1)


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        (r"^[\w.+-]+@[\w-]+\.[a-z]{2,}$", "a.b@example.com", "a b@example.com"),
        (r"^\d{4}-\d{2}$", "2026-11", "2026-1"),
        (r"^\u00e9t\u00e9$", "été", "ete"),
        (r"^\\u0041$", r"\u0041", "A"),
        (r"^\p{Lu}", "Éa", "éa"),
        (r"b", "abc", "ac"),
        (r"^/\/x$", "//x", "/x"),
    ],
)
def test_patterns_mean_what_they_say(pattern, fits, does_not):
    assert (schemas.why_not({"pattern": pattern}, fits), bool(schemas.why_not({"pattern": pattern}, does_not))) == ("", True)


@pytest.mark.parametrize("value", ["\ud800", "x\udfff", {"\ud800": 1}])
def test_half_a_character_fits_no_pattern_and_breaks_nothing(value):
    assert schemas.errors({"pattern": "^x$", "patternProperties": {"x": {}}, "additionalProperties": False}, value)


SUITE = [
    (
        {"properties": {"a": {}}, "patternProperties": {"^x": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
        [{"a": 1, "x1": 2, "b": "c"}, {"x": "t"}, {"b": 3}, [], "s"],
    ),
    ({"additionalProperties": False, "properties": {"pattern": {"type": "string"}}}, [{}, {"pattern": "["}, {"more": 1}]),
    ({"properties": {"a": {}}, "unevaluatedProperties": False}, [{"a": 1}, {"b": 1}]),
    (
        {
            "$ref": "#/$defs/n",
            "$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}, "additionalProperties": False}},
        },
        [{"next": {"next": {}}}, {"next": {"nxt": {}}}],
    ),
    ({"if": {"pattern": "^a"}, "then": {"maxLength": 2}, "else": {"minLength": 3}}, ["ab", "abc", "bc", "bcd"]),
]


@pytest.mark.parametrize(("schema", "values"), SUITE)
def test_the_rest_is_as_the_library_has_it(schema, values):
    theirs = jsonschema.Draft202012Validator(schema)
    for value in values:
        assert [e.json_path for e in schemas.errors(schema, value)] == [e.json_path for e in theirs.iter_errors(value)], json.dumps(value)


@pytest.mark.parametrize(
    "schema",
    [{"properties": 3}, {"type": "banana"}, {"minLength": "x"}, {"required": 5}, {"$ref": 7}, {"patternProperties": [1]}, {"pattern": 3}],
)
def test_what_is_no_schema_refuses_and_raises_nothing(schema):
    values: list = [{}, "text", [1]]
    for value in values:
        assert schemas.why_not(schema, value)
        schemas.errors(schema, value)


@pytest.mark.parametrize("amount", [19.99, 0.07, 4.35, 1.1, 20, -3.3, 1e300])
def test_what_is_a_multiple_in_decimals_is_one(amount):
    assert not schemas.errors({"multipleOf": 0.01}, amount)


@pytest.mark.parametrize(("step", "amount"), [(0.01, 19.995), (5, 12), (0.1, 0.25), (5e-324, 1.7e308), (1e300, 1)])
def test_what_is_none_is_told(step, amount):
    assert [e.validator for e in schemas.errors({"multipleOf": step}, amount)] == (["multipleOf"] if amount != 1.7e308 else [])
