"""What is wrong with one value: our sentence, without the value that stands beside it."""

import pytest

from approvals.web.schemaform import problems

LONG = "x" * 5_000


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ({"type": "string", "maxLength": 3}, LONG, "At most 3 characters."),
        ({"type": "string", "minLength": 1}, "", "At least 1 character."),
        ({"type": "string", "pattern": "^a$"}, LONG, "This does not fit the pattern ^a$"),
        ({"type": "integer"}, LONG, "This has to be a whole number."),
        ({"type": ["number", "null"]}, LONG, "This has to be a number or nothing."),
        ({"enum": ["a", 1, None]}, LONG, 'Only one of these fits: "a", 1, null'),
        ({"const": {"a": "ü"}}, LONG, 'Only {"a": "ü"} fits here.'),
        ({"minimum": 2.5}, 1, "At least 2.5."),
        ({"exclusiveMaximum": 2}, 2, "Less than 2."),
        ({"multipleOf": 0.01}, 0.001, "This has to be a multiple of 0.01."),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, LONG, "This fits nothing that the schema allows here."),
        ({"type": "array", "minItems": 2}, [LONG], "At least 2."),
        ({"required": ["a"]}, {"b": LONG}, "'a' is a required property"),
        (False, LONG, "This fits nothing that the schema allows here."),
    ],
)
def test_it_is_said_what_fits(schema, value, said):
    whole = {"properties": {"field": schema}}
    assert list(problems(whole, {"field": value}).values()) == [said]


def test_a_limit_that_is_long_is_cut():
    assert len(problems({"properties": {"field": {"enum": [LONG, "a"]}}}, {"field": "b"})["field"]) < 300
