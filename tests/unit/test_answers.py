"""Answers to questions: which controls a schema gives, and the value that goes back."""

import json

import pytest

from approvals.web.answers import answer_form, is_form, read_answer
from audit import schemas

OBJECT = {"type": "object", "properties": {"cents": {"type": "integer", "minimum": 1}, "note": {"type": "string"}}, "required": ["cents"]}
BROKEN = [{"type": "banana"}, {"properties": 3}, {"$defs": 1, "$ref": "#/$defs/x"}, "no schema", 7]
ODD = [
    True,
    {"anyOf": [True, {"type": "null"}]},
    {"$ref": "#/$defs/gone"},
    {"type": ["integer", "string"]},
    {"items": True, "type": "array"},
]


def value(schema, posted):
    text, as_json, errors = read_answer(schema, posted)
    assert errors == {}
    return schemas.meant(text, schema, as_json=as_json)


@pytest.mark.parametrize(
    ("schema", "posted", "meant"),
    [
        (None, {"given": "words", "response": "false"}, "false"),
        (None, {"given": "no", "response": " "}, False),
        (None, {"given": "yes"}, True),
        (None, {"given": "json", "response": "30"}, 30),
        (None, {"given": "odd", "response": "30"}, "30"),
        ({"type": "integer"}, {"arg-answer": "30"}, 30),
        ({"type": "boolean"}, {"arg-answer": "false"}, False),
        ({"type": "string"}, {"arg-answer": "true"}, "true"),
        ({"enum": ["a", 1]}, {"arg-answer": "1"}, 1),
        (OBJECT, {"arg-cents": "5", "arg-note": ""}, {"cents": 5}),
        ({"$ref": "#/$defs/O", "$defs": {"O": OBJECT}}, {"arg-cents": "5"}, {"cents": 5}),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"arg-answer": '"5"'}, "5"),
    ],
)
def test_the_value_is_the_one_that_was_given(schema, posted, meant):
    assert value(schema, posted) == meant
    assert type(value(schema, posted)) is type(meant)


@pytest.mark.parametrize(
    ("schema", "posted", "where"),
    [
        (OBJECT, {"arg-cents": "none"}, "cents"),
        (OBJECT, {"arg-cents": "0"}, "cents"),
        (OBJECT, {"arg-cents": ""}, "cents"),
        (None, {"given": "no", "response": "but only"}, ""),
    ],
)
def test_what_does_not_fit_is_named(schema, posted, where):
    assert list(read_answer(schema, posted)[2]) == [where]


@pytest.mark.parametrize("schema", [*BROKEN, *ODD])
def test_no_schema_breaks_the_sheet(schema):
    form = answer_form(schema)
    assert bool(form.fields) == (schema in ODD and schema is not True)
    text, _, errors = read_answer(schema, {"arg-answer": "5", "response": "five"})
    assert text in {"5", "five"} or errors


def test_what_was_kept_stands_in_its_controls():
    assert [field.value for field in answer_form(OBJECT, response=json.dumps({"cents": 5, "note": "x"})).fields] == ["5", "x"]
    assert [field.value for field in answer_form({"type": "string"}, response="yes").fields] == ["yes"]


def test_the_words_of_a_tool_call_are_no_form():
    assert not is_form({"response": "instead"})
    assert is_form({"given": "no"}) and is_form({"arg-answer": "5"})
