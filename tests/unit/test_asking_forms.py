"""How a question that brings the schema of its answer is put before people."""

from agents.dialects import read
from agents.dialects.asking import as_asked

FORM = {
    "type": "object",
    "required": ["boxes"],
    "properties": {
        "boxes": {"type": "integer", "title": "Boxes", "description": "How many\nto send", "minimum": 1, "maximum": 9},
        "mail": {"type": "string", "format": "email", "default": "a@example.com"},
        "size": {"type": "string", "enum": ["s", "l"], "enumNames": ["Small", "Large"]},
        "colour": {"oneOf": [{"const": "r", "title": "Red"}, {"const": "g"}]},
        "extras": {"type": "array", "items": {"type": "string", "enum": ["bow", "card"]}},
        "odd": True,
    },
}


def asked(value, schema=None):
    return as_asked(value, read(value, schema))


def test_each_field_of_a_form_is_a_question_in_words():
    shown = asked({"mode": "form", "message": "What shall I send?", "requestedSchema": FORM, "elicitationId": "e1"})
    assert shown == {
        "message": "What shall I send?",
        "elicitationId": "e1",
        "questions": {
            "boxes": "Boxes · How many to send · a whole number · at least 1 · at most 9 · has to be answered",
            "mail": "text · as email · a@example.com unless said otherwise · may be left out",
            "size": "one of: s (Small), l (Large) · may be left out",
            "colour": "one of: r (Red), g · may be left out",
            "extras": "any of: bow, card · may be left out",
            "odd": "a value of its own form · may be left out",
        },
    }


def test_so_is_a_schema_among_the_keys_of_ag_ui_and_nothing_else_is_touched():
    own = {
        "reason": "input_required",
        "message": "How many?",
        "response_schema": {"type": "object", "properties": {"n": {"type": "integer"}}},
    }
    assert asked(own)["questions"] == {"n": "a whole number · may be left out"}
    for value in ("What?", {"message": "What?"}, {**own, "questions": 1}, {**own, "response_schema": {"type": "integer"}}):
        assert asked(value) == value


def test_so_is_a_schema_that_came_beside_the_question():
    flag = {"type": "object", "properties": {"now": {"type": "boolean", "default": False}}}
    questions = {"now": "yes or no · no unless said otherwise · may be left out"}
    assert asked("Send it?", flag) == {"message": "Send it?", "questions": questions}
    assert asked({"message": "Send it?", "to": "ada"}, flag) == {"message": "Send it?", "to": "ada", "questions": questions}
    assert asked("Send it?", {"type": "boolean"}) == "Send it?"
