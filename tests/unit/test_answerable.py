"""Whether any answer fits a schema, known before a person looks for one."""

import pytest
from pydantic import BaseModel, RootModel

from audit import schemas
from audit.answerable import ENDLESS, NOTHING, unanswerable

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def needs(name, schema, **more):
    return {"type": "object", "properties": {name: schema}, "required": [name], **more}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"anyOf": [NUMBER, {"$ref": "#"}]},
        {"$id": "http://x.example/a", "$ref": "http://x.example/a#"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}},
        needs("n", {"$ref": "#/properties/n"}),
    ],
)
def test_one_that_only_refers_to_itself_is_endless_and_says_so_without_the_words_of_python(schema):
    assert unanswerable(schema) == ENDLESS
    assert "recursion" not in schemas.why_not(schema, {"n": 1}) and schemas.why_not(schema, {"n": 1})


@pytest.mark.parametrize(
    "schema",
    [
        {"not": {}},
        {"not": True},
        {"enum": []},
        {"type": "string", "enum": [1, 2]},
        {"enum": ["a"], "allOf": [{"const": "b"}]},
        {"$ref": "#/$defs/a", "type": "integer", "$defs": {"a": {"const": "x"}}},
        {"allOf": [TEXT, NUMBER]},
        {"type": "string", "anyOf": [NUMBER, {"type": "null"}]},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "number", "exclusiveMinimum": 3, "maximum": 3},
        {"type": "string", "minLength": 3, "maxLength": 2},
        needs("n", False),
        needs("n", TEXT, allOf=[{"properties": {"n": NUMBER}}]),
        needs("n", {"$ref": "#"}),
        {"type": "object", "required": ["n"], "additionalProperties": False},
        {"type": "array", "minItems": 1, "items": False},
        {"$ref": "#/$defs/E", "type": "null", "$defs": {"E": {"anyOf": [NUMBER, TEXT]}}},
        {"anyOf": [needs("a", {"$ref": "#"}), needs("b", {"$ref": "#"})]},
    ],
)
def test_one_that_contradicts_itself_takes_nothing(schema):
    assert unanswerable(schema) == NOTHING


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, 1),
        ({"properties": {"next": {"$ref": "#"}}, "type": "object"}, {"next": {}}),
        (needs("n", {"anyOf": [{"type": "null"}, {"$ref": "#"}]}), {"n": None}),
        ({"type": "array", "items": {"$ref": "#"}}, [[]]),
        ({"minimum": 3, "maximum": 2}, "text"),
        ({"type": ["string", "integer"], "minimum": 3, "maximum": 2}, "text"),
        ({"type": "number", "allOf": [NUMBER]}, 2),
        ({"properties": {"not": {}, "n": False}}, {"not": 1}),
        ({"properties": {"not": {"$ref": "#"}}}, {"not": {}}),
        ({"const": None}, None),
        (needs("kind", {"enum": ["a", {"$ref": "#"}]}), {"kind": "a"}),
        ({"$ref": "#/$defs/a", "$defs": {"a": TEXT, "b": {"$ref": "#/$defs/b"}}}, "x"),
        ({"oneOf": [needs("a", TEXT), needs("b", NUMBER)]}, {"b": 1}),
        (needs("e", {"$ref": "#/$defs/E"}, **{"$defs": {"E": {"anyOf": [NUMBER, TEXT]}}}), {"e": 1}),
        ({"$ref": "#/$defs/E", "$defs": {"E": {"oneOf": [NUMBER, TEXT]}}}, "x"),
        (needs("e", {"allOf": [{"anyOf": [NUMBER, TEXT]}, {"anyOf": [TEXT, {"type": "null"}]}]}), {"e": "x"}),
        ({"anyOf": [needs("a", {"$ref": "#"}), TEXT]}, {"a": {"a": "x"}}),
        (
            needs("a", {"$id": "http://x.example/a", "$ref": "#/$defs/b", "$defs": {"b": NUMBER}}, **{"$defs": {"b": {"enum": []}}}),
            {"a": 1},
        ),
    ],
)
def test_where_something_fits_nothing_is_said_against_it(schema, value):
    assert unanswerable(schema) == "" == schemas.why_not(schema, value)


class Either(RootModel[int | str]):
    pass


class Asks(BaseModel):
    either: Either


def test_a_union_with_a_name_is_a_choice_as_any_other():
    assert unanswerable(Asks.model_json_schema()) == ""


def test_many_choices_of_many_are_not_looked_at_to_the_last():
    some = [{"anyOf": [needs(f"x{j}", {"anyOf": [TEXT, False]}) for _ in range(8)]} for j in range(12)]
    assert unanswerable({"allOf": some}) == ""
